// What the benchmark does in the page. Every contestant works in a Web Worker of its own, and times are those of its Worker.

import { startGo, valueOf } from "../www/engine.host.js";
import { Engine, EngineError } from "../www/engine.js";
import { Pool } from "../www/pool.js";
import { normalized, picture } from "./picture.js";
import { worker } from "./rpc.js";

/** @import { Pixels } from "../www/engine.js" */

/** @typedef {{ size: number, mean: number[], std: number[], files: Record<string, string> }} Model files: their URLs */
/** @typedef {"int8 relaxed" | "int8 baseline" | "int8 ort s8" | "int8 ort u8" | "float32 relaxed" | "float32 baseline" | "float32 ort"} Id */
/** @typedef {{ ms: number, embed: Float32Array }} Embedded */
/** @typedef {(pixels: Pixels, tensor: Float32Array) => Promise<Embedded>} Contestant */

const wasms = { relaxed: "/www/engine.relaxed.wasm", baseline: "/www/engine.wasm" };
const forwards = { relaxed: "/built/forward.relaxed.wasm", baseline: "/built/forward.wasm" };

/** @type {Map<Id, Contestant>} */
const contestants = new Map();
/** @type {Model} */
let model;
let kernels = "";

/** Starts all of them. @param {Model} of */
export async function open(of) {
	model = of;
	const { files, size } = model;
	/** @type {string[]} */
	const bodies = [];
	for (const [name, wasmUrl] of Object.entries(wasms)) {
		const engine = await Engine.load({ wasmUrl, bundleUrl: files["manifest"] ?? "" });
		bodies.push(engine.info.kernel);
		contestants.set(/** @type {Id} */ (`int8 ${name}`), (pixels) => engine.embed(pixels));
	}
	for (const [name, wasm] of Object.entries(forwards)) {
		const call = worker("./forward.worker.js");
		await call("open", wasm, "float32", files["float32"]);
		contestants.set(/** @type {Id} */ (`float32 ${name}`), (_, tensor) => call("embed", tensor));
	}
	const ort = worker("./ort.worker.js");
	const version = await ort("start", 1);
	for (const [id, url] of /** @type {[Id, string][]} */ ([
		["int8 ort s8", files["s8"]], ["int8 ort u8", files["u8"]], ["float32 ort", files["onnx"]],
	])) {
		await ort("open", url);
		contestants.set(id, (_, tensor) => ort("embed", url, tensor, size));
	}
	kernels = bodies.join();
	return { version, kernels, isolated: crossOriginIsolated, agent: navigator.userAgent };
}

/**
 * One picture, by each in turn.
 * @param {Id[]} order
 * @param {number} seed of the picture
 * @returns {Promise<{ ms: number, embed: number[] }[]>}
 */
export async function round(order, seed) {
	const pixels = picture(seed, model.size);
	const tensor = normalized(pixels, model.mean, model.std);
	const results = [];
	for (const id of order) {
		const { ms, embed } = await /** @type {Contestant} */ (contestants.get(id))(pixels, tensor);
		results.push({ ms, embed: [...embed] });
	}
	return results;
}

/**
 * Many pictures: one Worker of ours, two Workers of ours, onnxruntime's two threads, in turn.
 * @param {Model} of
 * @param {{ count: number, rounds: number, ort: boolean }} options
 */
export async function many(of, { count, rounds, ort: withOrt }) {
	const engine = await Engine.load({ bundleUrl: of.files["manifest"] ?? "" });
	const pools = [new Pool(engine, { size: 1 }), new Pool(engine, { size: 2, idleMs: 1e9 })];
	const engines = await Promise.all(pools.map((pool) => pool.grow()));
	const ort = withOrt ? worker("./ort.worker.js") : null;
	const urls = [of.files["s8"], of.files["u8"]];
	if (ort) {
		await ort("start", 2);
		for (const url of urls) await ort("open", url);
	}
	const pictures = Array.from({ length: count }, (_, i) => picture(100 + i, of.size));
	const tensors = pictures.map((pixels) => normalized(pixels, of.mean, of.std));
	const runs = [
		...pools.map((pool) => async () => {
			const outcomes = await pool.embedAll(pictures);
			const failed = outcomes.find((outcome) => outcome instanceof EngineError);
			if (failed) throw failed;
		}),
		...(ort ? urls.map((url) => async () => {
			for (const tensor of tensors) await ort("embed", url, tensor, of.size);
		}) : []),
	];
	/** @type {number[][]} */
	const ms = runs.map(() => []);
	for (let r = 0; r <= rounds; r++) {
		for (const [i, run] of runs.entries()) {
			const begin = performance.now();
			await run();
			if (r > 0) ms[i]?.push(performance.now() - begin); // the first round warms up
		}
	}
	for (const pool of pools) pool.dispose();
	engine.dispose();
	return { count, engines, one: ms[0] ?? [], two: ms[1] ?? [], ort: ms.slice(2), cores: navigator.hardwareConcurrency };
}

/**
 * A task of way x shot pictures, learnt, and one picture classified: how large the linear memory became. It never shrinks.
 * @param {Model} of
 * @param {keyof typeof wasms} engine
 * @param {number} way
 * @param {number} shot
 */
export async function memory(of, engine, way, shot) {
	const host = await startGo(await WebAssembly.compileStreaming(fetch(wasms[engine])), (error) => { throw error; });
	const { verbs } = host;
	const manifestUrl = new URL(of.files["manifest"] ?? "", document.baseURI);
	const manifest = await (await fetch(manifestUrl)).json();
	const bundle = new Uint8Array(await (await fetch(new URL(manifest.file, manifestUrl))).arrayBuffer());
	valueOf(() => verbs.open(bundle, ""));
	const opened = host.memory().wasmBytes;
	for (let c = 0; c < way; c++) {
		const id = valueOf(() => verbs.addClass(`class ${c}`));
		for (let i = 0; i < shot; i++) {
			const { width, height, data } = picture(100 * c + i, of.size);
			valueOf(() => verbs.addExample(id, new Uint8Array(data.buffer), width, height, 144));
		}
	}
	valueOf(() => verbs.adapt());
	const { width, height, data } = picture(1, of.size);
	const { scores } = valueOf(() => verbs.classify(new Uint8Array(data.buffer), width, height, 224));
	if (scores.length !== way) throw new Error(`want ${way} scores, have ${scores.length}`);
	return { opened, peak: host.memory().wasmBytes };
}

/** onnxruntime's memory with one model that has embedded one picture. @param {Model} of @param {string} url */
export async function ortMemory(of, url) {
	const ort = worker("./ort.worker.js");
	await ort("start", 1);
	await ort("open", url);
	await ort("embed", url, normalized(picture(1, of.size), of.mean, of.std), of.size);
	return ort("memory");
}

/**
 * The forward pass in the page's own thread, where the profiler sees it.
 * @param {Model} of
 * @param {keyof typeof forwards} engine
 * @param {"float32" | "int8"} kind
 */
export async function openForward(of, engine, kind) {
	const host = await startGo(await WebAssembly.compileStreaming(fetch(forwards[engine])), (error) => { throw error; });
	const verbs = /** @type {any} */ (host.verbs);
	const bytes = new Uint8Array(await (await fetch(of.files[kind === "int8" ? "bundle" : "float32"] ?? "")).arrayBuffer());
	valueOf(() => verbs[kind](bytes));
	const tensor = new Uint8Array(normalized(picture(1, of.size), of.mean, of.std).buffer);
	/** @type {any} */ (globalThis).forward = (/** @type {number} */ times) => {
		for (let i = 0; i < times; i++) valueOf(() => verbs.embed(tensor));
	};
}

/** Runs a Go test program for its benchmarks. @param {string} url @param {string[]} args @returns {Promise<string>} what it printed */
export async function goTest(url, args) {
	const go = new Go();
	/** @type {any} */ (go).argv = ["test", ...args];
	const { log } = console;
	/** @type {string[]} */
	const lines = [];
	console.log = (line) => lines.push(line); // wasm_exec.js hands each line to it
	try {
		await go.run(await WebAssembly.instantiate(await WebAssembly.compileStreaming(fetch(url)), go.importObject));
	} finally {
		console.log = log;
	}
	return lines.join("\n");
}
