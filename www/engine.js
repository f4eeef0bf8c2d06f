// The engine as the page sees it: one class, every call a promise, all work in a Web Worker. The contract, with the
// messages, is engine.d.ts.

import { downloadBundle, downloadCode, downloadPart } from "./download.js";
import { EngineError } from "./error.js";
import { engineFile, relaxedSupported, simdSupported } from "./simd.js";
import { toBytes, toWire, transfers } from "./wire.js";

export { EngineError, relaxedSupported, simdSupported };

/** @import { AdaptOptions, AdaptProgress, AdaptResult, Doubt, Explanation, Heat, History, Version } from "./adaptation.js" */
/** @import { JournalEnd, JournalEntry, JournalLine, JournalRead, ModelFormat, Packed } from "./kept.js" */
/** @import { ClassifyOptions, ClassifyResult, EmbedOptions, EmbedResult, EngineInfo, ExampleOptions, ExampleResult, LoadOptions, MemoryResult } from "./engine.js" */
/** @import { TwinOptions, UseExpertsResult, PictureSource, Reply, Request, Engine as Contract } from "./engine.js" */

/** @import { Call, Parts, Pending } from "./wire.js" */

/** @implements {Contract} */
export class Engine {
	/** @type {EngineInfo} */
	info = { bundle: "", bytes: 0, dim: 0, imageSize: 0, kernel: "", card: "" };
	startMs = 0;
	/** @type {Float32Array | null} */
	scores = null;
	tuned = false;

	/** @type {Parts} */
	#parts;
	/** @type {Worker | null} */
	#worker = null;
	/** why there is no Worker; @type {EngineError | null} */
	#gone = null;
	/** @type {Map<number, Pending>} */
	#pending = new Map();
	#lastId = 0;

	/**
	 * Not for callers: Engine.load makes engines.
	 * @param {Parts} parts
	 */
	constructor(parts) {
		this.#parts = parts;
	}

	/**
	 * @param {LoadOptions} [options]
	 * @returns {Promise<Engine>}
	 */
	static async load(options = {}) {
		const {
			tuning = false,
			tuningUrl = new URL(engineFile(true), import.meta.url),
			wasmUrl = tuning ? tuningUrl : new URL(engineFile(), import.meta.url),
			bundleUrl = new URL("./models/default.json", import.meta.url),
			onProgress = () => {},
			onDeath = () => {},
			signal,
			createWorker = () => new Worker(new URL("./engine.worker.js", import.meta.url), { type: "module" }),
			fetch = (url, init) => globalThis.fetch(url, init),
		} = options;
		if (!simdSupported()) throw new EngineError("unsupported", "WebAssembly SIMD is missing");
		if (signal?.aborted) throw new EngineError("aborted", "the load was stopped");

		// One failed download stops the other.
		const stop = new AbortController();
		const onAbort = () => stop.abort();
		signal?.addEventListener("abort", onAbort);
		/** @type {unknown} */
		let first;
		const worker = createWorker(); // its scripts come while the engine and the bundle do
		worker.onerror = (event) => {
			event.preventDefault?.();
			first ??= new EngineError("download", event.message || "the Worker's scripts did not come");
			stop.abort();
		};
		try {
			const shared = { fetch, onProgress, signal: stop.signal };
			/** @param {unknown} error @returns {never} */
			const fail = (error) => {
				first ??= error;
				stop.abort();
				throw first;
			};
			const base = globalThis.document?.baseURI ?? import.meta.url;
			const manifestUrl = new URL(bundleUrl, base);
			const [code, { manifest, bytes, checked }] = await Promise.all([
				downloadCode(new URL(wasmUrl, base), { part: "engine", ...shared }).catch(fail),
				downloadBundle(manifestUrl, { part: "bundle", ...shared }).catch(fail),
			]);
			if (first) throw first;
			const engine = new Engine({
				engine: code, bundle: bytes, sha256: checked ? "" : manifest.sha256, backbone: manifest.sha256, name: manifest.name,
				expertsFile: manifest.experts && { url: new URL(manifest.experts.file, manifestUrl), part: manifest.experts },
				experts: null, expertsOff: false, tuningUrl: new URL(tuningUrl, base), tuner: null, createWorker, fetch, onProgress, onDeath,
			});
			const module = await engine.#start(signal, worker);
			if (tuning) engine.#parts.tuner = module;
			return engine;
		} catch (error) {
			worker.terminate();
			throw error;
		} finally {
			signal?.removeEventListener("abort", onAbort);
		}
	}

	/** @param {TwinOptions} [options] @returns {Promise<Engine>} */
	async twin({ tuning = false, onProgress = () => {}, signal } = {}) {
		const parts = this.#parts;
		if (this.#gone) throw this.#gone;
		const tuner = tuning && (parts.tuner ?? await downloadCode(parts.tuningUrl, { part: "engine", fetch: parts.fetch, onProgress, ...(signal && { signal }) }));
		if (this.#gone) throw this.#gone; // meanwhile
		if (signal?.aborted) throw new EngineError("aborted", "the load was stopped");
		const twin = new Engine({ ...parts, engine: tuner || parts.engine, onProgress, onDeath: () => {} });
		const module = await twin.#start(signal);
		if (tuning) parts.tuner = module;
		return twin;
	}

	get hasExperts() {
		return this.#parts.expertsFile !== null;
	}

	/** @param {Pick<LoadOptions, "onProgress" | "signal">} [options] @returns {Promise<number>} */
	async openExperts({ onProgress = () => {}, signal } = {}) {
		const { expertsFile: file, fetch } = this.#parts;
		if (!file) return 0;
		const { bytes, checked } = await downloadPart(file.url, file.part, { part: "experts", fetch, onProgress, ...(signal && { signal }) });
		const experts = { bytes, sha256: checked ? "" : file.part.sha256 };
		const count = await this.#openExperts(experts);
		this.#parts.experts = { bytes, sha256: "" };
		return count;
	}

	/** @param {NonNullable<Parts["experts"]>} experts @returns {Promise<number>} */
	#openExperts({ bytes, sha256 }) {
		return this.#call({ verb: "openExperts", experts: bytes.slice(), sha256, backbone: this.#parts.backbone });
	}

	/** @param {boolean} on @returns {Promise<UseExpertsResult>} */
	async useExperts(on) {
		this.#parts.expertsOff = !on;
		/** @type {UseExpertsResult} */
		const result = await this.#call({ verb: "useExperts", on });
		this.#chosen(result);
		return result;
	}

	/** @param {Pick<UseExpertsResult, "experts" | "tuned">} inUse */
	#chosen({ experts, tuned }) {
		this.scores = experts && Float32Array.from(experts.scores);
		this.tuned = tuned;
	}

	/**
	 * @param {PictureSource} picture
	 * @param {EmbedOptions} [options]
	 * @returns {Promise<EmbedResult>}
	 */
	async embed(picture, { thumbnail = 0, scores = null } = {}) {
		const result = await this.#call({ verb: "embed", picture: await toWire(picture), thumbnail, scores: toBytes(scores) });
		return { ...result, weights: scores };
	}

	/** @param {string} name @param {number} [id] @returns {Promise<number>} */
	addClass(name, id = 0) {
		return this.#call({ verb: "addClass", name, as: id });
	}

	/** @param {number} classId @param {string} name @returns {Promise<void>} */
	renameClass(classId, name) {
		return this.#call({ verb: "renameClass", classId, name });
	}

	/** @param {number} classId @returns {Promise<void>} */
	removeClass(classId) {
		return this.#call({ verb: "removeClass", classId });
	}

	/**
	 * @param {number} classId
	 * @param {PictureSource} picture
	 * @param {ExampleOptions} [options]
	 * @returns {Promise<ExampleResult>}
	 */
	async addExample(classId, picture, { thumbnail = 0, id = 0 } = {}) {
		return this.#call({ verb: "addExample", classId, picture: await toWire(picture), thumbnail, as: id });
	}

	/** @param {number} classId @param {Float32Array} embed @param {Uint8Array} [square] @param {number} [id] @returns {Promise<number>} */
	addEmbedding(classId, embed, square, id = 0) {
		return this.#call({ verb: "addEmbedding", classId, embed: toBytes(embed), square, as: id });
	}

	/** @param {number} exampleId @returns {Promise<void>} */
	removeExample(exampleId) {
		return this.#call({ verb: "removeExample", exampleId });
	}

	/** @param {number} exampleId @param {number} classId @returns {Promise<void>} */
	relabel(exampleId, classId) {
		return this.#call({ verb: "relabel", exampleId, classId });
	}

	/** @param {AdaptOptions} [options] @returns {Promise<AdaptResult>} */
	async adapt({ head, force = false, finetune = false, views = false, onProgress, signal } = {}) {
		if (signal?.aborted) throw new EngineError("aborted", "adapt was stopped");
		const pending = this.#call({ verb: "adapt", head: head ?? "", force, finetune, views }, onProgress);
		const [worker, id] = [this.#worker, this.#lastId];
		const onAbort = () => worker?.postMessage({ stop: id });
		signal?.addEventListener("abort", onAbort);
		try {
			/** @type {AdaptResult} */
			const result = await pending;
			this.#chosen(result);
			return result;
		} finally {
			signal?.removeEventListener("abort", onAbort);
		}
	}

	/** @returns {Promise<History>} */
	history() {
		return this.#call({ verb: "history" });
	}

	/** @param {number} version @returns {Promise<UseExpertsResult>} */
	async useVersion(version) {
		/** @type {UseExpertsResult} */
		const result = await this.#call({ verb: "useVersion", version });
		this.#chosen(result);
		return result;
	}

	/** @returns {Promise<void>} */
	forgetHistory() {
		return this.#call({ verb: "forgetHistory" });
	}

	/** @returns {Promise<Doubt[]>} */
	review() {
		return this.#call({ verb: "review" });
	}

	/** @returns {Promise<Explanation | null>} */
	explain() {
		return this.#call({ verb: "explain" });
	}

	/** @param {number} classId @param {PictureSource} picture @returns {Promise<Heat>} */
	async heat(classId, picture) {
		return this.#call({ verb: "heat", classId, picture: await toWire(picture) });
	}

	/**
	 * @param {PictureSource} picture
	 * @param {ClassifyOptions} [options]
	 * @returns {Promise<ClassifyResult>}
	 */
	async classify(picture, { thumbnail = 0, give = false } = {}) {
		return this.#call({ verb: "classify", picture: await toWire(picture, give), thumbnail });
	}

	/** @param {Float32Array} embed @param {Float32Array | null} [scores] @returns {Promise<ClassifyResult>} */
	classifyEmbedding(embed, scores = null) {
		return this.#call({ verb: "classifyEmbedding", embed: toBytes(embed), scores: toBytes(scores) });
	}

	get hashes() {
		return { bundle: this.#parts.backbone, experts: this.#parts.experts ? this.#parts.expertsFile?.part.sha256 ?? "" : "" };
	}

	/** @param {JournalEnd} [end] @returns {Promise<Packed>} */
	pack(end = { entries: 0, head: "" }) {
		return this.#call({ verb: "pack", ...this.hashes, time: new Date().toISOString(), end });
	}

	/** @param {Uint8Array} file @param {Uint8Array} notes @param {number} version @returns {Promise<Version>} */
	recall(file, notes, version) {
		return this.#call({ verb: "recall", ...this.hashes, file, notes, version, classIds: "" });
	}

	/** @param {Uint8Array} file @returns {Promise<string[]>} */
	adapterClasses(file) {
		return this.#call({ verb: "adapterClasses", file });
	}

	/** @param {Uint8Array} file @param {number[]} classIds @param {Uint8Array} [notes] @returns {Promise<Version>} */
	importAdapter(file, classIds, notes = new Uint8Array(0)) {
		return this.#call({ verb: "recall", ...this.hashes, file, notes, version: 0, classIds: classIds.join(" ") });
	}

	/** @param {Uint8Array} file @param {ModelFormat} format @returns {Promise<Uint8Array<ArrayBuffer>>} */
	exportModel(file, format) {
		return this.#call({ verb: "exportModel", ...this.hashes, file, format });
	}

	/** @returns {Promise<number>} */
	remember() {
		return this.#call({ verb: "remember" });
	}

	/** @param {JournalEnd} end @param {JournalEntry} entry @returns {Promise<JournalLine>} */
	chain(end, entry) {
		return this.#call({ verb: "chain", end, entry });
	}

	/** @param {Uint8Array} bytes @param {JournalEnd} end @returns {Promise<JournalRead>} */
	journal(bytes, end) {
		return this.#call({ verb: "journal", bytes, end });
	}

	/** @returns {Promise<MemoryResult>} */
	memory() {
		return this.#call({ verb: "memory" });
	}

	/** @returns {Promise<void>} */
	async restart() {
		if (this.#gone?.code === "disposed") throw this.#gone;
		this.#end(new EngineError("died", "the engine is being restarted"));
		await this.#start();
	}

	dispose() {
		this.#end(new EngineError("disposed", "the engine has been disposed of; Engine.load makes another"));
		this.#parts.bundle = new Uint8Array(0);
		this.#parts.experts = null;
	}

	/** @param {AbortSignal} [signal] @param {Worker} [worker] one made before @returns {Promise<WebAssembly.Module>} the engine's */
	async #start(signal, worker = this.#parts.createWorker()) {
		const { engine, bundle, sha256, name } = this.#parts;
		const begin = performance.now();
		this.#worker = worker;
		this.#gone = null;
		worker.onmessage = (event) => this.#receive(worker, event.data);
		worker.onmessageerror = () => this.#die(worker, "a message of the Worker could not be read");
		worker.onerror = (event) => {
			event.preventDefault?.(); // told through the rejections
			this.#die(worker, event.message || "the Worker could not be started");
		};
		const onAbort = () => this.#end(new EngineError("aborted", "the load was stopped"));
		signal?.addEventListener("abort", onAbort);
		try {
			this.#chosen({ experts: null, tuned: false });
			/** @type {WebAssembly.Module} */
			const module = "chunks" in engine ? await this.#call({ verb: "compile", ...engine }) : engine;
			this.#parts.engine = module;
			const info = await this.#call({ verb: "open", module, bundle: bundle.slice(), sha256 });
			if (this.#parts.experts) await this.#openExperts(this.#parts.experts);
			if (this.#parts.expertsOff) await this.#call({ verb: "useExperts", on: false });
			this.info = { ...info, bundle: name, bytes: bundle.length };
			this.startMs = performance.now() - begin;
			this.#parts.sha256 = "";
			return module;
		} catch (error) {
			// The caller has this error in hand: a Worker that never opened its bundle is of no use.
			if (this.#worker === worker) this.#end(/** @type {EngineError} */ (error));
			throw error;
		} finally {
			signal?.removeEventListener("abort", onAbort);
		}
	}

	/**
	 * @param {Call} call
	 * @param {(progress: AdaptProgress) => void} [onProgress]
	 * @returns {Promise<any>}
	 */
	#call(call, onProgress) {
		const worker = this.#worker;
		if (!worker) {
			return Promise.reject(this.#gone ?? new EngineError("usage", "the engine has not been loaded"));
		}
		const request = /** @type {Request} */ ({ ...call, id: ++this.#lastId });
		return new Promise((resolve, reject) => {
			this.#pending.set(request.id, { resolve, reject, onProgress });
			worker.postMessage(request, transfers(request));
		});
	}

	/**
	 * @param {Worker} worker
	 * @param {Reply} reply
	 */
	#receive(worker, reply) {
		if (worker !== this.#worker) return; // a late word of a Worker already replaced
		switch (reply.kind) {
			case "progress":
				this.#parts.onProgress(reply.progress);
				return;
			case "adapting":
				this.#pending.get(reply.id)?.onProgress?.(reply.progress);
				return;
			case "result":
				this.#take(reply.id)?.resolve(reply.value);
				return;
			case "error":
				if (reply.code === "died") this.#die(worker, reply.message);
				else this.#take(reply.id)?.reject(new EngineError(reply.code, reply.message));
				return;
			default:
				throw new Error(`engine: unknown reply ${JSON.stringify(reply)}`);
		}
	}

	/** @param {number} id */
	#take(id) {
		const pending = this.#pending.get(id);
		this.#pending.delete(id);
		return pending;
	}

	/**
	 * @param {Worker} worker
	 * @param {string} message
	 */
	#die(worker, message) {
		if (worker !== this.#worker) return;
		const error = new EngineError("died", message);
		const opened = this.info.dim > 0; // before that, load() itself rejects
		this.#end(error);
		if (opened) this.#parts.onDeath(error);
	}

	/** @param {EngineError} error */
	#end(error) {
		if (this.#gone?.code === "disposed") return;
		this.#worker?.terminate();
		this.#worker = null;
		this.#gone = error;
		const pending = [...this.#pending.values()];
		this.#pending.clear();
		for (const { reject } of pending) reject(error);
	}
}

/** @satisfies {{ load: typeof Contract.load }} */ (Engine);
