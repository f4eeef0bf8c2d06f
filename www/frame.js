// A picture of a camera, as an engine is given it: the same bits, whichever thread reads it.

/**
 * Draws a picture whole and upright, not mirrored.
 * @template {HTMLCanvasElement | OffscreenCanvas} C
 * @param {C} canvas gets the size of what is drawn
 * @param {CanvasImageSource} source
 * @param {{ width: number, height: number }} size of the source, pixels
 * @param {number} side the longest side drawn at most, pixels
 */
export function drawFrame(canvas, source, { width, height }, side) {
	const scale = Math.min(1, side / Math.max(width, height));
	canvas.width = Math.max(1, Math.round(width * scale));
	canvas.height = Math.max(1, Math.round(height * scale));
	const context = /** @type {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true, alpha: false }));
	context.imageSmoothingQuality = "high";
	context.drawImage(source, 0, 0, canvas.width, canvas.height);
	return context;
}
