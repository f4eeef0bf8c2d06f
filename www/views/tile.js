import { el, picture } from "./element.js";
import { text } from "../strings.js";

/** @import { Pixels } from "../engine.js" */
/** @import { Example } from "../task.js" */

/** What is dragged from one class to another: the key of an example. */
export const dragType = "application/x-haguruma-example";

/** One example: its thumbnail and a button that removes it. It can be dragged to another class, with a finger by carry.js. */
export class Tile {
	element;
	button;
	example;
	#image;
	/** @type {Pixels | null} */
	#painted = null;
	/** what the last update said, and in which language @type {{ words: typeof text | null, className: string, waiting: boolean, read: boolean }} */
	#said = { words: null, className: "", waiting: false, read: false };

	/** @param {Example} example @param {() => void} onRemove */
	constructor(example, onRemove) {
		this.example = example;
		this.#image = el("img", { alt: "", draggable: false });
		this.button = el("button", { type: "button", className: "icon", tabIndex: -1 }, cross());
		this.button.addEventListener("click", onRemove);
		this.element = el("li", { className: "tile", title: example.name, draggable: true }, this.#image, this.button);
		this.element.addEventListener("dragstart", (event) => {
			event.dataTransfer?.setData(dragType, String(example.key));
			event.dataTransfer?.setDragImage(this.#image, 20, 20);
		});
	}

	/** What it shows; null: nothing yet. A drawing is seen before the engine has read it. */
	get pixels() {
		const { source, thumbnail } = this.example;
		return thumbnail ?? ("data" in source ? source : null);
	}

	/** @param {string} className */
	update(className) {
		const { name, state, thumbnail } = this.example;
		const { pixels } = this;
		if (pixels && pixels !== this.#painted) {
			this.#painted = pixels;
			void picture(this.#image, pixels);
		}
		// Hundreds of tiles are asked at every change, and one or none of them has changed.
		const waiting = state === "waiting" && !thumbnail;
		const read = thumbnail !== null;
		const said = this.#said;
		if (said.words === text && said.className === className && said.waiting === waiting && said.read === read) return;
		this.#said = { words: text, className, waiting, read };
		this.element.classList.toggle("waiting", waiting);
		this.#image.alt = read ? name : text.problem(name, text.waiting);
		this.button.setAttribute("aria-label", text.removeExample(name, className));
	}
}

export function cross() {
	return el("span", { className: "cross", "aria-hidden": "true", textContent: "×" });
}
