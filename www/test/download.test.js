import assert from "node:assert/strict";
import { test } from "node:test";
import { contentLength, downloadBundle, downloadCode, parseManifest } from "../download.js";
import { EngineError } from "../error.js";
import { joined } from "../wire.js";
import { bundle, emptyModule, files, manifest, sized } from "./fake.js";

/** @import { Progress } from "../engine.js" */

const manifestUrl = new URL("http://host/models/default.json");
const wasmUrl = new URL("http://host/engine.wasm");

/** @param {Record<string, () => Response | Promise<Response>>} [instead] @param {Progress[]} [seen] */
const options = (instead, seen = []) => ({
	part: /** @type {const} */ ("bundle"), fetch: files(instead), onProgress: (/** @type {Progress} */ p) => void seen.push(p),
});

/** @param {string} code @param {RegExp} [message] */
const withCode = (code, message = /./) => (/** @type {unknown} */ error) => {
	assert.ok(error instanceof EngineError, `${error}`);
	assert.equal(error.code, code);
	assert.match(error.message, message);
	return true;
};

test("bundle: whole and checked", async () => {
	/** @type {Progress[]} */
	const seen = [];
	const got = await downloadBundle(manifestUrl, options({}, seen));
	assert.deepEqual(got, { manifest, bytes: bundle, checked: true });
	assert.deepEqual(seen[0], { part: "bundle", loaded: 0, total: bundle.length });
	assert.deepEqual(seen.at(-1), { part: "bundle", loaded: bundle.length, total: bundle.length });
});

test("bundle: arrives in pieces", async () => {
	const pieces = new ReadableStream({
		start(controller) {
			for (let i = 0; i < bundle.length; i += 300) controller.enqueue(bundle.slice(i, i + 300));
			controller.close();
		},
	});
	/** @type {Progress[]} */
	const seen = [];
	const got = await downloadBundle(manifestUrl, options({ ".zst": () => new Response(pieces) }, seen));
	assert.deepEqual(got.bytes, bundle);
	assert.deepEqual(seen.map((p) => p.loaded), [0, 300, 600, 900, 1000]);
});

test("bundle: what can go wrong has its code", async () => {
	const changed = bundle.slice();
	changed[500] ^= 1;
	const broken = new ReadableStream({
		pull(controller) {
			controller.enqueue(bundle.slice(0, 10));
			controller.error(new Error("network"));
		},
	});
	/** @type {[string, Record<string, () => Response | Promise<Response>>, string, RegExp][]} */
	const cases = [
		["404", { ".zst": () => new Response("<html>", { status: 404 }) }, "download", /404/],
		["manifest 404", { ".json": () => new Response("{}", { status: 404 }) }, "download", /404/],
		["no network", { ".zst": () => Promise.reject(new TypeError("failed to fetch")) }, "download", /no answer/],
		["too short", { ".zst": () => sized(bundle.slice(1)) }, "download", /want 1000 bytes, have 999/],
		["too long", { ".zst": () => sized(new Uint8Array(1001)) }, "download", /more than 1000/],
		["breaks off", { ".zst": () => new Response(broken) }, "download", /broke off/],
		["other bytes", { ".zst": () => sized(changed) }, "hash", /want sha256/],
		["a page for all", { ".json": () => new Response("<!doctype html>") }, "manifest", /not JSON/],
		["a huge manifest", { ".json": () => sized(new Uint8Array(1 << 17)) }, "download", /more than/],
	];
	for (const [name, instead, code, message] of cases) {
		await assert.rejects(downloadBundle(manifestUrl, options(instead)), withCode(code, message), name);
	}
});

test("bundle: where the page cannot hash, it says so", async () => {
	const real = Object.getOwnPropertyDescriptor(globalThis, "crypto");
	try {
		Object.defineProperty(globalThis, "crypto", { value: {}, configurable: true });
		assert.equal((await downloadBundle(manifestUrl, options())).checked, false);
	} finally {
		if (real) Object.defineProperty(globalThis, "crypto", real);
	}
});

test("engine: its bytes, as they came", async () => {
	const { name, chunks } = await downloadCode(wasmUrl, { ...options(), part: "engine" });
	assert.equal(name, "engine.wasm");
	assert.deepEqual(joined(chunks), emptyModule);
	const missing = { "engine.wasm": () => new Response(null, { status: 404 }) };
	await assert.rejects(downloadCode(wasmUrl, { ...options(missing), part: "engine" }), withCode("download", /engine.wasm: the server answered 404/));
});

test("contentLength: only what a reader will see", () => {
	const of = (/** @type {Record<string, string>} */ headers) => contentLength(new Headers(headers));
	assert.equal(of({ "content-length": "12" }), 12);
	assert.equal(of({}), null);
	assert.equal(of({ "content-length": "12", "content-encoding": "br" }), null);
	assert.equal(of({ "content-length": "twelve" }), null);
});

test("parseManifest: takes a whole one and nothing less", () => {
	assert.deepEqual(parseManifest(JSON.stringify({ ...manifest, more: 1 })), manifest);
	const bad = {
		name: ["", 1], file: ["", "../x.zst", "a/b.zst", "http://x/y", ".zst", null], bytes: [0, -1, 1.5, "9", 2 ** 60],
		sha256: ["", manifest.sha256.toUpperCase(), manifest.sha256.slice(1)], config: [null, [], "x", undefined],
	};
	for (const [key, values] of Object.entries(bad)) {
		for (const value of values) {
			const text = JSON.stringify({ ...manifest, [key]: value });
			assert.throws(() => parseManifest(text), withCode("manifest", new RegExp(`^${key}:`)), `${key} ${value}`);
		}
	}
	for (const text of ["", "{", "null", "7"]) assert.throws(() => parseManifest(text), withCode("manifest"));
	const experts = { file: "default.experts.safetensors.zst", bytes: 7, sha256: manifest.sha256 };
	assert.deepEqual(parseManifest(JSON.stringify({ ...manifest, experts: { ...experts, more: 1 } })).experts, experts);
	const { experts: _, ...without } = manifest;
	assert.equal(parseManifest(JSON.stringify(without)).experts, null);
	for (const bad of ["x", 1, {}, { ...experts, file: "../x" }, { ...experts, bytes: 0 }, { ...experts, sha256: "" }]) {
		assert.throws(() => parseManifest(JSON.stringify({ ...manifest, experts: bad })), withCode("manifest", /^experts: /), JSON.stringify(bad));
	}
});
