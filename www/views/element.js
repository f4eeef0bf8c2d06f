import { staticText } from "../strings.js";

/**
 * Makes an element: properties are set as DOM properties, `dataset` and names with a dash as what they are in HTML. `say` is the key of
 * its text and `label` of its name among the plain words of strings.js: both follow the language, as long as it is in the document.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, properties = {}, ...children) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(properties)) {
		if (name === "say") sayIt(element, String(value));
		else if (name === "label") labelIt(element, String(value));
		else if (name === "dataset") Object.assign(element.dataset, value);
		else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, String(value));
		else Object.assign(element, { [name]: value });
	}
	element.append(...children);
	return element;
}

/** @param {HTMLElement} element @param {string} key */
export function sayIt(element, key) {
	element.dataset["text"] = key;
	element.textContent = staticText(key);
}

/** @param {HTMLElement} element @param {string} key */
export function labelIt(element, key) {
	element.dataset["label"] = key;
	element.setAttribute("aria-label", staticText(key));
	if (element.matches("input, select")) element.title = staticText(key);
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
	if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height }); // empties it
	const image = new ImageData(new Uint8ClampedArray(data), width, height);
	/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).putImageData(image, 0, 0);
}

/** One at a time is made into a picture: the canvas is shared. */
let drawing = Promise.resolve();

/**
 * Shows pixels in an image. A canvas is a layer of its own for the browser, and a frame with hundreds of layers takes longer than it lasts.
 * @param {HTMLImageElement} image
 * @param {import("../engine.js").Pixels} pixels
 */
export function picture(image, pixels) {
	const wanted = (wantedOf.get(image) ?? 0) + 1;
	wantedOf.set(image, wanted);
	return (drawing = drawing.then(async () => {
		if (wantedOf.get(image) !== wanted) return; // something newer comes
		const on = canvas();
		paint(on, pixels);
		/** @type {Blob | null} */
		const blob = await new Promise((resolve) => on.toBlob(resolve));
		if (!blob || wantedOf.get(image) !== wanted) return;
		const url = URL.createObjectURL(blob);
		image.onload = image.onerror = () => URL.revokeObjectURL(url);
		image.src = url;
	}));
}

/** Counts what an image was asked to show. @type {WeakMap<HTMLImageElement, number>} */
const wantedOf = new WeakMap();
/** @type {HTMLCanvasElement | null} */
let shared = null;

function canvas() {
	if (!shared) {
		shared = document.createElement("canvas");
		shared.getContext("2d", { willReadFrequently: true }); // it is read each time: in the processor's memory, where no graphics card has to be waited for
	}
	return shared;
}
