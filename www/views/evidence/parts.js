// What the views of the evidence share: SVG, tables, bars, and a drawing again that keeps the keyboard's place.

import { el } from "../element.js";
import { text } from "../../strings.js";

/**
 * Makes an element of SVG. Presentation goes in attributes and classes: the page's policy allows no inline style.
 * @param {string} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {...(Node | string)} children
 */
export function svg(tag, attributes = {}, ...children) {
	const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
	element.append(...children);
	return element;
}

/**
 * A table with a heading for each row and column.
 * @param {string} caption
 * @param {string[]} columns the first is the corner
 * @param {[string, ...(string | Node)[]][]} rows each begins with its heading
 */
export function table(caption, columns, rows) {
	return el("table", {}, el("caption", { textContent: caption }),
		el("thead", {}, el("tr", {}, ...columns.map((name, i) => (i === 0 && name === "" ? el("td") : el("th", { scope: "col", textContent: name }))))),
		el("tbody", {}, ...rows.map(([name, ...cells]) => el("tr", {}, el("th", { scope: "row", textContent: name }), ...cells.map((cell) => el("td", {}, cell))))));
}

/** A table that can be wider than the screen: it scrolls by itself, by the keyboard too. @param {HTMLTableElement} inner */
export const wide = (inner) => el("div", { className: "wide", tabIndex: 0, role: "group", "aria-label": inner.caption?.textContent ?? "" }, inner);

/** A bar with its name and percent. @param {string} name @param {number} share 0..1 @param {string} [said] in the place of the percent */
export function bar(name, share, said = text.percent(share)) {
	const fill = el("span", { className: "bar-fill" });
	fill.style.setProperty("--share", String(share));
	return el("li", { className: "bar" }, el("span", { className: "bar-name", textContent: name }),
		el("span", { className: "bar-track", "aria-hidden": "true" }, fill), el("span", { className: "bar-percent", textContent: said }));
}

/** Fills a place anew; what had the focus has it again, by its data-key. @param {HTMLElement} place @param {...(Node | string)} children */
export function refill(place, ...children) {
	const focused = document.activeElement instanceof HTMLElement && place.contains(document.activeElement) ? document.activeElement.dataset["key"] : undefined;
	place.replaceChildren(...children);
	if (focused === undefined) return;
	const again = [...place.querySelectorAll("[data-key]")].find((e) => /** @type {HTMLElement} */ (e).dataset["key"] === focused);
	/** @type {HTMLElement} */ (again ?? place).focus();
}
