// Several engines for many pictures: one Worker embeds one picture at a time, so N Workers embed N. The engine that the
// page has leads: it alone knows the task. Helpers are its twins, made when there is enough to do for them and ended when
// there has been nothing for a while; they only embed, by the weights that they are told the scores of, and an embedding has
// the same bits wherever it is made. No memory is shared, so any static host will do.

import { EngineError, typed } from "./error.js";

/** @import { ClassifyResult, EmbedResult, Engine, ExampleOptions, ExampleResult, PictureOptions, PictureSource } from "./engine.js" */

/** What the pool asks of an engine. @typedef {Pick<Engine, "addEmbedding" | "addExample" | "classify" | "classifyEmbedding" | "dispose" | "embed" | "scores" | "startMs" | "tuned" | "twin">} Member */

/**
 * A picture to embed. It settles once: with its embedding, with its error, or with null: no helper could, the lead has to.
 * @typedef {object} Job
 * @property {PictureSource} picture
 * @property {number} thumbnail
 * @property {Float32Array | null} scores weights to embed by; null: the backbone alone
 * @property {boolean} inOrder the lead comes to the jobs in their order; else it takes any
 * @property {() => boolean} wanted asked before a helper begins with it
 * @property {Promise<EmbedResult | EngineError | null>} result
 * @property {(result: EmbedResult | EngineError | null) => void} settle
 */

/**
 * @typedef {object} ManyOptions
 * @property {number} [thumbnail] side of the thumbnails wanted, pixels, 1..512; default: none
 * @property {AbortSignal} [signal] the pictures without a result get the error "aborted" at once
 * @property {(index: number) => void} [onDone] told when a picture has its outcome, in any order
 */

/** @typedef {{ engine: Member, busy: boolean, old: boolean }} Helper old: to be ended when it is done */

/** Pictures in order that helpers leave to the lead: those it comes to before they could be done. */
const lag = 2;

/** Engines that a machine has cores for, one of which draws the page; each takes the memory of a backbone, so 4 at most. */
export function defaultSize() {
	const cores = globalThis.navigator?.hardwareConcurrency ?? 1;
	return Math.max(1, Math.min(cores - 1, 4));
}

export class Pool {
	/** @type {Member} */
	#lead;
	/** engines at most, the lead among them */
	#size;
	#idleMs;
	/** @type {Helper[]} */
	#helpers = [];
	#starting = 0;
	/** counts renew(): a helper that was started before is old */
	#generation = 0;
	/** jobs that nobody has begun @type {Job[]} */
	#queue = [];
	/** by the picture that they read ahead @type {Map<PictureSource, Job>} */
	#ahead = new Map();
	/** what the last picture took, ms; 0: none yet */
	#pictureMs = 0;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	#idle;
	#disposed = false;

	/**
	 * @param {Member} lead stays the caller's: dispose() leaves it alone
	 * @param {{ size?: number, idleMs?: number }} [options] size: engines at most; idleMs: helpers without work end after it
	 */
	constructor(lead, { size = defaultSize(), idleMs = 30_000 } = {}) {
		this.#lead = lead;
		this.#size = size;
		this.#idleMs = idleMs;
	}

	/** Engines there are, the lead among them. */
	get engines() {
		return 1 + this.#helpers.length;
	}

	/** Starts all helpers now, or as many as will start. @returns {Promise<number>} engines there are then */
	async grow() {
		await Promise.all(Array.from({ length: Math.max(0, this.#room()) }, () => this.#grow()));
		return this.engines;
	}

	/** The lead has other experts: helpers that have not end, and later ones have them. */
	renew() {
		this.#generation++;
		for (const helper of this.#helpers) helper.old = true;
		this.#shrink();
	}

	/**
	 * Announces a picture that embed, addExample or classify will be given, in this order: a helper may read it before.
	 * @param {PictureSource} picture
	 * @param {PictureOptions & { wanted?: () => boolean }} [options] those of the call to come
	 */
	ahead(picture, { thumbnail = 0, wanted = () => true } = {}) {
		if (this.#size < 2 || this.#ahead.has(picture)) return;
		this.#ahead.set(picture, this.#enqueue({ picture, thumbnail, scores: null, wanted, inOrder: true }));
		this.#pump();
	}

	/** The pictures announced will not come. */
	clear() {
		for (const picture of [...this.#ahead.keys()]) this.forget(picture);
	}

	/** A picture announced will not come. @param {PictureSource} picture */
	forget(picture) {
		this.#ahead.get(picture)?.settle(null);
		this.#ahead.delete(picture);
	}

	/**
	 * Engine.embed, by the backbone alone.
	 * @param {PictureSource} picture
	 * @param {PictureOptions} [options]
	 * @returns {Promise<EmbedResult>}
	 */
	async embed(picture, options = {}) {
		return (await this.#readAhead(picture, options)) ?? this.#timed(await this.#lead.embed(picture, options));
	}

	/**
	 * Engine.addExample, without the size of the picture.
	 * @param {number} classId
	 * @param {PictureSource} picture
	 * @param {ExampleOptions} [options]
	 * @returns {Promise<Omit<ExampleResult, "width" | "height">>}
	 */
	async addExample(classId, picture, options = {}) {
		const read = await this.#readAhead(picture, options);
		if (!read) return this.#timed(await this.#lead.addExample(classId, picture, options));
		return { id: await this.#lead.addEmbedding(classId, read.embed, read.square, options.id), thumbnail: read.thumbnail, ms: read.ms };
	}

	/**
	 * Engine.classify.
	 * @param {PictureSource} picture
	 * @param {PictureOptions} [options]
	 * @returns {Promise<ClassifyResult>}
	 */
	async classify(picture, options = {}) {
		const read = await this.#readAhead(picture, options);
		// What was read ahead is of the backbone alone.
		return read && !this.#lead.scores && !this.#lead.tuned ? this.#classifyRead(read, picture) : this.#timed(await this.#lead.classify(picture, options));
	}

	/**
	 * Embeds many pictures by the backbone alone. The outcomes are in their order; a picture that fails has its error in its place.
	 * @param {PictureSource[]} pictures
	 * @param {ManyOptions} [options]
	 * @returns {Promise<(EmbedResult | EngineError)[]>}
	 */
	embedAll(pictures, options) {
		return this.#all(pictures, options, null, async (read) => read);
	}

	/**
	 * Classifies many pictures, as embedAll does.
	 * @param {PictureSource[]} pictures
	 * @param {ManyOptions} [options]
	 * @returns {Promise<(ClassifyResult | EngineError)[]>}
	 */
	async classifyAll(pictures, options) {
		return this.#lead.tuned ? this.#alone(pictures, options) : this.#all(pictures, options, this.#lead.scores, (read, picture) => this.#classifyRead(read, picture));
	}

	/** Ends the helpers. Pictures under way get the error "disposed", those announced are the lead's; so are later calls. */
	dispose() {
		this.#disposed = true;
		this.#size = 1;
		clearTimeout(this.#idle);
		this.clear();
		for (const job of [...this.#queue]) job.settle(new EngineError("disposed", "the pool has been disposed of"));
		for (const { engine } of this.#helpers) engine.dispose();
		this.#helpers = [];
	}

	/**
	 * @template T
	 * @param {PictureSource[]} pictures
	 * @param {ManyOptions} options
	 * @param {Float32Array | null} scores weights to embed by
	 * @param {(read: EmbedResult, picture: PictureSource) => Promise<T>} finish
	 * @returns {Promise<(T | EngineError)[]>}
	 */
	async #all(pictures, { thumbnail = 0, signal, onDone = () => {} } = {}, scores, finish) {
		if (this.#disposed) throw new EngineError("disposed", "the pool has been disposed of");
		const jobs = pictures.map((picture) => this.#enqueue({ picture, thumbnail, scores, wanted: () => true, inOrder: false }));
		const stop = () => {
			for (const job of jobs) job.settle(new EngineError("aborted", "the caller stopped"));
		};
		signal?.addEventListener("abort", stop);
		if (signal?.aborted) stop();
		this.#pump();
		const outcomes = jobs.map(async (job, i) => {
			const read = (await job.result) ?? (await this.#read(this.#lead, job));
			const outcome = read instanceof EngineError ? read : await finish(read, job.picture).catch(typed);
			onDone(i);
			return outcome;
		});
		for (const job of jobs) {
			if (this.#claim(job)) job.settle(await this.#read(this.#lead, job));
		}
		try {
			return await Promise.all(outcomes);
		} finally {
			signal?.removeEventListener("abort", stop);
		}
	}

	/**
	 * Classifies without helpers, which have not the weights that were fine-tuned.
	 * @param {PictureSource[]} pictures
	 * @param {ManyOptions} [options]
	 */
	async #alone(pictures, { thumbnail = 0, signal, onDone = () => {} } = {}) {
		/** @type {(ClassifyResult | EngineError)[]} */
		const outcomes = [];
		for (const [i, picture] of pictures.entries()) {
			outcomes.push(signal?.aborted ? new EngineError("aborted", "the caller stopped") : await this.#lead.classify(picture, { ...(thumbnail && { thumbnail }) }).catch(typed));
			onDone(i);
		}
		return outcomes;
	}

	/** @param {EmbedResult} read @param {PictureSource} picture @returns {Promise<ClassifyResult>} */
	async #classifyRead({ embed, weights, thumbnail, ms }, picture) {
		try {
			const result = await this.#lead.classifyEmbedding(embed, weights);
			return { ...result, thumbnail, ms: ms + result.ms };
		} catch (cause) {
			// The task has other weights since the picture was read.
			if (!(cause instanceof EngineError) || cause.code !== "other_weights") throw cause;
			return this.#lead.classify(picture, { ...(thumbnail && { thumbnail: thumbnail.width }) });
		}
	}

	/**
	 * What a helper has read, or is reading, of a picture announced; null: the lead has to.
	 * @param {PictureSource} picture
	 * @param {PictureOptions} options
	 * @returns {Promise<EmbedResult | null>}
	 */
	async #readAhead(picture, { thumbnail = 0 }) {
		const job = this.#ahead.get(picture);
		if (!job) return null;
		this.#ahead.delete(picture);
		if (this.#claim(job)) return null;
		const read = await job.result;
		// The lead says what is wrong with a picture: what kills an engine should be seen to.
		return read instanceof EngineError || job.thumbnail !== thumbnail ? null : read;
	}

	/** @param {Omit<Job, "result" | "settle">} job @returns {Job} */
	#enqueue(job) {
		/** @type {(result: EmbedResult | EngineError | null) => void} */
		let resolve = () => {};
		/** @type {Job["result"]} */
		const result = new Promise((r) => (resolve = r));
		/** @type {Job} */
		const queued = { ...job, result, settle: (r) => (this.#claim(queued), resolve(r)) };
		this.#queue.push(queued);
		return queued;
	}

	/** Takes a job that nobody has begun. @param {Job} job */
	#claim(job) {
		const i = this.#queue.indexOf(job);
		if (i >= 0) this.#queue.splice(i, 1);
		return i >= 0;
	}

	/** @param {Member} engine @param {Job} job @returns {Promise<EmbedResult | EngineError>} */
	async #read(engine, { picture, thumbnail, scores }) {
		try {
			return this.#timed(await engine.embed(picture, { thumbnail, scores }));
		} catch (cause) {
			return typed(cause);
		}
	}

	/** @template {{ ms: number }} T @param {T} result @returns {T} */
	#timed(result) {
		this.#pictureMs = result.ms;
		this.#pump();
		return result;
	}

	/** Gives helpers what they can do, and starts one more when the others would take longer than it takes to start. */
	#pump() {
		for (const helper of this.#helpers) {
			if (helper.busy || helper.old) continue;
			const job = this.#next();
			if (job) void this.#help(helper, job);
		}
		const waiting = Math.max(0, this.#queue.length - 1); // one is next for the lead
		const engines = this.engines + this.#starting;
		if (this.#room() > 0 && (waiting * this.#pictureMs) / engines > this.#lead.startMs) void this.#grow();
		clearTimeout(this.#idle);
		if (this.#queue.length === 0 && this.#helpers.length > 0) this.#idle = setTimeout(() => this.#shrink(), this.#idleMs);
	}

	/** The job that a helper takes next, or null. */
	#next() {
		for (;;) {
			const first = this.#queue[0];
			const i = first?.inOrder ? Math.min(lag, this.#queue.length - 1) : 0;
			const job = this.#queue[i];
			if (!job || (job.inOrder && i === 0)) return null;
			this.#queue.splice(i, 1);
			if (job.wanted()) return job;
			this.forget(job.picture);
		}
	}

	/** @param {Helper} helper @param {Job} job */
	async #help(helper, job) {
		helper.busy = true;
		const read = await this.#read(helper.engine, job);
		helper.busy = false;
		if (helper.old) this.#shrink();
		if (read instanceof EngineError && (read.code === "died" || read.code === "disposed")) {
			// Of the picture, or of too little memory for so many: the lead has to, and no more helpers.
			helper.engine.dispose();
			this.#helpers = this.#helpers.filter((h) => h !== helper);
			this.#size = Math.min(this.#size, this.engines);
			job.settle(this.#disposed ? read : null);
		} else {
			job.settle(read);
		}
		this.#pump();
	}

	/** Engines that may still be started. */
	#room() {
		return this.#size - this.engines - this.#starting;
	}

	async #grow() {
		this.#starting++;
		try {
			const generation = this.#generation;
			const engine = await this.#lead.twin();
			if (this.#disposed || generation !== this.#generation) engine.dispose();
			else this.#helpers.push({ engine, busy: false, old: false });
		} catch {
			this.#size = Math.min(this.#size, this.engines); // the others do it alone
		}
		this.#starting--;
		this.#pump();
	}

	/** Ends helpers that have nothing to do, the old ones only when others wait for work. */
	#shrink() {
		const ends = (/** @type {Helper} */ { busy, old }) => !busy && (old || this.#queue.length === 0);
		for (const helper of this.#helpers) if (ends(helper)) helper.engine.dispose();
		this.#helpers = this.#helpers.filter((helper) => !ends(helper));
	}
}
