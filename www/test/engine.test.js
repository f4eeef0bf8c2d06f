import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Engine, EngineError, simdSupported } from "../engine.js";
import { bundle, FakeWorker, files, manifest, opened, sized, workers } from "./fake.js";

/** @import { LoadOptions, Progress } from "../engine.js" */

/** @param {FakeWorker} worker @param {LoadOptions} [more] */
function load(worker, more = {}) {
	return Engine.load({ createWorker: workers(worker), fetch: files(), ...more });
}

/** @param {string} code */
const withCode = (code) => (/** @type {unknown} */ error) => {
	assert.ok(error instanceof EngineError, `${error}`);
	assert.equal(error.code, code);
	return true;
};

test("load: opens the bundle, says what it is, counts bytes", async () => {
	/** @type {Progress[]} */
	const seen = [];
	const worker = new FakeWorker();
	const engine = await load(worker, { onProgress: (p) => seen.push(p) });
	assert.deepEqual(engine.info, { ...opened, bundle: "test", bytes: 1000 });
	const open = worker.opened;
	assert.ok(open?.verb === "open" && open.module instanceof WebAssembly.Module);
	assert.deepEqual(open.bundle, bundle);
	assert.equal(open.sha256, "", "checked by the page already");
	assert.deepEqual(seen.filter((p) => p.part === "engine").at(-1), { part: "engine", loaded: 8, total: 8 });
	assert.deepEqual(seen.filter((p) => p.part === "bundle").at(-1), { part: "bundle", loaded: 1000, total: 1000 });
});

test("load: the relaxed engine where relaxed SIMD validates, else the baseline one", async () => {
	const { validate } = WebAssembly;
	const fetch = files();
	try {
		for (const relaxed of [false, true]) {
			/** @type {string[]} */
			const seen = [];
			WebAssembly.validate = (bytes) => (bytes.byteLength === 29 ? relaxed : validate(bytes));
			const engine = await load(new FakeWorker(), { fetch: (url, init) => (seen.push(url.pathname), fetch(url, init)) });
			engine.dispose();
			assert.deepEqual(
				seen.filter((path) => path.endsWith(".wasm")).map((path) => path.split("/").at(-1)),
				[relaxed ? "engine.relaxed.wasm" : "engine.wasm"],
			);
		}
	} finally {
		WebAssembly.validate = validate;
	}
	const flag = ["--experimental-wasm-relaxed-simd"]; // where V8 still has it
	const major = Number(process.versions.node.split(".")[0]);
	const script = 'import("./www/engine.js").then((e) => process.stdout.write(String(e.relaxedSupported())))';
	const answer = execFileSync(process.execPath, [...(major < 21 ? flag : []), "-e", script], { encoding: "utf8" });
	assert.equal(answer, "true", "the module is right");
});

test("load: the Worker's progress is handed on", async () => {
	/** @type {Progress[]} */
	const seen = [];
	const worker = new FakeWorker();
	const engine = await load(worker, { onProgress: (p) => seen.push(p) });
	worker.reply({ id: 1, kind: "progress", progress: { part: "start", loaded: 1, total: 2 } });
	assert.deepEqual(seen.at(-1), { part: "start", loaded: 1, total: 2 });
	engine.dispose();
});

test("load: a failed download stops the other and names its own reason", async () => {
	let aborted = false;
	const fetch = files({ "default.json": () => new Response(null, { status: 500 }) });
	await assert.rejects(
		load(new FakeWorker(), {
			fetch: (url, init) => {
				if (!url.pathname.endsWith(".wasm")) return fetch(url, init);
				return new Promise((_, reject) =>
					init?.signal?.addEventListener("abort", () => {
						aborted = true;
						reject(new Error("stopped"));
					}));
			},
		}),
		withCode("download"),
	);
	assert.ok(aborted);
});

test("load: the caller's signal stops it, before and during", async () => {
	await assert.rejects(load(new FakeWorker(), { signal: AbortSignal.abort() }), withCode("aborted"));

	const during = new AbortController();
	const worker = new FakeWorker();
	worker.postMessage = () => during.abort(); // while the bundle is being opened
	await assert.rejects(load(worker, { signal: during.signal }), withCode("aborted"));
	assert.ok(worker.terminated);
});

test("load: a bundle that Go refuses rejects and ends the Worker", async () => {
	const worker = new FakeWorker();
	worker.postMessage = (request) =>
		queueMicrotask(() => worker.reply({ id: request.id, kind: "error", code: "bundle", message: "no" }));
	await assert.rejects(load(worker), withCode("bundle"));
	assert.ok(worker.terminated);
});

test("load: the Worker starts beside the downloads; one that cannot stops them", async () => {
	const worker = new FakeWorker();
	/** @type {string[]} */
	const stopped = [];
	const loading = load(worker, {
		fetch: (url, init) =>
			new Promise((_, reject) =>
				init?.signal?.addEventListener("abort", () => {
					stopped.push(url.pathname);
					reject(new Error("stopped"));
				})),
	});
	worker.onerror?.({ message: "no script" });
	await assert.rejects(loading, withCode("download"));
	assert.equal(stopped.length, 2);
	assert.ok(worker.terminated);

	const idle = new FakeWorker();
	await assert.rejects(load(idle, { fetch: files({ "default.json": () => new Response(null, { status: 404 }) }) }), withCode("download"));
	assert.ok(idle.terminated, "of no use without a bundle");
});

test("load: a Worker that cannot start rejects, and is not a death", async () => {
	const worker = new FakeWorker();
	let deaths = 0;
	worker.postMessage = () => queueMicrotask(() => worker.onerror?.({ message: "no script" }));
	await assert.rejects(load(worker, { onDeath: () => deaths++ }), withCode("died"));
	assert.equal(deaths, 0);
});

test("calls: each reply goes to its call, in any order", async () => {
	const worker = new FakeWorker();
	const engine = await load(worker);
	const first = engine.addClass("a");
	const second = engine.addClass("b");
	const [one, two] = worker.requests.slice(-2);
	worker.reply({ id: two?.id ?? 0, kind: "result", value: 2 });
	worker.reply({ id: one?.id ?? 0, kind: "result", value: 1 });
	assert.deepEqual(await Promise.all([first, second]), [1, 2]);
});

test("calls: an error carries its code, and the engine goes on", async () => {
	const worker = new FakeWorker((request) =>
		request.verb === "adapt"
			? { kind: "error", code: "too_few_classes", message: "adapt: ..." }
			: { kind: "result", value: 7 });
	const engine = await load(worker);
	await assert.rejects(engine.adapt(), withCode("too_few_classes"));
	assert.equal(await engine.addClass("a"), 7);
});

test("calls: pictures are copied, whatever they come as", async () => {
	const worker = new FakeWorker(() => ({ kind: "result", value: {} }));
	const engine = await load(worker);
	const bytes = new Uint8Array([1, 2, 3]);
	const pixels = { width: 1, height: 2, data: new Uint8ClampedArray([1, 2, 3, 4, 5, 6, 7, 8]) };
	await engine.classify(bytes);
	await engine.classify(pixels, { thumbnail: 5 });
	await engine.addExample(3, new Blob([bytes]));
	assert.equal(bytes.length, 3, "not detached");
	assert.equal(pixels.data.length, 8, "not detached");
	const [a, b, c] = worker.requests.slice(-3);
	assert.ok(a?.verb === "classify" && b?.verb === "classify" && c?.verb === "addExample");
	assert.deepEqual(a.picture, { bytes, width: 0, height: 0 });
	assert.deepEqual(b.picture, { bytes: new Uint8Array(pixels.data), width: 1, height: 2 });
	assert.equal(b.thumbnail, 5);
	assert.deepEqual([c.classId, c.picture.bytes], [3, bytes]);
	await assert.rejects(engine.classify({ ...pixels, height: 3 }), withCode("usage"));
	// What is given away goes as it is; of a larger buffer only what was meant.
	const part = { ...pixels, data: new Uint8ClampedArray(new ArrayBuffer(16), 4, 8).fill(9) };
	await engine.classify(part, { give: true });
	await engine.classify(pixels, { give: true });
	assert.deepEqual([part.data.length, pixels.data.length], [8, 0]);
	const [d, e] = worker.requests.slice(-2);
	assert.ok(d?.verb === "classify" && e?.verb === "classify");
	assert.deepEqual([d.picture, e.picture], [{ bytes: new Uint8Array(8).fill(9), width: 1, height: 2 }, b.picture]);
});

test("death: all pending calls are rejected, later ones too, until a restart", async () => {
	for (const kill of [
		(/** @type {FakeWorker} */ w) => w.onerror?.({ message: "out of memory" }),
		(/** @type {FakeWorker} */ w) => w.reply({ id: 0, kind: "error", code: "died", message: "exit code 2" }),
		(/** @type {FakeWorker} */ w) => w.reply({ id: 2, kind: "error", code: "died", message: "unreachable" }),
	]) {
		/** @type {EngineError[]} */
		const deaths = [];
		const first = new FakeWorker();
		const next = new FakeWorker(() => ({ kind: "result", value: 1 }));
		let fetched = 0;
		const fetch = files();
		const engine = await Engine.load({
			createWorker: workers(first, next),
			fetch: (url, init) => (fetched++, fetch(url, init)),
			onDeath: (error) => deaths.push(error),
		});
		const pending = [engine.addClass("a"), engine.adapt()];
		kill(first);
		for (const call of pending) await assert.rejects(call, withCode("died"));
		await assert.rejects(engine.adapt(), withCode("died"));
		assert.ok(first.terminated);
		assert.equal(deaths.length, 1);

		await engine.restart();
		assert.equal(await engine.addClass("a"), 1);
		assert.equal(fetched, 3, "a restart downloads nothing");
		const open = next.opened;
		assert.ok(open?.verb === "open");
		assert.deepEqual(open.bundle, bundle);
		first.terminated = false;
		first.reply({ id: 1, kind: "error", code: "died", message: "late" });
		assert.equal(await engine.addClass("b"), 1, "a late word of the old Worker changes nothing");
	}
});

test("dispose: rejects what is pending and what comes, and cannot be undone", async () => {
	const worker = new FakeWorker();
	let deaths = 0;
	const engine = await load(worker, { onDeath: () => deaths++ });
	const pending = engine.adapt();
	engine.dispose();
	engine.dispose();
	await assert.rejects(pending, withCode("disposed"));
	await assert.rejects(engine.classify(new Uint8Array(1)), withCode("disposed"));
	await assert.rejects(engine.restart(), withCode("disposed"));
	assert.ok(worker.terminated);
	assert.equal(deaths, 0);
});

test("an unknown reply is a fault, not silence", async () => {
	const worker = new FakeWorker();
	await load(worker);
	assert.throws(() => worker.reply(/** @type {any} */ ({ id: 1, kind: "telegram" })), /unknown reply/);
});

test("simdSupported: the module is valid here, and invalid without WebAssembly SIMD's opcode", () => {
	assert.equal(simdSupported(), true);
	const { validate } = WebAssembly;
	try {
		WebAssembly.validate = (source) => {
			const bytes = new Uint8Array(/** @type {Uint8Array<ArrayBuffer>} */ (source));
			bytes[bytes.lastIndexOf(0xfd) + 1] = 0xff; // 0xfd 0xff: no such instruction
			return validate(bytes);
		};
		assert.equal(simdSupported(), false);
	} finally {
		WebAssembly.validate = validate;
	}
});

test("load: without WebAssembly SIMD nothing is fetched", async () => {
	const { validate } = WebAssembly;
	try {
		WebAssembly.validate = () => false;
		const fetch = () => assert.fail("fetched");
		await assert.rejects(Engine.load({ fetch, createWorker: workers() }), withCode("unsupported"));
	} finally {
		WebAssembly.validate = validate;
	}
});

/** @param {import("../engine.js").Request} request */
const withExperts = (request) => {
	const experts = { scores: [0.25, 0.75], changed: 0.1, parts: [], kinds: [] };
	/** @type {Record<string, unknown>} */
	const values = { openExperts: 2, adapt: { way: 2, examples: 2, experts, ms: 1 }, useExperts: { experts: null, stale: false } };
	return /** @type {any} */ ({ kind: "result", value: values[request.verb] ?? { embed: new Float32Array(8), square: new Uint8Array(3), thumbnail: null, ms: 1 } });
};
const expertsFile = { file: "default.experts.safetensors.zst", bytes: bundle.length, sha256: manifest.sha256 };
const serveExperts = () => files({ "default.json": () => Response.json({ ...manifest, experts: expertsFile }) });

test("openExperts: fetched when asked for, told of their backbone, opened again by restart and twin", async () => {
	const all = [new FakeWorker(withExperts), new FakeWorker(withExperts), new FakeWorker(withExperts)];
	/** @type {string[]} */
	const asked = [];
	const fetch = serveExperts();
	const engine = await Engine.load({ createWorker: workers(...all), fetch: (url, init) => (asked.push(url.pathname), fetch(url, init)) });
	assert.ok(engine.hasExperts);
	assert.equal(asked.filter((path) => path.includes("experts")).length, 0, "the page is ready without them");
	/** @type {Progress[]} */
	const seen = [];
	assert.equal(await engine.openExperts({ onProgress: (p) => seen.push(p) }), 2);
	assert.deepEqual(seen.at(-1), { part: "experts", loaded: 1000, total: 1000 });
	const opening = (/** @type {FakeWorker | undefined} */ worker) => worker?.requests.filter((r) => r.verb === "openExperts" || r.verb === "useExperts") ?? [];
	const [open] = opening(all[0]);
	assert.ok(open?.verb === "openExperts" && open.sha256 === "" && open.backbone === manifest.sha256);
	assert.deepEqual(open.experts, bundle);

	assert.equal(engine.scores, null);
	await engine.adapt();
	assert.deepEqual(engine.scores, Float32Array.of(0.25, 0.75));
	assert.deepEqual((await engine.embed(new Uint8Array(1), { scores: engine.scores })).weights, engine.scores);
	const request = all[0]?.requests.at(-1);
	assert.ok(request?.verb === "embed");
	assert.deepEqual(new Float32Array(request.scores.buffer), engine.scores);

	await engine.useExperts(false);
	assert.equal(engine.scores, null);
	const twin = await engine.twin();
	await engine.restart();
	for (const worker of all.slice(1)) {
		const again = opening(worker);
		assert.ok(again[0]?.verb === "openExperts" && again[1]?.verb === "useExperts" && !again[1].on, "and still off");
		assert.deepEqual(again[0].experts, bundle);
	}
	assert.equal(asked.filter((path) => path.includes("experts")).length, 1);
	twin.dispose();
	engine.dispose();
});

test("openExperts: none, missing, damaged; the engine goes on", async () => {
	const plain = await load(new FakeWorker(withExperts));
	assert.deepEqual([plain.hasExperts, await plain.openExperts()], [false, 0]);
	plain.dispose();
	for (const [answer, code] of /** @type {const} */ ([[() => new Response(null, { status: 404 }), "download"],
		[() => sized(bundle.slice(1)), "download"], [() => sized(bundle.map((v) => v + 1)), "hash"]])) {
		const worker = new FakeWorker(withExperts);
		const fetch = serveExperts();
		const engine = await Engine.load({ createWorker: workers(worker), fetch: async (url, init) => (url.pathname.endsWith(expertsFile.file) ? answer() : fetch(url, init)) });
		await assert.rejects(engine.openExperts(), withCode(code));
		assert.ok(!worker.requests.some((r) => r.verb === "openExperts"));
		assert.equal((await engine.adapt()).way, 2);
		engine.dispose();
	}
});
