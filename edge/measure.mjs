// Measures the edge in workerd on this machine, and prints the tables of docs/EDGE.md:
//
//	node edge/measure.mjs
//
// soak.mjs beside it asks for hours.

import { gzipSync } from "node:zlib";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEdge } from "./dev.mjs";
import { Caller, form, picture } from "./test/site.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const built = join(root, "build/worker");
const files = readFileSync(join(built, "modules.txt"), "utf8").trim().split("\n");
const size = files.reduce((sum, name) => sum + gzipSync(readFileSync(join(built, name)), { level: 9 }).length, 0);
console.log(`script: ${size} bytes of gzip -9 in ${files.length} modules`);

const edge = await startEdge({ models: join(root, "www/models"), onLog: () => {} });
const caller = new Caller(edge, await edge.tenant("measure"));
const { task } = await caller.json("/v1/tasks", { method: "POST", body: form({ circle: [1, 2, 3, 4, 5], cross: [1, 2, 3, 4, 5] }) }, 201);
const one = { method: "POST", body: picture("circle", 7), headers: { "content-type": "image/png" } };

/** Milliseconds by stage. @typedef {Record<string, number>} Stages */

/** The stages of so many questions in turn. The clock has a grain of 1 ms: sums over many tell, not single ones. @param {number} n @param {() => RequestInit} question */
async function ask(n, question) {
	/** @type {Stages[]} */
	const all = [];
	for (let i = 0; i < n; i++) {
		const response = await caller.fetch(`/v1/tasks/${task.id}/classify`, question());
		await response.text();
		all.push(Object.fromEntries((response.headers.get("server-timing") ?? "").split(", ").map((part) => {
			const [stage = "", ms] = part.split(";dur=");
			return [stage, Number(ms)];
		})));
	}
	return all;
}

/** @param {string} what @param {Stages[]} all */
function tell(what, all) {
	console.log(`${what}:`);
	line("all of them, means", all);
	line("the half that took least, which other work on this machine disturbed least", [...all].sort((a, b) => (a.total ?? 0) - (b.total ?? 0)).slice(0, Math.ceil(all.length / 2)));
}

/** @param {string} which @param {Stages[]} some */
function line(which, some) {
	const mean = (/** @type {string} */ stage) => some.reduce((sum, stages) => sum + (stages[stage] ?? 0), 0) / some.length;
	const [total, embed] = [mean("total"), mean("embed")];
	const waiting = Math.max(mean("store"), mean("body")); // both at one time
	const share = (/** @type {number} */ ms) => `${ms.toFixed(2)} ms (${((100 * ms) / embed).toFixed(0)}% of it)`;
	console.log(`  ${which}: total ${total.toFixed(2)} ms, forward pass ${embed.toFixed(2)} ms, outside it ${share(total - embed)}, of that waiting for body and R2 ${waiting.toFixed(2)} ms, all else ${share(total - embed - waiting)}: access ${mean("access").toFixed(2)} ms, decode ${mean("decode").toFixed(2)} ms`);
}

await ask(300, () => one); // warm: compiled well, and the kernels chosen
tell("one picture of 64 x 64, default bundle, 400 questions in turn", await ask(400, () => one));
const many = Array.from({ length: 32 }, (_, i) => i);
tell("32 pictures in a request, 30 requests in turn", await ask(30, () => ({ method: "POST", body: form({ circle: many }) })));

await edge.stop();
