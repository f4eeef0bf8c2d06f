// Numbers as a language writes them.

const megabyte = 1e6;

/**
 * @param {string} lang of the BCP 47 registry
 * @returns the ways to write a number: `number` whole or as it is, `tenth` with one decimal, `percent` of 0..1, `megabytes` of a number of
 *   bytes with its unit, `tenths` the same without
 */
export function formats(lang) {
	const plain = new Intl.NumberFormat(lang);
	const oneDecimal = new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
	const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 0 });
	const size = new Intl.NumberFormat(lang, { style: "unit", unit: "megabyte", minimumFractionDigits: 1, maximumFractionDigits: 1 });
	return {
		/** @param {number} n */
		number: (n) => plain.format(n),
		/** @param {number} n */
		tenth: (n) => oneDecimal.format(n),
		/** @param {number} p 0..1 */
		percent: (p) => share.format(p),
		/** @param {number} bytes */
		megabytes: (bytes) => size.format(bytes / megabyte),
		/** @param {number} bytes */
		tenths: (bytes) => oneDecimal.format(bytes / megabyte),
	};
}
