import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { takeOrientation, upright } from "../orientation.js";

const turned = () => new Uint8Array(readFileSync(new URL("../../core/picture/testdata/turned.webp", import.meta.url)));

/** A WebP with such EXIF data. @param {number[]} exif */
const webp = (exif) => Uint8Array.from([
	...Buffer.from("RIFF\0\0\0\0WEBPVP8X"), 3, 0, 0, 0, 1, 2, 3, 0, // an odd length, so one more
	...Buffer.from("EXIF"), exif.length, 0, 0, 0, ...exif,
]);

/** @param {"II" | "MM"} mark @param {number} type @param {number} value */
function tiff(mark, type, value) {
	const b = (/** @type {number[]} */ ...bytes) => (mark === "MM" ? bytes : bytes.reverse());
	const number = type === 3 ? [...b(0, value), 0, 0] : b(0, 0, 0, value);
	return [...Buffer.from(mark), ...b(0, 42), ...b(0, 0, 0, 8), ...b(0, 1), ...b(1, 0x12), ...b(0, type), ...b(0, 0, 0, 1), ...number];
}

test("takeOrientation: both byte orders, both types, with JPEG's prefix or not; the chunk is hidden", () => {
	for (const mark of /** @type {const} */ (["II", "MM"])) {
		for (const type of [3, 4]) {
			for (let value = 1; value <= 8; value++) {
				for (const prefix of ["", "Exif\0\0"]) {
					const file = webp([...Buffer.from(prefix), ...tiff(mark, type, value)]);
					assert.equal(takeOrientation(file), value);
					assert.ok(!Buffer.from(file).includes("EXIF"));
					assert.equal(takeOrientation(file), 1, "taken");
				}
			}
		}
	}
	assert.equal(takeOrientation(turned()), 8);
	assert.equal(takeOrientation(webp(tiff("II", 3, 9))), 1);
	assert.equal(takeOrientation(webp(tiff("II", 1, 6))), 1);
});

test("takeOrientation: cut anywhere, or with a byte changed, it is a number from 1 to 8", () => {
	const whole = turned();
	for (let n = 0; n <= whole.length; n++) {
		const have = takeOrientation(whole.slice(0, n));
		assert.ok(have === 1 || have === 8, `cut to ${n}: ${have}`);
		for (const v of [0, 0x7f, 0xff]) {
			const bad = whole.slice();
			bad[n] = v;
			const have = takeOrientation(bad);
			assert.ok(have >= 1 && have <= 8, `byte ${n}: ${have}`);
		}
	}
});

test("upright: the eight ways, by where the first row and column belong", () => {
	// 3 x 2, pixels 1..6
	const bytes = new Uint8Array(Uint32Array.of(1, 2, 3, 4, 5, 6).buffer);
	const want = [
		[3, 1, 2, 3, 4, 5, 6], [3, 3, 2, 1, 6, 5, 4], [3, 6, 5, 4, 3, 2, 1], [3, 4, 5, 6, 1, 2, 3],
		[2, 1, 4, 2, 5, 3, 6], [2, 4, 1, 5, 2, 6, 3], [2, 6, 3, 5, 2, 4, 1], [2, 3, 6, 2, 5, 1, 4],
	];
	for (const [i, expected] of want.entries()) {
		const have = upright({ bytes, width: 3, height: 2 }, i + 1);
		assert.deepEqual([have.width, ...new Uint32Array(have.bytes.buffer)], expected, `orientation ${i + 1}`);
		assert.equal(have.width * have.height, 6);
	}
});
