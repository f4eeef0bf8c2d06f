// Steps for an engine, one at a time and in order. Those of an engine that another one has replaced are forgotten.

import { EngineError, typed } from "./error.js";

/** @typedef {() => Promise<unknown>} Step */

/**
 * @typedef {object} StepsParts
 * @property {() => boolean} ready steps can be done
 * @property {() => Step | null} idle what to do where no step waits; null: nothing
 * @property {() => Promise<void> | null} again after a death: fulfilled when there is an engine again, or none will come
 * @property {(error: EngineError) => void} onError of a step
 * @property {() => void} onDone told after each step
 */

export class Steps {
	#parts;
	/** @type {Step[]} */
	#steps = [];
	#running = false;
	/** counts engines */
	#generation = 0;

	/** @param {StepsParts} parts */
	constructor(parts) {
		this.#parts = parts;
	}

	/** Steps that wait. */
	get length() {
		return this.#steps.length;
	}

	/** There is another engine, or will be. */
	clear() {
		this.#generation++;
		this.#steps = [];
	}

	/** @param {Step} step */
	add(step) {
		this.#steps.push(step);
		this.wake();
	}

	/** There is something to do, also where no step waits. */
	wake() {
		if (!this.#running) void this.#run();
	}

	/**
	 * Does something in its turn, for somebody who waits for it.
	 * @template T
	 * @param {() => Promise<T>} act
	 * @param {AbortSignal} [signal] ends it before it begins: rejects with "aborted"
	 * @returns {Promise<T>}
	 */
	inTurn(act, signal) {
		return new Promise((resolve, reject) => {
			const stop = () => reject(new EngineError("aborted", "stopped before its turn"));
			if (signal?.aborted) return stop();
			signal?.addEventListener("abort", stop);
			this.add(async () => {
				if (signal?.aborted) return;
				signal?.removeEventListener("abort", stop);
				await act().then(resolve, reject);
			});
		});
	}

	async #run() {
		const { ready, idle, again, onError, onDone } = this.#parts;
		this.#running = true;
		while (ready()) {
			const step = this.#steps.shift() ?? idle();
			if (!step) break;
			const generation = this.#generation;
			try {
				await step();
			} catch (cause) {
				const error = typed(cause);
				if (error.code === "died") await again(); // which the death itself began
				else if (generation === this.#generation) onError(error);
			}
			onDone();
		}
		this.#running = false;
	}
}
