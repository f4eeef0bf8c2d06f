import { byId, el, paint } from "./element.js";
import { text } from "../strings.js";

/** @import { Pixels, Score } from "../engine.js" */

/** One row of the result. @typedef {Score & { color: number }} Row */

/**
 * A result as it is shown.
 * @typedef {object} Result
 * @property {Row[]} rows
 * @property {Row} best the one that is taken
 * @property {Pixels | null} like the nearest example of the winner
 * @property {boolean} unknown it is none of the classes
 */

/** A row, and what it shows. @typedef {{ row: HTMLElement, name: HTMLElement, fill: HTMLElement, percent: HTMLElement, share: number, color: number, best: boolean }} Bar */

/** Digits that change more often cannot be read, ms: a multimeter writes so many beside a bar that moves all the time. */
const pace = 400;

/** The answer: a verdict, a bar for each class, and the example that it is most like. What has not changed is left alone: it would be laid out again. */
export class ResultView {
	#verdict = byId("verdict", HTMLParagraphElement);
	#bars = byId("bars", HTMLUListElement);
	#said = byId("verdict-said", HTMLParagraphElement);
	#like = byId("most-like", HTMLDivElement);
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	#saying;
	/** the class that will be said, or is */
	#sayable = -1;
	/** by class id @type {Map<number, Bar>} */
	#rows = new Map();
	/** the result shown; null: a sentence is @type {Result | null} */
	#shown = null;
	#live = false;
	/** @type {Pixels | null} */
	#painted = null;
	/** when the digits were written */
	#written = 0;
	/** will write those that were left out @type {ReturnType<typeof setTimeout> | undefined} */
	#late;

	/** Says a sentence where the result would be. @param {string} sentence */
	hint(sentence) {
		clearTimeout(this.#saying);
		clearTimeout(this.#late);
		this.#late = undefined;
		this.#sayable = -1;
		this.#shown = null;
		this.#verdict.textContent = sentence;
		this.#verdict.classList.add("hint");
		this.#bars.replaceChildren();
		this.#rows.clear();
		this.#like.hidden = true;
	}

	/**
	 * Shows a result. Rows keep their places, so that the eye can rest on one while the bars move.
	 * @param {Result} result
	 * @param {boolean} live others follow at once: the bars show each of them, the digits as many as can be read, and the last
	 * @returns {boolean} the digits are written
	 */
	show(result, live) {
		const { best, unknown, like } = result;
		const before = this.#shown;
		this.#shown = result;
		if (!before) this.#verdict.classList.remove("hint");
		if (live !== this.#live) this.#bars.classList.toggle("live", (this.#live = live));
		if (unknown !== this.#bars.classList.contains("unknown")) {
			this.#verdict.classList.toggle("unknown", unknown);
			this.#bars.classList.toggle("unknown", unknown);
		}
		const fresh = this.#draw(result);
		if (this.#like.hidden === (like !== null)) this.#like.hidden = !like;
		if (like && like !== this.#painted) paint(byId("most-like-picture", HTMLCanvasElement), (this.#painted = like));
		const turned = before?.best.class !== best.class || before.unknown !== unknown;
		const due = !live || fresh || turned || performance.now() - this.#written >= pace;
		if (due) this.#write();
		else this.#late ??= setTimeout(() => this.#write(), 2 * pace);
		this.#sayLater(unknown ? -2 : best.class, live);
		return due;
	}

	/** A screen reader hears the verdict once the hand rests or the camera has seen the same for a while, not at every step of the bars. @param {number} sayable @param {boolean} live */
	#sayLater(sayable, live) {
		if (this.#sayable === sayable && live) return;
		this.#sayable = sayable;
		clearTimeout(this.#saying);
		this.#saying = setTimeout(() => (this.#said.textContent = this.#verdict.textContent), 900);
	}

	/** Everything but words. @param {Result} result @returns {boolean} there is a bar that has none yet */
	#draw({ rows, best }) {
		let fresh = false;
		for (const [id, { row }] of this.#rows) {
			if (rows.some((other) => other.class === id)) continue;
			row.remove();
			this.#rows.delete(id);
		}
		for (const [i, row] of rows.entries()) {
			const known = this.#rows.get(row.class);
			const bar = known ?? this.#newBar(row.class);
			fresh ||= !known;
			if (bar.color !== row.color) bar.row.dataset["color"] = String((bar.color = row.color));
			if (bar.best !== (row === best)) bar.row.classList.toggle("best", (bar.best = row === best));
			if (bar.share !== row.probability) bar.fill.style.setProperty("--share", String((bar.share = row.probability)));
			if (this.#bars.children[i] !== bar.row) this.#bars.insertBefore(bar.row, this.#bars.children[i] ?? null);
		}
		return fresh;
	}

	/** The words and digits of the result shown. */
	#write() {
		clearTimeout(this.#late);
		this.#late = undefined;
		if (!this.#shown) return;
		this.#written = performance.now();
		const { rows, best, unknown } = this.#shown;
		const share = text.percent(best.probability);
		write(this.#verdict, unknown ? text.noneOf(best.name, share) : text.verdict(best.name, share));
		for (const row of rows) {
			const bar = this.#rows.get(row.class);
			if (!bar) continue;
			write(bar.name, row.name);
			write(bar.percent, text.percent(row.probability));
		}
	}

	/** @param {number} id */
	#newBar(id) {
		const name = el("span", { className: "bar-name" });
		const fill = el("span", { className: "bar-fill" });
		const percent = el("span", { className: "bar-percent" });
		const row = el("li", { className: "bar" }, name, el("span", { className: "bar-track", "aria-hidden": "true" }, fill), percent);
		const made = { row, name, fill, percent, share: -1, color: -1, best: false };
		this.#rows.set(id, made);
		return made;
	}
}

/** Says it, where it is not said already. @param {HTMLElement} element @param {string} said */
function write(element, said) {
	const { firstChild } = element;
	if (!(firstChild instanceof Text)) element.textContent = said;
	else if (firstChild.data !== said) firstChild.data = said;
}
