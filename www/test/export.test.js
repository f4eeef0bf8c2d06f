import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, EngineError } from "../engine.js";
import { modelFile } from "../export.js";
import { FakeWorker, files, workers } from "./fake.js";

/** @import { Where } from "../export.js" */
/** @import { Request } from "../engine.js" */

const adapter = { file: Uint8Array.of(1, 2, 3) };

/** An engine, and what a Worker beside it does with a request. @param {(request: Request, worker: FakeWorker) => any} answer @param {Parameters<typeof files>[0]} [instead] */
async function engineBeside(answer, instead = {}) {
	const [page, beside] = [new FakeWorker(), new FakeWorker(answer)];
	const engine = await Engine.load({ createWorker: workers(page, beside), fetch: files(instead) });
	return { engine, page, beside };
}

test("the other engine is fetched, has the adapter made into a file, and ends", async () => {
	const { engine, beside } = await engineBeside(() => ({ kind: "result", value: Uint8Array.of(4, 5) }));
	/** @type {Where[]} */
	const seen = [];
	const blob = await modelFile(engine, adapter, "onnx", { onProgress: (where) => seen.push(where), signal: new AbortController().signal });
	assert.deepEqual([...new Uint8Array(await blob.arrayBuffer())], [4, 5]);
	assert.deepEqual(seen.filter((w) => w.at === "engine").at(-1), { at: "engine", progress: { part: "engine", loaded: 8, total: 8 } });
	assert.equal(seen.at(-1)?.at, "file");
	const { id: _, ...request } = /** @type {Request} */ (beside.requests.at(-1));
	assert.deepEqual(request, { verb: "exportModel", ...engine.hashes, file: adapter.file, format: "onnx" });
	assert.ok(beside.terminated);
	assert.equal(adapter.file.length, 3, "what is kept is not handed over");
});

test("a stop while the file is made ends that Worker, and says that it was a stop; one that dies is another error", async () => {
	const stop = new AbortController();
	const { engine, beside } = await engineBeside(() => (stop.abort(), null));
	await assert.rejects(modelFile(engine, adapter, "safetensors", { onProgress: () => {}, signal: stop.signal }), { code: "aborted" });
	assert.ok(beside.terminated);

	const dying = await engineBeside((_, worker) => (worker.onerror?.({ message: "out of memory" }), null));
	await assert.rejects(modelFile(dying.engine, adapter, "onnx", { onProgress: () => {}, signal: new AbortController().signal }), (error) => error instanceof EngineError && error.code === "died");
	assert.ok(dying.beside.terminated && !dying.page.terminated, "the page's engine lives");
});

test("without a network there is no such engine", async () => {
	const gone = () => new Response(null, { status: 503 });
	const { engine, beside } = await engineBeside(() => null, { "engine.tune.wasm": gone, "engine.tune.relaxed.wasm": gone });
	await assert.rejects(modelFile(engine, adapter, "onnx", { onProgress: () => {}, signal: new AbortController().signal }), { code: "download" });
	assert.deepEqual(beside.requests, []);
});
