import { el } from "./element.js";
import { text } from "../strings.js";

/** @import { Heat } from "../engine.js" */

/** Colours of what speaks for a class and against it, as the terminal draws them. */
const [pro, contra] = [[255, 96, 0], [0, 96, 255]];

/** How much of a picture the strongest patch covers, 0..255. */
const strongest = 165;

/** The patches of a picture that speak for the answer, laid over it. */
export class HeatView {
	/** goes over the picture */
	element = el("canvas", { className: "heat", role: "img", width: 1, height: 1, hidden: true });
	legend = el("p", { className: "soft", hidden: true });
	toggle = el("button", { type: "button", className: "quiet", say: "heatShow", "aria-pressed": false, hidden: true });

	/** @param {() => void} onSwitch */
	constructor(onSwitch) {
		this.toggle.addEventListener("click", () => {
			this.toggle.setAttribute("aria-pressed", String(!this.on));
			this.clear();
			onSwitch();
		});
	}

	/** The user wants to see it. */
	get on() {
		return this.toggle.getAttribute("aria-pressed") === "true";
	}

	/** @param {Heat} heat @param {string} name of the class that it is of */
	show({ grid, side }, name) {
		const image = new ImageData(side, side);
		const most = Math.max(...grid.map(Math.abs)) || 1;
		for (const [i, v] of grid.entries()) image.data.set([...(v < 0 ? contra : pro), Math.round((strongest * Math.abs(v)) / most)], 4 * i);
		this.element.width = this.element.height = side;
		/** @type {CanvasRenderingContext2D} */ (this.element.getContext("2d")).putImageData(image, 0, 0);
		const ninth = place(grid, side);
		this.element.setAttribute("aria-label", text.heatLabel(name, text.places[ninth]));
		this.legend.textContent = text.heatLegend(name);
		this.element.hidden = this.legend.hidden = false;
	}

	/** This model has none. */
	none() {
		this.clear();
		this.legend.textContent = text.heatNone;
		this.legend.hidden = false;
	}

	clear() {
		if (this.element.hidden && this.legend.hidden) return;
		this.element.hidden = this.legend.hidden = true;
	}
}

/**
 * The ninth of a picture where most speaks for the class.
 * @param {number[]} grid (side*side)
 * @param {number} side at least 3
 * @returns {keyof typeof text.places} row by row
 */
export function place(grid, side) {
	const sums = new Array(9).fill(0);
	for (const [i, v] of grid.entries()) sums[3 * Math.floor((3 * Math.floor(i / side)) / side) + Math.floor((3 * (i % side)) / side)] += v;
	return /** @type {keyof typeof text.places} */ (sums.indexOf(Math.max(...sums)));
}
