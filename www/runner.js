// Keeps the engine in step with the task: every change of the task becomes one step for the engine, done in order. The
// engine knows a class from its first picture to its last: one without pictures would only keep it from learning the
// others. When the engine dies, it is started again and the whole task is replayed from the examples' originals.

import { EngineError, typed } from "./error.js";
import { Pool } from "./pool.js";

/** @import { AdaptResult } from "./adaptation.js" */
/** @import { ClassifyResult, Engine, PictureSource } from "./engine.js" */
/** @import { Change, Class, Example, Task } from "./task.js" */

/**
 * @typedef {object} RunnerEvents
 * @property {() => void} onState something that the page shows has changed
 * @property {(result: AdaptResult | null) => void} onAdapted null: fewer than two classes have pictures any more
 * @property {(example: Example, error: EngineError) => void} onBadExample it has been taken out of the task
 * @property {(error: EngineError) => void} onError
 * @property {(again: boolean) => void} onRestart false: the engine stopped; true: it runs again
 */

/** Side of the thumbnails, pixels: twice what the page shows, for dense screens. */
const thumbnailSide = 144;

export class Runner {
	/** the user has pressed Learn: from now on every change is learnt at once */
	learning = false;
	/** what is in use; null before the first adapt, and while there is nothing to tell apart @type {AdaptResult | null} */
	adapted = null;
	/** "loading" before start, "broken" when the engine cannot be restarted @type {"loading" | "ready" | "restarting" | "broken"} */
	state = "loading";

	/** @type {Task} */
	#task;
	/** @type {RunnerEvents} */
	#events;
	/** @type {Engine | null} */
	#engine = null;
	/** reads pictures that wait for their step @type {Pool | null} */
	#pool = null;
	/** steps to do, in order @type {(() => Promise<void>)[]} */
	#steps = [];
	#running = false;
	/** counts engines: steps of an engine that died are not continued */
	#generation = 0;
	/** deaths in a row without any progress */
	#deaths = 0;
	/** pictures that the engine was busy with when it died @type {WeakSet<Example>} */
	#suspects = new WeakSet();
	/** the task has changed since the last adapt */
	#stale = false;
	/** the page's keys to the engine's ids @type {Map<number, number>} */
	#classIds = new Map();
	/** @type {Map<number, number>} */
	#exampleIds = new Map();
	/** keys of the pictures that the engine has of each class it knows @type {Map<number, Set<number>>} */
	#members = new Map();
	/** @type {Promise<void> | null} */
	#restarting = null;

	/**
	 * @param {Task} task
	 * @param {RunnerEvents} events
	 */
	constructor(task, events) {
		this.#task = task;
		this.#events = events;
		task.onChange((change) => this.#follow(change));
	}

	/** Hands over a loaded engine; what the user entered so far is read now. @param {Engine} engine */
	start(engine) {
		this.#engine = engine;
		this.#pool = new Pool(engine);
		this.#generation++;
		this.state = "ready";
		this.#replay();
	}

	/** From now on, what the task has is learnt. */
	learn() {
		if (this.state === "loading") return;
		this.learning = true;
		this.#adaptSoon();
	}

	/** The engine has opened its experts: what is learnt is learnt again with them. */
	expertsCame() {
		this.#pool?.renew();
		this.#adaptSoon();
	}

	/** Turns experts off or on. @param {boolean} on */
	useExperts(on) {
		this.#do(async () => {
			const { experts, stale } = await /** @type {Engine} */ (this.#engine).useExperts(on);
			if (stale) this.#stale = true;
			if (!this.adapted) return;
			this.adapted = { ...this.adapted, experts };
			if (!this.#stale) this.#events.onAdapted(this.adapted);
		});
	}

	/**
	 * @param {PictureSource} picture
	 * @param {number} thumbnail side, or 0
	 * @returns {Promise<ClassifyResult>}
	 */
	async classify(picture, thumbnail) {
		return (await this.#ready()).classify(picture, { thumbnail });
	}

	/**
	 * Reads a picture without classifying it.
	 * @param {PictureSource} picture
	 * @param {number} thumbnail side, or 0
	 */
	async look(picture, thumbnail) {
		return (await this.#ready()).embed(picture, { thumbnail });
	}

	/**
	 * Classifies many pictures, each with its result or its error.
	 * @param {PictureSource[]} pictures
	 * @param {AbortSignal} signal
	 */
	async classifyAll(pictures, signal) {
		await this.#ready();
		return /** @type {Pool} */ (this.#pool).classifyAll(pictures, { signal });
	}

	/** What the engine says of what is in use, and the page's keys of the ids in it. */
	async explain() {
		const engine = await this.#ready();
		const [explanation, doubts] = await Promise.all([engine.explain(), engine.review()]);
		return { explanation, doubts, examples: inverse(this.#exampleIds), classes: inverse(this.#classIds) };
	}

	/** Where a picture speaks for a class. @param {number} classId of the engine @param {PictureSource} picture */
	async heat(classId, picture) {
		return (await this.#ready()).heat(classId, picture);
	}

	/** The engine has pictures of a class. @param {Class} of */
	knows(of) {
		return this.#classIds.has(of.key);
	}

	async #ready() {
		if (this.#restarting) await this.#restarting;
		if (!this.#engine || this.state !== "ready") throw new EngineError("died", "the engine is not running");
		return this.#engine;
	}

	/** The engine says that it died (what it was busy with has been rejected), or the user says "try again". */
	restart() {
		this.#restarting ??= this.#restart();
		return this.#restarting;
	}

	async #restart() {
		const engine = this.#engine;
		if (!engine) return;
		this.#generation++;
		this.#steps = [];
		this.state = "restarting";
		this.#events.onRestart(false);
		this.#events.onState();
		await null; // until restart() has this promise in its hands
		try {
			if (++this.#deaths > 3) {
				this.#deaths = 0; // the user may try again
				throw new EngineError("died", "the engine keeps dying");
			}
			await engine.restart();
		} catch (error) {
			this.#restarting = null;
			this.state = "broken";
			this.#events.onError(/** @type {EngineError} */ (error));
			this.#events.onState();
			return;
		}
		this.#restarting = null; // before the replay: the next death is another one
		this.state = "ready";
		this.#replay();
		this.#events.onRestart(true);
	}

	/** Tells a new engine everything the task has. */
	#replay() {
		this.#steps = [];
		this.#pool?.clear();
		this.#classIds.clear();
		this.#exampleIds.clear();
		this.#members.clear();
		this.adapted = null;
		for (const c of this.#task.classes) {
			for (const example of c.examples) {
				example.state = "waiting";
				this.#follow({ kind: "addExample", class: c, example });
			}
		}
		this.#adaptSoon();
		this.#events.onState();
	}

	/** @param {Change} change */
	#follow(change) {
		const engine = this.#engine;
		if (!engine || this.state === "broken") return; // start will replay
		const { class: of } = change;
		switch (change.kind) {
			case "addClass":
			case "readExample":
				return;
			case "renameClass": {
				const name = of.name; // as it is now: later renames are steps of their own
				this.#do(async () => {
					const id = this.#classIds.get(of.key);
					if (id !== undefined) await engine.renameClass(id, name);
				});
				return;
			}
			case "removeClass":
				this.#do(() => this.#removeClass(engine, of));
				this.#adaptSoon();
				return;
			case "addExample": {
				const { name } = of;
				const { example } = change;
				this.#pool?.ahead(example.source, { thumbnail: thumbnailSide, wanted: () => this.#task.has(of, example) });
				this.#do(() => this.#addExample(engine, of, name, example));
				return;
			}
			case "removeExample":
				this.#do(() => this.#removeExample(engine, of, change.example));
				this.#adaptSoon();
				return;
		}
	}

	/**
	 * @param {Engine} engine
	 * @param {Class} to
	 * @param {string} name of the class, should the engine not know it
	 * @param {Example} example
	 */
	async #addExample(engine, to, name, example) {
		const pool = /** @type {Pool} */ (this.#pool);
		if (!this.#task.has(to, example) || this.#exampleIds.has(example.key)) return pool.forget(example.source);
		if (!this.#classIds.has(to.key)) {
			this.#classIds.set(to.key, await engine.addClass(name));
			this.#members.set(to.key, new Set());
		}
		try {
			const result = await pool.addExample(this.#id(this.#classIds, to.key), example.source, {
				thumbnail: thumbnailSide,
			});
			this.#deaths = 0;
			this.#exampleIds.set(example.key, result.id);
			this.#members.get(to.key)?.add(example.key);
			if (this.#task.has(to, example)) this.#task.exampleRead(to, example, result.thumbnail);
		} catch (cause) {
			const error = /** @type {EngineError} */ (cause);
			const died = error.code === "died";
			// The engine may have died of something else, so a picture has a second chance. It has no third: it would
			// kill the next engine too.
			if (died && !this.#suspects.has(example)) {
				this.#suspects.add(example);
				throw error;
			}
			this.#deaths = 0;
			if (this.#task.has(to, example)) this.#task.removeExample(to, example);
			this.#events.onBadExample(example, error);
			if (died) throw error;
			if (this.#members.get(to.key)?.size === 0) await this.#removeClass(engine, to);
		}
		this.#adaptSoon();
	}

	/** @param {Engine} engine @param {Class} from @param {Example} example */
	async #removeExample(engine, from, example) {
		const id = this.#exampleIds.get(example.key);
		if (id === undefined) return; // never taken
		await engine.removeExample(id);
		this.#exampleIds.delete(example.key);
		const members = this.#members.get(from.key);
		members?.delete(example.key);
		if (members?.size === 0) await this.#removeClass(engine, from);
	}

	/** @param {Engine} engine @param {Class} of */
	async #removeClass(engine, of) {
		const id = this.#classIds.get(of.key);
		if (id === undefined) return; // it had no picture
		await engine.removeClass(id);
		for (const key of this.#members.get(of.key) ?? []) this.#exampleIds.delete(key);
		this.#members.delete(of.key);
		this.#classIds.delete(of.key);
	}

	/** Adapts when the steps at hand are done, once for all of them. */
	#adaptSoon() {
		this.#stale = true;
		this.#do(async () => {});
	}

	async #adapt() {
		this.#stale = false;
		const result = this.#members.size < 2 ? null : await /** @type {Engine} */ (this.#engine).adapt({ force: true });
		if (!result && !this.adapted) return;
		this.adapted = result;
		this.#events.onAdapted(result);
	}

	/** @param {() => Promise<void>} step */
	#do(step) {
		this.#steps.push(step);
		if (!this.#running) void this.#run();
	}

	async #run() {
		this.#running = true;
		while (this.state === "ready") {
			const step = this.#steps.shift() ?? (this.#stale && this.learning ? () => this.#adapt() : null);
			if (!step) break;
			const generation = this.#generation;
			try {
				await step();
			} catch (cause) {
				const error = typed(cause);
				if (error.code === "died") await this.#restarting; // which the death itself began
				else if (generation === this.#generation) this.#events.onError(error);
			}
			this.#events.onState();
		}
		this.#running = false;
	}

	/** @param {Map<number, number>} ids @param {number} key */
	#id(ids, key) {
		const id = ids.get(key);
		if (id === undefined) throw new EngineError("internal", `the engine does not know ${key}`);
		return id;
	}

	/** The page's key of an example the engine speaks of. @param {number} id */
	exampleKey(id) {
		for (const [key, value] of this.#exampleIds) if (value === id) return key;
		return null;
	}

	/** The page's key of a class the engine speaks of. @param {number} id */
	classKey(id) {
		for (const [key, value] of this.#classIds) if (value === id) return key;
		return null;
	}
}

/** @param {Map<number, number>} map @returns {Map<number, number>} */
const inverse = (map) => new Map([...map].map(([key, id]) => [id, key]));
