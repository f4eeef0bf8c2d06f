import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { plot } from "./plot.mjs";
import { goals } from "./edge.mjs";
import { agreement, markdown, results, table } from "./report.mjs";

/** @import { Edge } from "./edge.mjs" */
/** @import { Id } from "./page.js" */
/** @import { Figures } from "./report.mjs" */

const read = (/** @type {string} */ name) => readFileSync(new URL(`../docs/${name}`, import.meta.url), "utf8");
/** @type {Figures} */
const figures = JSON.parse(read("benchmarks.json"));
/** @type {Edge} */
const edge = JSON.parse(read("edge.json"));

test("document and plot are what the figures beside them give", () => {
	assert.equal(read("BENCHMARKS.md"), markdown(figures, edge));
	assert.equal(read("benchmarks.svg"), plot(figures));
});

test("a goal that is missed says so", () => {
	/** @type {Figures} */
	const slow = structuredClone(figures);
	slow.single.ms["int8 relaxed"] = slow.single.ms["int8 ort s8"].map((ms) => 2 * ms);
	assert.ok(results(slow).int8.ratio < 1);
	const [line = ""] = table(slow).split("\n").filter((row) => row.startsWith("int8, one picture, against"));
	assert.match(line, / no$/);
	const fast = structuredClone(figures);
	fast.single.ms["int8 relaxed"] = fast.single.ms["int8 ort s8"].map((_, i) =>
		Math.min(fast.single.ms["int8 ort s8"][i] ?? NaN, fast.single.ms["int8 ort u8"][i] ?? NaN) / 4);
	const [other = ""] = table(fast).split("\n").filter((row) => row.startsWith("int8, one picture, against"));
	assert.match(other, / yes$/);
});

test("a goal of the edge that is missed says so", () => {
	const reached = (/** @type {Edge} */ of) => goals(of).rows.map((row) => row[3]);
	const slow = structuredClone(edge);
	slow.measured.size = 3e6 + 1;
	slow.measured.warm.apart.outside.median = 20.1;
	slow.measured.mixed.programs = 2;
	slow.soaked.failed = 1;
	slow.soaked.end.program = 1.2 * slow.soaked.warm.program;
	assert.deepEqual(reached(slow), ["no", "no", "", "", "no", "no", "no", ""]);
	const fast = structuredClone(edge);
	fast.measured.warm.apart.outside.median = 19.9;
	assert.equal(reached(fast)[1], "yes");
});

test("engines that compute something else are found out", () => {
	const ids = /** @type {Id[]} */ (Object.keys(figures.single.ms));
	const same = (/** @type {number[]} */ of) => /** @type {Record<Id, number[]>} */ (Object.fromEntries(ids.map((id) => [id, [...of]])));
	const good = { 0: same([1, 2, 3]), 1: same([3, -2, 1]) };
	assert.ok(agreement(good).every(({ ok }) => ok));
	for (const id of ids) {
		const bad = structuredClone(good);
		bad[1][id] = [-3, 2, 9];
		assert.ok(agreement(bad).some(({ ok }) => !ok), id);
	}
	const deaf = { 0: same([1, 2, 3]), 1: same([1, 2, 3]) };
	assert.ok(agreement(deaf).some(({ ok }) => !ok), "two pictures, one embedding");
});
