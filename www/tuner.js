// The engine that can do more than the page's: fetched when it is asked for, in a Worker of its own for one piece of work.

import { EngineError } from "./error.js";

/** @import { Engine, Progress } from "./engine.js" */

/**
 * Has something done by such an engine and ends it. An abort ends it at once, in the middle of its work too.
 * @template T
 * @param {Engine} engine the page's, which is not touched
 * @param {{ onProgress: (progress: Progress) => void, signal: AbortSignal }} options progress of its coming
 * @param {(tuner: Engine) => Promise<T>} run
 * @returns {Promise<T>} rejects with what load may say, and with "aborted"
 */
export async function withTuner(engine, { onProgress, signal }, run) {
	const tuner = await engine.twin({ tuning: true, signal, onProgress });
	const end = () => tuner.dispose();
	signal.addEventListener("abort", end);
	try {
		if (signal.aborted) throw new EngineError("aborted", "the work was stopped");
		return await run(tuner);
	} finally {
		signal.removeEventListener("abort", end);
		tuner.dispose();
	}
}
