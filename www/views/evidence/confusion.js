import { el } from "../element.js";
import { refill, table, wide } from "./parts.js";
import { confusion } from "../../evidence.js";
import { text } from "../../strings.js";

/** @import { Class } from "../../task.js" */

/**
 * What is taken for what, as a table; the number in a cell opens what it counts.
 * @template {{ of: Class, said: Class }} T
 */
export class ConfusionTable {
	element = el("div", { tabIndex: -1 });
	#onOpen;
	/** keys of the class and the class said of the cell that is open @type {string} */
	#open = "";

	/** @param {(cell: { of: Class, said: Class, answers: T[] } | null) => void} onOpen null: no cell is open any more */
	constructor(onOpen) {
		this.#onOpen = onOpen;
	}

	/** @param {Class[]} classes @param {T[]} answers @param {string} caption */
	show(classes, answers, caption) {
		const cells = confusion(classes, answers);
		const most = Math.max(1, ...cells.flat().map((cell) => cell.length));
		/** @type {{ of: Class, said: Class, answers: T[] } | null} */
		let opened = null;
		/** @param {number} i @param {number} j */
		const cell = (i, j) => {
			const [of, said, inside] = [classes[i], classes[j], cells[i]?.[j] ?? []];
			if (!of || !said || inside.length === 0) return el("span", { className: "none", textContent: text.count(0) });
			const key = `${of.key} ${said.key}`;
			const open = key === this.#open;
			if (open) opened = { of, said, answers: inside };
			const label = of === said ? text.cellRight(text.pictures(inside.length), of.name) : text.cellWrong(text.pictures(inside.length), of.name, said.name);
			const button = el("button", {
				type: "button", className: of === said ? "cell right" : "cell wrong", textContent: text.count(inside.length), "aria-label": label, "aria-expanded": open,
				dataset: { key },
			});
			button.style.setProperty("--share", String(inside.length / most));
			button.addEventListener("click", () => {
				this.#open = open ? "" : key;
				this.show(classes, answers, caption);
			});
			return button;
		};
		refill(this.element, wide(table(caption, [text.confusionCorner, ...classes.map((c) => c.name)],
			classes.map((c, i) => [c.name, ...classes.map((_, j) => cell(i, j))]))));
		if (!opened) this.#open = "";
		this.#onOpen(opened);
	}
}
