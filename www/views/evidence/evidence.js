import { byId, el } from "../element.js";
import { ConfusionTable } from "./confusion.js";
import { SparsityMap } from "./map.js";
import { bar } from "./parts.js";
import { PictureList } from "./pictures.js";
import { reportHead, reportRows } from "./report.js";
import { ThresholdView } from "./threshold.js";
import { csv, saveCsv } from "../../csv.js";
import { onLanguage, text } from "../../strings.js";

/** @import { EvidenceActions } from "./pictures.js" */
/** @import { Evidence, Judgement } from "../../evidence.js" */
/** @import { Threshold } from "../../threshold.js" */

/** What speaks for the answers: how the examples predict each other, which of them to look at, what was changed in the model. */
export class EvidenceView {
	#section = byId("evidence", HTMLElement);
	#head = el("div", { className: "report-head" });
	#sentence = el("p", { className: "sentence", role: "status" });
	#before = el("ul", { className: "compare", label: "beforeAfter" });
	/** @type {ConfusionTable<Judgement>} */
	#confusion;
	#inCell;
	#cellTitle = el("h4", { id: "cell-title" });
	#cell = el("section", { className: "in-cell", "aria-labelledby": "cell-title", hidden: true });
	#matrix = el("section", { "aria-labelledby": "confusion-title" });
	#doubts;
	#noDoubts = el("p", { className: "soft", say: "doubtsNone" });
	#map = new SparsityMap();
	#mapSection = el("section", { "aria-labelledby": "map-title" });
	#threshold;
	#model;
	/** @type {Evidence | null} */
	#evidence = null;

	/**
	 * @param {EvidenceActions} actions
	 * @param {Threshold} threshold
	 * @param {{ onThreshold: () => void, model: () => string }} page what a new threshold concerns; the name of the model
	 */
	constructor(actions, threshold, { onThreshold, model }) {
		this.#model = model;
		this.#inCell = new PictureList(actions);
		this.#doubts = new PictureList(actions);
		this.#threshold = new ThresholdView(threshold, onThreshold, actions.color);
		let open = "";
		this.#confusion = new ConfusionTable((cell) => {
			this.#cell.hidden = !cell;
			if (!cell) return;
			const { of, said, answers } = cell;
			if (open !== `${of.key} ${said.key}`) this.#inCell.rewind();
			open = `${of.key} ${said.key}`;
			const count = text.pictures(answers.length);
			this.#cellTitle.textContent = of === said ? text.cellRight(count, of.name) : text.cellWrong(count, of.name, said.name);
			this.#inCell.show(this.#cellTitle.textContent, answers);
		});
		this.#cell.append(this.#cellTitle, this.#inCell.element);
		this.#matrix.append(el("h3", { id: "confusion-title", say: "confusionTitle" }), el("p", { className: "soft screen", say: "confusionHint" }), this.#confusion.element, this.#cell);
		this.#mapSection.append(el("h3", { id: "map-title", say: "mapTitle" }), this.#map.element);
		const print = el("button", { type: "button", className: "strong", say: "reportPrint" });
		print.addEventListener("click", () => window.print());
		const save = el("button", { type: "button", say: "reportCsv" });
		save.addEventListener("click", () => {
			if (this.#evidence) saveCsv("haguruma-report.csv", csv(reportRows(this.#evidence, threshold)));
		});
		this.#section.append(el("h2", { id: "evidence-title", say: "evidenceTitle" }), this.#head, this.#sentence, this.#before,
			el("div", { className: "columns" }, this.#matrix, this.#threshold.element,
				el("section", { "aria-labelledby": "doubts-title" }, el("h3", { id: "doubts-title", say: "doubtsTitle" }), this.#noDoubts, this.#doubts.element), this.#mapSection),
			el("div", { className: "more screen" }, print, save));
		// On paper nothing can be opened.
		/** @type {HTMLDetailsElement[]} */
		let closed = [];
		window.addEventListener("beforeprint", () => {
			this.#head.replaceChildren(...(this.#evidence ? reportHead(this.#evidence, this.#model(), threshold) : []));
			closed = [...this.#section.querySelectorAll("details")].filter((d) => !d.open);
			for (const details of closed) details.open = true;
		});
		window.addEventListener("afterprint", () => {
			this.#head.replaceChildren();
			for (const details of closed) details.open = false;
		});
		onLanguage(() => this.show(this.#evidence));
	}

	/** @param {Evidence | null} evidence null: there is none */
	show(evidence) {
		this.#evidence = evidence;
		this.#section.hidden = !evidence;
		if (!evidence) return;
		const { classes, leftOut, plain, judged, doubts, places, scores } = evidence;
		this.#sentence.textContent = leftOut
			? text.leftOut(leftOut.hits, leftOut.total, text.percent(leftOut.hits / leftOut.total), text.percent(leftOut.low), text.percent(leftOut.high)) : text.leftOutNone;
		const compared = leftOut && plain && plain.total === leftOut.total;
		this.#before.hidden = !compared;
		this.#before.replaceChildren(...(compared ? [{ name: text.withoutGears, ...plain }, { name: text.withGears, ...leftOut }] : []).map(({ name, hits, total }) =>
			bar(name, hits / total, text.ofAll(hits, total))));
		this.#matrix.hidden = judged.length === 0;
		this.#confusion.show(classes, judged, text.confusionCaption);
		this.#noDoubts.hidden = doubts.length > 0;
		this.#doubts.show(text.doubtsTitle, doubts);
		this.#mapSection.hidden = places.length === 0;
		this.#map.show(places, scores);
		this.#threshold.show(classes, judged);
	}
}
