// A task to begin with, drawn and not photographed: turned metal parts on a bench, and the same with a scratch.

/** @import { Pixels } from "./engine.js" */

/** Side of a picture, pixels. */
const side = 128;

/** Numbers from 0 to 1, the same for the same seed: mulberry32. @param {number} seed */
function numbers(seed) {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
}

/**
 * The picture of one part. Place, size, light and grain differ by the seed, and of a scratched one where the scratch runs.
 * @param {boolean} scratched
 * @param {number} seed
 * @returns {Pixels} 128 x 128, opaque, the same for the same arguments in every browser
 */
export function part(scratched, seed) {
	const next = numbers(seed * 2 + Number(scratched));
	const [x0, y0, radius, light] = [64 + 8 * (next() - 0.5), 64 + 8 * (next() - 0.5), 44 + 6 * next(), 0.9 + 0.2 * next()];
	// The scratch: a line near the middle, given by its slope (one of eight) and its distance from there.
	const [dx = 1, dy = 0] = [[5, 0], [4, 3], [3, 4], [0, 5], [-3, 4], [-4, 3], [3, -4], [4, -3]][Math.floor(8 * next())] ?? [];
	const away = 16 * (next() - 0.5);
	const data = new Uint8ClampedArray(side * side * 4);
	for (let y = 0; y < side; y++) {
		for (let x = 0; x < side; x++) {
			const [u, v] = [x - x0, y - y0];
			const d = Math.sqrt(u * u + v * v);
			let grey = 92;
			if (d < radius) grey = 178 + (d > radius - 5 ? -35 : 0) + (d < 13 ? -70 : 0) + (Math.floor(d) % 6 === 0 ? -6 : 0);
			if (scratched && d < radius - 6 && Math.abs((u * dy - v * dx) / 5 - away) < 2.2) grey = 35;
			grey = (grey + 10 * (next() - 0.5)) * light;
			data.set([grey, grey * 1.01, grey * 1.03, 255], (y * side + x) * 4);
		}
	}
	return { width: side, height: side, data };
}
