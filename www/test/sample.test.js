import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { part } from "../sample.js";

const hash = (/** @type {boolean} */ scratched, /** @type {number} */ seed) => createHash("sha256").update(part(scratched, seed).data).digest("hex");

test("the sample's pictures are the same for the same seed and all different else", () => {
	const all = [false, true].flatMap((scratched) => [1, 2, 3, 4, 5, 6].map((seed) => hash(scratched, seed)));
	assert.equal(new Set(all).size, all.length);
	assert.equal(hash(true, 3), hash(true, 3));
	const { width, height, data } = part(true, 1);
	assert.deepEqual([width, height, data.length], [128, 128, 128 * 128 * 4]);
	assert.ok(data.every((value, i) => i % 4 < 3 || value === 255), "opaque");
});

test("a scratch is dark, and only scratched parts have one", () => {
	const dark = (/** @type {boolean} */ scratched, /** @type {number} */ seed) => part(scratched, seed).data.filter((value, i) => i % 4 === 0 && value < 55).length;
	for (let seed = 1; seed <= 6; seed++) {
		assert.equal(dark(false, seed), 0);
		assert.ok(dark(true, seed) > 100, `seed ${seed}: ${dark(true, seed)} dark pixels`);
	}
});
