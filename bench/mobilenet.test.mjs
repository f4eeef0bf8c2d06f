import assert from "node:assert/strict";
import { test } from "node:test";
import { mobilenet1, mobilenet2 } from "./mobilenet.mjs";

test("the numbers of each MobileNet are as many as Keras says of its own", () => {
	const top = { classes: 1000, folded: false };
	const bare = { classes: 0, folded: false };
	assert.equal(mobilenet1({ alpha: 1, ...top }), 4_253_864);
	assert.equal(mobilenet1({ alpha: 1, ...bare }), 3_228_864);
	assert.equal(mobilenet2({ alpha: 1, ...top }), 3_538_984);
	assert.equal(mobilenet2({ alpha: 1, ...bare }), 2_257_984);
	assert.equal(mobilenet2({ alpha: 0.35, ...bare }), 410_208);
});

test("folded, each channel of a convolution has one number in the place of four", () => {
	const form = { alpha: 1, classes: 0 };
	const channels = 32 + 32 + 64 + 64 + 128 + 128 + 128 + 128 + 256 + 256 + 256 + 256 + 512 + 10 * 512 + 512 + 1024 + 1024 + 1024;
	assert.equal(mobilenet1({ ...form, folded: false }) - mobilenet1({ ...form, folded: true }), 3 * channels);
});
