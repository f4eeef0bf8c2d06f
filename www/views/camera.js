import { el } from "./element.js";
import { camera } from "../camera.js";
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
		this.#video.srcObject = null;
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
		this.#video.srcObject = stream;
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

	/** Draws the picture of this moment, whole and not mirrored. @param {number} side its longest side at most, pixels */
	#draw(side) {
		const { videoWidth, videoHeight } = this.#video;
		const scale = Math.min(1, side / Math.max(videoWidth, videoHeight));
		this.#canvas.width = Math.max(1, Math.round(videoWidth * scale));
		this.#canvas.height = Math.max(1, Math.round(videoHeight * scale));
		const context = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d", { willReadFrequently: true, alpha: false }));
		context.imageSmoothingQuality = "high";
		context.drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
		return context;
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

	/** Waits for the next picture; for ever when there is none, as in a tab that nobody sees. @returns {Promise<void>} */
	next() {
		return new Promise((resolve) => {
			if ("requestVideoFrameCallback" in this.#video) this.#video.requestVideoFrameCallback(() => resolve());
			else requestAnimationFrame(() => resolve());
		});
	}
}
