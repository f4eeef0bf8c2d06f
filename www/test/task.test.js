import assert from "node:assert/strict";
import { test } from "node:test";
import { maxName, Task } from "../task.js";

const drawing = { width: 1, height: 1, data: new Uint8ClampedArray(4) };

test("lack: two classes, an example in each", () => {
	const task = new Task();
	assert.deepEqual(task.lack(), { code: "too_few_classes" });
	const a = task.addClass("a");
	task.addExample(a, "x", drawing);
	assert.deepEqual(task.lack(), { code: "too_few_classes" });
	const b = task.addClass("b");
	assert.deepEqual(task.lack(), { code: "empty_class", class: b });
	task.addExample(b, "y", drawing);
	assert.equal(task.lack(), null);
	assert.deepEqual([task.exampleCount, task.waiting], [2, 2]);
});

test("names: empty, long and taken ones are refused, outer space is not part of them", () => {
	const task = new Task();
	const a = task.addClass("a");
	task.addClass("b");
	assert.equal(task.checkName(a, " \t"), "nameEmpty");
	assert.equal(task.checkName(a, "🙂".repeat(maxName)), null);
	assert.equal(task.checkName(a, "🙂".repeat(maxName + 1)), "nameLong");
	assert.equal(task.checkName(a, " b "), "nameTaken");
	assert.equal(task.checkName(a, "a"), null);
	task.renameClass(a, "  c\n d ");
	assert.equal(a.name, "c  d");
	assert.equal(task.freeName("b"), "b 2");
});

test("undo: an example comes back to its place", () => {
	const task = new Task();
	const a = task.addClass("a");
	const [, second] = ["1", "2", "3"].map((name) => task.addExample(a, name, drawing));
	assert.ok(second);
	const back = task.removeExample(a, second);
	assert.deepEqual(a.examples.map((x) => x.name), ["1", "3"]);
	back();
	assert.deepEqual(a.examples.map((x) => x.name), ["1", "2", "3"]);
});

test("undo: a class comes back to its place with what it had, under another name if its own is taken", () => {
	const task = new Task();
	const [a, , c] = ["a", "b", "c"].map((name) => task.addClass(name));
	assert.ok(a && c);
	const example = task.addExample(a, "1", drawing);
	const lost = task.addExample(a, "2", drawing);
	const backExample = task.removeExample(a, lost);
	const back = task.removeClass(a);
	task.renameClass(c, "a");
	/** @type {string[]} */
	const changes = [];
	task.onChange((change) => changes.push(change.kind));
	backExample(); // while the class is away
	assert.deepEqual(changes, []);
	back();
	assert.deepEqual(task.classes.map((k) => k.name), ["a 2", "b", "a"]);
	assert.deepEqual(a.examples, [example, lost]);
	assert.deepEqual(changes, ["addClass", "addExample", "addExample"]);
	assert.equal(example.state, "waiting");
});
