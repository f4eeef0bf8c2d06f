// Medians, spreads, and whether two vectors are the same.

/** @param {number[]} values @param {number} p 0..1 */
export function quantile(values, p) {
	const sorted = [...values].sort((a, b) => a - b);
	const at = p * (sorted.length - 1);
	const [low = NaN, high = NaN] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
	return low + (high - low) * (at - Math.floor(at));
}

/** @param {number[]} values */
export const median = (values) => quantile(values, 0.5);

/**
 * How many times faster `fast` is: the median of the ratios of each round, and the middle half of them.
 * @param {number[]} fast
 * @param {number[]} slow measured in the same rounds
 */
export function speedup(fast, slow) {
	const ratios = fast.map((ms, i) => (slow[i] ?? NaN) / ms);
	return { ratio: median(ratios), low: quantile(ratios, 0.25), high: quantile(ratios, 0.75) };
}

/** @param {number[]} a @param {number[]} b */
export function cosine(a, b) {
	const dot = (/** @type {number[]} */ x, /** @type {number[]} */ y) => x.reduce((sum, v, i) => sum + v * (y[i] ?? NaN), 0);
	return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/** The largest difference, in parts of the largest number. @param {number[]} a @param {number[]} b */
export function relative(a, b) {
	const most = Math.max(...b.map(Math.abs));
	return a.length === b.length ? Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? NaN)))) / most : NaN;
}
