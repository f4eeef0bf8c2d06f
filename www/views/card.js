import { brought, Carrier } from "./carry.js";
import { el } from "./element.js";
import { Pad, setDisabled } from "./pad.js";
import { Recorder } from "./record.js";
import { cross, dragType, Tile } from "./tile.js";
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
 * @property {(from: Class, example: Example, number: number) => boolean} moveExample to the class of that number, 1 the first; false: there is none, or it is this one
 * @property {(key: number, to: Class) => void} dropExample an example was dragged here from another class
 * @property {(example: Example) => void} holdExample a finger has lifted an example, and touches its new class next
 */

/** Of more pictures than this none moves while it waits. */
const many = 30;

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
	/** the tile that Tab leads to; the arrow keys lead to the others @type {Tile | null} */
	#current = null;

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
				this.#list, el("p", { className: "keys-hint", say: "keysHint" })),
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
		this.#list.addEventListener("keydown", (event) => this.#key(event));
		this.#list.addEventListener("focusin", (event) => this.#lead([...this.#tiles.values()].find((tile) => tile.button === event.target) ?? null));
		this.#takeDragged();
		new Carrier(this.#list, (element) => [...this.#tiles.values()].find((tile) => tile.element.contains(element)), (tile) => actions.holdExample(tile.example));
		dropZone(this.element, (found) => actions.addFiles(of, flat(found)));
		this.#offer();
		this.update(0, 0);
	}

	/** Examples of other classes can be dropped here. */
	#takeDragged() {
		const ours = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes(dragType) ?? false;
		this.element.addEventListener("dragover", (event) => {
			if (!ours(event)) return;
			event.preventDefault();
			this.element.classList.add("dropping");
		});
		for (const end of /** @type {const} */ (["dragleave", "drop", "dragend"])) {
			this.element.addEventListener(end, (event) => {
				if (ours(event) || end === "dragend") this.element.classList.remove("dropping");
			});
		}
		this.element.addEventListener("drop", (event) => {
			if (!ours(event)) return;
			event.preventDefault();
			this.#actions.dropExample(Number(event.dataTransfer?.getData(dragType)), this.#class);
		});
		this.element.addEventListener(brought, (event) => this.#actions.dropExample(/** @type {CustomEvent<number>} */ (event).detail, this.#class));
	}

	/** Tab leads to this tile. @param {Tile | null} tile */
	#lead(tile) {
		if (this.#current) this.#current.button.tabIndex = -1;
		this.#current = tile;
		if (tile) tile.button.tabIndex = 0;
	}

	/** Keys on a tile: arrows lead to others, a digit moves it to the class of that number, Delete removes it. @param {KeyboardEvent} event */
	#key(event) {
		const { examples } = this.#class;
		const i = examples.findIndex((x) => this.#tiles.get(x.key)?.button === event.target);
		const example = examples[i];
		if (!example || event.ctrlKey || event.altKey || event.metaKey) return;
		const columns = getComputedStyle(this.#list).gridTemplateColumns.split(" ").length;
		const ways = /** @type {Record<string, number>} */ ({ ArrowRight: i + 1, ArrowLeft: i - 1, ArrowDown: i + columns, ArrowUp: i - columns, Home: 0, End: examples.length - 1 });
		const to = ways[event.key];
		if (to !== undefined) this.#focus(examples[to]);
		else if (event.key === "Delete" || event.key === "Backspace") this.#removeTile(example);
		else if (/^[1-9]$/.test(event.key)) {
			const next = examples[i + 1] ?? examples[i - 1];
			if (this.#actions.moveExample(this.#class, example, Number(event.key))) this.#focus(next, true);
		} else return;
		event.preventDefault();
	}

	/** @param {Example | undefined} example @param {boolean} [choose] where there is none, the button that chooses files */
	#focus(example, choose = false) {
		const tile = example && this.#tiles.get(example.key);
		if (tile) tile.button.focus();
		else if (choose) this.#choose.focus();
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

	/**
	 * Shows what the class is now.
	 * @param {number} color its number in the row of colours
	 * @param {number} room new pictures that may be put on the page
	 * @returns {number} new pictures that were
	 */
	update(color, room) {
		const { name, examples } = this.#class;
		this.element.dataset["color"] = String(color);
		if (document.activeElement !== this.name) this.name.value = name;
		this.#count.textContent = examples.length === 0 ? text.noPictures : text.pictures(examples.length);
		this.#remove.setAttribute("aria-label", text.removeClass(name));
		this.#remove.title = text.removeClass(name);
		this.#pad.label = text.padLabel(name);
		this.#list.setAttribute("aria-label", text.examplesOf(name));

		const keys = new Set(examples.map((x) => x.key));
		for (const [key, tile] of this.#tiles) {
			if (keys.has(key)) continue;
			tile.element.remove();
			this.#tiles.delete(key);
		}
		let made = 0;
		let next = this.#list.firstElementChild;
		for (const example of examples) {
			let tile = this.#tiles.get(example.key);
			if (!tile) {
				if (made === room) continue;
				made++;
				tile = new Tile(example, () => this.#removeTile(example));
				this.#tiles.set(example.key, tile);
			}
			tile.update(name);
			if (tile.element === next) next = next.nextElementSibling;
			else this.#list.insertBefore(tile.element, next);
		}
		this.#list.hidden = examples.length === 0;
		this.#list.classList.toggle("many", examples.length > many);
		if (!this.#current || !keys.has(this.#current.example.key)) this.#lead(this.#tiles.get(examples[0]?.key ?? -1) ?? null);
		return made;
	}

	/** The keyboard's focus goes on to the next picture. @param {Example} example */
	#removeTile(example) {
		const { examples } = this.#class;
		const i = examples.indexOf(example);
		const next = examples[i + 1] ?? examples[i - 1];
		this.#actions.removeExample(this.#class, example);
		this.#focus(next, true);
	}
}
