// The page's side of the Worker that reads a camera's pictures. Reducing one of 640 x 480 takes a third of a small model's pass: the page's thread has
// better things to do, and so has the engine's.

/** @import { Pixels } from "./engine.js" */

/** What the Worker is told: where the pictures come from, that one is wanted, its longest side at most, or that it is over. @typedef {{ frames: ReadableStream<VideoFrame> } | { side: number } | { close: true }} Asked */

/** "MediaStreamTrack Insertable Media Processing using Streams"; of the browsers, Chromium's have it in a page. @typedef {new (init: { track: MediaStreamTrack, maxBufferSize: number }) => { readable: ReadableStream<VideoFrame> }} Processor */

export class Frames {
	#worker;
	/** who waits for a picture @type {((pixels: Pixels | null) => void) | null} */
	#waiting = null;
	#over = false;
	/** it does not work here after all */
	failed = false;

	/** @param {ReadableStream<VideoFrame>} frames of a track, the newest only @param {Worker} worker of frames.worker.js */
	constructor(frames, worker) {
		this.#worker = worker;
		worker.onmessage = ({ data }) => this.#give(data);
		worker.onerror = (event) => {
			event.preventDefault?.(); // told through `failed`
			this.failed = true;
			this.close();
		};
		this.#ask({ frames }, [frames]);
	}

	/** The pictures of a stream; null: this browser leaves them to the page. @param {MediaStream} stream */
	static of(stream) {
		const { MediaStreamTrackProcessor } = /** @type {{ MediaStreamTrackProcessor?: Processor }} */ (/** @type {unknown} */ (globalThis));
		const [track] = stream.getVideoTracks();
		if (!MediaStreamTrackProcessor || !globalThis.OffscreenCanvas || !track) return null;
		const worker = new Worker(new URL("./frames.worker.js", import.meta.url), { type: "module" });
		try {
			return new Frames(new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable, worker);
		} catch (cause) {
			console.info(`camera: ${cause}`);
			worker.terminate();
			return null;
		}
	}

	/** The newest picture that was not yet given, or the next one. One call at a time. @param {number} side its longest at most, pixels @returns {Promise<Pixels | null>} null: there are no more */
	next(side) {
		if (this.#over) return Promise.resolve(null);
		return new Promise((resolve) => {
			this.#waiting = resolve;
			this.#ask({ side });
		});
	}

	/** Who waits is told that there are no more. */
	close() {
		if (this.#over) return;
		this.#over = true;
		this.#ask({ close: true });
		this.#give(null);
	}

	/** @param {Pixels | null} pixels */
	#give(pixels) {
		this.#waiting?.(pixels);
		this.#waiting = null;
	}

	/** @param {Asked} message @param {Transferable[]} [transfer] */
	#ask(message, transfer = []) {
		this.#worker.postMessage(message, transfer);
	}
}
