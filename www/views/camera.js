import { el } from "./element.js";
import { camera } from "../camera.js";
import { drawFrame } from "../frame.js";
import { Frames } from "../frames.js";
import { onLanguage, text } from "../strings.js";

/** @import { Trouble } from "../camera.js" */
/** @import { Pixels } from "../engine.js" */

/** Longest side of a picture that is kept, pixels: more than any backbone looks at. */
const keptSide = 512;

/** Quality of the JPEG that is kept. */
const quality = 0.92;

/** The camera's picture, a choice of cameras, and what to do when there is none. */
export class CameraView {
	element;

	#video = el("video", { muted: true, autoplay: true, playsInline: true, label: "cameraPicture" });
	#trouble = el("p");
	#again = el("button", { type: "button", className: "strong", say: "retry" });
	#alert = el("div", { className: "camera-trouble", role: "alert", hidden: true }, this.#trouble, this.#again);
	#choice = el("select", { label: "cameraChoice", hidden: true });
	#canvas = document.createElement("canvas");
	/** @type {Trouble | null} */
	#why = null;
	#onPicture;
	/** the stream's pictures, read elsewhere; null: they are read here; undefined: nobody has asked for them @type {Frames | null | undefined} */
	#frames;
	/** ends the wait for a picture */
	#ending = new AbortController();

	/** @param {() => void} onPicture the first picture of a stream is there, or there will be none */
	constructor(onPicture) {
		this.#onPicture = onPicture;
		this.element = el("div", { className: "camera", hidden: true }, this.#video, this.#alert, this.#choice);
		this.#video.addEventListener("loadeddata", () => this.#onPicture());
		this.#again.addEventListener("click", () => camera.open(this));
		this.#choice.addEventListener("change", () => camera.choose(this.#choice.value));
		onLanguage(() => this.#sayWhy());
	}

	/** Switches the camera on and shows it. */
	open() {
		this.element.hidden = false;
		camera.open(this);
	}

	close() {
		this.element.hidden = true;
		this.#show(null);
		camera.close(this);
	}

	get isOpen() {
		return !this.element.hidden;
	}

	/** There are pictures. */
	get runs() {
		return this.isOpen && this.#video.srcObject !== null && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
	}

	/** @param {MediaStream | null} stream @param {Trouble | null} trouble */
	onStream(stream, trouble) {
		this.#show(stream);
		this.#video.hidden = !stream;
		this.#choice.hidden = true;
		this.#why = trouble;
		this.#alert.hidden = !trouble;
		this.#sayWhy();
		if (!stream) this.#onPicture();
	}

	/** @param {{ id: string, label: string }[]} devices @param {string} current */
	onDevices(devices, current) {
		this.#choice.replaceChildren(...devices.map(({ id, label }, i) => el("option", { value: id, textContent: label || text.cameraNumber(i + 1) })));
		this.#choice.value = current;
		this.#choice.hidden = devices.length < 2;
	}

	#sayWhy() {
		this.#trouble.textContent = this.#why ? text.camera[this.#why] : "";
	}

	/** @param {MediaStream | null} stream */
	#show(stream) {
		this.#video.srcObject = stream;
		this.#frames?.close();
		this.#frames = undefined;
		this.#ending.abort();
		this.#ending = new AbortController();
	}

	/** Draws the picture of this moment. @param {number} side its longest side at most, pixels */
	#draw(side) {
		const { videoWidth: width, videoHeight: height } = this.#video;
		return /** @type {CanvasRenderingContext2D} */ (drawFrame(this.#canvas, this.#video, { width, height }, side));
	}

	/** The picture of this moment to look at; null: there is none. @param {number} side @returns {Pixels | null} */
	pixels(side) {
		if (!this.runs) return null;
		return this.#draw(side).getImageData(0, 0, this.#canvas.width, this.#canvas.height);
	}

	/** The picture of this moment to keep, as a file. @returns {Promise<Blob | null>} null: there is none */
	async photo() {
		if (!this.runs) return null;
		this.#draw(keptSide);
		return new Promise((resolve) => this.#canvas.toBlob(resolve, "image/jpeg", quality));
	}

	/**
	 * The next picture to look at, or the newest where it was read elsewhere; waits for it, as long as nobody sees the page. One call at a time.
	 * @param {number} side
	 * @returns {Promise<Pixels | null>} null: there are no more of this stream
	 */
	async next(side) {
		const { signal } = this.#ending;
		if (document.hidden) await moment((done) => document.addEventListener("visibilitychange", done, { signal, once: true }), signal);
		const stream = /** @type {MediaStream | null} */ (this.#video.srcObject);
		if (signal.aborted || !stream) return null;
		if (this.#frames === undefined) this.#frames = Frames.of(stream);
		const pixels = await this.#frames?.next(side);
		if (pixels || signal.aborted || this.#frames?.failed === false) return pixels ?? null;
		await moment((done) => ("requestVideoFrameCallback" in this.#video ? this.#video.requestVideoFrameCallback(done) : requestAnimationFrame(done)), signal);
		return signal.aborted ? null : this.pixels(side);
	}
}

/** Waits for something, or for the end. @param {(done: () => void) => void} start @param {AbortSignal} end @returns {Promise<void>} */
const moment = (start, end) => new Promise((resolve) => {
	const done = () => {
		end.removeEventListener("abort", done);
		resolve();
	};
	if (end.aborted) return done();
	end.addEventListener("abort", done);
	start(done);
});
