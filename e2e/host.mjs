// The engine under node, without a browser or a Worker: what the tests and embed.mjs share.

import { readFile } from "node:fs/promises";
import { startGo, valueOf } from "../www/engine.host.js";

export const wasmUrl = new URL("../www/engine.wasm", import.meta.url);

/**
 * Starts www/engine.wasm.
 * @param {(error: Error) => void} [onExit]
 */
export async function start(onExit = (error) => { throw error; }) {
	const module = await WebAssembly.compile(await readFile(wasmUrl));
	return startGo(module, onExit);
}

/**
 * Starts the engine and opens a bundle.
 * @param {string | URL} bundle
 */
export async function openBundle(bundle) {
	const host = await start();
	const bytes = await readFile(bundle);
	const info = valueOf(() => host.verbs.open(bytes, ""));
	return { ...host, info };
}
