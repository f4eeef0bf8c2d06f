// Pictures that the page's engine does not read: GIF, WebP, BMP, and what else the browser can show. Decoders for them would be a
// twentieth of the engine's download, and every browser has its own. JPEG and PNG, and whatever is no picture, are Go's to read.

import { EngineError } from "./error.js";
import { takeOrientation, upright } from "./orientation.js";

/** @import { WirePicture } from "./engine.js" */

/** As core/picture has them: bytes of a file, and pixels that its header may claim. */
const limits = { bytes: 64 << 20, pixels: 64 << 20 };

/** Header boxes of a HEIC or AVIF are looked for in so many bytes. */
const boxBytes = 1 << 16;

/**
 * What the first bytes say of a file that Go leaves to the browser; null: Go's to read.
 * @param {Uint8Array} bytes
 * @returns {{ type: string, width: number, height: number } | null} 0 x 0: the header does not say
 */
export function foreign(bytes) {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const has = (/** @type {number} */ at, /** @type {string} */ magic) =>
		at + magic.length <= bytes.length && [...magic].every((c, i) => bytes[at + i] === c.charCodeAt(0));
	const size = (/** @type {number} */ end, /** @type {() => [number, number]} */ read) => {
		const [width, height] = bytes.length < end ? [0, 0] : read();
		return { width, height };
	};
	if (has(0, "GIF87a") || has(0, "GIF89a")) {
		return { type: "image/gif", ...size(10, () => [view.getUint16(6, true), view.getUint16(8, true)]) };
	}
	if (has(0, "BM")) {
		const old = bytes.length >= 18 && view.getUint32(14, true) === 12; // OS/2: 16 bits each
		return {
			type: "image/bmp",
			...(old ? size(22, () => [view.getUint16(18, true), view.getUint16(20, true)])
				: size(26, () => [Math.abs(view.getInt32(18, true)), Math.abs(view.getInt32(22, true))])), // negative: from the top
		};
	}
	if (has(0, "RIFF") && has(8, "WEBP")) {
		const uint24 = (/** @type {number} */ at) => view.getUint32(at - 1, true) >>> 8;
		/** @type {Record<string, () => [number, number]>} "WebP Container Specification"; RFC 6386, 9.1; "WebP Lossless", 3 */
		const chunks = {
			"VP8X": () => [1 + uint24(24), 1 + uint24(27)],
			"VP8 ": () => [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff],
			"VP8L": () => [1 + (view.getUint32(21, true) & 0x3fff), 1 + ((view.getUint32(21, true) >>> 14) & 0x3fff)],
		};
		const name = Object.keys(chunks).find((name) => has(12, name));
		return { type: "image/webp", ...size(30, () => chunks[name ?? ""]?.() ?? [0, 0]) };
	}
	if (has(4, "ftyp")) {
		// ISO/IEC 23008-12: each image has an ispe box, the whole and its tiles; the largest counts.
		let [width, height] = [0, 0];
		for (let at = 8; at + 16 <= Math.min(bytes.length, boxBytes); at++) {
			if (bytes[at] !== 0x69 || !has(at, "ispe")) continue;
			const [w, h] = [view.getUint32(at + 8), view.getUint32(at + 12)];
			if (w * h > width * height) [width, height] = [w, h];
		}
		return { type: has(8, "avi") ? "image/avif" : "image/heic", width, height };
	}
	return null;
}

/**
 * The picture as Go reads it: a file of a foreign kind becomes the pixels that the browser makes of it, upright, of an animation the first
 * frame, on white, without its colour profile applied. The rest is returned as it is.
 * @param {WirePicture} picture
 * @returns {Promise<WirePicture>}
 */
export async function readable(picture) {
	const { bytes } = picture;
	const header = picture.width === 0 && picture.height === 0 ? foreign(bytes) : null;
	if (!header) return picture;
	if (bytes.length > limits.bytes) {
		throw new EngineError("picture_too_large", `${header.type}: want at most ${limits.bytes} bytes, have ${bytes.length}`);
	}
	hold(header);
	/** @type {ImageBitmap | null} */
	let bitmap = null;
	try {
		const orientation = header.type === "image/webp" ? takeOrientation(bytes) : 1;
		// Orientation and alpha: the defaults. Their names have changed, and an unknown one is refused.
		bitmap = await createImageBitmap(new Blob([bytes], { type: header.type }), { colorSpaceConversion: "none" });
		hold({ type: header.type, width: bitmap.width, height: bitmap.height });
		return upright(pixels(bitmap), orientation);
	} catch (cause) {
		if (cause instanceof EngineError) throw cause;
		throw new EngineError("picture_format", `the browser cannot show this ${header.type}: ${cause}`, { cause });
	} finally {
		bitmap?.close();
	}
}

/** Refuses a size over the limit. @param {{ type: string, width: number, height: number }} size */
function hold({ type, width, height }) {
	if (width * height > limits.pixels) {
		throw new EngineError("picture_too_large", `${type} of ${width} x ${height}: want at most ${limits.pixels} pixels`);
	}
}

/** Pixels of a strip: phones limit a canvas, and a second copy of the whole would be 256 MB. */
const stripPixels = 1 << 20;

/** @param {ImageBitmap} bitmap @returns {WirePicture} */
function pixels(bitmap) {
	const { width, height } = bitmap;
	const bytes = new Uint8Array(4 * width * height);
	const rows = Math.min(height, Math.max(1, Math.floor(stripPixels / width)));
	const canvas = new OffscreenCanvas(width, rows);
	const context = canvas.getContext("2d", { willReadFrequently: true });
	if (!context) throw new Error("no canvas");
	context.fillStyle = "white";
	for (let y = 0; y < height; y += rows) {
		const here = Math.min(rows, height - y);
		context.fillRect(0, 0, width, rows);
		context.drawImage(bitmap, 0, -y);
		bytes.set(context.getImageData(0, 0, width, here).data, 4 * width * y);
	}
	return { bytes, width, height };
}
