// The forward passes of wasm/bench in a Worker.

import { startGo, valueOf } from "../www/engine.host.js";
import { offer } from "./rpc.js";

/** @typedef {Record<"float32" | "int8" | "embed", (bytes: Uint8Array) => import("../www/engine.js").Outcome<any>>} Forward */

/** @type {Forward} */
let verbs;

offer({
	/** @param {string} wasm @param {"float32" | "int8"} kind @param {string} url */
	async open(wasm, kind, url) {
		const module = await WebAssembly.compileStreaming(fetch(wasm));
		const host = await startGo(module, (error) => { throw error; });
		verbs = /** @type {Forward} */ (/** @type {unknown} */ (host.verbs));
		const model = new Uint8Array(await (await fetch(url)).arrayBuffer());
		return valueOf(() => verbs[kind](model));
	},
	/** @param {Float32Array} pixels (3, size, size) */
	embed(pixels) {
		const begin = performance.now();
		/** @type {Uint8Array<ArrayBuffer>} */
		const bytes = valueOf(() => verbs.embed(new Uint8Array(pixels.buffer)));
		return { ms: performance.now() - begin, embed: new Float32Array(bytes.buffer) };
	},
});
