import assert from "node:assert/strict";
import { test } from "node:test";
import { besideProducts, leastShare, parseKernels } from "./kernels.mjs";
import { cosine, median, quantile, relative, speedup } from "./statistics.mjs";

test("quantiles lie between the values", () => {
	assert.equal(median([3, 1, 2]), 2);
	assert.equal(median([4, 1, 2, 3]), 2.5);
	assert.equal(quantile([10, 20, 30, 40, 50], 0.25), 20);
	assert.equal(quantile([0, 10], 0.1), 1);
	assert.ok(Number.isNaN(median([])));
});

test("a speedup is the median of the ratios of rounds, not the ratio of medians", () => {
	const { ratio, low, high } = speedup([1, 10, 100], [2, 30, 400]);
	assert.deepEqual([ratio, low, high], [3, 2.5, 3.5]);
	assert.ok(Number.isNaN(speedup([1, 2], [1]).ratio), "a round that is missing");
});

test("vectors compare by direction and by their largest difference", () => {
	assert.equal(cosine([1, 0], [5, 0]), 1);
	assert.equal(cosine([1, 0], [0, 2]), 0);
	assert.equal(relative([1, 2], [1, 4]), 0.5);
	assert.ok(Number.isNaN(relative([1], [1, 2])), "another length");
	assert.ok(Number.isNaN(cosine([1, 1], [1])), "another length");
});

const output = `goos: js
BenchmarkViTS/peak/relaxed-dot     \t       5\t       192.0 GOP/s
BenchmarkViTS/int8/197x384x1152/wasm-relaxed-split \t 5\t 43.3 %peak\t 83.2 GOP/s
BenchmarkViTS/int8/197x384x1152/wasm-relaxed-2 \t 5\t 86.5 %peak\t 166.0 GOP/s
BenchmarkViTS/int8/197x1536x384/wasm-relaxed \t 5\t 90.0 %peak\t 172.8 GOP/s
PASS`;

test("the kernels' benchmark becomes rows, and its least share counts", () => {
	assert.deepEqual(parseKernels(output).rows, [
		["peak relaxed-dot", "192.0", ""], ["int8 197x384x1152 wasm-relaxed-split", "83.2", "43.3"],
		["int8 197x384x1152 wasm-relaxed", "166.0", "86.5"], ["int8 197x1536x384 wasm-relaxed", "172.8", "90.0"],
	]);
	assert.equal(leastShare(output, "int8 wasm-relaxed"), 86.5);
	assert.ok(Number.isNaN(leastShare(output, "float32 wasm-relaxed")), "a body that did not run reaches nothing");
});

test("products are told from the rest of a profile by their names", () => {
	const at = (/** @type {string} */ name, /** @type {number} */ share) => ({ name: `haguruma_core_kernel.${name}`, share });
	const share = besideProducts([
		at("int8TilesFused", 0.5), at("matmulTiles", 0.125), at("matmulRowTiles", 0.125), at("geluPieces", 0.125), at("__int8TilesWasm_.matmul", 0.0625),
		at("spread6", 0.0625),
	]);
	assert.equal(share, 0.25);
});
