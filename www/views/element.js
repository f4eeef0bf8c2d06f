/**
 * Makes an element: properties are set as DOM properties, `dataset` and names with a dash as what they are in HTML.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, properties = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(properties)) {
		if (name === "dataset") Object.assign(element.dataset, value);
		else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, String(value));
		else Object.assign(element, { [name]: value });
	}
	element.append(...children);
	return element;
}

/**
 * The element of index.html with an id.
 * @template {HTMLElement} E
 * @param {string} id
 * @param {new () => E} type
 * @returns {E}
 */
export function byId(id, type) {
	const element = document.getElementById(id);
	if (!(element instanceof type)) throw new Error(`page: no ${type.name} #${id}`);
	return element;
}

/**
 * Draws pixels on a canvas of their size.
 * @param {HTMLCanvasElement} canvas
 * @param {import("../engine.js").Pixels} pixels
 */
export function paint(canvas, { width, height, data }) {
	canvas.width = width;
	canvas.height = height;
	const image = new ImageData(new Uint8ClampedArray(data), width, height);
	/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}
