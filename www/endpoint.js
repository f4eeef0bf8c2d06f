// An endpoint that learns and answers in the place of the tab, where the user wants that: its setting, and what keeps it from being used. Whenever it
// cannot be, the tab goes on by itself.

import { chosen, keepChoice } from "./choice.js";
import { Client, EdgeError } from "./client.js";
import { EngineError, typed } from "./error.js";
import { doubtsBy, explainedBy } from "./evidence.js";
import { takeAdapter } from "./kept/recall.js";
import { Remote } from "./remote.js";
import { text } from "./strings.js";
import { EndpointView } from "./views/endpoint.js";

/** @import { AdaptOptions, ClassifyOptions, Engine, PictureSource } from "./engine.js" */
/** @import { Keeper } from "./kept/keeper.js" */
/** @import { Runner } from "./runner.js" */
/** @import { Task } from "./task.js" */
/** @import { Status } from "./views/status.js" */

/**
 * Why an endpoint cannot be used.
 * @typedef {"address" | "plain" | "offline" | "policy" | "origin" | "unreachable" | "none" | "token" | "rate" | "failed" | "model" | "missing" | "refused"} Trouble
 */

/** token "": none is kept. @typedef {{ url: string, token: string }} Setting */

const settingKey = "haguruma.endpoint";

/** How long the browser may take to say that its policy forbids an address, and an endpoint to say that it is there, ms. */
const patience = { policy: 300, probe: 5000 };

/**
 * @typedef {object} EndpointParts
 * @property {Task} task
 * @property {Runner} runner
 * @property {Status} status
 * @property {() => Keeper | null} keeper
 * @property {() => void} onChange answers come from elsewhere now
 */

export class Endpoint {
	#parts;
	#view;
	/** @type {Remote | null} */
	#remote = null;
	/** @type {Client | null} */
	#client = null;
	/** why it is not used; null: it is, once it is known to be fit @type {Trouble | null} */
	#trouble = null;
	/** it knows the token, has the same model, and the sign is there: it may be sent pictures */
	#fit = false;
	/** ends what is under way there */
	#ending = new AbortController();
	/** @type {Engine | null} */
	#engine = null;
	/** the user wants experts */
	#experts = true;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	#later;
	/** addresses that the page's policy forbade @type {Set<string>} */
	#forbidden = new Set();

	/** @param {EndpointParts} parts */
	constructor(parts) {
		this.#parts = parts;
		this.#view = new EndpointView({
			use: (address, token, keep) => void this.#use(address, token, keep),
			stop: () => this.#stop(),
			retry: () => void this.#check(),
			open: (name) => void this.#open(name),
		});
		document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
			if (effectiveDirective === "connect-src" && URL.canParse(blockedURI)) this.#forbidden.add(new URL(blockedURI).origin);
		});
		const { url, token } = saved();
		if (token) this.#begin({ url, token });
		this.#view.fill(url);
		this.#show();
	}

	/** The engine that the page's work goes through: the tab's, with what an endpoint does in its place. @param {Engine} engine @returns {Engine} */
	around(engine) {
		this.#engine = engine;
		this.#fit = false; // for this engine's model
		if (this.#remote) void this.#check();
		/** What the version in use brought along. */
		const judged = () => {
			const keeper = this.#parts.keeper();
			return keeper?.versions.find(({ number }) => number === keeper.current)?.info?.judged;
		};
		/** @type {Pick<Engine, "adapt" | "classify" | "explain" | "review" | "useExperts">} */
		const own = {
			adapt: (/** @type {AdaptOptions} */ options) => this.#instead((remote) => remote.adapt(engine, { ...options, experts: this.#experts }), () => engine.adapt(options)),
			classify: (picture, /** @type {ClassifyOptions} */ options) => this.#instead((remote) => remote.classify(engine, picture, options), () => engine.classify(picture, options)),
			explain: async () => explainedBy(await engine.explain(), judged()),
			review: async () => doubtsBy(await engine.review(), judged()),
			useExperts: (on) => engine.useExperts((this.#experts = on)),
		};
		return new Proxy(engine, {
			get(target, name) {
				if (Object.hasOwn(own, name)) return Reflect.get(own, name);
				const value = Reflect.get(target, name, target);
				return typeof value === "function" ? value.bind(target) : value; // its private fields are its own
			},
		});
	}

	/** Runner.classifyAll, or the same there. @param {PictureSource[]} pictures @param {AbortSignal} signal */
	classifyAll(pictures, signal) {
		const { runner } = this.#parts;
		const here = () => runner.classifyAll(pictures, signal);
		const engine = this.#engine;
		return engine ? this.#instead((remote) => remote.classifyAll(engine, pictures, signal), here) : here();
	}

	/**
	 * Has it done there; here where there is no endpoint, or it cannot.
	 * @template T
	 * @param {(remote: Remote) => Promise<T>} there
	 * @param {() => Promise<T>} here
	 */
	async #instead(there, here) {
		const remote = this.#remote;
		if (!remote || this.#trouble || !this.#fit) return here();
		try {
			return await there(remote);
		} catch (cause) {
			if (cause instanceof EngineError) throw cause; // of the tab's own engine, or of a picture
			if (remote === this.#remote) await this.#fail(cause);
			return here();
		}
	}

	/** @param {Setting} setting */
	#begin({ url, token }) {
		const { task, runner, keeper } = this.#parts;
		this.#ending.abort();
		const { signal } = (this.#ending = new AbortController());
		this.#client = new Client({ url, token, fetch: (input, init) => fetch(input, { ...init, signal }) });
		this.#remote = new Remote({ client: this.#client, where: url, task, knows: (of) => runner.knows(of), keeper, onName: () => this.#show() });
		this.#trouble = null;
		this.#fit = false;
	}

	/** @param {string} address @param {string} token @param {boolean} keep the token, beyond this visit */
	async #use(address, token, keep) {
		const found = addressOf(address);
		if (found === "address" || found === "plain") return void this.#parts.status.alert(() => text.endpointTroubles[found]);
		if (token.trim() === "") return void this.#parts.status.alert(() => text.endpointTroubles.token);
		const setting = { url: found, token: token.trim() };
		this.#begin(setting);
		if (await this.#check()) save(setting, keep);
		else if (this.#remote) {
			const trouble = this.#trouble ?? "failed";
			this.#parts.status.alert(() => text.endpointTroubles[trouble]);
			this.#stop();
		}
	}

	/** Asks whether it can be used, with this token and for this model. */
	async #check() {
		const [remote, client] = [this.#remote, this.#client];
		if (!remote || !client) return false;
		clearTimeout(this.#later);
		try {
			const { sha256 } = await client.bundle();
			if (remote !== this.#remote) return false;
			const other = this.#engine && sha256 !== this.#engine.hashes.bundle;
			this.#trouble = other ? "model" : null;
			this.#fit = !other;
		} catch (cause) {
			if (remote !== this.#remote) return false;
			await this.#fail(cause);
		}
		this.#show();
		this.#parts.onChange();
		return this.#trouble === null;
	}

	/** From now on the tab does it, until it is tried again. @param {unknown} cause */
	async #fail(cause) {
		console.info(`endpoint: ${cause}`);
		const remote = this.#remote;
		const trouble = await this.#troubleOf(cause, remote?.where ?? "");
		if (remote !== this.#remote) return;
		this.#trouble = trouble;
		this.#show();
		if (trouble !== "rate" || !(cause instanceof EdgeError)) return;
		clearTimeout(this.#later);
		this.#later = setTimeout(() => void this.#check(), 1000 * (cause.retryAfter || 60));
	}

	/** @param {unknown} cause @param {string} url @returns {Promise<Trouble>} */
	async #troubleOf(cause, url) {
		if (cause instanceof EdgeError) {
			if (cause.status === 401) return "token";
			if (cause.status === 429) return "rate";
			if (cause.status >= 500) return "failed";
			return cause.code === "unknown" || cause.code === "no_route" ? "none" : "refused";
		}
		if (cause instanceof SyntaxError) return "none"; // a page where JSON was wanted
		await new Promise((resolve) => setTimeout(resolve, patience.policy));
		if (this.#forbidden.has(new URL(url).origin)) return "policy";
		if (!navigator.onLine) return "offline";
		// Whatever has an address answers a request whose answer the page does not get to see.
		const there = await fetch(`${url}/healthz`, { mode: "no-cors", cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(patience.probe) }).then(() => true, () => false);
		return there && new URL(url).origin !== location.origin ? "origin" : "unreachable";
	}

	#stop() {
		clearTimeout(this.#later);
		this.#ending.abort();
		this.#remote = this.#client = this.#trouble = null;
		save({ url: saved().url, token: "" }, false);
		this.#show();
		this.#parts.onChange();
	}

	/** Takes a classifier that is there into use. @param {string} name */
	async #open(name) {
		const { runner, task, status } = this.#parts;
		try {
			const file = await this.#client?.download(name.trim());
			if (file) await takeAdapter(runner, task, new Uint8Array(file));
		} catch (cause) {
			if (cause instanceof EngineError) {
				const { code } = typed(cause);
				return void status.alert(() => text.errors[code]);
			}
			const known = cause instanceof EdgeError && cause.status !== 401 && cause.status < 429;
			const trouble = known ? "missing" : await this.#troubleOf(cause, this.#remote?.where ?? location.origin);
			console.info(`endpoint: ${cause}`);
			status.alert(() => text.endpointTroubles[trouble]);
		}
	}

	#show() {
		this.#view.show(this.#remote && { where: this.#remote.where, name: this.#remote.name, trouble: this.#trouble });
	}
}

/** The address of an endpoint, without a slash at its end; nothing is this site. @param {string} address @returns {string | "address" | "plain"} what is wrong with it */
export function addressOf(address) {
	const wanted = address.trim();
	const full = wanted === "" ? location.origin : /^[a-z]+:/i.test(wanted) ? wanted : `https://${wanted}`;
	if (!URL.canParse(full)) return "address";
	const { protocol, hostname, origin, pathname, username, search, hash } = new URL(full);
	if (!/^https?:$/.test(protocol) || username || search || hash) return "address";
	const near = origin === location.origin || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
	return protocol === "http:" && !near ? "plain" : origin + pathname.replace(/\/+$/, "");
}

/** @returns {Setting} */
function saved() {
	/** @type {Setting[]} */
	const found = [];
	for (const value of [session(), chosen(settingKey)]) {
		try {
			const { url, token } = JSON.parse(value || "{}");
			if (typeof url === "string" && addressOf(url) === url) found.push({ url, token: typeof token === "string" ? token : "" });
		} catch {
			// not of this version
		}
	}
	return found.find(({ token }) => token) ?? found[0] ?? { url: "", token: "" };
}

function session() {
	try {
		return sessionStorage.getItem(settingKey);
	} catch {
		return null;
	}
}

/** @param {Setting} setting @param {boolean} keep the token beyond this visit */
function save(setting, keep) {
	keepChoice(settingKey, JSON.stringify(keep ? setting : { url: setting.url }));
	try {
		sessionStorage.setItem(settingKey, JSON.stringify(setting));
	} catch {
		// a browser that keeps nothing asks again when the page is opened anew
	}
}
