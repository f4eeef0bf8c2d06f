// The loop of a camera that is tried on: its pictures are answered one after the other, as fast as they come or as the engine goes. While one is being
// answered the next is read, so that the engine need not wait for it.

/** @import { Pixels } from "./engine.js" */

/**
 * @typedef {object} LiveParts
 * @property {() => Promise<Pixels | null>} next the camera's next picture; null: there is none any more
 * @property {() => boolean} goes there is something to answer with
 * @property {(picture: Pixels) => Promise<{ ms: number, where?: string | undefined } | null>} answer has it answered, and shown; null: it could not be
 * @property {() => void} ended it was asked for again meanwhile, or there is nothing to answer with any more
 */

/** A pass that is shorter than the display's frame, ms, may be over before the page has done drawing. Then the engine has the next picture already. */
const frame = 16;

/** @param {number} ms */
const pause = (ms) => (ms > 0 ? new Promise((resolve) => setTimeout(resolve, ms)) : null);

export class Live {
	#parts;
	#on = false;
	#again = false;

	/** @param {LiveParts} parts */
	constructor(parts) {
		this.#parts = parts;
	}

	/** Something else is to be answered, or otherwise. @returns {boolean} it runs: its next answer is, or it tells of its end */
	again() {
		return this.#on && (this.#again = true);
	}

	/** Answers this picture and those that follow it. @param {Pixels} first */
	async run(first) {
		const { next, goes, answer, ended } = this.#parts;
		this.#on = true;
		this.#again = false;
		/** the last pass in this tab, ms; 0: there was none, or it is made elsewhere */
		let ms = 0;
		/** @type {Promise<unknown>} */
		let before = Promise.resolve();
		try {
			for (let picture = /** @type {Pixels | null} */ (first); picture && goes(); ) {
				const answered = answer(picture).then((result) => void (ms = result && !result.where ? result.ms : 0));
				// Of a long pass the next picture is read towards its end: what is shown is as young as it can be.
				const reading = Promise.resolve(pause(ms - frame)).then(next);
				[picture] = await Promise.all([reading, ms > 0 && ms < frame ? before : answered]);
				before = answered;
			}
		} finally {
			this.#on = false;
		}
		if (this.#again || !goes()) ended();
	}
}
