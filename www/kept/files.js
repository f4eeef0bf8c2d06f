// Files between the page and its user, and pixels as a file.

import { paint } from "../views/element.js";

/** @import { Pixels } from "../engine.js" */

/** Gives the user a file. @param {Blob} blob @param {string} name */
export function save(blob, name) {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(blob);
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may ask where to put it
}

/** A PNG of the same pixels. @param {Pixels} pixels @returns {Promise<Blob>} */
export async function encodePixels(pixels) {
	const canvas = document.createElement("canvas");
	paint(canvas, pixels);
	return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no PNG"))), "image/png"));
}

/** What a file may be called everywhere. @param {string} name */
export const fileName = (name) => name.replace(/[\\/:*?"<>|\p{Cc}]+/gu, "-").slice(0, 60) || "haguruma";
