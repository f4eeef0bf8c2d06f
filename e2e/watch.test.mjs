// The watch over the page sees what it is there for.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, Visit } from "./browser.mjs";
import { site } from "./site.mjs";

const here = site();

test("errors, broken policies, other machines and a busy thread are seen", async () => {
	const visit = await Visit.open(here.browser, here.url);
	const { page } = visit;
	visit.calm();

	/** @type {[string, () => void][]} */
	const faults = [
		["console: to the console", () => console.error("to the console")],
		["uncaught: Error: thrown", () => void setTimeout(() => { throw new Error("thrown"); })],
		["policy: connect-src", () => void fetch("http://127.0.0.1:9/").catch(() => {})],
		["policy: script-src", () => document.head.append(Object.assign(document.createElement("script"), { textContent: "1" }))],
	];
	for (const [seen, fault] of faults) {
		await page.evaluate(fault);
		await eventually(() => visit.problems, (problems) => problems.some((problem) => problem.startsWith(seen)), seen);
		assert.throws(() => visit.calm());
	}

	visit.problems = [];
	visit.calm();
	visit.origins.add("https://elsewhere.example");
	assert.throws(() => visit.calm());

	const busy = await visit.tasks(() => page.evaluate(() => {
		for (const start = performance.now(); performance.now() - start < 1000;);
	}));
	assert.ok(busy.long.length > 0, "a second of work is a long task, whatever the machine does besides");
	const idle = await visit.tasks(() => page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100))));
	assert.deepEqual(idle.long, []);
	await visit.close();
});
