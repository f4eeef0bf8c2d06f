// The page's task at an endpoint. It is sent pictures and learns and answers in the place of the tab, whose engine is given each adapter at once: both have
// the same in use, so whichever is asked says the same.

import { chosen, keepChoice } from "./choice.js";
import { EdgeError } from "./client.js";
import { EngineError, typed } from "./error.js";
import { encodePixels } from "./kept/files.js";
import { sumOf } from "./kept/keeper.js";
import { notesOf } from "./kept/notes.js";
import { asResult } from "./kept/recall.js";

/** @import { AdaptOptions, AdaptResult, ClassifyResult, Judged, Engine, PictureOptions, PictureSource } from "./engine.js" */
/** @import { Answer, Client, Example, Learned } from "./client.js" */
/** @import { Keeper } from "./kept/keeper.js" */
/** @import { KeptVersion } from "./kept/shelf.js" */
/** @import { Class, Task } from "./task.js" */

/** Where it is kept which task there is the page's. */
const linkKey = "haguruma.endpoint.task";

/** Pictures of one request. */
const batch = 32;

/** Least time between two pictures that a camera or a hand makes, ms: half of what an endpoint allows by itself. */
const pace = 200;

/**
 * The page's task there.
 * @typedef {object} Link
 * @property {string} where
 * @property {string} id
 * @property {Record<string, number>} versions numbers there, by what the page's adapter says
 */

/**
 * @typedef {object} RemoteParts
 * @property {Client} client
 * @property {string} where the endpoint's address, for people and for the journal
 * @property {Task} task
 * @property {(of: Class) => boolean} knows the tab's engine has the class
 * @property {() => Keeper | null} keeper
 * @property {() => void} onName the task there has a name, or another one
 */

export class Remote {
	#parts;
	/** @type {Link | null} */
	#link = null;
	/** number there of the version in use there; 0: not known */
	#inUse = 0;
	/** numbers there of versions made there, by the page's number, until the keeper has them @type {Map<number, number>} */
	#fresh = new Map();
	/** what is sent of a picture, and its sha256 @type {WeakMap<object, Promise<{ file: Blob, sum: string }>>} */
	#squares = new WeakMap();
	/** @type {Promise<KeptVersion | null>} */
	#placing = Promise.resolve(null);
	/** when the last picture was sent, or will be */
	#sent = -Infinity;

	/** @param {RemoteParts} parts */
	constructor(parts) {
		this.#parts = parts;
	}

	get where() {
		return this.#parts.where;
	}

	/** The name of the page's task there; "": there is none yet. */
	get name() {
		return this.#link?.id ?? "";
	}

	/**
	 * Engine.adapt, there. The tab's engine has the adapter in use when this is fulfilled.
	 * @param {Engine} engine the tab's
	 * @param {AdaptOptions & { experts: boolean }} options
	 * @returns {Promise<AdaptResult>} rejects with an EdgeError or what fetch rejects with where the endpoint is at fault
	 */
	async adapt(engine, { force = false, experts, signal }) {
		const begin = performance.now();
		const classes = this.#parts.task.classes.filter((c) => this.#parts.knows(c)).map(({ key, name, examples }) => ({ key, name, examples: examples.filter((x) => x.state === "ready") }));
		/** @type {Example[]} */
		const examples = [];
		/** keys of the first example with each picture, by its sha256 @type {Map<string, number>} */
		const keys = new Map();
		for (const { name, examples: own } of classes) {
			for (const { key, source } of own) {
				const { file, sum } = await this.#square(engine, source);
				examples.push({ class: name, file });
				if (!keys.has(sum)) keys.set(sum, key);
			}
		}
		const options = { experts: /** @type {"on" | "off"} */ (experts && engine.hashes.experts ? "on" : "off"), ...(signal && { signal }) };
		const learned = await this.#linked(async () => {
			const { client } = this.#parts;
			return this.#link ? client.adaptAgain(this.#link.id, examples, { force, ...options }) : client.adapt(examples, options);
		});
		this.#join(learned.task.id);
		this.#parts.keeper()?.sent({ where: this.where, task: learned.task.id, pictures: examples.length });
		const judged = judgedHere(learned, keys, new Map(classes.map(({ name, key }) => [name, key])));
		const result = learned.version === 0 ? refused(learned) : await this.#take(engine, learned, classes.map(({ key }) => key), notesOf(classes, judged));
		return { ...result, ...(judged && { judged }), where: this.where, ms: performance.now() - begin };
	}

	/** Takes what was learnt there into use here. @param {Engine} engine @param {Learned} learned @param {number[]} keys of its classes @param {Uint8Array} notes of its examples */
	async #take(engine, { task, version, explanation, verdict }, keys, notes) {
		this.#inUse = version;
		const file = new Uint8Array(await this.#parts.client.download(task.id, version));
		const made = await engine.importAdapter(file, keys, notes).catch((cause) => {
			throw /^adapter/.test(typed(cause).code) ? new EdgeError(409, "adapter_bundle", `what was learnt there cannot be used here: ${cause}`) : cause;
		});
		const { experts } = await engine.useVersion(made.version);
		this.#fresh.set(made.version, version);
		const { leaveOneOut } = explanation;
		return { ...asResult(made, experts), verdict: judged(verdict), leaveOneOut };
	}

	/**
	 * Engine.classify, there. A file is read by the tab, which shows it; what is drawn or filmed is sent as it is.
	 * @param {Engine} engine the tab's
	 * @param {PictureSource} picture
	 * @param {PictureOptions} [options]
	 * @returns {Promise<ClassifyResult>}
	 */
	async classify(engine, picture, { thumbnail = 0 } = {}) {
		const live = thumbnail === 0 && "data" in picture;
		const read = live ? null : await engine.embed(picture, { thumbnail });
		const file = await (read ? squareFile(read.square) : encodePixels(/** @type {ImageData} */ (picture)));
		const now = performance.now();
		const begin = (this.#sent = live ? Math.max(now, this.#sent + pace) : now);
		if (begin > now) await new Promise((resolve) => setTimeout(resolve, begin - now));
		const [result] = await this.#ask([file]);
		if (!result) throw new EdgeError(502, "unknown", "no answer to the picture");
		return { ...result, thumbnail: read?.thumbnail ?? null, ms: performance.now() - begin + (read?.ms ?? 0) };
	}

	/**
	 * Classifies many pictures there, each with its result or its error.
	 * @param {Engine} engine the tab's, which reads them
	 * @param {PictureSource[]} pictures
	 * @param {AbortSignal} signal
	 */
	async classifyAll(engine, pictures, signal) {
		/** @type {(ClassifyResult | EngineError)[]} */
		const outcomes = pictures.map(() => new EngineError("aborted", "the caller stopped"));
		for (let at = 0; at < pictures.length && !signal.aborted; at += batch) {
			/** @type {{ i: number, file: Blob }[]} */
			const files = [];
			for (const [n, picture] of pictures.slice(at, at + batch).entries()) {
				const i = at + n;
				try {
					files.push({ i, file: await squareFile((await engine.embed(picture)).square) });
				} catch (cause) {
					outcomes[i] = typed(cause);
				}
			}
			if (files.length === 0 || signal.aborted) continue;
			const results = await this.#ask(files.map(({ file }) => file));
			for (const [n, { i }] of files.entries()) outcomes[i] = results[n] ?? new EngineError("internal", "no answer to the picture");
		}
		return outcomes;
	}

	/** @param {Blob[]} files @returns {Promise<ClassifyResult[]>} */
	async #ask(files) {
		const begin = performance.now();
		return this.#linked(async (inUse) => {
			if (!inUse || !this.#link) throw new EngineError("not_adapted", "nothing is in use");
			const { version, results } = await this.#parts.client.classify(this.#link.id, files);
			const other = version !== this.#link.versions[inUse.content];
			if (other) throw new EdgeError(409, "changed", "somebody else has taken another version into use");
			const ms = (performance.now() - begin) / files.length;
			return results.map((answer) => ({ ...this.#answer(answer, inUse), ms }));
		});
	}

	/** What was said there of a picture, by the ids of the tab's engine. @param {Answer} answer @param {KeptVersion} inUse */
	#answer({ scores, known }, { number, info }) {
		return {
			scores: scores.map(({ name, probability }, i) => ({ class: info?.classes[i]?.id ?? 0, name, probability, nearest: 0, nearestCosine: 0 })),
			unknown: !known, likeness: 0, unknownBelow: -1, version: number, thumbnail: null, where: this.where,
		};
	}

	/**
	 * Runs what wants the version that is in use here to be in use there. Once more where it, or the whole task, has gone there meanwhile.
	 * @template T
	 * @param {(inUse: KeptVersion | null) => Promise<T>} run
	 */
	async #linked(run) {
		for (let again = true; ; again = false) {
			try {
				return await run(await (this.#placing = this.#placing.catch(() => null).then(() => this.#place()))); // one after the other
			} catch (cause) {
				const code = cause instanceof EdgeError ? cause.code : "";
				if (!again || !["no_task", "removed", "no_version", "changed", "not_adapted"].includes(code)) throw cause;
				this.#inUse = 0;
				if (code === "no_task" || code === "removed" || code === "no_version") this.#forget();
			}
		}
	}

	/** Brings the version that is in use here into use there. @returns {Promise<KeptVersion | null>} null: none is */
	async #place() {
		const { client, where } = this.#parts;
		const keeper = this.#parts.keeper();
		const version = keeper?.versions.find(({ number }) => number === keeper.current);
		if (!keeper || !version) return null;
		if (!this.#link && (this.#link = kept(where, keeper.versions))) this.#parts.onName();
		const link = this.#link;
		const there = link?.versions[version.content] ?? this.#fresh.get(version.number);
		if (link && there !== undefined) {
			if (this.#inUse !== there) await client.rollback(link.id, there);
			this.#inUse = link.versions[version.content] = there;
		} else {
			const { task, version: number } = await client.upload(link?.id ?? newName(), version.file);
			const { versions } = this.#join(task.id);
			this.#inUse = versions[version.content] = number;
			keeper.sent({ where, task: task.id, version: version.number }, version.content);
		}
		keepChoice(linkKey, JSON.stringify(this.#link));
		return version;
	}

	/** @param {string} id @returns {Link} */
	#join(id) {
		if (this.#link?.id === id) return this.#link;
		this.#link = { where: this.where, id, versions: {} };
		this.#parts.onName();
		return this.#link;
	}

	#forget() {
		this.#link = null;
		this.#fresh.clear();
		keepChoice(linkKey, "");
		this.#parts.onName();
	}

	/** The square that the backbone sees of an example, as a file: small, without whatever else is in the original, and worth the same bits. @param {Engine} engine @param {PictureSource} source */
	#square(engine, source) {
		let file = this.#squares.get(source);
		if (!file) {
			file = engine.embed(source).then(async ({ square }) => {
				const made = await squareFile(square);
				return { file: made, sum: await sumOf(new Uint8Array(await made.arrayBuffer())) };
			});
			file.catch(() => this.#squares.delete(source));
			this.#squares.set(source, file);
		}
		return file;
	}
}

/** @param {Uint8Array} square (side*side*3) */
function squareFile(square) {
	const side = Math.sqrt(square.length / 3);
	const data = new Uint8ClampedArray(4 * side * side).fill(255);
	for (let i = 0; i < side * side; i++) data.set(square.subarray(3 * i, 3 * i + 3), 4 * i);
	return encodePixels({ width: side, height: side, data });
}

/** The link of an earlier visit, where any version of it is still the page's. @param {string} where @param {KeptVersion[]} versions @returns {Link | null} */
function kept(where, versions) {
	try {
		const link = JSON.parse(chosen(linkKey) || "null");
		return link?.where === where && versions.some(({ content }) => Object.hasOwn(link.versions, content)) ? link : null;
	} catch {
		return null;
	}
}

const newName = () => `page-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;

/**
 * What was found out there of each example, by the page's keys; undefined: nothing.
 * @param {Learned} learned
 * @param {Map<string, number>} examples by picture
 * @param {Map<string, number>} classes by name
 * @returns {Judged[] | undefined}
 */
function judgedHere({ explanation }, examples, classes) {
	return explanation.judged?.flatMap(({ picture, class: of, said, probability, saying }) => {
		const keys = [examples.get(picture), classes.get(of), classes.get(said)];
		return keys.every((key) => key !== undefined) ? [{ example: keys[0] ?? 0, class: keys[1] ?? 0, said: keys[2] ?? 0, probability, saying }] : [];
	});
}

/** @param {Learned["verdict"]} verdict @returns {AdaptResult["verdict"]} */
const judged = ({ code, reason }) => ({ code: /** @type {AdaptResult["verdict"]["code"]} */ (code), reason, compared: 0, hits: 0, before: 0, logLoss: 0, logBefore: 0 });

/** What adapt would have said of what was not taken. @param {Learned} learned @returns {AdaptResult} */
function refused({ task, explanation, verdict, pictures }) {
	const version = { version: 0, parent: 0, classes: task.classes, examples: pictures.length, head: /** @type {AdaptResult["head"]} */ (explanation.head), strength: explanation.strength, finetuned: "", views: 1 };
	return { ...asResult({ ...version, verdict: judged(verdict), leaveOneOut: explanation.leaveOneOut }, null), taken: false };
}
