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

/** Means of the stages of so many questions in turn, ms. The clock has a grain of 1 ms: sums over many tell, not single ones. @param {number} n @param {() => RequestInit} question */
async function stages(n, question) {
	/** @type {Record<string, number>} */
	const mean = {};
	for (let i = 0; i < n; i++) {
		const response = await caller.fetch(`/v1/tasks/${task.id}/classify`, question());
		await response.text();
		for (const part of (response.headers.get("server-timing") ?? "").split(", ")) {
			const [stage = "", ms] = part.split(";dur=");
			mean[stage] = (mean[stage] ?? 0) + Number(ms) / n;
		}
	}
	return mean;
}

/** @param {string} what @param {Record<string, number>} mean */
function tell(what, mean) {
	const { total = NaN, embed = NaN, ...rest } = mean;
	const waiting = Math.max(rest.store ?? 0, rest.body ?? 0); // both at one time
	const share = (/** @type {number} */ ms) => `${ms.toFixed(2)} ms (${((100 * ms) / embed).toFixed(0)}% of it)`;
	console.log(`${what}: total ${total.toFixed(2)} ms, forward pass ${embed.toFixed(2)} ms, outside it ${share(total - embed)}, of that waiting for body and R2 ${waiting.toFixed(2)} ms, all else ${share(total - embed - waiting)}: access ${rest.access?.toFixed(2)} ms, decode ${rest.decode?.toFixed(2)} ms`);
}

await stages(300, () => one); // warm: compiled well, and the kernels chosen
tell("one picture of 64 x 64, default bundle, 400 questions in turn", await stages(400, () => one));
const many = Array.from({ length: 32 }, (_, i) => i);
tell("32 pictures in a request, 30 requests in turn", await stages(30, () => ({ method: "POST", body: form({ circle: many }) })));

await edge.stop();
