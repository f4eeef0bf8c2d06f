import assert from "node:assert/strict";
import { test } from "node:test";
import { Undo } from "../undo.js";

test("undo: the last first; an older one takes those after it along; none twice, and not without end", () => {
	/** @type {string[]} */
	const log = [];
	const step = (/** @type {string} */ name) => ({ what: () => name, back: () => void log.push(name), done: () => name });
	let told = 0;
	const undo = new Undo(() => told++);
	const [a, b, c] = ["a", "b", "c"].map(step);
	for (const s of [a, b, c]) if (s) undo.add(s);
	assert.equal(undo.undo(), c);
	assert.equal(undo.undo(c), null);
	assert.equal(undo.undo(a), a);
	assert.deepEqual([log, undo.last, undo.undo(), told], [["c", "b", "a"], null, null, 5]);
	for (let i = 0; i < 300; i++) undo.add(step(String(i)));
	let n = 0;
	while (undo.undo()) n++;
	assert.deepEqual([n, log.at(-1)], [200, "100"]);
});
