// Several Workers and one give the same, bit for bit, and ask the server for no more than one does.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { desktop, launch, Visit } from "./browser.mjs";
import { randomModels } from "./bundle.mjs";
import { png, stripes } from "./pictures.mjs";
import { serve } from "./server.mjs";

/** @import { Browser } from "playwright-core" */
/** @import { Modules } from "./browser.mjs" */

const models = randomModels();
/** @type {Browser} */
let browser;
before(async () => {
	browser = await launch();
});
after(async () => {
	await browser?.close();
	models.remove();
});

/** Runs in the page. @param {{ files: string[], size: number }} options */
async function compare({ files, size }) {
	/** @type {Modules} */
	const { Engine, EngineError, Pool } = /** @type {any} */ (globalThis).modules;
	const pictures = files.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
	const engine = await Engine.load();
	const show = (/** @type {any} */ outcome) => {
		if (outcome instanceof EngineError) return outcome.code;
		const { embed, scores, thumbnail } = outcome;
		return JSON.stringify([scores ?? [...new Uint32Array(embed.buffer)], thumbnail && [...thumbnail.data]]);
	};
	const alone = new Pool(engine, { size: 1 });
	const pool = new Pool(engine, { size });
	const engines = await pool.grow();
	const many = { thumbnail: 8 };
	const one = (await alone.embedAll(pictures, many)).map(show);
	const several = (await pool.embedAll(pictures, many)).map(show);

	// The first half is learnt in two classes: pictures, then embeddings. What is learnt is the same.
	/** @type {string[][]} */
	const learnt = [];
	for (const ahead of [false, true]) {
		const classes = [await engine.addClass("a"), await engine.addClass("b")];
		const support = pictures.slice(0, 6).map((picture) => picture.slice());
		if (ahead) for (const picture of support) pool.ahead(picture);
		for (const [i, picture] of support.entries()) await pool.addExample(classes[i & 1] ?? 0, picture);
		await engine.adapt();
		const scores = (await (ahead ? pool : alone).classifyAll(pictures)).map((outcome) =>
			("scores" in outcome ? JSON.stringify(outcome.scores.map((s) => s.probability)) : outcome.code));
		learnt.push(scores);
		for (const id of classes) await engine.removeClass(id);
	}
	const stop = new AbortController();
	stop.abort();
	const stopped = (await pool.embedAll(pictures, { signal: stop.signal })).map(show);
	pool.dispose();
	const after = show(await engine.embed(pictures[0] ?? new Uint8Array(0), many));
	return { engines, one, several, learnt, stopped, after };
}

test("a folder over three Workers: the bits, errors and order of one; engine and bundle are downloaded once", async () => {
	/** @type {string[]} */
	const asked = [];
	const blank = Buffer.from("<!doctype html><title>blank</title><link rel=icon href=icon.svg>");
	const server = await serve(models.folder, (path) => (asked.push(path), path === "/blank.html" ? blank : null));
	const visit = await Visit.open(browser, `${server.url}blank.html`, desktop);
	await visit.modules();
	/** @type {Buffer[]} */
	const files = Array.from({ length: 14 }, (_, i) => png(40 + 7 * i, 64, (x, y) => stripes(x + i, y * i)));
	files[7] = Buffer.from("no picture");
	files[9] = /** @type {Buffer} */ (files[9]).subarray(0, 60);
	const result = await visit.page.evaluate(compare, { files: files.map((file) => file.toString("base64")), size: 3 });
	assert.equal(result.engines, 3);
	assert.deepEqual(result.several, result.one);
	assert.equal(new Set(result.one).size, 14, "pictures that differ have embeddings that do");
	assert.deepEqual([result.one[7], result.one[9]], ["picture_format", "picture_truncated"]);
	assert.deepEqual(result.learnt[1], result.learnt[0]);
	assert.deepEqual(result.stopped, files.map(() => "aborted"));
	assert.equal(result.after, result.one[0]);
	const heavy = asked.filter((path) => /wasm$|models/.test(path)).sort();
	assert.equal(heavy.length, 3, `${heavy}`);
	visit.calm();
	await visit.close();
	await server.close();
});
