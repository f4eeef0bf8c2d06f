// This engine and onnxruntime-web on the same weights, in the same Chromium, in the same run:
//
//   ./build.sh bench [--quick] [--json] [--write] [--rounds N] [--note TEXT]
//
// --quick takes a tiny model and one round: whether everything still works, not how fast it is. --json prints all figures,
// --write makes docs/benchmarks.json of them, and docs/BENCHMARKS.md and docs/benchmarks.svg of that
// and of docs/edge.json, which edge/measure.mjs and edge/soak.mjs write.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { launch } from "../e2e/browser.mjs";
import { pageModels } from "../e2e/bundle.mjs";
import { load, machine } from "./machine.mjs";
import * as measure from "./measure.mjs";
import { makeModels } from "./models.mjs";
import { plot } from "./plot.mjs";
import { agreement, markdown, table } from "./report.mjs";
import { serve } from "./server.mjs";
import { tiny, vitS } from "./weights.mjs";

/** @import { Figures } from "./report.mjs" */

const root = fileURLToPath(new URL("../", import.meta.url));
const { values: flags } = parseArgs({
	options: {
		quick: { type: "boolean", default: false }, json: { type: "boolean", default: false },
		write: { type: "boolean", default: false }, rounds: { type: "string" }, note: { type: "string", default: "" },
	},
});
const { quick } = flags;
const rounds = Number(flags.rounds ?? (quick ? 1 : 15));
if (!Number.isInteger(rounds) || rounds < 1 || (quick && flags.write)) {
	console.error("usage: ./build.sh bench [--quick] [--json] [--write] [--rounds N] [--note TEXT]");
	process.exit(2);
}
const tell = (/** @type {string} */ line) => void process.stderr.write(`bench: ${line}\n`);

const native = ["bench", ...(quick ? ["--seconds", "0.01"] : [])];
const haguruma = (/** @type {string[]} */ args) =>
	execFileSync(`${root}build/haguruma`, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const before = load();
if (!flags.json) process.stdout.write(`${haguruma(native)}\n`);

tell("models");
const folder = `${root}build/bench/${quick ? "tiny" : "vit-s"}`;
const models = makeModels(folder, quick ? tiny : vitS);
const own = pageModels();
const server = await serve({ models: folder, own: own.folder, built: `${root}build/bench` });
try {
	const at = (/** @type {string} */ file) => `/models/${file}`;
	/** @type {import("./page.js").Model} */
	const model = {
		size: models.imageSize, mean: models.mean, std: models.std,
		files: {
			manifest: at("model.json"), bundle: at(models.files.bundle.file), float32: at(models.files.float32.file),
			onnx: at(models.files.onnx.file), s8: at(models.files.s8.file), u8: at(models.files.u8.file),
		},
	};
	const small = { ...model, size: 64, files: { manifest: "/own/default.json" } };
	const probe = await launch();
	const chromium = probe.version();
	await probe.close();

	const { embeddings, ...single } = await measure.single(server, model, { rounds, warm: quick ? 1 : 5, tell });
	const checks = agreement(embeddings);
	for (const { what, value, ok } of checks) tell(`${what}: ${value.toPrecision(5)}${ok ? "" : " IS WRONG"}`);
	tell("many pictures");
	const repeat = quick ? { count: 4, rounds: 1 } : { count: 16, rounds: 5 };
	const many = await measure.many(server, model, { ...repeat, ort: true });
	const manySmall = await measure.many(server, small, { ...repeat, ort: false });
	tell("cold starts");
	const cold = await measure.cold(server, model, { runs: quick ? 1 : 5, tell });
	tell("memory");
	const memory = await measure.memory(server, model, quick ? { way: 2, shot: 1 } : { way: 5, shot: 5 });
	tell("profiles");
	const times = quick ? 20 : 10;
	const profiles = {
		relaxed: await measure.profile(server, model, "relaxed", "int8", times),
		baseline: await measure.profile(server, model, "baseline", "int8", times),
		float32: await measure.profile(server, model, "relaxed", "float32", times),
	};
	tell("kernels");
	const kernels = quick ? null : await measure.kernels(server, "/built/kernel.test.wasm");
	const dist = "node_modules/onnxruntime-web/dist";
	/** @type {Figures} */
	const figures = {
		machine: { ...machine(chromium), load: { before, after: load() }, note: flags.note },
		model: { ...models, folder: "" },
		rounds, single, checks, many, manySmall: { name: own.name, ...manySmall }, cold, memory, profiles, kernels,
		sizes: {
			relaxed: await measure.size("www/engine.relaxed.wasm"),
			baseline: await measure.size("www/engine.wasm"),
			ort: await measure.size(`${dist}/ort-wasm-simd-threaded.wasm`),
		},
		native: JSON.parse(haguruma([...native, "--json"])),
	};
	if (flags.json) process.stdout.write(`${JSON.stringify(figures, null, "\t")}\n`);
	else process.stdout.write(`${table(figures)}\n`);
	mkdirSync(`${root}build/bench`, { recursive: true });
	const text = `${JSON.stringify(figures, rounded, "\t")}\n`;
	writeFileSync(`${root}build/bench/${quick ? "quick" : "figures"}.json`, text);
	// The same rendering in a quick run: it has to work on any figures.
	const [doc, svg] = [markdown(JSON.parse(text), JSON.parse(readFileSync(`${root}docs/edge.json`, "utf8"))), plot(JSON.parse(text))];
	if (flags.write) {
		writeFileSync(`${root}docs/benchmarks.json`, text);
		writeFileSync(`${root}docs/BENCHMARKS.md`, doc);
		writeFileSync(`${root}docs/benchmarks.svg`, svg);
	}
	if (checks.some(({ ok }) => !ok)) {
		tell("the engines do not agree: the times compare nothing");
		process.exitCode = 1;
	}
} finally {
	await server.close();
	own.remove();
}

/** Five digits are more than any figure here is good for. @param {string} _ @param {unknown} value */
function rounded(_, value) {
	return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
