// The edge's part of docs/BENCHMARKS.md, from docs/edge.json, which edge/measure.mjs and edge/soak.mjs write (edge/figures.mjs).

/** @import { Table } from "./report.mjs" */

/** When and with what a part was measured. @typedef {{ date: string, cpu: string, cores: number, node: string, miniflare: string, load: number }} Where */

/** Means in milliseconds over all questions, and what is outside the forward pass, in percent of it, by rounds. @typedef {{ total: number, forward: number, outside: { median: number, least: number, most: number } }} Warm */

/**
 * Where R2's stand-in runs: apart, in a process of its own; beside, on the Worker's own thread.
 * @typedef {{ where: Where, size: number, rounds: number, each: number, warm: { apart: Warm, beside: Warm }, many: { apart: Warm, beside: Warm }, mixed: { requests: number, failed: number, programs: number, memory: number } }} Measured
 */

/** Bytes of the program's memory, that V8 uses for the Worker, for what Miniflare puts beside it, and of the process. @typedef {{ program: number, worker: number, others: number, process: number }} Memory */

/** @typedef {{ where: Where, requests: number, together: number, seconds: number, failed: number, programs: number, warmUp: number, warm: Memory, end: Memory, least: [number, number] }} Soaked least: that V8 used for the Worker in the first half and in the second */

/** @typedef {{ measured: Measured, soaked: Soaked }} Edge */

const MB = (/** @type {number} */ bytes) => (bytes / 1e6).toFixed(2);

/** @param {Edge} edge @returns {Table} */
export function goals({ measured, soaked }) {
	const yes = (/** @type {boolean} */ reached) => (reached ? "yes" : "no");
	const share = (/** @type {Warm} */ { outside: { median, least, most } }) => `${median.toFixed(1)} (${least.toFixed(1)}-${most.toFixed(1)})`;
	const { warm, many, mixed } = measured;
	return {
		title: "At the edge", head: ["", "goal", "measured", "reached"],
		rows: [
			["script without the bundle, gzip -9, MB", "<= 3", MB(measured.size), yes(measured.size <= 3e6)],
			["one warm picture, default bundle: what is outside the forward pass, in % of it", "<= 20", share(warm.apart), yes(warm.apart.outside.median <= 20)],
			["the same with R2's stand-in on the Worker's own thread", "", share(warm.beside), ""],
			["32 pictures in a request", "", share(many.apart), ""],
			[`${mixed.requests} mixed requests at one time: failed; programs`, "0; 1", `${mixed.failed}; ${mixed.programs}`, yes(mixed.failed === 0 && mixed.programs === 1)],
			[`${soaked.requests.toLocaleString("en")} requests, ${soaked.together} at a time: failed; programs`, "0; 1", `${soaked.failed}; ${soaked.programs}`, yes(soaked.failed === 0 && soaked.programs === 1)],
			[`memory of the program after ${soaked.warmUp} of them and at the end, MB`, "<= 1.1x", `${MB(soaked.warm.program)}; ${MB(soaked.end.program)}`, yes(soaked.end.program <= 1.1 * soaked.warm.program)],
			["what V8 uses for the Worker at the least, first and second half, MB", "", soaked.least.map(MB).join("; "), ""],
		],
	};
}

/** What stands around the table. @param {Edge} edge */
export function notes({ measured, soaked }) {
	const run = (/** @type {Where} */ w) => `${w.date}, ${w.cpu}, ${w.cores} cores, load average ${w.load.toFixed(2)} before, Node ${w.node}, miniflare ${w.miniflare}`;
	return {
		before: [
			`The Worker in workerd on this machine. Times are of the Worker's own \`Server-Timing\`: medians of ${measured.rounds} rounds of ${measured.each} questions in turn, a picture of`,
			"64 x 64, with the least and the most of a round in brackets. R2's stand-in runs in a process of its own, as R2 is another machine. Capacity and cost on paper",
			"for 1, 1,000 and 1,000,000 tenants, and where the rest of the time and of the process's memory goes, are in [EDGE.md](EDGE.md#measured).", "",
			"```", "node edge/measure.mjs --write", "node edge/soak.mjs --fresh --write", "```", "",
		],
		after: [`- measured: ${run(measured.where)}`, `- soaked: ${run(soaked.where)}`, ""],
	};
}
