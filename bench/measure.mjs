// The parts of the benchmark that run in Chromium, each in a page of its own.

import { stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotli } from "../e2e/brotli.mjs";
import { launch } from "../e2e/browser.mjs";
import { readFile } from "node:fs/promises";

/** @import { Browser, Page } from "playwright-core" */
/** @import { Id, Model } from "./page.js" */

/** @typedef {Awaited<ReturnType<typeof import("./server.mjs").serve>>} Server */

/** In the order of a round: this engine and the other one alternate. @type {Id[]} */
export const order = [
	"int8 relaxed", "int8 ort s8", "int8 baseline", "int8 ort u8", "float32 relaxed", "float32 ort", "float32 baseline",
];

/**
 * A page with bench/page.js in globalThis.bench. What it logs or throws ends the benchmark.
 * @param {Browser} browser
 * @param {string} url
 */
async function page(browser, url) {
	const opened = await browser.newPage();
	opened.setDefaultTimeout(0);
	await opened.goto(`${url}blank.html`);
	const name = `${url}bench/page.js`;
	await opened.evaluate(async (from) => void (/** @type {any} */ (globalThis).bench = await import(from)), name);
	return opened;
}

/** @type {typeof import("./page.js")} in the page only */
const bench = /** @type {any} */ (null);

/** @param {Server} server @param {Model} model @param {{ rounds: number, warm: number, tell: (line: string) => void }} options */
export async function single({ url }, model, { rounds, warm, tell }) {
	const browser = await launch();
	try {
		const at = await page(browser, url);
		const opened = await at.evaluate((m) => bench.open(m), model);
		/** @type {Record<Id, number[]>} */
		const ms = /** @type {any} */ (Object.fromEntries(order.map((id) => [id, []])));
		/** @type {Record<string, Record<Id, number[]>>} */
		const embeddings = {};
		for (let r = -warm; r < rounds; r++) {
			const seed = r & 1; // two pictures in turn
			const results = await at.evaluate(([o, s]) => bench.round(o, s), /** @type {const} */ ([order, seed]));
			embeddings[seed] = /** @type {any} */ (Object.fromEntries(order.map((id, i) => [id, results[i]?.embed ?? []])));
			if (r >= 0) for (const [i, id] of order.entries()) ms[id].push(results[i]?.ms ?? NaN);
			tell(`${r < 0 ? "warm-up" : `round ${r + 1} of ${rounds}`}: ${results.map(({ ms: took }) => took.toFixed(0)).join(" ")} ms`);
		}
		return { ...opened, ms, embeddings };
	} finally {
		await browser.close();
	}
}

/** @param {Server} server @param {Model} model @param {{ count: number, rounds: number, ort: boolean }} options */
export async function many({ url }, model, options) {
	const browser = await launch();
	try {
		const at = await page(browser, url);
		return await at.evaluate(([m, o]) => bench.many(m, o), /** @type {const} */ ([model, options]));
	} finally {
		await browser.close();
	}
}

/** @param {Server} server @param {Model} model @param {{ way: number, shot: number }} options */
export async function memory({ url }, model, { way, shot }) {
	const browser = await launch();
	try {
		/** @template T @param {(at: Page) => Promise<T>} ask */
		const fresh = async (ask) => {
			const at = await page(browser, url);
			const answer = await ask(at);
			await at.close();
			return answer;
		};
		const engine = (/** @type {"relaxed" | "baseline"} */ name) =>
			fresh((at) => at.evaluate(([m, n, w, s]) => bench.memory(m, n, w, s), /** @type {const} */ ([model, name, way, shot])));
		const ort = (/** @type {string} */ file) =>
			fresh((at) => at.evaluate(([m, u]) => bench.ortMemory(m, u), /** @type {const} */ ([model, model.files[file] ?? ""])));
		return {
			way, shot, relaxed: await engine("relaxed"), baseline: await engine("baseline"),
			ort: { s8: await ort("s8"), u8: await ort("u8"), float32: await ort("onnx") },
		};
	} finally {
		await browser.close();
	}
}

/**
 * Cold starts: a new Chromium each, nothing cached.
 * @param {Server} server
 * @param {Model} model
 * @param {{ runs: number, tell: (line: string) => void }} options
 */
export async function cold({ url, sent }, model, { runs, tell }) {
	/** @type {{ name: string, who: string, file: string }[]} */
	const starts = [
		{ name: "int8 relaxed", who: "relaxed", file: "manifest" }, { name: "int8 ort s8", who: "ort", file: "s8" },
		{ name: "int8 baseline", who: "baseline", file: "manifest" }, { name: "int8 ort u8", who: "ort", file: "u8" },
		{ name: "float32 ort", who: "ort", file: "onnx" },
	];
	// The server packs each file once; nobody should wait for that.
	const wasm = ["www/engine.relaxed.wasm", "www/engine.wasm", "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm"];
	for (const name of wasm) await brotli(await readFile(fileURLToPath(new URL(`../${name}`, import.meta.url))));
	const seen = starts.map(({ name }) => ({
		name, ready: /** @type {number[]} */ ([]), result: /** @type {number[]} */ ([]), first: /** @type {number[]} */ ([]),
		bytes: { runtime: 0, model: 0 },
	}));
	for (let run = 0; run < runs; run++) {
		for (const [i, { who, file, name }] of starts.entries()) {
			sent.clear();
			const browser = await launch();
			try {
				const at = await browser.newPage();
				at.setDefaultTimeout(0);
				const failed = new Promise((_, reject) => at.on("pageerror", reject));
				await at.goto(`${url}bench/cold.html?who=${who}&size=${model.size}&model=${encodeURIComponent(model.files[file] ?? "")}`);
				const done = at.waitForFunction(() => /** @type {any} */ (globalThis).cold).then((handle) => handle.jsonValue());
				const times = await Promise.race([done, failed]);
				const entry = /** @type {typeof seen[number]} */ (seen[i]);
				entry.ready.push(times.ready);
				entry.result.push(times.result);
				entry.first.push(times.ms);
				entry.bytes = bytes(sent);
				tell(`${name}: first result after ${times.result.toFixed(0)} ms`);
			} finally {
				await browser.close();
			}
		}
	}
	return seen;
}

/** What was sent, of the engine and of the weights; the benchmark's own page is not counted. @param {Map<string, number>} sent */
function bytes(sent) {
	const sum = (/** @type {RegExp} */ of) => [...sent].reduce((n, [name, length]) => n + (of.test(name) ? length : 0), 0);
	return { runtime: sum(/^\/(www|ort)\//), model: sum(/^\/models\//) };
}

/** A file of the repository as it is and with brotli. @param {string} name */
export async function size(name) {
	const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
	return { file: name, bytes: (await stat(file)).size, brotli: (await brotli(await readFile(file))).length };
}

/** The Go benchmark of the kernels, in Chromium. @param {Server} server @param {string} test URL of the program */
export async function kernels({ url }, test) {
	const browser = await launch();
	try {
		const at = await page(browser, url);
		const args = ["-test.run=^$", "-test.bench=^BenchmarkViTS$", "-test.benchtime=5x"];
		return { args, output: await at.evaluate(([t, a]) => bench.goTest(t, a), /** @type {const} */ ([test, args])) };
	} finally {
		await browser.close();
	}
}

/**
 * Where the time of a forward pass goes: shares of its functions, from Chromium's sampling profiler.
 * @param {Server} server
 * @param {Model} model
 * @param {"relaxed" | "baseline"} engine
 * @param {"int8" | "float32"} kind
 * @param {number} times
 */
export async function profile({ url }, model, engine, kind, times) {
	const browser = await launch();
	try {
		const at = await page(browser, url);
		await at.evaluate(([m, e, k]) => bench.openForward(m, e, k), /** @type {const} */ ([model, engine, kind]));
		const run = () => at.evaluate((n) => /** @type {any} */ (globalThis).forward(n), times);
		await run();
		const session = await at.context().newCDPSession(at);
		await session.send("Profiler.enable");
		await session.send("Profiler.setSamplingInterval", { interval: 500 });
		await session.send("Profiler.start");
		// long enough for hundreds of samples, however small the model and fast the machine
		const enough = Date.now() + 300;
		do await run();
		while (Date.now() < enough);
		const { profile: seen } = await session.send("Profiler.stop");
		/** @type {Map<string, number>} */
		const self = new Map();
		let all = 0;
		for (const node of seen.nodes) {
			const { functionName, url: from } = node.callFrame;
			// a module compiled from a stream has the address of its file
			if (!from.startsWith("wasm:") && !from.endsWith(".wasm")) continue;
			all += node.hitCount ?? 0;
			self.set(functionName, (self.get(functionName) ?? 0) + (node.hitCount ?? 0));
		}
		if (all === 0) throw new Error("the profiler saw no function of the engine");
		return [...self].map(([name, hits]) => ({ name, share: hits / all })).sort((a, b) => b.share - a.share);
	} finally {
		await browser.close();
	}
}
