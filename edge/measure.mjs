// Measures the edge in workerd on this machine, and prints the tables of docs/EDGE.md:
//
//	node edge/measure.mjs [--requests N]   a soak of N requests, 5000 unless said

import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEdge } from "./dev.mjs";
import { Caller, form, picture } from "./test/site.mjs";

const { requests } = parseArgs({ options: { requests: { type: "string", default: "5000" } } }).values;
const root = fileURLToPath(new URL("../", import.meta.url));
const built = join(root, "build/worker");
const files = readFileSync(join(built, "modules.txt"), "utf8").trim().split("\n");
const size = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(built, name)), { level: 9 }).length, 0);
console.log(`script: ${size} bytes of gzip -9 in ${files.length} modules`);

const edge = await startEdge({ models: join(root, "www/models"), onLog: () => {} });
const caller = new Caller(edge, await edge.tenant("measure"));
const health = async () => (await (await edge.fetch("/healthz")).json());
const { task } = await caller.json("/v1/tasks", { method: "POST", body: form({ circle: [1, 2, 3, 4, 5], cross: [1, 2, 3, 4, 5] }) }, 201);
const one = { method: "POST", body: picture("circle", 7), headers: { "content-type": "image/png" } };

/** @param {number[]} list */
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1] ?? NaN;

/** Stages of so many questions in turn, ms. @param {number} n */
async function stages(n) {
	/** @type {Record<string, number[]>} */
	const seen = {};
	for (let i = 0; i < n; i++) {
		const response = await caller.fetch(`/v1/tasks/${task.id}/classify`, one);
		await response.text();
		for (const part of (response.headers.get("server-timing") ?? "").split(", ")) {
			const [stage = "", ms] = part.split(";dur=");
			(seen[stage] ??= []).push(Number(ms));
		}
	}
	return seen;
}

await stages(300); // warm: compiled well, and the kernels chosen
const seen = await stages(400);
/** @param {string} stage */
const sum = (stage) => (seen[stage] ?? []).reduce((a, b) => a + b, 0);
// The clock has a grain of 1 ms: sums over many requests tell, not single ones.
const outside = sum("total") - sum("embed");
console.log(`one picture of 64 x 64, default bundle, ${seen.total?.length} questions in turn, means: total ${(sum("total") / 400).toFixed(2)} ms, forward pass ${(sum("embed") / 400).toFixed(2)} ms, outside it ${(outside / 400).toFixed(2)} ms (${((100 * outside) / sum("embed")).toFixed(0)}% of it)`);
console.log(`of that: ${["access", "body", "store", "decode"].map((stage) => `${stage} ${(sum(stage) / 400).toFixed(2)} ms`).join(", ")}; medians of total and embed ${median(seen.total ?? [])} and ${median(seen.embed ?? [])} ms`);

const before = await health();
const marks = [];
for (let done = 0; done < Number(requests); ) {
	const some = Math.min(20, Number(requests) - done);
	await Promise.all(Array.from({ length: some }, async (_, i) => {
		const n = done + i;
		const response = n % 50 === 49
			? await caller.fetch("/v1/tasks", { method: "POST", body: form({ circle: [n % 90, 91], cross: [n % 90, 92] }) })
			: await caller.fetch(`/v1/tasks/${task.id}/classify`, { ...one, body: picture(n % 2 ? "circle" : "cross", n % 40) });
		if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
		await response.arrayBuffer();
	}));
	done += some;
	if (done % Math.ceil(Number(requests) / 10) === 0) marks.push(`${done}: ${((await health()).program.bytes / 1e6).toFixed(2)}`);
}
const after = await health();
console.log(`soak: ${requests} requests, 20 at a time, ${after.counters.failed - before.counters.failed} failed, ${after.counters.programs} program; memory of the program before ${(before.program.bytes / 1e6).toFixed(2)} MB, then ${marks.join(", ")} MB`);
await edge.stop();
