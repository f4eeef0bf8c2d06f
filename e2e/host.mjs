// The engine under node, without a browser or a Worker: what the tests and embed.mjs share.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import v8 from "node:v8";
import { startGo, valueOf } from "../www/engine.host.js";
import { relaxedSupported } from "../www/engine.js";

export const wasmUrl = new URL("../www/engine.wasm", import.meta.url);
export const relaxedUrl = new URL("../www/engine.relaxed.wasm", import.meta.url);
export const tuningUrl = new URL("../www/engine.tune.wasm", import.meta.url);
export const relaxedTuningUrl = new URL("../www/engine.tune.relaxed.wasm", import.meta.url);

/**
 * Starts www/engine.wasm.
 * @param {(error: Error) => void} [onExit]
 * @param {URL} [url] another engine
 */
export async function start(onExit = (error) => { throw error; }, url = wasmUrl) {
	const module = await WebAssembly.compile(await readFile(url));
	return startGo(module, onExit);
}

/** Lets Node 20 take relaxed SIMD; its baseline compiler gets some of it wrong, so the other one alone works from here on. */
export function allowRelaxed() {
	if (relaxedSupported()) return;
	v8.setFlagsFromString("--experimental-wasm-relaxed-simd");
	v8.setFlagsFromString("--no-liftoff");
	if (!relaxedSupported()) throw new Error(`Node ${process.version} has no relaxed SIMD; install Node 20 or later`);
}

/**
 * Starts the engine and opens a bundle.
 * @param {string | URL} bundle
 * @param {URL} [url] another engine
 */
export async function openBundle(bundle, url) {
	const host = await start(undefined, url);
	const bytes = await readFile(bundle);
	const info = valueOf(() => host.verbs.open(bytes, ""));
	return { ...host, info };
}

/**
 * Opens the experts that a folder's manifest names. Returns how many there are.
 * @param {{ verbs: import("../www/engine.js").Verbs }} host
 * @param {{ folder: string }} models
 */
export function openExperts({ verbs }, { folder }) {
	/** @type {import("../www/engine.js").Manifest} */
	const { sha256, experts } = JSON.parse(readFileSync(join(folder, "default.json"), "utf8"));
	if (!experts) throw new Error(`${folder}: no experts`);
	return valueOf(() => verbs.openExperts(readFileSync(join(folder, experts.file)), experts.sha256, sha256));
}
