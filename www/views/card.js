import { el, paint } from "./element.js";
import { Pad, setDisabled } from "./pad.js";
import { Recorder } from "./record.js";
import { dropZone, flat } from "../files.js";
import { text } from "../strings.js";

/** @import { Pixels } from "../engine.js" */
/** @import { Class, Example } from "../task.js" */

/**
 * @typedef {object} CardActions
 * @property {(of: Class, name: string) => void} rename
 * @property {(of: Class) => void} remove
 * @property {() => void} onPaper a first stroke is on the paper, or the last one is off it
 * @property {(to: Class, drawing: Pixels) => void} addDrawing
 * @property {(to: Class, files: File[]) => void} addFiles
 * @property {(to: Class, photo: Blob) => void} addPhoto
 * @property {(from: Class, example: Example) => void} removeExample
 */

/** One class: its name, a place to draw, a place to drop, and its examples. */
export class Card {
	/** @type {HTMLLIElement} */
	element;
	/** @type {HTMLInputElement} */
	name;

	#class;
	#actions;
	#pad;
	#add;
	#choose;
	#remove;
	#count;
	#drawn = false;
	#recorder;
	/** @type {HTMLUListElement} */
	#list;
	/** by key @type {Map<number, Tile>} */
	#tiles = new Map();

	/**
	 * @param {Class} of
	 * @param {CardActions} actions
	 */
	constructor(of, actions) {
		this.#class = of;
		this.#actions = actions;
		this.name = el("input", {
			type: "text", className: "name", label: "className", maxLength: 200, autocomplete: "off",
			spellcheck: false,
		});
		this.#count = el("span", { className: "count" });
		this.#remove = el("button", { type: "button", className: "icon" }, cross());
		this.#pad = new Pad("", () => this.#offer());
		this.#add = el("button", { type: "button", className: "strong", say: "addDrawing" });
		const input = el("input", {
			type: "file", multiple: true, accept: "image/*", className: "hidden", tabIndex: -1, "aria-hidden": "true",
		});
		this.#choose = el("button", { type: "button", say: "chooseFiles" });
		this.#recorder = new Recorder((photo) => actions.addPhoto(of, photo));
		this.#list = el("ul", { className: "tiles" });
		this.element = el("li", { className: "card" },
			el("div", { className: "card-head" }, el("span", { className: "dot" }), this.name, this.#count, this.#remove),
			el("div", { className: "card-draw" }, this.#pad.element,
				el("div", { className: "tools" }, this.#pad.undo, this.#pad.clear, this.#add)),
			el("div", { className: "card-files" },
				el("div", { className: "choose" }, this.#choose, input, this.#recorder.toggle, el("span", { className: "drop-hint", say: "dropHere" })),
				this.#list),
			this.#recorder.element,
		);

		this.name.addEventListener("change", () => {
			actions.rename(of, this.name.value);
			this.name.value = of.name;
		});
		this.name.addEventListener("keydown", (event) => {
			if (event.isComposing) return; // Enter ends a Japanese conversion, not the name
			if (event.key === "Escape") this.name.value = of.name;
			if (event.key === "Escape" || event.key === "Enter") this.name.blur();
		});
		this.#remove.addEventListener("click", () => actions.remove(of));
		this.#add.addEventListener("click", () => {
			if (this.#pad.empty) return;
			const drawing = this.#pad.pixels();
			this.#pad.reset();
			this.#offer();
			actions.addDrawing(of, drawing);
		});
		this.#choose.addEventListener("click", () => input.click());
		input.addEventListener("change", () => {
			const files = [...(input.files ?? [])];
			input.value = ""; // the same file may be chosen again
			if (files.length > 0) actions.addFiles(of, files);
		});
		dropZone(this.element, (found) => actions.addFiles(of, flat(found)));
		this.#offer();
		this.update(0);
	}

	/** Takes it off the page. */
	remove() {
		this.#recorder.close();
		this.element.remove();
	}

	/** A drawing is on the paper and not added. */
	get drawn() {
		return this.#drawn;
	}

	#offer() {
		setDisabled(this.#add, this.#pad.empty);
		if (this.#drawn === !this.#pad.empty) return;
		this.#drawn = !this.#pad.empty;
		this.#actions.onPaper();
	}

	/** Shows what the class is now. @param {number} color its number in the row of colours */
	update(color) {
		const { name, examples } = this.#class;
		this.element.dataset["color"] = String(color);
		if (document.activeElement !== this.name) this.name.value = name;
		this.#count.textContent = examples.length === 0 ? text.noPictures : text.pictures(examples.length);
		this.#remove.setAttribute("aria-label", text.removeClass(name));
		this.#remove.title = text.removeClass(name);
		this.#pad.label = text.padLabel(name);
		this.#list.setAttribute("aria-label", text.examplesOf(name));

		for (const [key, tile] of this.#tiles) {
			if (examples.some((x) => x.key === key)) continue;
			tile.element.remove();
			this.#tiles.delete(key);
		}
		for (const [i, example] of examples.entries()) {
			let tile = this.#tiles.get(example.key);
			if (!tile) {
				tile = new Tile(example, () => this.#removeTile(example));
				this.#tiles.set(example.key, tile);
			}
			tile.update(name);
			if (this.#list.children[i] !== tile.element) {
				this.#list.insertBefore(tile.element, this.#list.children[i] ?? null);
			}
		}
		this.#list.hidden = examples.length === 0;
	}

	/** The keyboard's focus goes on to the next picture. @param {Example} example */
	#removeTile(example) {
		const { examples } = this.#class;
		const i = examples.indexOf(example);
		const next = examples[i + 1] ?? examples[i - 1];
		this.#actions.removeExample(this.#class, example);
		const tile = next && this.#tiles.get(next.key);
		(tile ? tile.button : this.#choose).focus();
	}
}

/** One example: its thumbnail and a button that removes it. */
class Tile {
	element;
	button;
	#example;
	#canvas;
	/** @type {Pixels | null} */
	#painted = null;

	/** @param {Example} example @param {() => void} onRemove */
	constructor(example, onRemove) {
		this.#example = example;
		this.#canvas = el("canvas", { width: 1, height: 1, role: "img" });
		this.button = el("button", { type: "button", className: "icon" }, cross());
		this.button.addEventListener("click", onRemove);
		this.element = el("li", { className: "tile", title: example.name }, this.#canvas, this.button);
	}

	/** @param {string} className */
	update(className) {
		const { name, state, source, thumbnail } = this.#example;
		this.element.classList.toggle("waiting", state === "waiting" && !thumbnail);
		this.#canvas.setAttribute("aria-label", thumbnail ? name : text.problem(name, text.waiting));
		this.button.setAttribute("aria-label", text.removeExample(name, className));
		const pixels = thumbnail ?? ("data" in source ? source : null); // a drawing is seen before the engine has read it
		if (pixels && pixels !== this.#painted) {
			paint(this.#canvas, pixels);
			this.#painted = pixels;
		}
	}
}

function cross() {
	return el("span", { className: "cross", "aria-hidden": "true", textContent: "×" });
}
