// The Web Worker that reads a camera's pictures, one whenever it is asked: the newest there is, or the next. The messages are in frames.js.

import { drawFrame } from "./frame.js";

/** @import { Asked } from "./frames.js" */

const canvas = new OffscreenCanvas(1, 1);
/** @type {ReadableStreamDefaultReader<VideoFrame> | null} */
let reader = null;

self.onmessage = async (/** @type {MessageEvent<Asked>} */ { data }) => {
	if ("frames" in data) {
		reader = data.frames.getReader();
	} else if ("side" in data) {
		try {
			const pixels = await read(data.side);
			self.postMessage(pixels, { transfer: pixels ? [pixels.data.buffer] : [] });
		} catch (cause) {
			reportError(cause); // what an async function throws does not get to the page by itself
		}
	} else {
		await reader?.cancel();
		self.close();
	}
};

/** @param {number} side @returns {Promise<{ width: number, height: number, data: Uint8ClampedArray<ArrayBuffer> } | null>} null: the camera gives no more */
async function read(side) {
	const frame = (await reader?.read())?.value;
	if (!frame) return null;
	try {
		const context = drawFrame(canvas, frame, { width: frame.displayWidth, height: frame.displayHeight }, side);
		const { width, height, data } = context.getImageData(0, 0, canvas.width, canvas.height);
		return { width, height, data };
	} finally {
		frame.close(); // a camera has only a few of them
	}
}
