// Fine-tuning: gradient steps on the pictures, by an engine that can, in a Worker of its own. The page's engine goes on meanwhile and is not touched until
// there is something to take; stopping ends the Worker, in the middle of a step too.

import { EngineError, typed } from "./error.js";
import { withTuner } from "./tuner.js";

/** @import { AdaptResult } from "./adaptation.js" */
/** @import { Progress } from "./engine.js" */
/** @import { Keeper } from "./kept/keeper.js" */
/** @import { Packed } from "./kept.js" */
/** @import { Runner } from "./runner.js" */

/** A version that another engine made. @typedef {{ result: AdaptResult, packed: Packed }} Made */

/**
 * Where it is: fetching and starting its engine, reading `done` of `total` pictures, or taking steps.
 * @typedef {{ at: "engine", progress: Progress } | { at: "pictures" | "steps", done: number, total: number }} Where
 */

/**
 * What became of it: taken into use, worse than what is in use, nothing to gain, stopped by the user, or of no use because what it was made of or compared with
 * has changed meanwhile.
 * @typedef {{ outcome: "taken" | "refused" | "nothing", result: AdaptResult } | { outcome: "stopped" | "changed" }} Outcome
 */

/** What the journal has where no learning rate won the vote. */
const nothing = "fine-tuning: no learning rate that was tried does better on examples that it has not seen";

export class FineTuning {
	#runner;
	#keeper;
	/** what the guard refused last @type {Made | null} */
	#refused = null;

	/** @param {Pick<Runner, "inUse" | "take" | "refused">} runner @param {Pick<Keeper, "refused">} keeper */
	constructor(runner, keeper) {
		this.#runner = runner;
		this.#keeper = keeper;
	}

	/**
	 * @param {{ onProgress: (where: Where) => void, signal: AbortSignal }} options
	 * @returns {Promise<Outcome>} rejects with an EngineError: what load and adapt may say
	 */
	async start({ onProgress, signal }) {
		const stop = new AbortController();
		const end = () => stop.abort();
		signal.addEventListener("abort", end);
		try {
			const from = await this.#runner.inUse(signal);
			from.settled.addEventListener("abort", end);
			try {
				return await this.#judge(await make(from, onProgress, stop.signal), stop.signal);
			} finally {
				from.settled.removeEventListener("abort", end);
			}
		} catch (cause) {
			if (signal.aborted) return { outcome: "stopped" };
			if (stop.signal.aborted) return { outcome: "changed" };
			throw typed(cause);
		} finally {
			signal.removeEventListener("abort", end);
		}
	}

	/** @param {Made} made @param {AbortSignal} signal @returns {Promise<Outcome>} */
	async #judge(made, signal) {
		const { result } = made;
		if (result.tuning?.rate && result.verdict.code !== "worse") return { outcome: "taken", result: await this.#take(made, signal) };
		if (signal.aborted) throw new EngineError("aborted", "fine-tuning was stopped");
		if (!result.tuning?.rate) {
			this.#keeper.refused({ verdict: { ...result.verdict, reason: nothing } });
			return { outcome: "nothing", result };
		}
		this.#refused = made;
		this.#runner.refused = result;
		this.#keeper.refused(result);
		return { outcome: "refused", result };
	}

	/** Takes what was refused last all the same; false: it was not made here. */
	overrule() {
		const made = this.#refused;
		if (!made || this.#runner.refused !== made.result) return false;
		void this.#take(made).catch((cause) => console.error(cause)); // a death, which the page tells
		return true;
	}

	/** @param {Made} made @param {AbortSignal} [signal] */
	#take({ result, packed: { file, notes } }, signal) {
		return this.#runner.take(async (engine) => {
			const { version, parent } = await engine.recall(file, notes, 0);
			return { ...result, version, parent };
		}, signal);
	}
}

/**
 * Has another engine learn the same pictures, by gradient steps too, and judge that beside what is in use. It takes it either way, so that it can be packed.
 * @param {Awaited<ReturnType<Runner["inUse"]>>} from
 * @param {(where: Where) => void} onProgress
 * @param {AbortSignal} signal
 * @returns {Promise<Made>}
 */
function make({ engine, file, notes, number, support }, onProgress, signal) {
	return withTuner(engine, { signal, onProgress: (progress) => onProgress({ at: "engine", progress }) }, async (tuner) => {
		const total = support.reduce((n, { examples }) => n + examples.length, 0);
		let done = 0;
		for (const { id, name, examples } of support) {
			await tuner.addClass(name, id);
			for (const { id: example, source } of examples) {
				onProgress({ at: "pictures", done: done++, total });
				await tuner.addExample(id, source, { id: example });
			}
		}
		await tuner.recall(file, notes, number);
		await tuner.useVersion(number);
		const result = await tuner.adapt({
			finetune: true, views: true, force: true, onProgress: (p) => p.step === "tune" && onProgress({ at: "steps", done: p.done, total: p.total }),
		});
		return { result, packed: await tuner.pack() };
	});
}

/** Time left, from the steps that were taken. What comes before the first takes longer than a step, and says nothing of it. */
export class TimeLeft {
	/** when the first step was done, ms @type {number | null} */
	#first = null;
	/** steps done then */
	#from = 0;
	#ms = NaN;

	/**
	 * Steps are done. @param {number} done @param {number} total @param {number} now ms
	 * @returns {number | null} ms; null: not known yet
	 */
	at(done, total, now) {
		if (done === 0) return null;
		if (this.#first === null) [this.#first, this.#from] = [now, done];
		if (done > this.#from) this.#ms = (now - this.#first) / (done - this.#from);
		return Number.isNaN(this.#ms) ? null : this.#ms * (total - done);
	}
}
