import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../engine.js";
import { Pool } from "../pool.js";
import { emptyModule, FakeWorker, files, sized, workers } from "./fake.js";

/** @import { LoadOptions, Progress, Request } from "../engine.js" */

const tuningFile = /engine\.tune(\.relaxed)?\.wasm$/;

/** A fetch that says which engines it was asked for. @param {string[]} asked @returns {NonNullable<LoadOptions["fetch"]>} */
const told = (asked) => (url, init) => {
	if (url.pathname.endsWith(".wasm")) asked.push(url.pathname.replace(/.*\//, ""));
	return files()(url, init);
};

test("a twin that can fine-tune: its engine is fetched once, when it is asked for, and is none of the others", async () => {
	const asked = /** @type {string[]} */ ([]);
	const count = () => asked.length;
	const all = [new FakeWorker(), new FakeWorker(), new FakeWorker(), new FakeWorker()];
	const engine = await Engine.load({ createWorker: workers(...all), fetch: told(asked) });
	assert.ok(count() === 1 && !tuningFile.test(asked[0] ?? ""));
	/** @type {Progress[]} */
	const seen = [];
	const tuner = await engine.twin({ tuning: true, onProgress: (p) => seen.push(p) });
	assert.ok(count() === 2 && tuningFile.test(asked[1] ?? ""), `${asked}`);
	assert.deepEqual(seen.at(-1), { part: "engine", loaded: 8, total: 8 });
	const modules = () => all.map(({ opened }) => opened?.module ?? null);
	assert.notEqual(modules()[0], modules()[1]);
	tuner.dispose();
	await engine.twin({ tuning: true });
	await engine.twin();
	assert.equal(asked.length, 2);
	assert.equal(modules()[2], modules()[1]);
	assert.equal(modules()[3], modules()[0]);
});

test("a twin that can fine-tune: no network, and a stop before and while it comes", async () => {
	const engine = await Engine.load({
		createWorker: workers(new FakeWorker(), new FakeWorker(), new FakeWorker()),
		fetch: files({ "engine.tune.wasm": () => new Response(null, { status: 404 }), "engine.tune.relaxed.wasm": () => new Response(null, { status: 404 }) }),
	});
	await assert.rejects(engine.twin({ tuning: true }), { code: "download" });
	await assert.rejects(engine.twin({ tuning: true, signal: AbortSignal.abort() }), { code: "aborted" });
	await engine.twin(); // the engine is as it was

	const stop = new AbortController();
	const late = () => (stop.abort(), sized(emptyModule));
	const other = await Engine.load({
		createWorker: workers(new FakeWorker(), new FakeWorker()), fetch: files({ "engine.tune.wasm": late, "engine.tune.relaxed.wasm": late }),
	});
	await assert.rejects(other.twin({ tuning: true, signal: stop.signal }), { code: "aborted" });
});

test("load with tuning: that engine alone is fetched, twins have it, and adapt says what is wanted", async () => {
	/** @type {string[]} */
	const asked = [];
	/** @type {Request[]} */
	const requests = [];
	const answer = (/** @type {Request} */ request) => {
		requests.push(request);
		return /** @type {any} */ ({ kind: "result", value: { experts: null, tuned: true, tuning: { mode: "sparse", rate: 0.003 } } });
	};
	const engine = await Engine.load({ tuning: true, createWorker: workers(new FakeWorker(answer), new FakeWorker()), fetch: told(asked) });
	assert.ok(asked.length === 1 && tuningFile.test(asked[0] ?? ""), `${asked}`);
	await engine.twin({ tuning: true });
	assert.equal(asked.length, 1);
	assert.equal(engine.tuned, false);
	const { tuning } = await engine.adapt({ finetune: true });
	assert.deepEqual([tuning?.rate, engine.tuned], [0.003, true]);
	await engine.adapt();
	assert.deepEqual(requests.flatMap((r) => (r.verb === "adapt" ? [r.finetune] : [])), [true, false]);
});

test("what is fine-tuned no helper embeds for: the engine itself classifies, one after the other, and a stop is heard", async () => {
	/** @type {string[]} */
	const verbs = [];
	const stop = new AbortController();
	const answer = (/** @type {Request} */ request) => {
		verbs.push(request.verb);
		if (verbs.length === 4) stop.abort();
		const value = request.verb === "useVersion" ? { experts: null, tuned: true, stale: false } : { scores: [], ms: 1 };
		return /** @type {any} */ ({ kind: "result", value });
	};
	const engine = await Engine.load({ createWorker: workers(new FakeWorker(answer)), fetch: files() });
	await engine.useVersion(2);
	const pool = new Pool(engine, { size: 1 });
	const pictures = [1, 2, 3, 4].map((n) => Uint8Array.of(n));
	/** @type {number[]} */
	const done = [];
	const outcomes = await pool.classifyAll(pictures, { signal: stop.signal, onDone: (i) => done.push(i) });
	assert.deepEqual(verbs, ["useVersion", "classify", "classify", "classify"]);
	assert.deepEqual(outcomes.map((o) => ("code" in o ? o.code : "answered")), ["answered", "answered", "answered", "aborted"]);
	assert.deepEqual(done, [0, 1, 2, 3]);
	pool.dispose();
});
