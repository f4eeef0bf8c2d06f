import assert from "node:assert/strict";
import { test } from "node:test";
import { languages } from "../strings.js";
import { formats } from "../strings/format.js";

test("numbers are written as Intl writes them, small ones too, in each language", () => {
	const numbers = [...Array(2100).keys()].flatMap((n) => [n, n + 0.04, n + 0.3, n + 0.96]).concat(-1, -0.26, 0.001, 1e6, 12345678.9);
	const decimal = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
	for (const { lang } of Object.values(languages)) {
		const { number, tenth, tenths, megabytes, percent } = formats(lang);
		const size = new Intl.NumberFormat(lang, { ...decimal, style: "unit", unit: "megabyte" });
		const [plain, one, share] = [new Intl.NumberFormat(lang), new Intl.NumberFormat(lang, decimal), new Intl.NumberFormat(lang, { style: "percent" })];
		for (const n of numbers) {
			assert.equal(number(n), plain.format(n));
			assert.equal(tenth(n), one.format(n));
			assert.equal(tenths(n * 1e6), one.format(n));
			assert.equal(megabytes(n * 1e6), size.format(n));
			assert.equal(percent(n / 100), share.format(n / 100));
		}
	}
});
