// Keeps the engine in step with the task: every change of the task becomes one step for the engine, done in order. A class without
// pictures would only keep it from learning the others (members.js). When the engine dies, or the page is opened again, the whole task is
// replayed from the examples' originals, and the versions are recalled from what keeper.js has. Keys of task.js are the engine's ids.

import { EngineError } from "./error.js";
import { lessOne, recallAll } from "./kept/recall.js";
import { Members } from "./members.js";
import { Pool } from "./pool.js";
import { Steps } from "./steps.js";

/** @import { AdaptResult } from "./adaptation.js" */
/** @import { ClassifyResult, Engine, PictureSource } from "./engine.js" */
/** @import { Keeper } from "./kept/keeper.js" */
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
	/** what was learnt last and is worse than what is in use, which stays; null: nothing of the kind @type {AdaptResult | null} */
	refused = null;
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
	#steps = new Steps({
		ready: () => this.state === "ready",
		idle: () => (this.#stale && this.learning && this.#recalled ? () => this.#adapt() : null),
		again: () => this.#restarting,
		onError: (error) => this.#events.onError(error),
		onDone: () => this.#events.onState(),
	});
	/** deaths in a row without any progress */
	#deaths = 0;
	/** pictures that the engine was busy with when it died @type {WeakSet<Example>} */
	#suspects = new WeakSet();
	/** the task has changed since the last adapt */
	#stale = false;
	#members = new Members();
	#settled = new AbortController();
	/** @type {Promise<void> | null} */
	#restarting = null;
	/** @type {Keeper | null} */
	#keeper = null;
	/** the experts are on their way: versions that were made with them wait */
	#expertsComing = false;
	/** the versions that were kept are in the engine again */
	#recalled = true;

	/**
	 * @param {Task} task
	 * @param {RunnerEvents} events
	 */
	constructor(task, events) {
		this.#task = task;
		this.#events = events;
		task.onChange((change) => this.#follow(change));
	}

	/** From now on, versions are kept, and those that were kept are there when the engine starts. @param {Keeper} keeper */
	keep(keeper) {
		this.#keeper = keeper;
		this.learning ||= keeper.learning;
	}

	/** Hands over a loaded engine; what the user entered so far is read now. @param {Engine} engine */
	start(engine) {
		this.#engine = engine;
		this.#expertsComing = engine.hasExperts;
		this.#keeper?.start(engine);
		this.#pool = new Pool(engine);
		this.state = "ready";
		this.#replay();
	}

	/** From now on, what the task has is learnt. */
	learn() {
		if (this.state === "loading") return;
		this.learning = true;
		this.#tellKeeper();
		this.#adaptSoon();
	}

	/** The engine has opened its experts: what is learnt is learnt again with them. */
	expertsCame() {
		this.#pool?.renew();
		this.#expertsComing = false;
		if (this.#recalled) this.#adaptSoon();
		else this.#do(() => this.#recall());
	}

	/** The experts will not come: versions that were made without them can be recalled. */
	expertsMissing() {
		this.#expertsComing = false;
		this.#do(() => this.#recall());
	}

	/** Takes what was refused all the same. */
	overrule() {
		const views = this.refused?.views;
		this.#unsettle();
		this.#do(() => this.#adapt(true, views));
	}

	/** Learns from views of each picture too, unless that is worse; or from the pictures alone again. @param {boolean} on */
	async useViews(on) {
		await this.#ready();
		this.#unsettle();
		await this.#steps.inTurn(() => this.#adapt(!on, on ? 2 : 1));
	}

	/** Goes back or forward to a version, at once; 0: to none. @param {number} number */
	useVersion(number) {
		this.#unsettle();
		this.#do(async () => {
			await this.#use(number);
			this.#stale = false;
			this.refused = null;
			await this.#keeper?.use(number);
		});
	}

	/**
	 * Takes a version that was made elsewhere into use, and has it kept.
	 * @param {(engine: Engine) => Promise<AdaptResult>} recall puts it into the history and says what it is
	 * @param {AbortSignal} [signal] ends it before it begins
	 */
	async take(recall, signal) {
		const engine = await this.#ready();
		return this.#steps.inTurn(async () => {
			const made = await recall(engine);
			const { experts, tuned } = await engine.useVersion(made.version);
			const result = { ...made, experts, tuned, taken: true };
			await this.#kept(result);
			this.#unsettle();
			this.#stale = false;
			this.refused = null;
			this.adapted = result;
			this.#events.onAdapted(result);
			this.#do(() => this.#remember());
			return result;
		}, signal);
	}

	/**
	 * What is in use and what it is made of, once all changes are learnt. Rejects with "not_adapted" where nothing is.
	 * @param {AbortSignal} signal ends it before it begins
	 */
	async inUse(signal) {
		const engine = await this.#ready();
		return this.#steps.inTurn(async () => {
			if (this.#stale && this.learning) await this.#adapt();
			const { file, notes } = await engine.pack();
			const { inUse } = await engine.history();
			return { engine, file, notes, number: inUse, support: this.#members.support(this.#task), settled: this.#settled.signal };
		}, signal);
	}

	/** From now on something else is learnt or used than what `inUse` said. */
	#unsettle() {
		this.#settled.abort();
		this.#settled = new AbortController();
	}

	/** Turns experts off or on. @param {boolean} on */
	useExperts(on) {
		this.#unsettle();
		this.#do(async () => {
			const { experts, tuned, stale } = await /** @type {Engine} */ (this.#engine).useExperts(on);
			if (stale) this.#stale = true;
			if (!this.adapted) return;
			this.adapted = { ...this.adapted, experts, tuned };
			if (!this.#stale) this.#events.onAdapted(this.adapted);
		});
	}

	/**
	 * @param {PictureSource} picture @param {number} thumbnail side, or 0
	 * @param {boolean} [give] its pixels are not needed any more
	 * @returns {Promise<ClassifyResult>}
	 */
	async classify(picture, thumbnail, give = false) {
		return (await this.#ready()).classify(picture, { thumbnail, give });
	}

	/** Reads a picture without classifying it. @param {PictureSource} picture @param {number} thumbnail side, or 0 */
	async look(picture, thumbnail) {
		return (await this.#ready()).embed(picture, { thumbnail });
	}

	/** Classifies many pictures, each with its result or its error. @param {PictureSource[]} pictures @param {AbortSignal} signal */
	async classifyAll(pictures, signal) {
		await this.#ready();
		return /** @type {Pool} */ (this.#pool).classifyAll(pictures, { signal });
	}

	/** What the engine says of what is in use, and the page's keys of the ids in it. */
	async explain() {
		const engine = await this.#ready();
		const [explanation, doubts] = await Promise.all([engine.explain(), engine.review()]);
		return { explanation, doubts, ...this.#members.keys };
	}

	/** Where a picture speaks for a class. @param {number} classId of the engine @param {PictureSource} picture */
	async heat(classId, picture) {
		return (await this.#ready()).heat(classId, picture);
	}

	knows(/** @type {Class} */ of) {
		return this.#members.knows(of);
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
		this.#unsettle();
		this.#steps.clear();
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
		this.#steps.clear();
		this.#pool?.clear();
		this.#members.clear();
		this.adapted = null;
		this.refused = null;
		this.#recalled = !this.#keeper?.versions.length;
		for (const c of this.#task.classes) {
			for (const example of c.examples) {
				example.state = "waiting";
				this.#tell({ kind: "addExample", class: c, example });
			}
		}
		this.#do(() => this.#recall());
		if (this.#recalled) this.#adaptSoon();
		this.#events.onState();
	}

	/** Brings back the versions that were kept, and the one that was in use into use. */
	async #recall() {
		const [engine, keeper] = [this.#engine, this.#keeper];
		if (!engine || !keeper || this.#recalled || this.#expertsComing) return;
		this.#recalled = true;
		const there = await recallAll(engine, keeper);
		this.#stale = keeper.stale || !there;
		if (!there || keeper.current === 0) return;
		await this.#use(keeper.current);
		this.#do(() => this.#remember());
	}

	/** Embeds one example of the version in use by its weights, and comes back for the next. */
	async #remember() {
		if (await /** @type {Engine} */ (this.#engine).remember()) this.#do(() => this.#remember());
	}

	/** @param {number} number */
	async #use(number) {
		const { experts, tuned } = await /** @type {Engine} */ (this.#engine).useVersion(number);
		const info = this.#keeper?.versions.find((v) => v.number === number)?.info;
		this.adapted = info ? { ...info, experts, tuned } : null;
		this.#events.onAdapted(this.adapted);
	}

	/** Has a version that was taken kept. @param {AdaptResult} result */
	async #kept(result) {
		const [engine, keeper] = [this.#engine, this.#keeper];
		if (!engine || !keeper) return;
		await keeper.version(result, await engine.pack(await keeper.end()));
		this.#tellKeeper();
	}

	#tellKeeper(stale = this.#stale || this.#steps.length > 0) {
		this.#keeper?.learns({ learning: this.learning, stale });
	}

	/** @param {Change} change */
	#follow(change) {
		if (["addExample", "removeExample", "removeClass"].includes(change.kind) && !this.#keeper?.restoring) this.#tellKeeper(true);
		this.#tell(change);
	}

	/** @param {Change} change */
	#tell(change) {
		const engine = this.#engine;
		if (!engine || this.state === "broken") return; // start will replay
		const { class: of } = change;
		switch (change.kind) {
			case "addClass":
			case "readExample":
				return;
			case "renameClass": {
				const name = of.name; // as it is now: later renames are steps of their own
				this.#do(() => this.#members.rename(engine, of, name));
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
		if (!this.#task.has(to, example) || this.#members.has(example)) return pool.forget(example.source);
		await this.#members.addClass(engine, to, name);
		try {
			const result = await pool.addExample(this.#members.classId(to), example.source, { thumbnail: thumbnailSide, id: example.key });
			this.#deaths = 0;
			this.#members.took(to, example, result.id);
			if (this.#task.has(to, example)) this.#task.exampleRead(to, example, result.thumbnail);
		} catch (cause) {
			const error = /** @type {EngineError} */ (cause);
			const died = error.code === "died";
			// It may have died of something else, so a picture has a second chance, and no third: it would kill the next engine too.
			if (died && !this.#suspects.has(example)) {
				this.#suspects.add(example);
				throw error;
			}
			this.#deaths = 0;
			if (this.#task.has(to, example)) this.#task.removeExample(to, example);
			this.#events.onBadExample(example, error);
			if (died) throw error;
			if (this.#members.isEmpty(to)) await this.#removeClass(engine, to);
		}
		this.#adaptSoon();
	}

	/** @param {Engine} engine @param {Class} from @param {Example} example */
	async #removeExample(engine, from, example) {
		await this.#members.remove(engine, from, example);
		if (this.#members.isEmpty(from)) await this.#removeClass(engine, from);
	}

	/** @param {Engine} engine @param {Class} of */
	async #removeClass(engine, of) {
		if (!(await this.#members.removeClass(engine, of))) return;
		const keeper = this.#keeper;
		if (!keeper?.current || !this.#recalled) return;
		const less = await lessOne(engine, keeper, this.adapted?.experts ?? null);
		if (less) await this.#kept(less);
	}

	/** Adapts when the steps at hand are done, once for all of them. */
	#adaptSoon() {
		this.#unsettle();
		this.#stale = true;
		this.#steps.wake();
	}

	/** @param {boolean} [force] take it even when it is worse than what is in use @param {number} [views] as many as what is in use has, or more than one */
	async #adapt(force = false, views = this.adapted?.views ?? 1) {
		this.#stale = false;
		const engine = /** @type {Engine} */ (this.#engine);
		const result = this.#members.size < 2 ? null : await engine.adapt({ force, views: views > 1 });
		this.refused = result && !result.taken ? result : null;
		if (this.refused) {
			this.#keeper?.refused(this.refused);
			this.#tellKeeper();
			return;
		}
		if (!result && (!this.adapted || (this.#keeper && (await engine.history()).inUse > 0))) return;
		if (result) await this.#kept(result);
		this.adapted = result;
		this.#events.onAdapted(result);
	}

	/** @param {() => Promise<unknown>} step */
	#do = (step) => this.#steps.add(step);

	/** The page's key of an example the engine speaks of. @param {number} id */
	exampleKey(id) {
		return this.#members.exampleKey(id);
	}

	/** The page's key of a class the engine speaks of. @param {number} id */
	classKey(id) {
		return this.#members.classKey(id) ?? (this.#task.classes.some((c) => c.key === id) ? id : null); // of an adapter from elsewhere: it has no picture
	}
}
