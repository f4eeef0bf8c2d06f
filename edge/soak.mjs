// Asks the edge for as long as it takes, in workerd on this machine, and prints what memory does. Ctrl-C, or --seconds, ends it after the requests under way;
// the same command goes on from there, with the same bucket, in a new workerd:
//
//	node edge/soak.mjs [--requests N] [--seconds S] [--fresh]   N: 5000 in all unless said; fresh: from the beginning
//
// It is red, with exit code 1, when a request failed, a program was replaced, or memory grew by more than a tenth after the first requests.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEdge } from "./dev.mjs";
import { Caller, form, picture } from "./test/site.mjs";

/** From one start of workerd to its end. @typedef {{ from: number, to: number, warm: number, end: number, most: number, workerd: number, failed: number, programs: number, seconds: number }} Stretch bytes of the program's memory after the first requests, at the end and at most; bytes of the workerd process */

const { values } = parseArgs({ options: { requests: { type: "string", default: "5000" }, seconds: { type: "string", default: "Infinity" }, fresh: { type: "boolean", default: false } } });
const [total, seconds] = [Number(values.requests), Number(values.seconds)];
if (!(total > 0) || !(seconds > 0)) throw new Error("--requests and --seconds are to be numbers above 0");
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = join(root, "build/soak");
const file = join(folder, "soak.json");

/** Requests at one time; those of a stretch after which memory is to be flat; those after which a line is printed. */
const [together, warmUp, each] = [20, 300, 100];
/** Adapters that the program keeps ready (keepHeads in wasm/worker/held.go): learnt while it warms up, so that they are there before memory is to be flat. */
const kept = 128;

if (values.fresh) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

/** @returns {Stretch[]} */
function earlier() {
	try {
		return JSON.parse(readFileSync(file, "utf8"));
	} catch {
		return [];
	}
}

/** Bytes of the workerd that this process started, as the system counts them; 0: the system does not tell. */
function resident() {
	let bytes = 0;
	try {
		for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
			const status = readFileSync(`/proc/${pid}/status`, "utf8");
			if (/^Name:\s+workerd$/m.test(status) && new RegExp(`^PPid:\\s+${process.pid}$`, "m").test(status)) bytes += 1024 * Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
		}
	} catch {
		// a process that ended while it was looked at, or no /proc
	}
	return bytes;
}

const mb = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(2)} MB`;
const stretches = earlier();
const first = stretches.at(-1)?.to ?? 0;
if (first >= total) console.log(`${first} requests are done; --fresh begins anew`);
else stretches.push(await run(first));
writeFileSync(file, JSON.stringify(stretches, null, "\t"));
process.exitCode = report() ? 0 : 1;

/** One stretch. @param {number} from @returns {Promise<Stretch>} */
async function run(from) {
	const began = Date.now();
	let ended = false;
	const edge = await startEdge({ models: join(root, "www/models"), persist: join(folder, "bucket"), onLog: () => {} });
	process.removeAllListeners("SIGINT"); // miniflare would end at once
	process.once("SIGINT", () => (ended = true));
	const caller = new Caller(edge, await edge.tenant("soak"));
	const health = async () => (await edge.fetch("/healthz")).json();
	const { task } = await caller.json("/v1/tasks", { method: "POST", headers: { "idempotency-key": "the-task-of-the-soak" }, body: form({ circle: [1, 2, 3, 4, 5], cross: [1, 2, 3, 4, 5] }) }, from === 0 ? 201 : 200);
	/** @type {Stretch} */
	const stretch = { from, to: from, warm: 0, end: 0, most: 0, workerd: 0, failed: 0, programs: 0, seconds: 0 };

	const ask = async (/** @type {number} */ n) => {
		const response = await ((n - from < 2 * kept && n % 2 === 0) || n % 50 === 49
			? caller.fetch("/v1/tasks", { method: "POST", body: form({ circle: [n % 90, 91], cross: [n % 90, 92] }) })
			: caller.fetch(`/v1/tasks/${task.id}/classify`, { method: "POST", headers: { "content-type": "image/png" }, body: picture(n % 2 ? "circle" : "cross", n % 40) }));
		const text = await response.text();
		if (response.ok) return;
		stretch.failed++;
		console.log(`request ${n}: ${response.status} ${text.slice(0, 300)}`);
	};
	const look = async () => {
		const { program, counters } = await health();
		const bytes = program?.bytes ?? 0;
		if (stretch.to - from >= warmUp && stretch.warm === 0) stretch.warm = bytes;
		Object.assign(stretch, { end: bytes, most: Math.max(stretch.most, bytes), workerd: resident(), programs: counters.programs, seconds: Math.round((Date.now() - began) / 1000) });
	};
	while (stretch.to < total && !ended && Date.now() - began < 1000 * seconds) {
		const some = Math.min(together, total - stretch.to);
		await Promise.all(Array.from({ length: some }, (_, i) => ask(stretch.to + i)));
		stretch.to += some;
		if (stretch.to % each !== 0 && stretch.to < total) continue;
		await look();
		console.log(`${stretch.to} of ${total} requests, ${together} at a time, ${stretch.seconds} s: memory of the program ${mb(stretch.end)}, of workerd ${mb(stretch.workerd)}; ${stretch.failed} failed`);
		writeFileSync(file, JSON.stringify([...stretches, stretch], null, "\t")); // what is done stays done, whatever comes
	}
	await look();
	await edge.stop();
	return stretch;
}

/** Says what came of all stretches; false: something is wrong. */
function report() {
	let sound = true;
	for (const s of stretches) {
		const flat = s.warm === 0 || s.end <= 1.1 * s.warm;
		const good = flat && s.failed === 0 && s.programs === 1;
		sound &&= good;
		const grown = s.warm === 0 ? `too short to tell (${warmUp} requests warm up)` : `after ${warmUp} requests ${mb(s.warm)}, at the end ${mb(s.end)}`;
		console.log(`${good ? "ok " : "BAD"} requests ${s.from} to ${s.to}, ${s.seconds} s: ${s.failed} failed, programs ${s.programs}; memory of the program: ${grown}, at most ${mb(s.most)}; of workerd ${mb(s.workerd)}`);
	}
	return sound;
}
