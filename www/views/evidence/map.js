import { el } from "../element.js";
import { refill, svg, table, wide } from "./parts.js";
import { text } from "../../strings.js";

/** @import { Place } from "../../adaptation.js" */

/** Size of a cell and room for the names, in units of the drawing. */
const [cellWidth, cellHeight, left, top] = [60, 30, 142, 34];

/** The sparsity map: how much of each block and kind of tensor is changed, by all gears in use or opened by one. */
export class SparsityMap {
	element = el("div", { className: "sparsity", tabIndex: -1 });
	/** "" all in use, else the number of a gear */
	#which = "";
	/** @type {Place[]} */
	#places = [];
	/** @type {number[]} */
	#scores = [];

	/** @param {Place[]} places @param {number[]} scores of the gears */
	show(places, scores) {
		this.#places = places;
		this.#scores = scores;
		if (this.#which !== "" && !((scores[Number(this.#which)] ?? 0) > 0)) this.#which = "";
		this.#fill();
	}

	#fill() {
		const choice = el("select", { label: "mapChoice", dataset: { key: "which" } }, el("option", { value: "", textContent: text.mapAll }),
			...this.#scores.flatMap((score, m) => (score > 0 ? [el("option", { value: String(m), textContent: text.mapOne(text.gear(m + 1), text.percent(score)) })] : [])));
		choice.value = this.#which;
		choice.addEventListener("change", () => {
			this.#which = choice.value;
			this.#fill();
		});
		const share = (/** @type {Place} */ place) => (this.#which === "" ? place.changed : (place.experts[Number(this.#which)] ?? 0));
		const parts = [...new Set(this.#places.map((p) => p.part))];
		const kinds = [...new Set(this.#places.map((p) => p.kind))].sort((a, b) => Number(a !== "") - Number(b !== ""));
		const rows = parts.map((part) => ({
			name: text.part(part),
			shares: kinds.map((kind) => {
				const place = this.#places.find((p) => p.part === part && p.kind === kind);
				return place ? share(place) : null;
			}),
		}));
		const names = kinds.map((kind) => (kind === "" ? text.kindNone : (/** @type {Record<string, string>} */ (text.kinds)[kind] ?? kind)));
		const numbers = table(text.mapCaption, [text.mapCorner, ...names], rows.map(({ name, shares }) => [name, ...shares.map((s) => (s === null ? "" : text.percent(s)))]));
		const open = this.element.querySelector("details")?.open ?? false;
		refill(this.element, el("label", { className: "choice" }, choice), el("div", { className: "wide", tabIndex: 0, role: "group", "aria-label": text.mapCaption }, draw(rows, names)),
			el("details", { open }, el("summary", { say: "asTable", dataset: { key: "table" } }), wide(numbers)));
	}
}

/** @param {{ name: string, shares: (number | null)[] }[]} rows @param {string[]} names of the columns */
function draw(rows, names) {
	const [width, height] = [left + names.length * cellWidth, top + rows.length * cellHeight];
	const all = rows.flatMap(({ name, shares }) => shares.flatMap((share, k) => (share === null ? [] : [{ name, kind: names[k] ?? "", share }])));
	const most = all.reduce((a, b) => (b.share > a.share ? b : a), { name: "", kind: "", share: 0 });
	const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", class: "map", "aria-label": text.mapLabel(most.name, most.kind, text.percent(most.share)) });
	for (const [k, name] of names.entries()) drawing.append(svg("text", { x: left + (k + 0.5) * cellWidth, y: top - 12, "text-anchor": "middle", class: "head" }, name));
	for (const [i, { name, shares }] of rows.entries()) {
		const y = top + i * cellHeight;
		drawing.append(svg("text", { x: left - 10, y: y + cellHeight / 2, "text-anchor": "end", "dominant-baseline": "central" }, name));
		for (const [k, share] of shares.entries()) {
			if (share === null) continue;
			const x = left + k * cellWidth;
			drawing.append(svg("rect", { x: x + 1, y: y + 1, width: cellWidth - 2, height: cellHeight - 2, rx: 3, class: "ground" }),
				svg("rect", { x: x + 1, y: y + 1, width: cellWidth - 2, height: cellHeight - 2, rx: 3, class: "shade", "fill-opacity": share.toFixed(3) }),
				svg("text", { x: x + cellWidth / 2, y: y + cellHeight / 2, "text-anchor": "middle", "dominant-baseline": "central", class: share > 0.5 ? "on" : "off" }, text.percent(share)));
		}
	}
	return drawing;
}
