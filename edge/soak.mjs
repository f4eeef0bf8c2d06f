// Asks the edge for as long as it takes, in workerd on this machine, and prints what memory does. Ctrl-C, or --seconds, ends it after the requests under way;
// the same command goes on from there, with the same bucket, in a new workerd:
//
//	node edge/soak.mjs [--requests N] [--seconds S] [--fresh] [--bare] [--write]   N: 5000 in all unless said; fresh: from the beginning
//
// --bare asks a Worker that reads the body and one object of R2 and has no program, which tells what workerd and the R2 in it take by themselves. --write takes the figures into docs/edge.json and docs/BENCHMARKS.md, where all was asked in one stretch.
//
// It is red, with exit code 1, when a request failed, a program was replaced, or the program's memory grew by more than a tenth after the first requests.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startEdge } from "./dev.mjs";
import { keep, where } from "./figures.mjs";
import { Caller, form, picture } from "./test/site.mjs";

/**
 * Bytes: of the program's memory; that V8 uses for the Worker, and for what Miniflare puts beside it; of the process.
 * @typedef {{ program: number, worker: number, others: number, process: number }} Memory
 */

/**
 * From one start of workerd to its end. warm: after the first requests; most: of the program's memory; used: what V8 used for the Worker since then.
 * @typedef {{ from: number, to: number, warm: Memory | null, end: Memory, most: number, used: number[], failed: number, programs: number, seconds: number }} Stretch
 */

const { values } = parseArgs({ options: { requests: { type: "string", default: "5000" }, seconds: { type: "string", default: "Infinity" }, fresh: { type: "boolean", default: false }, bare: { type: "boolean", default: false }, write: { type: "boolean", default: false } } });
const [total, seconds] = [Number(values.requests), Number(values.seconds)];
const here = where();
if (!(total > 0) || !(seconds > 0)) throw new Error("--requests and --seconds are to be numbers above 0");
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = join(root, values.bare ? "build/soak-bare" : "build/soak");
const file = join(folder, "soak.json");

/** The Worker of --bare. */
const bare = `export default {
	async fetch(request, { BUCKET }) {
		const body = await request.arrayBuffer();
		const object = await BUCKET.get("tokens/soak.json");
		return new Response(JSON.stringify({ bytes: body.byteLength, object: await object.text(), counters: { programs: 0 } }));
	},
};`;

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
const memory = (/** @type {Memory} */ { program, worker, others, process }) => `program ${mb(program)}, V8 for the Worker ${mb(worker)} and for what is beside it ${mb(others)}, process ${mb(process)}`;
const stretches = earlier();
const first = stretches.at(-1)?.to ?? 0;
if (first >= total) console.log(`${first} requests are done; --fresh begins anew`);
else stretches.push(await run(first));
writeFileSync(file, JSON.stringify(stretches, null, "\t"));
process.exitCode = report() ? 0 : 1;
const [only, ...more] = stretches;
if (values.write && only?.warm && more.length === 0 && only.to === total && !values.bare) {
	const { to, seconds, failed, programs, warm, end, used } = only;
	keep("soaked", { where: here, requests: to, together, seconds, failed, programs, warmUp, warm, end, least: halves(used) });
}

/** The least of the first half and of the second: V8 collects when it sees fit, so what it uses goes up and down, and what is never given back shows there. @param {number[]} used @returns {[number, number]} */
function halves(used) {
	const half = used.length >> 1;
	return [Math.min(...used.slice(0, half)), Math.min(...used.slice(half))];
}

/** One stretch. @param {number} from @returns {Promise<Stretch>} */
async function run(from) {
	const began = Date.now();
	let ended = false;
	const edge = await startEdge({ models: join(root, "www/models"), persist: join(folder, "bucket"), inspect: true, onLog: () => {}, ...(values.bare ? { before: [{ path: "bare.js", contents: bare }] } : {}) });
	process.removeAllListeners("SIGINT"); // miniflare would end at once
	process.once("SIGINT", () => (ended = true));
	const caller = new Caller(edge, await edge.tenant("soak"));
	const health = async () => (await edge.fetch("/healthz")).json();
	const { task } = values.bare ? { task: { id: "bare" } } : await caller.json("/v1/tasks", { method: "POST", headers: { "idempotency-key": "the-task-of-the-soak" }, body: form({ circle: [1, 2, 3, 4, 5], cross: [1, 2, 3, 4, 5] }) }, from === 0 ? 201 : 200);
	/** @type {Stretch} */
	const stretch = { from, to: from, warm: null, end: { program: 0, worker: 0, others: 0, process: 0 }, most: 0, used: [], failed: 0, programs: 0, seconds: 0 };

	const ask = async (/** @type {number} */ n) => {
		const response = await (!values.bare && ((n - from < 2 * kept && n % 2 === 0) || n % 50 === 49)
			? caller.fetch("/v1/tasks", { method: "POST", body: form({ circle: [n % 90, 91], cross: [n % 90, 92] }) })
			: caller.fetch(`/v1/tasks/${task.id}/classify`, { method: "POST", headers: { "content-type": "image/png" }, body: picture(n % 2 ? "circle" : "cross", n % 40) }));
		const text = await response.text();
		if (response.ok) return;
		stretch.failed++;
		console.log(`request ${n}: ${response.status} ${text.slice(0, 300)}`);
	};
	const look = async () => {
		const { program, counters } = await health();
		const used = await edge.isolates?.used();
		stretch.end = { program: program?.bytes ?? 0, worker: used?.worker ?? 0, others: used?.others ?? 0, process: resident() };
		if (stretch.to - from >= warmUp) {
			stretch.warm ??= stretch.end;
			stretch.used.push(stretch.end.worker);
		}
		Object.assign(stretch, { most: Math.max(stretch.most, stretch.end.program), programs: counters.programs, seconds: Math.round((Date.now() - began) / 1000) });
	};
	while (stretch.to < total && !ended && Date.now() - began < 1000 * seconds) {
		const some = Math.min(together, total - stretch.to);
		await Promise.all(Array.from({ length: some }, (_, i) => ask(stretch.to + i)));
		stretch.to += some;
		if (stretch.to % each !== 0 && stretch.to < total) continue;
		await look();
		console.log(`${stretch.to} of ${total} requests, ${together} at a time, ${stretch.seconds} s: ${memory(stretch.end)}; ${stretch.failed} failed`);
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
		const flat = !s.warm || s.end.program <= 1.1 * s.warm.program;
		const good = flat && s.failed === 0 && s.programs === (values.bare ? 0 : 1);
		sound &&= good;
		const warm = s.warm ? memory(s.warm) : "too few to tell";
		console.log(`${good ? "ok " : "BAD"} requests ${s.from} to ${s.to}, ${s.seconds} s: ${s.failed} failed, programs ${s.programs}, its memory at most ${mb(s.most)}\n    after the first ${warmUp}: ${warm}\n    at the end: ${memory(s.end)}`);
		if (s.used.length > 1) console.log(`    V8 for the Worker at the least: ${halves(s.used).map(mb).join(" in the first half, ")} in the second`);
	}
	return sound;
}
