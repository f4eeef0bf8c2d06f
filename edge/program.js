// The Go program of wasm/worker: one for each isolate, started in the first request and replaced when it dies. Calls are synchronous, so no two
// requests meet inside it.

import "./wasm_exec.js";
import module from "./worker.wasm";
import { openFrom } from "./bundle.js";
import { limits } from "./limits.js";
import { counters } from "./log.js";
import { Problem, ProgramError } from "./problem.js";

/** @import { Bytes, Env } from "./env.js" */
/** @import { Bundle } from "./bundle.js" */

/** Bytes of the largest room that the program keeps for the next call (keepRoom in wasm/worker/border.go). */
const keepRoom = 2 << 20;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Program {
	failed = false;
	/** What it has opened; null: nothing yet. @type {Bundle | null} */
	bundle = null;
	/** Who streams the bundle into it, and when that was last seen to go on. @type {{ beat: number } | null} */
	loader = null;
	/** The room that it keeps. */
	kept = { at: 0, size: 0 };

	constructor() {
		this.go = new Go();
		const instance = new WebAssembly.Instance(module, this.go.importObject);
		this.memory = /** @type {WebAssembly.Memory} */ (instance.exports.mem);
		/** @type {((n: number) => number) | undefined} */
		let room;
		/** @type {((at: number, body: number, text: number) => number) | undefined} */
		let call;
		this.told = 0;
		this.go.run(instance, {
			ready: (/** @type {typeof room} */ r, /** @type {typeof call} */ c, /** @type {number} */ told) => {
				room = r;
				call = c;
				this.told = told;
			},
		});
		if (!room || !call) throw new ProgramError("died", "the Go program did not begin");
		this.roomOf = room;
		this.callOf = call;
		counters.programs++;
	}

	/** go.run's promise would not tell: its continuation belongs to the request that started the program. */
	get dead() {
		return this.failed || this.go.exited;
	}

	/** Runs what calls Go, and knows the program dead where that breaks. @template T @param {() => T} run @returns {T} */
	guarded(run) {
		try {
			if (!this.dead) {
				const value = run();
				if (!this.dead && value !== undefined) return value;
			}
		} catch (cause) {
			this.failed = true;
			throw new ProgramError("died", "the Go program broke", cause);
		}
		this.failed = true;
		throw new ProgramError("died", "the Go program ended");
	}

	/** Where n bytes may be written until the next call. @param {number} n */
	room(n) {
		if (n <= this.kept.size) return this.kept.at;
		let size = n;
		if (n <= keepRoom) for (size = 4096; size < n; ) size *= 2; // not a new one for each that is a little larger
		const at = this.guarded(() => this.roomOf(size));
		if (at < 0) throw new ProgramError("usage", `no room for ${n} bytes`);
		if (size <= keepRoom) this.kept = { at, size };
		return at;
	}

	/** @param {number} at @param {Bytes} bytes */
	write(at, bytes) {
		new Uint8Array(this.memory.buffer, at, bytes.length).set(bytes); // a new view each time: memory may have grown
	}

	/** @param {string} verb @param {object} header @param {Bytes[]} [parts] the body */
	call(verb, header, parts = []) {
		const call = this.begin(verb, header, parts.reduce((sum, part) => sum + part.length, 0));
		let { at } = call;
		for (const part of parts) {
			this.write(at, part);
			at += part.length;
		}
		return call.end();
	}

	/** A call whose body is written piece by piece: where, and what ends it. @param {string} verb @param {object} header @param {number} n bytes of the body */
	begin(verb, header, n) {
		const text = encoder.encode(`${verb}\n${JSON.stringify(header)}`);
		const at = this.room(n + text.length);
		return {
			at,
			end: () => {
				this.write(at + n, text);
				return this.heard(this.guarded(() => this.callOf(at, n, text.length)));
			},
		};
	}

	/** What a call has left in memory. @param {number} outcome @returns {{ reply: any, bytes: Bytes }} */
	heard(outcome) {
		const { buffer } = this.memory;
		const [replyAt = 0, replyLength = 0, outAt = 0, outLength = 0] = new Uint32Array(buffer, this.told, 4);
		const reply = JSON.parse(decoder.decode(new Uint8Array(buffer, replyAt, replyLength)));
		if (outcome !== 0) throw new ProgramError(reply.code, reply.message);
		const bytes = new Uint8Array(buffer, outAt, outLength).slice();
		if (buffer.byteLength > limits.program) {
			console.log(JSON.stringify({ event: "program_replaced", bytes: buffer.byteLength }));
			this.failed = true; // memory never shrinks; what was computed is good
		}
		return { reply, bytes };
	}
}

/** @type {Program | null} */
let program = null;

/** The program there is, for a look at it. */
export const current = () => program;

/** How long another request's loading may stand still before it is taken over, ms: its client may have gone away, and with it its I/O. */
const patience = 2000;

/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A program that has opened the bundle. @param {Env} env @returns {Promise<{ program: Program, bundle: Bundle }>} */
async function opened(env) {
	for (;;) {
		if (!program || program.dead) program = new Program(); // not in global scope, where Go's start may not ask for random values
		const p = program;
		if (p.bundle) return { program: p, bundle: p.bundle };
		if (p.loader && Date.now() - p.loader.beat < patience) {
			await wait(10); // by a timer of this request: a promise of another one's I/O must not be awaited here
			continue;
		}
		const loader = { beat: Date.now() };
		p.loader = loader;
		const mine = () => {
			loader.beat = Date.now();
			return p.loader === loader && !p.dead;
		};
		try {
			const bundle = await openFrom(env, p, mine);
			if (bundle) p.bundle = bundle;
		} finally {
			if (p.loader === loader) p.loader = null;
		}
	}
}

/**
 * Runs synchronous work on the program. Where the program dies of it, it is done once more by a new one: another request's fault may have been
 * what killed it.
 * @template T
 * @param {Env} env
 * @param {(program: Program, bundle: Bundle) => T} run
 * @returns {Promise<T>}
 */
export async function work(env, run) {
	for (let again = true; ; again = false) {
		try {
			const o = await opened(env);
			return run(o.program, o.bundle);
		} catch (error) {
			if (!(error instanceof ProgramError) || error.code !== "died" || !again) throw error;
			console.log(JSON.stringify({ event: "program_died", error: String(error.cause ?? error.message) }));
		}
	}
}

/**
 * Runs synchronous work that needs adapters, and brings those that the program does not hold.
 * @template T
 * @param {Env} env
 * @param {string[]} hashes of the files
 * @param {(hash: string) => Promise<Bytes>} load
 * @param {(program: Program, bundle: Bundle) => T} run
 * @returns {Promise<T>}
 */
export async function workWith(env, hashes, load, run) {
	/** @type {Map<string, Bytes>} */
	const loaded = new Map();
	for (;;) {
		try {
			return await work(env, (p, bundle) => {
				for (const [sha256, bytes] of loaded) p.call("hold", { sha256 }, [bytes]);
				return run(p, bundle);
			});
		} catch (error) {
			if (!(error instanceof ProgramError) || error.code !== "adapter_needed") throw error;
			if (loaded.size > 0) throw new Problem(500, "internal", "an adapter did not stay", { cause: error });
			for (const hash of hashes) loaded.set(hash, await load(hash));
		}
	}
}
