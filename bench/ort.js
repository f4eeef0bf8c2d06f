// onnxruntime-web on its WebAssembly backend, in whatever realm this is imported: the page or a Worker.

/** @import { InferenceSession } from "onnxruntime-web" */

/** Memories made since this file was imported: onnxruntime makes its own in JavaScript. @type {WebAssembly.Memory[]} */
const memories = [];
WebAssembly.Memory = class extends WebAssembly.Memory {
	/** @param {WebAssembly.MemoryDescriptor} descriptor */
	constructor(descriptor) {
		super(descriptor);
		memories.push(this);
	}
};

/** @type {typeof import("onnxruntime-web")} */
let ort;
/** @type {Map<string, InferenceSession>} */
const sessions = new Map();

/** @param {number} threads */
export async function start(threads) {
	const name = "/ort/ort.wasm.min.mjs";
	ort = await import(name);
	ort.env.wasm.numThreads = threads;
	ort.env.wasm.wasmPaths = "/ort/";
	ort.env.logLevel = "error";
	return ort.env.versions.web;
}

/** @param {string} url */
export async function open(url) {
	const response = await fetch(url);
	if (!response.ok) throw new Error(`${url}: ${response.status}`);
	const model = new Uint8Array(await response.arrayBuffer());
	sessions.set(url, await ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" }));
}

/** @param {string} url @param {Float32Array} pixels (3, size, size) @param {number} size */
export async function embed(url, pixels, size) {
	const begin = performance.now();
	const output = await sessions.get(url)?.run({ pixel_values: new ort.Tensor("float32", pixels, [1, 3, size, size]) });
	const ms = performance.now() - begin;
	return { ms, embed: /** @type {Float32Array} */ (output?.["embedding"]?.data) };
}

export const memory = () => Math.max(0, ...memories.map(({ buffer }) => buffer.byteLength));
