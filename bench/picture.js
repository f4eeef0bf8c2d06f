// Pictures that are made up: slopes and rings of colour with some noise, no two alike.

/** @param {number} seed @param {number} size @returns {import("../www/engine.js").Pixels} RGBA */
export function picture(seed, size) {
	const data = new Uint8ClampedArray(4 * size * size);
	let state = Math.imul(seed + 1, 2654435761) >>> 0;
	const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 4294967296;
	const [x0, y0, rings, base, slope] = [size * random(), size * random(), 4 + 20 * random(), 255 * random(), 2 * random() - 1];
	for (let y = 0, at = 0; y < size; y++) {
		for (let x = 0; x < size; x++) {
			const ring = 60 * Math.sin((rings * Math.hypot(x - x0, y - y0)) / size);
			const noise = 30 * random();
			data[at++] = base + ring + (slope * 255 * x) / size + noise;
			data[at++] = 255 - base + ring - (slope * 255 * y) / size + noise;
			data[at++] = 128 - ring + noise;
			data[at++] = 255;
		}
	}
	return { width: size, height: size, data };
}

/**
 * (3, size, size), as the backbones want it.
 * @param {import("../www/engine.js").Pixels} picture
 * @param {number[]} mean
 * @param {number[]} std
 */
export function normalized({ width, height, data }, mean, std) {
	const area = width * height;
	const out = new Float32Array(3 * area);
	for (let c = 0; c < 3; c++) {
		const [m = 0, s = 1] = [mean[c], std[c]];
		for (let i = 0; i < area; i++) out[c * area + i] = ((data[4 * i + c] ?? 0) / 255 - m) / s;
	}
	return out;
}
