import { el } from "../element.js";
import { svg, table } from "./parts.js";
import { likeness, rates } from "../../threshold.js";
import { text } from "../../strings.js";

/** @import { Judgement } from "../../evidence.js" */
/** @import { Class } from "../../task.js" */
/** @import { Threshold } from "../../threshold.js" */

/** Size of the drawing, in its own units: a row of dots for each class. */
const [width, row] = [400, 46];

/** Thresholds that the table compares. */
const tenths = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** OK or NG: a slider, what it misses and what it takes wrongly, and where each left-out example lies. */
export class ThresholdView {
	element;
	#threshold;
	#onChange;
	#color;
	#which = el("select", { label: "okngWhich" });
	#slider = el("input", { type: "range", min: "0", max: "100", step: "1", label: "okngSlider" });
	#value = el("output");
	#missed = el("p", { className: "rate" });
	#alarms = el("p", { className: "rate" });
	#plot = el("div");
	#numbers = el("div");
	/** @type {Class[]} */
	#classes = [];
	/** @type {Judgement[]} */
	#judged = [];

	/** @param {Threshold} threshold @param {() => void} onChange @param {(of: Class) => number} color */
	constructor(threshold, onChange, color) {
		this.#threshold = threshold;
		this.#onChange = onChange;
		this.#color = color;
		this.element = el("section", { className: "okng", "aria-labelledby": "okng-title", hidden: true },
			el("h3", { id: "okng-title", say: "okngTitle" }), el("p", { className: "soft", say: "okngHint" }),
			el("div", { className: "choice" }, el("label", {}, el("span", { say: "okngWhich", "aria-hidden": "true" }), " ", this.#which)),
			el("div", { className: "slide" }, el("span", { say: "okngSlider", "aria-hidden": "true" }), this.#slider, this.#value),
			el("div", { className: "rates", role: "status" }, this.#missed, this.#alarms), this.#plot,
			el("details", {}, el("summary", { say: "asTable" }), this.#numbers));
		this.#slider.addEventListener("input", () => this.#keep(Number(this.#slider.value) / 100));
		this.#which.addEventListener("change", () => {
			const ng = this.#classes.find((c) => String(c.key) === this.#which.value);
			if (!ng) return;
			// The same line from the other side.
			this.#threshold.keep(ng, 1 - this.#threshold.at(this.#classes));
			this.#changed();
		});
	}

	/** @param {number} at */
	#keep(at) {
		this.#threshold.keep(this.#threshold.ng(this.#classes), at);
		this.#changed();
	}

	#changed() {
		this.show(this.#classes, this.#judged);
		this.#onChange();
	}

	/** Two classes that have been judged have it, others do not. @param {Class[]} classes @param {Judgement[]} judged */
	show(classes, judged) {
		this.#classes = classes;
		this.#judged = judged;
		this.element.hidden = classes.length !== 2 || judged.length === 0;
		if (this.element.hidden) return;
		const [ng, at] = [this.#threshold.ng(classes), this.#threshold.at(classes)];
		this.#which.replaceChildren(...classes.map((c) => el("option", { value: String(c.key), textContent: c.name })));
		this.#which.value = String(ng.key);
		this.#slider.value = String(Math.round(at * 100));
		this.#slider.setAttribute("aria-valuetext", text.percent(at));
		this.#value.textContent = text.percent(at);
		const { missed, ng: bad, alarms, ok } = rates(judged, ng, at);
		this.#missed.textContent = text.missed(missed, bad, text.percent(missed / Math.max(1, bad)));
		this.#alarms.textContent = text.falseAlarms(alarms, ok, text.percent(alarms / Math.max(1, ok)));
		this.#plot.replaceChildren(this.#draw(ng, at, `${this.#missed.textContent} ${this.#alarms.textContent}`));
		this.#numbers.replaceChildren(table(text.okngCaption, [text.okngCorner, text.missedHead, text.alarmsHead], tenths.map((t) => {
			const r = rates(judged, ng, t);
			return [text.percent(t), text.ofAll(r.missed, r.ng), text.ofAll(r.alarms, r.ok)];
		})));
	}

	/** A dot for each example, from not at all like NG on the left to quite on the right, and the threshold. @param {Class} ng @param {number} at @param {string} label */
	#draw(ng, at, label) {
		const height = 2 * row + 6;
		const x = (/** @type {number} */ p) => 8 + p * (width - 16);
		const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", class: "dots", "aria-label": label });
		drawing.append(svg("rect", { x: x(at), y: 0, width: width - x(at), height, class: "taken" }));
		for (const [i, c] of this.#classes.entries()) {
			const y = i * row;
			drawing.append(svg("text", { x: 8, y: y + 14 }, c.name.length > 40 ? `${c.name.slice(0, 39)}…` : c.name), svg("line", { x1: 8, x2: width - 8, y1: y + 32, y2: y + 32, class: "axis" }));
			for (const judgement of this.#judged) {
				if (judgement.of !== c) continue;
				const like = likeness(judgement, ng);
				const wrong = like >= at !== (c === ng);
				drawing.append(svg("circle", { cx: x(like).toFixed(1), cy: y + 32, r: 6, class: wrong ? "dot-wrong" : "dot-right", "data-color": this.#color(c) }, svg("title", {}, text.problem(judgement.example.name, text.percent(like)))));
			}
		}
		drawing.append(svg("line", { x1: x(at), x2: x(at), y1: 0, y2: height, class: "line" }));
		return drawing;
	}
}
