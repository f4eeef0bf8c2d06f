// Numbers as a language writes them.

const megabyte = 1e6;

/** What each way to write takes from Intl. @satisfies {Record<string, Intl.NumberFormatOptions>} */
const ways = {
	plain: {},
	oneDecimal: { minimumFractionDigits: 1, maximumFractionDigits: 1 },
	share: { style: "percent", maximumFractionDigits: 0 },
	size: { style: "unit", unit: "megabyte", minimumFractionDigits: 1, maximumFractionDigits: 1 },
};

/** Made when first used. @type {Map<string, Intl.NumberFormat>} */
const made = new Map();

/**
 * Small numbers without Intl, whose first use costs a browser as much as half of the page's program: the page has said how much of the engine is
 * there long before it needs more. All languages of the page write them so.
 * @param {keyof typeof ways} way
 * @param {number} n
 */
function small(way, n) {
	if (!(n >= 0 && n < 999)) return null;
	if (way === "plain") return Number.isInteger(n) ? String(n) : null;
	if (way === "share") return null;
	return way === "size" ? `${n.toFixed(1)} MB` : n.toFixed(1);
}

/** @param {string} lang @param {keyof typeof ways} way @param {number} n */
function write(lang, way, n) {
	const plain = small(way, n);
	if (plain !== null) return plain;
	const key = `${lang} ${way}`;
	let format = made.get(key);
	if (!format) made.set(key, (format = new Intl.NumberFormat(lang, ways[way])));
	return format.format(n);
}

/**
 * @param {string} lang of the BCP 47 registry
 * @returns the ways to write a number: `number` whole or as it is, `tenth` with one decimal, `percent` of 0..1, `megabytes` of a number of
 *   bytes with its unit, `tenths` the same without
 */
export function formats(lang) {
	return {
		/** @param {number} n */
		number: (n) => write(lang, "plain", n),
		/** @param {number} n */
		tenth: (n) => write(lang, "oneDecimal", n),
		/** @param {number} p 0..1 */
		percent: (p) => write(lang, "share", p),
		/** @param {number} bytes */
		megabytes: (bytes) => write(lang, "size", bytes / megabyte),
		/** @param {number} bytes */
		tenths: (bytes) => write(lang, "oneDecimal", bytes / megabyte),
	};
}
