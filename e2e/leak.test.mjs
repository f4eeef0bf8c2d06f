// A thousand classifications leave nothing behind.
//
// How far the linear memory and the table of values ever grew depends on when Go happened to collect: on a slow machine
// a later round may push either a little further. So what is counted is what is alive after collections that changed
// nothing any more, and growth counts as a leak only when every round shows it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { valueOf } from "../www/engine.host.js";
import { randomModels } from "./bundle.mjs";
import { openBundle, openExperts } from "./host.mjs";
import { png, rgba, stripes } from "./pictures.mjs";

const models = randomModels(true);
after(() => models.remove());
after(() => setImmediate(() => process.exit())); // the Go program waits for calls for ever

/** Rounds that count, after a first that does not. */
const rounds = 5;

/** @type {Awaited<ReturnType<typeof openBundle>>} */
let engine;
/** a class that stays */
let kept = 0;
before(async () => {
	engine = await openBundle(models.file);
	const { verbs } = engine;
	for (const [name, picture] of /** @type {const} */ ([["large", ring(20)], ["small", ring(9)]])) {
		kept = valueOf(() => verbs.addClass(name));
		valueOf(() => verbs.addExample(kept, picture, 64, 64, 0));
	}
	valueOf(() => verbs.adapt());
});

const ring = (/** @type {number} */ r) =>
	rgba(64, 64, (x, y) => (Math.abs(Math.hypot(x - 32, y - 32) - r) < 3 ? [0, 0, 0] : [255, 255, 255]));
const canvas = ring(18);
const file = png(64, 64, stripes);

/** What is alive once collecting finds nothing more to release. */
async function alive() {
	let last = "";
	for (let i = 0; i < 50; i++) {
		const { heapBytes, heapObjects } = valueOf(() => engine.verbs.memory());
		const { wasmBytes, values } = engine.memory();
		const now = { heapBytes, heapObjects, values, wasmBytes };
		if (JSON.stringify(now) === last) return now;
		last = JSON.stringify(now);
		// In a turn of the event loop Go runs the finalizers, which release JavaScript's values.
		await new Promise((resolve) => setTimeout(resolve, 1));
	}
	throw new Error(`memory does not come to rest: ${last}`);
}

/**
 * @param {string} name
 * @param {number} turns in a round
 * @param {(i: number) => void} turn number i of a round
 */
function holds(name, turns, turn) {
	test(name, async () => {
		/** @type {Awaited<ReturnType<typeof alive>>[]} */
		const sizes = [];
		for (let round = 0; round <= rounds; round++) {
			for (let i = 0; i < turns; i++) turn(i);
			sizes.push(await alive()); // the first includes buffers that are filled once and kept
		}
		const seen = `after each round of ${turns}: ${JSON.stringify(sizes)}`;
		/** The least growth of a round, for each turn. @param {keyof typeof sizes[0]} what */
		const growth = (what) => Math.min(...sizes.slice(1).map((size, i) => size[what] - (sizes[i]?.[what] ?? 0))) / turns;
		// One object or one value of JavaScript's left by every tenth turn is too much already.
		assert.ok(growth("heapObjects") < 0.1, `Go objects, ${seen}`);
		assert.ok(growth("heapBytes") < 1, `bytes in Go, ${seen}`);
		assert.ok(growth("values") < 0.1, `values of JavaScript's, ${seen}`);
		assert.ok(growth("wasmBytes") <= 0, `linear memory, ${seen}`);
	});
}

holds("1,000 classifications leave nothing behind: files, drawings, and files that are none", 200, (i) => {
	const { verbs } = engine;
	if (i % 4 === 0) valueOf(() => verbs.classify(file, 0, 0, 96));
	else if (i % 10 === 1) assert.ok("code" in verbs.classify(file.subarray(0, 50), 0, 0, 0));
	else valueOf(() => verbs.classify(canvas, 64, 64, 0));
});

holds("classes and examples that come and go leave nothing behind", 40, (i) => {
	const { verbs } = engine;
	const id = valueOf(() => verbs.addClass(`another ${i}`));
	for (let n = 0; n < 2; n++) valueOf(() => verbs.addExample(id, canvas, 64, 64, 48));
	valueOf(() => verbs.adapt());
	valueOf(() => verbs.renameClass(id, "other"));
	const extra = valueOf(() => verbs.addExample(kept, file, 0, 0, 0));
	valueOf(() => verbs.removeExample(extra.id));
	valueOf(() => verbs.removeClass(id));
	valueOf(() => verbs.forgetHistory());
});

test("experts are opened and take part", () => {
	const { verbs } = engine;
	assert.ok(openExperts(engine, models) > 1);
	assert.equal(valueOf(() => verbs.useExperts(true)).experts, null, "not before adapt");
	assert.ok(valueOf(() => verbs.adapt()).experts);
});

/** The scores of the last turn, so that it is seen that they change. @type {Set<string>} */
const routed = new Set();

holds("adapting again and again with experts leaves nothing behind: merged, taken back, lent to another Worker", 20, (i) => {
	const { verbs } = engine;
	const id = valueOf(() => verbs.addClass(`another ${i}`));
	for (let n = 0; n <= i % 3; n++) valueOf(() => verbs.addExample(id, i % 2 ? ring(3.5 + i) : file, i % 2 ? 64 : 0, i % 2 ? 64 : 0, 0));
	const { experts } = valueOf(() => verbs.adapt());
	assert.ok(experts);
	routed.add(String(experts.scores));
	valueOf(() => verbs.classify(canvas, 64, 64, 0));
	valueOf(() => verbs.embed(canvas, 64, 64, 0, new Uint8Array(Float32Array.from(experts.scores, (_, m) => (m === i % 6 ? 1 : 0)).buffer)));
	valueOf(() => verbs.useExperts(false));
	if (i % 4 === 0) valueOf(() => verbs.adapt());
	valueOf(() => verbs.useExperts(true));
	valueOf(() => verbs.removeClass(id));
	valueOf(() => verbs.adapt());
	valueOf(() => verbs.forgetHistory());
});

test("tasks that differ were routed differently", () => assert.ok(routed.size > 1, [...routed].join(" ")));
