import { el } from "./element.js";
import { holdsStill, settle } from "../still.js";

/** @import { Pixels } from "../engine.js" */

/** Side of a drawing, pixels. */
const side = 256;

/** Width of the pen, pixels: the ratio to the paper of the hand-drawn characters that the backbone has seen. */
const pen = 8;

/** A stroke: x, y, x, y, ... in pixels. @typedef {number[]} Stroke */

/** Paper and pen: black on white in either colour scheme, because the engine sees these very pixels. */
export class Pad {
	/** @type {HTMLElement} */
	element;
	/** @type {HTMLButtonElement} */
	undo;
	/** @type {HTMLButtonElement} */
	clear;

	/** @type {HTMLCanvasElement} */
	#canvas;
	/** @type {CanvasRenderingContext2D} */
	#context;
	/** @type {Stroke[]} */
	#strokes = [];
	/** the pointer that draws, if any @type {number | null} */
	#pointer = null;
	#onChange;

	/**
	 * @param {string} label
	 * @param {() => void} onChange called after each piece of a stroke, undo and clear
	 */
	constructor(label, onChange) {
		this.#onChange = onChange;
		this.#canvas = el("canvas", { width: side, height: side, className: "paper", role: "img", "aria-label": label });
		this.#context = /** @type {CanvasRenderingContext2D} */ (
			this.#canvas.getContext("2d", { willReadFrequently: true, alpha: false })
		);
		this.undo = el("button", { type: "button", className: "quiet", say: "undoStroke", label: "undoStrokeLabel" });
		this.clear = el("button", { type: "button", className: "quiet", say: "clear" });
		this.undo.addEventListener("click", () => this.#remove(1));
		this.clear.addEventListener("click", () => this.#remove(this.#strokes.length));
		const hint = el("span", { className: "paper-hint", say: "drawHere", "aria-hidden": "true" });
		this.element = el("div", { className: "pad" }, this.#canvas, hint);
		holdsStill(this.element);
		this.#listen();
		this.#draw();
	}

	get empty() {
		return this.#strokes.length === 0;
	}

	set label(/** @type {string} */ label) {
		this.#canvas.setAttribute("aria-label", label);
	}

	/** The drawing so far. @returns {Pixels} */
	pixels() {
		return this.#context.getImageData(0, 0, side, side);
	}

	reset() {
		this.#strokes = [];
		this.#draw();
	}

	#listen() {
		const canvas = this.#canvas;
		// touch-action stops scrolling, but a finger lifted in full swing still counts as a fling, and Chromium swallows the
		// next tap that stops a fling: "Add drawing" would do nothing.
		canvas.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
		canvas.addEventListener("pointerdown", (event) => {
			if (event.button !== 0 || this.#pointer !== null) return;
			event.preventDefault();
			canvas.setPointerCapture(event.pointerId);
			this.#pointer = event.pointerId;
			this.#strokes.push([]);
			this.#extend([event]);
		});
		canvas.addEventListener("pointermove", (event) => {
			if (event.pointerId !== this.#pointer) return;
			const pieces = event.getCoalescedEvents?.() ?? [];
			this.#extend(pieces.length > 0 ? pieces : [event]);
		});
		const end = (/** @type {PointerEvent} */ event) => {
			if (event.pointerId === this.#pointer) this.#pointer = null;
		};
		canvas.addEventListener("pointerup", end);
		canvas.addEventListener("pointercancel", end);
	}

	/** Adds points to the last stroke. @param {PointerEvent[]} events */
	#extend(events) {
		settle(); // a point can come before the frame that would have
		const box = this.#canvas.getBoundingClientRect();
		const stroke = this.#strokes[this.#strokes.length - 1];
		if (!stroke || box.width === 0) return;
		const from = Math.max(0, stroke.length - 2);
		for (const event of events) {
			stroke.push(
				((event.clientX - box.left) / box.width) * side,
				((event.clientY - box.top) / box.height) * side,
			);
		}
		this.#ink(stroke, from);
		this.#changed();
	}

	/** Draws a stroke from its number `from` on. @param {Stroke} stroke @param {number} from */
	#ink(stroke, from) {
		const c = this.#context;
		c.strokeStyle = "#000";
		c.lineWidth = pen;
		c.lineCap = c.lineJoin = "round";
		c.beginPath();
		c.moveTo(stroke[from], stroke[from + 1]);
		for (let i = from; i < stroke.length; i += 2) c.lineTo(stroke[i], stroke[i + 1]);
		c.stroke();
	}

	/** Takes the last n strokes away. @param {number} n */
	#remove(n) {
		if (n === 0 || this.empty) return;
		this.#strokes.splice(-n, n);
		this.#draw();
		this.#onChange();
	}

	#draw() {
		this.#context.fillStyle = "#fff";
		this.#context.fillRect(0, 0, side, side);
		for (const stroke of this.#strokes) this.#ink(stroke, 0);
		this.#show();
	}

	#changed() {
		this.#show();
		this.#onChange();
	}

	#show() {
		this.element.classList.toggle("blank", this.empty);
		setDisabled(this.undo, this.empty);
		setDisabled(this.clear, this.empty);
	}
}

/**
 * Disables a button without taking the focus from it.
 * @param {HTMLButtonElement} button
 * @param {boolean} disabled
 */
export function setDisabled(button, disabled) {
	button.setAttribute("aria-disabled", String(disabled));
}
