// Measures the edge in workerd on this machine, and prints what docs/EDGE.md and docs/BENCHMARKS.md have of it:
//
//	node edge/measure.mjs [--against FOLDER] [--rounds N] [--write]   FOLDER: build/worker of another version, asked in turn with this one
//
// --write takes the figures into docs/edge.json and docs/BENCHMARKS.md.
//
// soak.mjs beside it asks for minutes.

import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEdge } from "./dev.mjs";
import { keep, where } from "./figures.mjs";
import { Caller, form, picture } from "./test/site.mjs";

/** Milliseconds by stage. @typedef {Record<string, number>} Stages */

const { values } = parseArgs({ options: { against: { type: "string" }, rounds: { type: "string", default: "8" }, write: { type: "boolean", default: false } } });
const rounds = Number(values.rounds);
if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error("--rounds is to be a number above 0");
const here = where();
const root = fileURLToPath(new URL("../", import.meta.url));
const ours = join(root, "build/worker");
const files = readFileSync(join(ours, "modules.txt"), "utf8").trim().split("\n");
const size = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(ours, name)), { level: 9 }).length, 0);
console.log(`script: ${size} bytes of gzip -9 in ${files.length} modules`);

/** Questions of a round, and before the first: until code is compiled well, and the kernels are chosen. */
const [each, warmUp] = [50, 300];
const one = { method: "POST", body: picture("circle", 7), headers: { "content-type": "image/png" } };
const many = Array.from({ length: 32 }, (_, i) => i);

/** @param {boolean} apart */
async function measured(apart) {
	console.log(`\nR2's stand-in ${apart ? "in a process of its own, as R2 is" : "on the Worker's own thread"}`);
	const versions = [];
	for (const built of [ours, ...(values.against ? [resolve(values.against)] : [])]) versions.push(await start(built, apart));
	for (const { ask } of versions) await ask(warmUp, () => one);
	const warm = await inTurn(`one picture of 64 x 64, default bundle, ${rounds} rounds of ${each} questions`, versions, each, () => one);
	const some = await inTurn(`32 pictures in a request, ${rounds} rounds of 4`, versions, 4, () => ({ method: "POST", body: form({ circle: many }) }));
	for (const { edge } of versions) await edge.stop();
	return { warm, many: some };
}

const [apart, beside] = [await measured(true), await measured(false)];
const crowd = await mixed();
console.log(`\n${crowd.requests} mixed requests at one time: ${crowd.failed} failed, programs ${crowd.programs}, memory of the program ${(crowd.memory / 1e6).toFixed(2)} MB`);
if (values.write) keep("measured", { where: here, size, rounds, each, warm: { apart: apart.warm, beside: beside.warm }, many: { apart: apart.many, beside: beside.many }, mixed: crowd });

/** Learning, questions about one picture and about more, and looks at what there is, all at one time. */
async function mixed() {
	const { edge, caller, path, health } = await start(ours, false);
	const kinds = [
		() => caller.fetch(`${path}/classify`, one), () => caller.fetch(`${path}/classify`, { method: "POST", body: form({ circle: [4], cross: [5, 6] }) }), () => caller.fetch("/v1/bundle"),
		() => caller.fetch("/v1/tasks", { method: "POST", body: form({ circle: [7, 8], cross: [7, 8] }) }), () => caller.fetch(path), () => edge.fetch("/healthz"),
	];
	const requests = 60;
	const answers = await Promise.all(Array.from({ length: requests }, async (_, i) => {
		const response = await /** @type {() => Promise<Response>} */ (kinds[i % kinds.length])();
		await response.text();
		return response.ok;
	}));
	const { program, counters } = await health();
	await edge.stop();
	return { requests, failed: answers.filter((ok) => !ok).length, programs: counters.programs, memory: program.bytes };
}

/** @typedef {Awaited<ReturnType<typeof start>>} Version */

/** @param {string} built @param {boolean} apart */
async function start(built, apart) {
	const edge = await startEdge({ models: join(root, "www/models"), built, apart, onLog: () => {} });
	const caller = new Caller(edge, await edge.tenant("measure"));
	const { task } = await caller.json("/v1/tasks", { method: "POST", body: form({ circle: [1, 2, 3, 4, 5], cross: [1, 2, 3, 4, 5] }) }, 201);
	/** The stages of so many questions one after the other. @param {number} n @param {() => RequestInit} question */
	const ask = async (n, question) => {
		/** @type {Stages[]} */
		const all = [];
		for (let i = 0; i < n; i++) {
			const response = await caller.fetch(`/v1/tasks/${task.id}/classify`, question());
			const text = await response.text();
			if (!response.ok) throw new Error(`${response.status} ${text.slice(0, 300)}`);
			all.push(Object.fromEntries((response.headers.get("server-timing") ?? "").split(", ").map((part) => {
				const [stage = "", ms] = part.split(";dur=");
				return [stage, Number(ms)];
			})));
		}
		return all;
	};
	return { built, edge, caller, path: `/v1/tasks/${task.id}`, health: async () => (await edge.fetch("/healthz")).json(), ask };
}

/** Asks versions in turn, prints what came of it, and returns that of the first. @param {string} what @param {Version[]} versions @param {number} n questions of a round @param {() => RequestInit} question */
async function inTurn(what, versions, n, question) {
	/** @type {Stages[][]} */
	const all = versions.map(() => []);
	/** Of each round. @type {number[][]} */
	const shares = versions.map(() => []);
	for (let round = 0; round < rounds; round++) {
		for (const [i, { ask }] of versions.entries()) {
			const some = await ask(n, question);
			all[i]?.push(...some);
			shares[i]?.push(outside(some));
		}
	}
	console.log(`${what}:`);
	for (const [i, { built }] of versions.entries()) {
		console.log(`  ${built}:`);
		const median = (shares[i] ?? []).sort((a, b) => a - b);
		console.log(`    outside the forward pass, in percent of it, by rounds: median ${middle(median).toFixed(1)}, ${median[0]?.toFixed(1)} to ${median.at(-1)?.toFixed(1)}`);
		line("all of them, means", all[i] ?? []);
		line("the half that took least, which other work on this machine disturbed least", [...(all[i] ?? [])].sort((a, b) => (a.total ?? 0) - (b.total ?? 0)).slice(0, Math.ceil((all[i] ?? []).length / 2)));
	}
	const [first = [], ours = []] = [shares[0], all[0]];
	return { total: mean(ours, "total"), forward: mean(ours, "embed"), outside: { median: middle(first), least: first[0] ?? NaN, most: first.at(-1) ?? NaN } };
}

/** @param {number[]} sorted */
function middle(sorted) {
	const at = (sorted.length - 1) / 2;
	return ((sorted[Math.floor(at)] ?? NaN) + (sorted[Math.ceil(at)] ?? NaN)) / 2;
}

/** The mean of a stage: the clock has a grain of 1 ms, so that sums over many tell, not single ones. @param {Stages[]} some @param {string} stage */
function mean(some, stage) {
	return some.reduce((sum, stages) => sum + (stages[stage] ?? 0), 0) / some.length;
}

/** What is not the forward pass, in percent of it. @param {Stages[]} some */
function outside(some) {
	return (100 * (mean(some, "total") - mean(some, "embed"))) / mean(some, "embed");
}

/** @param {string} which @param {Stages[]} some */
function line(which, some) {
	const [total, embed, body, store] = [mean(some, "total"), mean(some, "embed"), mean(some, "body"), mean(some, "store")];
	const waiting = some[0] && "wait" in some[0] ? body + mean(some, "wait") : Math.max(store, body); // wait: for R2, when nothing else was left to do
	const share = (/** @type {number} */ ms) => `${ms.toFixed(2)} ms (${((100 * ms) / embed).toFixed(0)}%)`;
	console.log(`    ${which}: total ${total.toFixed(2)} ms, forward pass ${embed.toFixed(2)} ms, outside it ${share(total - embed)}, of that waiting for body and R2 ${share(waiting)}, all else ${share(total - embed - waiting)}: access ${mean(some, "access").toFixed(2)} ms, decode ${mean(some, "decode").toFixed(2)} ms`);
}
