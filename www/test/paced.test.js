import assert from "node:assert/strict";
import { test } from "node:test";
import { paced } from "../paced.js";

const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const busy = (/** @type {number} */ ms) => {
	for (const begin = performance.now(); performance.now() - begin < ms;);
};

test("all that is asked for in one moment is done once, when the moment ends", async () => {
	let done = 0;
	const ask = paced(() => void done++);
	for (let i = 0; i < 100; i++) ask();
	assert.equal(done, 0);
	await null;
	assert.equal(done, 1);
	await pause(20);
	assert.equal(done, 1);
});

test("who asks all the time, in microtasks too, gets a fifth of the thread at most, and the last asking is heard", async () => {
	let asked = 0;
	let heard = 0;
	let spent = 0;
	const ask = paced(() => {
		heard = asked;
		busy(5);
		spent += 5;
	});
	const begin = performance.now();
	for (let i = 0; i < 200; i++) {
		asked++;
		ask();
		await (i % 20 === 0 ? pause(1) : null);
	}
	while (heard < asked && performance.now() - begin < 20_000) await pause(5);
	assert.equal(heard, 200);
	assert.ok(spent >= 10, `${spent} ms`);
	assert.ok(spent <= 5 + (performance.now() - begin) / 5, `${spent} ms of ${performance.now() - begin}`);
});

test("work that is not done in one task is done in several, and others come between", async () => {
	/** @type {string[]} */
	const log = [];
	let left = 3;
	const ask = paced(() => {
		log.push("part");
		busy(2);
		return --left > 0;
	});
	ask();
	for (const begin = performance.now(); left > 0 && performance.now() - begin < 20_000;) {
		await pause(2);
		log.push("other");
	}
	assert.equal(left, 0);
	assert.equal(log.filter((what) => what === "part").length, 3);
	assert.ok(log.indexOf("other") < log.lastIndexOf("part"), log.join());
	await pause(20);
	assert.equal(log.filter((what) => what === "part").length, 3, "when it is done it rests");
});
