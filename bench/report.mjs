// Figures to tables: for the terminal and for docs/BENCHMARKS.md, from the same rows, so that a figure in the document is
// one that was measured.

import { goals, notes } from "./edge.mjs";
import { besideProducts, leastShare, parseKernels, rowsOfProfile } from "./kernels.mjs";
import { cosine, median, quantile, relative, speedup } from "./statistics.mjs";

/** @import { Edge } from "./edge.mjs" */
/** @import { Id } from "./page.js" */

/**
 * @typedef {object} Figures
 * @property {ReturnType<typeof import("./machine.mjs").machine> & { load: { before: number, after: number }, note: string }} machine
 * @property {import("./models.mjs").Models} model
 * @property {number} rounds
 * @property {Omit<Awaited<ReturnType<typeof import("./measure.mjs").single>>, "embeddings">} single
 * @property {ReturnType<typeof agreement>} checks
 * @property {Awaited<ReturnType<typeof import("./measure.mjs").many>>} many
 * @property {Awaited<ReturnType<typeof import("./measure.mjs").many>> & { name: string }} manySmall
 * @property {Awaited<ReturnType<typeof import("./measure.mjs").cold>>} cold
 * @property {Awaited<ReturnType<typeof import("./measure.mjs").memory>>} memory
 * @property {Record<"relaxed" | "baseline" | "float32", Awaited<ReturnType<typeof import("./measure.mjs").profile>>>} profiles
 * @property {Awaited<ReturnType<typeof import("./measure.mjs").kernels>> | null} kernels
 * @property {Record<"relaxed" | "baseline" | "ort", Awaited<ReturnType<typeof import("./measure.mjs").size>>>} sizes
 * @property {any} native what haguruma bench --json prints
 */

/** @typedef {{ title: string, head: string[], rows: string[][] }} Table the first column is text, the others are numbers */

/** @type {Record<Id, string>} */
export const names = {
	"int8 relaxed": "haguruma int8, relaxed SIMD",
	"int8 baseline": "haguruma int8, baseline SIMD",
	"int8 ort s8": "onnxruntime-web int8, s8 weights",
	"int8 ort u8": "onnxruntime-web int8, u8 weights",
	"float32 relaxed": "haguruma float32, relaxed SIMD",
	"float32 baseline": "haguruma float32, baseline SIMD",
	"float32 ort": "onnxruntime-web float32",
};

/**
 * Whether the engines compute the same: embeddings of two pictures by each.
 * @param {Record<string, Record<Id, number[]>>} embeddings
 */
export function agreement(embeddings) {
	const seeds = Object.values(embeddings);
	const worst = (/** @type {(of: Record<Id, number[]>) => number} */ measure, /** @type {(...values: number[]) => number} */ of) =>
		of(...seeds.map(measure));
	/** @type {{ what: string, value: number, bound: string, ok: boolean }[]} */
	const checks = [];
	const least = (/** @type {Id} */ a, /** @type {Id} */ b, /** @type {number} */ bound) => {
		const value = worst((of) => cosine(of[a], of[b]), Math.min);
		checks.push({ what: `cosine of ${names[a]} and ${names[b]}`, value, bound: `>= ${bound}`, ok: value >= bound });
	};
	const most = (/** @type {Id} */ a, /** @type {Id} */ b, /** @type {number} */ bound) => {
		const value = worst((of) => relative(of[a], of[b]), Math.max);
		checks.push({ what: `largest relative difference of ${names[a]} and ${names[b]}`, value, bound: `<= ${bound}`, ok: value <= bound });
	};
	least("int8 relaxed", "float32 ort", 0.995);
	least("int8 relaxed", "int8 ort s8", 0.995);
	least("int8 relaxed", "int8 ort u8", 0.995);
	most("int8 baseline", "int8 relaxed", 0);
	most("float32 relaxed", "float32 ort", 1e-4);
	most("float32 baseline", "float32 ort", 1e-4);
	// Another picture has another embedding, else all of this would say nothing.
	const [first, second] = seeds;
	if (first && second) {
		const value = cosine(first["float32 ort"], second["float32 ort"]);
		checks.push({ what: "cosine of two pictures", value, bound: "<= 0.9", ok: value <= 0.9 });
	}
	return checks;
}

const fixed = (/** @type {number} */ value, digits = 1) => value.toFixed(digits);
const MB = (/** @type {number} */ bytes) => fixed(bytes / 1e6, 2);
const times = (/** @type {{ ratio: number, low: number, high: number }} */ { ratio, low, high }) =>
	`${fixed(ratio, 2)}x (${fixed(low, 2)}-${fixed(high, 2)})`;

/** The faster of onnxruntime's two int8 forms. @param {Figures} figures @returns {Id} */
export function faster({ single: { ms } }) {
	return median(ms["int8 ort s8"]) <= median(ms["int8 ort u8"]) ? "int8 ort s8" : "int8 ort u8";
}

/** @param {Figures} figures */
export function results(figures) {
	const { single: { ms }, sizes, memory, many, cold } = figures;
	const int8 = ms[faster(figures)];
	const ortTwo = many.ort.reduce((a, b) => (median(b) < median(a) ? b : a), many.ort[0] ?? []);
	const result = (/** @type {string} */ name) => cold.find((entry) => entry.name === name)?.result ?? [];
	return {
		int8: speedup(ms["int8 relaxed"], int8),
		baseline: speedup(ms["int8 baseline"], int8),
		float32: speedup(ms["float32 relaxed"], ms["float32 ort"]),
		floatBaseline: speedup(ms["float32 baseline"], ms["float32 ort"]),
		int8Share: leastShare(figures.kernels?.output ?? "", "int8 wasm-relaxed"),
		floatShare: leastShare(figures.kernels?.output ?? "", "float32 wasm-relaxed"),
		beside: besideProducts(figures.profiles.relaxed),
		memory: memory.relaxed.peak / 1e6,
		download: sizes.relaxed.brotli / sizes.ort.brotli,
		workers: speedup(many.two, many.one),
		workersSmall: speedup(figures.manySmall.two, figures.manySmall.one),
		workersOrt: speedup(many.two, ortTwo),
		cold: speedup(result("int8 relaxed"), result(faster(figures))),
	};
}

/** @param {Figures} figures @returns {Table} */
function targets(figures) {
	const r = results(figures);
	const row = (/** @type {string} */ what, /** @type {string} */ want, /** @type {string} */ have, /** @type {boolean} */ ok) =>
		[what, want, have, ok ? "yes" : "no"];
	return {
		title: "Goals",
		head: ["", "goal", "measured", "reached"],
		rows: [
			row("int8, one picture, against the faster int8 of onnxruntime-web", ">= 3.0x", times(r.int8), r.int8.ratio >= 3),
			row("float32, one picture, against onnxruntime-web's", ">= 1.3x", times(r.float32), r.float32.ratio >= 1.3),
			row("int8 without relaxed SIMD, against the same", ">= 1.3x", times(r.baseline), r.baseline.ratio >= 1.3),
			...(figures.kernels ? [
				row("int8 products of ViT-S, least share of the relaxed-dot peak, %", ">= 85", fixed(r.int8Share), r.int8Share >= 85),
				row("float32 products of ViT-S, least share of the relaxed-madd peak, %", ">= 75", fixed(r.floatShare), r.floatShare >= 75),
			] : []),
			row("int8, what is not a product of matrices, %", "<= 25", fixed(100 * r.beside), r.beside <= 0.25),
			row("largest linear memory, MB", "<= 100", fixed(r.memory), r.memory <= 100),
			row("engine's wasm in onnxruntime-web's, brotli", "<= 0.333", fixed(r.download, 3), r.download <= 1 / 3),
			row(`two Workers in place of one, ${figures.many.count} pictures`, ">= 1.8x", times(r.workers), r.workers.ratio >= 1.8),
		],
	};
}

/** @param {Figures} figures @returns {Table[]} */
export function tables(figures) {
	const { single: { ms }, cold, memory, sizes, many, manySmall, model, machine: { onnxruntime } } = figures;
	const base = faster(figures);
	const against = (/** @type {Id} */ id) => (id.startsWith("int8") ? base : "float32 ort");
	const all = /** @type {Id[]} */ (Object.keys(names));
	const spread = (/** @type {number[]} */ of) => `${fixed(quantile(of, 0))}-${fixed(quantile(of, 1))}`;
	const pool = (/** @type {{ one: number[], two: number[] }} */ { one, two }) => [
		["one Worker", fixed(median(one)), spread(one), "1.00x"],
		["two Workers", fixed(median(two)), spread(two), times(speedup(two, one))],
	];
	return [
		{
			title: `One picture of ${model.imageSize} x ${model.imageSize}, one thread, ${figures.rounds} rounds`,
			head: ["", "median ms", "least-most", "faster than onnxruntime-web's best"],
			rows: all.map((id) => [names[id], fixed(median(ms[id])), spread(ms[id]), times(speedup(ms[id], ms[against(id)]))]),
		},
		targets(figures),
		{
			title: "Cold start: from the navigation to the first embedding, new Chromium, localhost",
			head: ["", "ready, ms", "first embedding, ms", "of that the embedding, ms", "runtime sent, MB", "weights sent, MB"],
			rows: cold.map(({ name, ready, result, first, bytes }) => [
				names[/** @type {Id} */ (name)], fixed(median(ready), 0), fixed(median(result), 0), fixed(median(first), 0), MB(bytes.runtime), MB(bytes.model),
			]),
		},
		{
			title: "WebAssembly files",
			head: ["", "MB", "brotli, MB", "of onnxruntime-web's"],
			rows: Object.values(sizes).map(({ file, bytes, brotli }) => [
				file.split("/").at(-1) ?? "", MB(bytes), MB(brotli), fixed(brotli / sizes.ort.brotli, 3),
			]),
		},
		{
			title: "Linear memory of WebAssembly, MB; it never shrinks",
			head: ["", "MB"],
			rows: [
				["haguruma int8, relaxed SIMD, bundle opened", fixed(memory.relaxed.opened / 1e6)],
				[`the same, ${memory.way} classes of ${memory.shot} pictures learnt, one classified`, fixed(memory.relaxed.peak / 1e6)],
				["haguruma int8, baseline SIMD, the same", fixed(memory.baseline.peak / 1e6)],
				...(/** @type {const} */ (["s8", "u8", "float32"])).map((kind) => [
					`onnxruntime-web ${onnxruntime} ${kind}, one picture embedded`, fixed(memory.ort[kind] / 1e6),
				]),
			],
		},
		{
			title: `${many.count} pictures, ${many.one.length} rounds`,
			head: ["", "median ms", "least-most", "faster"],
			rows: [
				...pool(many),
				...["s8", "u8"].map((codes, i) => {
					const of = many.ort[i] ?? [];
					return [`onnxruntime-web int8, ${codes} weights, two threads`, fixed(median(of)), spread(of), times(speedup(of, many.one))];
				}),
			],
		},
		{ title: `${manySmall.count} pictures, the page's own bundle (${manySmall.name})`, head: ["", "median ms", "least-most", "faster"], rows: pool(manySmall) },
		{
			title: "Whether they compute the same",
			head: ["", "bound", "measured"],
			rows: figures.checks.map(({ what, value, bound }) => [what, bound, value === 0 ? "0" : value.toPrecision(4)]),
		},
		...Object.entries(figures.profiles).map(([name, profile]) => rowsOfProfile(name, profile)),
		...(figures.kernels ? [parseKernels(figures.kernels.output)] : []),
	];
}

/** For a terminal. @param {Figures} figures */
export function table(figures) {
	return tables(figures).map(({ title, head, rows }) => {
		const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => (row[i] ?? "").length)));
		const line = (/** @type {string[]} */ row) =>
			row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ").trimEnd();
		return [title, line(head), ...rows.map(line)].join("\n");
	}).join("\n\n");
}

/** docs/BENCHMARKS.md. @param {Figures} figures @param {Edge} edge */
export function markdown(figures, edge) {
	const { machine, model, single, native } = figures;
	const markup = (/** @type {Table} */ { title, head, rows }) => [
		`## ${title}`, "", `| ${head.join(" | ")} |`, `|${head.map((_, i) => (i === 0 ? "---" : "---:")).join("|")}|`,
		...rows.map((row) => `| ${row.join(" | ")} |`), "",
	];
	const [first, ...others] = tables(figures);
	const around = notes(edge);
	const [title = "", none = "", ...rows] = markup(goals(edge));
	const load = `load average ${fixed(machine.load.before, 2)} before and ${fixed(machine.load.after, 2)} after`;
	return [
		"<!-- Made by ./build.sh bench --write from docs/benchmarks.json and docs/edge.json: ./build.sh test compares. Do not edit. -->",
		"# Benchmarks", "",
		`haguruma and onnxruntime-web ${machine.onnxruntime} on the same weights, in the same page of the same Chromium, in turn: a picture by one, the`,
		"same picture by the other, round by round. Ratios are medians of the ratios of each round, with the middle half of them in brackets.",
		"", "![One picture, and what is downloaded for it](benchmarks.svg)", "",
		`| | |`, "|---|---|",
		`| date, commit | ${machine.date}, ${machine.commit} |`,
		`| machine | ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.system}; ${load} |`,
		...(machine.note ? [`| beside it | ${machine.note} |`] : []),
		`| versions | ${machine.go}, Chromium ${machine.chromium}, Node ${machine.node}, onnxruntime-web ${single.version}, kernels ${single.kernels} |`,
		`| model | ViT, ${model.imageSize} px, patch ${model.patchSize}, width ${model.dim}, depth ${model.depth}, MLP ${model.mlpDim}: ${fixed(model.parameters / 1e6)} M random weights of the scale of trained ones |`,
		`| files, MB | int8 bundle ${MB(model.files.bundle.bytes)}; ONNX float32 ${MB(model.files.onnx.bytes)}, s8 ${MB(model.files.s8.bytes)}, u8 ${MB(model.files.u8.bytes)} |`,
		"", "```", "./build.sh bench --write", "```", "",
		"Every contestant runs in a Web Worker, and its times are taken there. Ours include what the page pays: RGBA in, conversion, embedding out;",
		"onnxruntime-web gets the finished tensor. Its int8 models are those of `haguruma export --int8`, quantized as its own quantize_dynamic",
		"does. float32 is not in the page's engine: `wasm/bench` is measured.", "",
		...markup(/** @type {Table} */ (first)),
		...others.flatMap(markup),
		...(figures.kernels ? [
			"The kernels are `BenchmarkViTS` of `core/kernel`, built for js/wasm with `-tags relaxed`, in Chromium:", "",
			"```", `kernel.test ${figures.kernels.args.join(" ")}`, "", figures.kernels.output.trim(), "```", "",
		] : []),
		title, none, ...around.before, ...rows, ...around.after,
		"## Native", "",
		`\`build/haguruma bench --json\`, the page's own bundle: ${native.machine.kernel}, ${native.machine.cores} cores.`, "",
		"```json", JSON.stringify(native, null, 2), "```", "",
	].join("\n");
}
