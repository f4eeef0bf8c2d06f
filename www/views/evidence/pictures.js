import { el, paint } from "../element.js";
import { text } from "../../strings.js";

/** @import { Judgement } from "../../evidence.js" */
/** @import { Class, Example } from "../../task.js" */

/**
 * What can be done to an example from here.
 * @typedef {object} EvidenceActions
 * @property {(from: Class, example: Example, to: Class) => void} move
 * @property {(from: Class, example: Example) => void} remove
 * @property {(of: Class) => number} color
 */

/** Pictures that are shown at once. */
const atOnce = 24;

/** Left-out pictures as a list, each with what the others say of it, and buttons that move or remove it. */
export class PictureList {
	element = el("div", { className: "judged", tabIndex: -1 });
	#list = el("ul", { className: "pictures" });
	#more = el("button", { type: "button", say: "evidenceMore" });
	#actions;
	#shown = atOnce;
	/** @type {Judgement[]} */
	#judgements = [];

	/** @param {EvidenceActions} actions */
	constructor(actions) {
		this.#actions = actions;
		this.element.append(this.#list, this.#more);
		this.#more.addEventListener("click", () => {
			const first = this.#shown;
			this.#shown += atOnce;
			this.#fill();
			/** @type {HTMLElement | null} */ (this.#list.children[first]?.querySelector("button") ?? null)?.focus();
		});
	}

	/** @param {string} name of the list @param {Judgement[]} judgements */
	show(name, judgements) {
		this.#list.setAttribute("aria-label", name);
		this.#judgements = judgements;
		this.#fill();
	}

	/** From the start, when the list is another. */
	rewind() {
		this.#shown = atOnce;
	}

	#fill() {
		const focused = document.activeElement instanceof HTMLElement && this.#list.contains(document.activeElement) ? document.activeElement : null;
		const at = focused ? [...this.#list.querySelectorAll("button")].indexOf(/** @type {HTMLButtonElement} */ (focused)) : -1;
		this.#list.replaceChildren(...this.#judgements.slice(0, this.#shown).map((j) => this.#item(j)));
		this.#list.hidden = this.#judgements.length === 0;
		this.#more.hidden = this.#judgements.length <= this.#shown;
		if (at < 0) return;
		const buttons = this.#list.querySelectorAll("button");
		(buttons[Math.min(at, buttons.length - 1)] ?? this.element).focus();
	}

	/** @param {Judgement} judgement */
	#item({ example, of, said, saying, probability, twin }) {
		const { move, remove, color } = this.#actions;
		const canvas = el("canvas", { width: 1, height: 1, role: "img", "aria-label": example.name });
		if (example.thumbnail) paint(canvas, example.thumbnail);
		const right = of === said;
		const line = twin ? text.sameAs(said.name) : right ? text.takenRight(of.name, text.percent(probability)) : text.takenFor(of.name, said.name, text.percent(saying));
		const buttons = el("div", { className: "tools" });
		if (!right) {
			const to = el("button", { type: "button", className: "strong", textContent: text.moveTo(said.name), "aria-label": text.moveNamed(example.name, said.name) });
			to.addEventListener("click", () => move(of, example, said));
			buttons.append(to);
		}
		const away = el("button", { type: "button", textContent: text.removeIt, "aria-label": text.removeExample(example.name, of.name) });
		away.addEventListener("click", () => remove(of, example));
		buttons.append(away);
		return el("li", { dataset: { color: color(of) } }, canvas,
			el("div", {}, el("p", { className: "file", textContent: example.name }), el("p", { textContent: line }), buttons));
	}
}
