// A client of an endpoint (edge/) for pages, Node and other workers: plain fetch, no dependency. The shapes are those of /openapi.json.

/** @typedef {{ id: number, name: string }} Class */
/** @typedef {{ version: number, sha256: string, content: string, time: string, bytes: number, by: "adapted" | "imported", examples: number, classes: number, hits: number, total: number }} Version */
/** @typedef {{ version: number, share: number, need: number, seen: number, since: string }} Rollout */
/** @typedef {{ id: string, bundle: string, version: number, classes: Class[], examples: number, versions: Version[], rollout: Rollout | null, journal: { entries: number, head: string } }} Task */
/** @typedef {{ name: string, sha256: string, bytes: number, experts: string, dim: number, imageSize: number, kernel: string, card: string }} Bundle */
/** @typedef {{ head: string, strength: number, unknownBelow: number, trials: { head: string, strength: number, weight: number, hits: number, logLoss: number }[] | null, leaveOneOut: { hits: number, total: number, low: number, high: number, logLoss: number, confusion: number[][] } | null, judged: { picture: string, class: string, probability: number, said: string, saying: number }[] | null, doubts: { picture: string, class: string, said: string, probability: number }[], experts: { scores: number[], changed: number } | null }} Explanation */
/** @typedef {{ task: Task, version: number, taken: boolean, pictures: { class: string, picture: string }[], explanation: Explanation, verdict: { code: string, reason: string } }} Learned */
/** @typedef {{ name: string, class: string, probability: number, known: boolean, scores: { class: number, name: string, probability: number }[] }} Answer */
/** @typedef {{ outcome: "open" | "promoted" | "rolled-back", reason: string, repeated: number, task: Task }} Judged */
/** A picture whose class is known. @typedef {{ class: string, file: Blob }} Example */

/** @param {Record<string, unknown>} options */
const query = (options) => new URLSearchParams(Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));

/** What the edge says when it does not do what was asked. */
export class EdgeError extends Error {
	/** @param {number} status @param {string} code @param {string} detail @param {number} [retryAfter] seconds after which it may be asked again; 0: it does not say */
	constructor(status, code, detail, retryAfter = 0) {
		super(detail);
		this.name = "EdgeError";
		this.status = status;
		this.code = code;
		this.retryAfter = retryAfter;
	}
}

export class Client {
	#url;
	#token;
	#fetch;

	/** @param {{ url: string, token: string, fetch?: typeof globalThis.fetch }} options */
	constructor({ url, token, fetch = globalThis.fetch }) {
		this.#url = url.replace(/\/$/, "");
		this.#token = token;
		this.#fetch = fetch.bind(globalThis);
	}

	/** @param {string} method @param {string} path @param {{ body?: BodyInit, headers?: Record<string, string>, signal?: AbortSignal }} [init] */
	async #ask(method, path, { body, headers = {}, signal } = {}) {
		const response = await this.#fetch(this.#url + path, {
			method, cache: "no-store", headers: { authorization: `Bearer ${this.#token}`, ...headers }, ...(body === undefined ? {} : { body }), ...(signal ? { signal } : {}),
		});
		if (response.ok) return response;
		const problem = await response.json().catch(() => ({}));
		const retryAfter = Number(response.headers.get("retry-after") ?? 0);
		throw new EdgeError(response.status, problem.code ?? "unknown", problem.detail ?? `HTTP ${response.status}`, retryAfter > 0 ? retryAfter : 0);
	}

	/** @param {string} id */
	#task(id) {
		return `/v1/tasks/${encodeURIComponent(id)}`;
	}

	/** @param {Example[]} examples */
	#form(examples) {
		const form = new FormData();
		for (const { class: name, file } of examples) form.append(name, file, "picture");
		return form;
	}

	/** @returns {Promise<Bundle>} */
	async bundle() {
		return (await this.#ask("GET", "/v1/bundle")).json();
	}

	/**
	 * Begins a task. With a key, the same call again gives the same task.
	 * @param {Example[]} examples
	 * @param {{ head?: string, experts?: "on" | "off", key?: string, signal?: AbortSignal }} [options]
	 * @returns {Promise<Learned>}
	 */
	async adapt(examples, { key, signal, ...options } = {}) {
		return (await this.#ask("POST", `/v1/tasks?${query(options)}`, { body: this.#form(examples), ...(key ? { headers: { "idempotency-key": key } } : {}), ...(signal ? { signal } : {}) })).json();
	}

	/**
	 * Makes the next version of a task; share above 0 puts it on trial.
	 * @param {string} id
	 * @param {Example[]} examples
	 * @param {{ head?: string, experts?: "on" | "off", force?: boolean, share?: number, need?: number, signal?: AbortSignal }} [options]
	 * @returns {Promise<Learned>}
	 */
	async adaptAgain(id, examples, { signal, ...options } = {}) {
		return (await this.#ask("POST", `${this.#task(id)}/versions?${query(options)}`, { body: this.#form(examples), ...(signal ? { signal } : {}) })).json();
	}

	/** @param {string} id @param {Blob[]} pictures @param {{ signal?: AbortSignal }} [options] @returns {Promise<{ version: number, results: Answer[] }>} */
	async classify(id, pictures, options) {
		return (await this.#ask("POST", `${this.#task(id)}/classify`, { body: this.#form(pictures.map((file) => ({ class: "picture", file }))), ...options })).json();
	}

	/** Says of pictures what they are, for a version on trial. @param {string} id @param {Example[]} examples @returns {Promise<Judged>} */
	async feedback(id, examples) {
		return (await this.#ask("POST", `${this.#task(id)}/feedback`, { body: this.#form(examples) })).json();
	}

	/** @param {string} id @returns {Promise<Task>} */
	async task(id) {
		return (await (await this.#ask("GET", this.#task(id))).json()).task;
	}

	/** @param {string} id @param {number} [version] default: the one before @returns {Promise<Task>} */
	async rollback(id, version) {
		return (await (await this.#ask("POST", `${this.#task(id)}/rollback`, { body: JSON.stringify({ version }) })).json()).task;
	}

	/** The adapter's file, which every front reads. @param {string} id @param {number} [version] default: the one in use @returns {Promise<ArrayBuffer>} */
	async download(id, version) {
		return (await this.#ask("GET", `/v1/adapters/${encodeURIComponent(id)}${version ? `?version=${version}` : ""}`)).arrayBuffer();
	}

	/** @param {string} id @param {BodyInit} adapter @returns {Promise<{ version: number, task: Task }>} */
	async upload(id, adapter) {
		return (await this.#ask("PUT", `/v1/adapters/${encodeURIComponent(id)}`, { body: adapter, headers: { "content-type": "application/octet-stream" } })).json();
	}

	/** @param {string} id */
	async remove(id) {
		await this.#ask("DELETE", `/v1/adapters/${encodeURIComponent(id)}`);
	}

	/** The journal's lines. @param {string} id @returns {Promise<string>} */
	async journal(id) {
		return (await this.#ask("GET", `/v1/journal/${encodeURIComponent(id)}`)).text();
	}
}
