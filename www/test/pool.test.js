import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine } from "../engine.js";
import { EngineError } from "../error.js";
import { defaultSize, Pool } from "../pool.js";
import { bundle, FakeWorker, files, workers } from "./fake.js";

/** @import { EmbedResult, PictureSource } from "../engine.js" */
/** @import { Member } from "../pool.js" */

/** Pictures are one byte, and their embedding is that byte. @param {number} byte */
const picture = (byte) => new Uint8Array([byte]);
const pictures = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => picture(i + 1));
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

const answer = { unknown: false, likeness: 1, unknownBelow: -1, version: 1 };

/** An engine that embeds when it is told to. @implements {Member} */
class FakeEngine {
	startMs = 100;
	/** @type {Float32Array | null} */
	scores = null;
	tuned = false;
	/** the adaptation's scores change when the lead is asked with those that were in use */
	moves = false;
	pictureMs = 60;
	disposed = false;
	/** bytes embedded @type {number[]} */
	log = [];
	/** what was called besides @type {string[]} */
	calls = [];
	/** @type {FakeEngine[]} */
	twins = [];
	/** bytes that fail, with the code @type {Map<number, import("../engine.js").ErrorCode>} */
	bad = new Map();
	/** the pictures under way, each waits for go() @type {(() => void)[]} */
	#held = [];

	/** @param {boolean} [held] */
	constructor(held = false) {
		this.held = held;
	}

	/** Lets the picture under way be done. */
	async go() {
		this.#held.shift()?.();
		await settled();
	}

	/** @type {() => Promise<any>} */
	twin = async () => {
		const twin = new FakeEngine(this.held);
		twin.bad = this.bad;
		this.twins.push(twin);
		await null;
		return twin;
	};

	/** @param {PictureSource} source @param {{ thumbnail?: number, scores?: Float32Array | null }} [options] @returns {Promise<EmbedResult>} */
	async embed(source, { thumbnail = 0, scores = null } = {}) {
		const byte = /** @type {Uint8Array} */ (source)[0] ?? 0;
		if (this.held) await new Promise((resolve) => this.#held.push(() => resolve(null)));
		else await null;
		if (this.disposed) throw new EngineError("disposed", "gone");
		this.log.push(byte);
		const code = this.bad.get(byte);
		if (code) throw new EngineError(code, `picture ${byte}`);
		const side = { width: thumbnail, height: thumbnail, data: new Uint8ClampedArray([byte]) };
		const embed = new Float32Array([byte + 1000 * (scores?.[0] ?? 0)]);
		return { embed, weights: scores, square: new Uint8Array([byte]), thumbnail: thumbnail ? side : null, ms: this.pictureMs };
	}

	/** @param {number} classId @param {PictureSource} source @param {{ thumbnail?: number }} [options] */
	async addExample(classId, source, options) {
		const { embed, thumbnail, ms } = await this.embed(source, options);
		this.calls.push(`example ${classId} ${embed[0]}`);
		return { id: this.calls.length, width: 1, height: 1, thumbnail, ms };
	}

	/** @param {number} classId @param {Float32Array} embed @param {Uint8Array} [square] */
	async addEmbedding(classId, embed, square) {
		assert.equal(square?.[0], embed[0]);
		this.calls.push(`embedding ${classId} ${embed[0]}`);
		return this.calls.length;
	}

	/** @param {PictureSource} source @param {{ thumbnail?: number }} [options] */
	async classify(source, options) {
		const { embed, thumbnail, ms } = await this.embed(source, { ...options, scores: this.scores });
		this.calls.push(`classify ${embed[0]}`);
		return { ...answer, scores: [], thumbnail, ms };
	}

	/** @param {Float32Array} embed @param {Float32Array | null} [scores] */
	async classifyEmbedding(embed, scores = null) {
		if (this.moves) this.scores = new Float32Array([3]);
		if (String(scores) !== String(this.scores)) throw new EngineError("other_weights", "moved");
		this.calls.push(`classify embedding ${embed[0]}`);
		return { ...answer, scores: [{ class: embed[0] ?? 0, name: "", probability: 1, nearest: 0, nearestCosine: 1 }], thumbnail: null, ms: 1 };
	}

	dispose() {
		this.disposed = true;
	}
}

/** @param {(EmbedResult | EngineError)[]} outcomes */
const seen = (outcomes) => outcomes.map((o) => (o instanceof EngineError ? o.code : (o.embed[0] ?? NaN)));
const upTo = (/** @type {number} */ n) => Array.from({ length: n }, (_, i) => i + 1);

test("a twin is opened from the module and the bundle at hand; neither is asked for again", async () => {
	const [first, second] = [new FakeWorker(), new FakeWorker(() => ({ kind: "result", value: 7 }))];
	let fetched = 0;
	const fetch = files();
	let deaths = 0;
	const engine = await Engine.load({
		createWorker: workers(first, second), fetch: (url, init) => (fetched++, fetch(url, init)), onDeath: () => deaths++,
	});
	const twin = await engine.twin();
	assert.equal(fetched, 3, "module, manifest and bundle, once");
	assert.deepEqual(twin.info, engine.info);
	const [one, two] = [first.opened, second.opened];
	assert.ok(one?.verb === "open" && two?.verb === "open" && one.module === two.module);
	assert.deepEqual(two.bundle, bundle);
	assert.equal(await twin.addEmbedding(3, new Float32Array([1, 2])), 7);
	const sent = second.requests[1];
	assert.ok(sent?.verb === "addEmbedding" && sent.classId === 3);
	assert.deepEqual(sent.embed, new Uint8Array(new Float32Array([1, 2]).buffer));
	second.onerror?.({ message: "out of memory" });
	assert.equal(deaths, 0, "a twin dies unnoticed by the page");
	twin.dispose();
	assert.ok(!first.terminated);
	engine.dispose();
	await assert.rejects(engine.twin(), { code: "disposed" });
});

test("two engines share the pictures, outcomes are in the pictures' order", async () => {
	const lead = new FakeEngine(true);
	const pool = new Pool(lead, { size: 2 });
	assert.equal(await pool.grow(), 2);
	const helper = lead.twins[0];
	assert.ok(helper);
	/** @type {number[]} */
	const done = [];
	const all = pool.embedAll(pictures(5), { thumbnail: 9, onDone: (i) => done.push(i) });
	await settled();
	for (const engine of [lead, lead, helper, lead, helper]) await engine.go();
	const outcomes = await all;
	assert.deepEqual(seen(outcomes), upTo(5));
	assert.deepEqual([lead.log, helper.log], [[2, 3, 4], [1, 5]]);
	assert.deepEqual(done, [1, 2, 0, 3, 4]);
	assert.ok(outcomes.every((o) => !(o instanceof EngineError) && o.thumbnail?.width === 9));
	pool.dispose();
	assert.ok(helper.disposed && !lead.disposed);
});

test("a helper is started when there is enough to do for it, and never for one picture", async () => {
	const lead = new FakeEngine();
	const pool = new Pool(lead, { size: 4, idleMs: 1000 });
	lead.pictureMs = 1e6; // slow, but there is only one to do
	await pool.embedAll(pictures(1));
	await pool.embedAll(pictures(1));
	await pool.embed(picture(1));
	assert.equal(pool.engines, 1);
	lead.pictureMs = 60;
	await pool.embed(picture(1));
	await pool.embedAll(pictures(2));
	assert.equal(pool.engines, 1, "60 ms of work are not worth a start of 100 ms");
	await pool.embedAll(pictures(9));
	assert.equal(pool.engines, 4, "eight that wait, 60 ms each, and 100 ms to start");
	pool.dispose();
});

test("helpers that have nothing to do end after a while, and come again", async () => {
	const lead = new FakeEngine();
	const pool = new Pool(lead, { size: 2, idleMs: 5 });
	await pool.grow();
	await pool.embedAll(pictures(3));
	while (pool.engines > 1) await new Promise((resolve) => setTimeout(resolve, 1));
	assert.ok(lead.twins[0]?.disposed);
	assert.deepEqual(seen(await pool.embedAll(pictures(3))), upTo(3));
	assert.equal(await pool.grow(), 2);
	pool.dispose();
});

test("each picture has its own error, and the others their embeddings", async () => {
	const lead = new FakeEngine();
	lead.bad.set(2, "picture_format").set(5, "picture_too_large");
	const pool = new Pool(lead, { size: 3 });
	await pool.grow();
	assert.deepEqual(seen(await pool.embedAll(pictures(6))), [1, "picture_format", 3, 4, "picture_too_large", 6]);
	assert.equal(pool.engines, 3, "a bad picture costs no engine");
	pool.dispose();
});

test("Workers that cannot be started: the lead does it all, and no more are tried", async () => {
	const lead = new FakeEngine();
	let tried = 0;
	lead.twin = async () => {
		tried++;
		throw new EngineError("died", "no script");
	};
	const pool = new Pool(lead, { size: 2 });
	assert.equal(await pool.grow(), 1);
	assert.deepEqual(seen(await pool.embedAll(pictures(20))), upTo(20));
	assert.equal(await pool.grow(), 1);
	assert.equal(tried, 1);
});

test("a helper that dies: its picture is the lead's, and no more are started", async () => {
	const lead = new FakeEngine();
	const pool = new Pool(lead, { size: 3 });
	await pool.grow();
	for (const twin of lead.twins) twin.bad = new Map([[1, "died"], [2, "died"]]);
	assert.deepEqual(seen(await pool.embedAll(pictures(6))), upTo(6));
	assert.equal(pool.engines, 1);
	assert.ok(lead.twins.every((twin) => twin.disposed));
	assert.equal(await pool.grow(), 1);
});

test("cancel: what has no result yet is aborted at once, also what is under way", async () => {
	const lead = new FakeEngine(true);
	const pool = new Pool(lead, { size: 2 });
	await pool.grow();
	const stop = new AbortController();
	const all = pool.embedAll(pictures(5), { signal: stop.signal });
	await settled();
	await lead.twins[0]?.go(); // picture 1; then picture 3 is under way
	stop.abort();
	await lead.go();
	assert.deepEqual(seen(await all), [1, "aborted", "aborted", "aborted", "aborted"]);
	await lead.twins[0]?.go();
	assert.deepEqual([lead.log, lead.twins[0]?.log], [[2], [1, 3]], "nothing more was begun");
	assert.deepEqual(seen(await pool.embedAll(pictures(2), { signal: AbortSignal.abort() })), ["aborted", "aborted"]);
	pool.dispose();
});

test("dispose: helpers end, what is under way says so, later calls too, and the lead goes on", async () => {
	const lead = new FakeEngine(true);
	const pool = new Pool(lead, { size: 2 });
	await pool.grow();
	const all = pool.embedAll(pictures(4));
	await settled();
	pool.dispose();
	await lead.twins[0]?.go();
	await lead.go();
	assert.deepEqual(seen(await all), ["disposed", 2, "disposed", "disposed"]);
	await assert.rejects(pool.embedAll(pictures(1)), { code: "disposed" });
	pool.ahead(picture(1));
	const one = pool.embed(picture(7));
	await settled();
	await lead.go();
	assert.equal((await one).embed[0], 7);
});

test("dispose while a helper starts: it is ended as it comes", async () => {
	const lead = new FakeEngine();
	const pool = new Pool(lead, { size: 2 });
	const growing = pool.grow();
	pool.dispose();
	assert.equal(await growing, 1);
	assert.ok(lead.twins[0]?.disposed);
});

test("classifyAll: embedded anywhere, classified by the lead", async () => {
	const lead = new FakeEngine();
	lead.bad.set(2, "picture_empty");
	const pool = new Pool(lead, { size: 2 });
	await pool.grow();
	const outcomes = await pool.classifyAll(pictures(4), { thumbnail: 3 });
	assert.deepEqual(
		outcomes.map((o) => (o instanceof EngineError ? o.code : [o.scores[0]?.class, o.thumbnail?.data[0], o.ms])),
		[[1, 1, 61], "picture_empty", [3, 3, 61], [4, 4, 61]],
	);
	assert.deepEqual([...lead.calls].sort(), ["classify embedding 1", "classify embedding 3", "classify embedding 4"]);
	const error = new EngineError("not_adapted", "no");
	lead.classifyEmbedding = async () => { throw error; };
	assert.deepEqual(await pool.classifyAll(pictures(1)), [error]);
	pool.dispose();
});

test("announced pictures: helpers read ahead, the lead's calls take what they have read, in any state", async () => {
	const lead = new FakeEngine(true);
	const pool = new Pool(lead, { size: 2 });
	await pool.grow();
	const helper = /** @type {FakeEngine} */ (lead.twins[0]);
	const six = pictures(6);
	for (const p of six) pool.ahead(p, { thumbnail: 5 });
	const [one, two, ...others] = six.map((p, i) =>
		(i === 4 ? pool.classify(p, { thumbnail: 5 }) : pool.addExample(8, p, { thumbnail: 5 })));
	await settled();
	for (const engine of [helper, lead, lead, lead, lead, lead]) await engine.go();
	await Promise.all([one, ...others]);
	assert.equal((await two)?.thumbnail?.data[0], 2);
	assert.deepEqual([helper.log, lead.log], [[2], [1, 3, 4, 5, 6]]);
	assert.deepEqual([...lead.calls].sort(),
		["classify 5", "embedding 8 2", "example 8 1", "example 8 3", "example 8 4", "example 8 6"]);
	pool.dispose();
});

test("announced pictures: bad ones are the lead's to refuse, unwanted and forgotten ones are left", async () => {
	const lead = new FakeEngine();
	lead.bad.set(3, "picture_format");
	const pool = new Pool(lead, { size: 2 });
	await pool.grow();
	const many = pictures(8);
	const unwanted = new Set([4, 5]);
	for (const [i, p] of many.entries()) pool.ahead(p, { wanted: () => !unwanted.has(i + 1) });
	pool.forget(/** @type {Uint8Array} */ (many[7]));
	await settled();
	const helper = /** @type {FakeEngine} */ (lead.twins[0]);
	assert.ok(helper.log.includes(3) && ![4, 5, 8].some((byte) => helper.log.includes(byte)), `${helper.log}`);
	await assert.rejects(pool.addExample(1, /** @type {Uint8Array} */ (many[2])), { code: "picture_format" });
	assert.ok(lead.log.includes(3));
	pool.clear();
	await pool.addExample(1, /** @type {Uint8Array} */ (many[5]));
	assert.deepEqual(lead.calls, ["example 1 6"]);
	pool.dispose();
});

test("a pool of one announces nothing and starts nothing", async () => {
	const lead = new FakeEngine();
	const pool = new Pool(lead, { size: 1 });
	const many = pictures(50);
	for (const p of many) pool.ahead(p);
	for (const p of many) await pool.addExample(1, p);
	assert.deepEqual([lead.log.length, lead.twins.length, await pool.grow()], [50, 0, 1]);
});

test("the default size leaves a core to the page", () => {
	const { hardwareConcurrency } = globalThis.navigator ?? {};
	try {
		for (const [cores, want] of [[1, 1], [2, 1], [4, 3], [64, 4], [undefined, 1]]) {
			Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency: cores }, configurable: true });
			assert.equal(defaultSize(), want);
		}
	} finally {
		Object.defineProperty(globalThis, "navigator", { value: { hardwareConcurrency }, configurable: true });
	}
});

test("with experts, classifyAll embeds by the weights of the lead, everywhere; embedAll and examples by the backbone alone", async () => {
	const lead = new FakeEngine();
	lead.scores = new Float32Array([2]);
	const pool = new Pool(/** @type {any} */ (lead), { size: 3 });
	await pool.grow();
	const classes = (await pool.classifyAll(pictures(6))).map((outcome) => ("scores" in outcome ? outcome.scores[0]?.class : outcome));
	assert.deepEqual(classes, [2001, 2002, 2003, 2004, 2005, 2006]);
	const embeds = (await pool.embedAll(pictures(6))).map((outcome) => ("embed" in outcome ? outcome.embed[0] : outcome));
	assert.deepEqual(embeds, [1, 2, 3, 4, 5, 6]);
	const support = pictures(5);
	for (const p of support) pool.ahead(p);
	for (const p of support) await pool.addExample(1, p);
	assert.deepEqual(lead.calls.filter((call) => call.startsWith("e")).map((call) => call.split(" ").pop()), ["1", "2", "3", "4", "5"]);
	// Announced, and read by the backbone alone: the lead classifies it again.
	const late = pictures(4);
	for (const p of late) pool.ahead(p);
	lead.calls = [];
	for (const p of late) await pool.classify(p);
	assert.deepEqual(lead.calls, ["classify 2001", "classify 2002", "classify 2003", "classify 2004"]);
	pool.dispose();
});

test("a picture that was read before the weights changed is classified by the new ones", async () => {
	const lead = new FakeEngine();
	lead.scores = new Float32Array([2]);
	lead.moves = true;
	const pool = new Pool(/** @type {any} */ (lead), { size: 2 });
	await pool.grow();
	const outcomes = await pool.classifyAll(pictures(3), { thumbnail: 4 });
	assert.deepEqual(outcomes.map((outcome) => (outcome instanceof EngineError ? outcome.code : outcome.thumbnail?.width)), [4, 4, 4]);
	assert.deepEqual(lead.calls.sort(), ["classify 3001", "classify 3002", "classify 3003"]);
	pool.dispose();
});

test("renew: helpers that were there end when they are done, later ones are new", async () => {
	const lead = new FakeEngine(true);
	const pool = new Pool(/** @type {any} */ (lead), { size: 3 });
	await pool.grow();
	const [first, second] = lead.twins;
	const all = pool.embedAll(pictures(3));
	await settled();
	assert.equal(pool.engines, 3);
	pool.renew();
	assert.equal(pool.engines, 3, "they are busy");
	for (const engine of [first, second, lead]) await engine?.go();
	assert.equal((await all).length, 3);
	await settled();
	assert.deepEqual([pool.engines, first?.disposed, second?.disposed], [1, true, true]);
	lead.held = false;
	assert.equal(await pool.grow(), 3);
	assert.equal(lead.twins.length, 4);
	pool.dispose();
});
