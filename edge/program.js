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

/** @typedef {{ reply: string, at: number, length: number } | { code: string, message: string } | undefined} Outcome */

export class Program {
	failed = false;
	/** What it has opened; null: nothing yet. @type {Bundle | null} */
	bundle = null;
	/** Who streams the bundle into it, and when that was last seen to go on. @type {{ beat: number } | null} */
	loader = null;

	constructor() {
		this.go = new Go();
		const instance = new WebAssembly.Instance(module, this.go.importObject);
		this.memory = /** @type {WebAssembly.Memory} */ (instance.exports.mem);
		/** @type {((n: number) => number) | undefined} */
		let room;
		/** @type {((verb: string, header: string) => Outcome) | undefined} */
		let call;
		this.go.run(instance, {
			ready: (/** @type {typeof room} */ r, /** @type {typeof call} */ c) => {
				room = r;
				call = c;
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
		const at = this.guarded(() => this.roomOf(n));
		if (at < 0) throw new ProgramError("usage", `no room for ${n} bytes`);
		return at;
	}

	/** @param {number} at @param {Bytes} bytes */
	write(at, bytes) {
		new Uint8Array(this.memory.buffer, at, bytes.length).set(bytes); // a new view each time: memory may have grown
	}

	/**
	 * @param {string} verb
	 * @param {object} header
	 * @param {Bytes[] | null} [parts] the body; null: it has been written
	 * @returns {{ reply: any, bytes: Bytes }}
	 */
	call(verb, header, parts = []) {
		if (parts) {
			let at = this.room(parts.reduce((sum, part) => sum + part.length, 0));
			for (const part of parts) {
				this.write(at, part);
				at += part.length;
			}
		}
		const outcome = this.guarded(() => this.callOf(verb, JSON.stringify(header)));
		if (!outcome || "code" in outcome) throw new ProgramError(outcome?.code ?? "died", outcome?.message ?? "");
		const bytes = new Uint8Array(this.memory.buffer, outcome.at, outcome.length).slice();
		if (this.memory.buffer.byteLength > limits.program) {
			console.log(JSON.stringify({ event: "program_replaced", bytes: this.memory.buffer.byteLength }));
			this.failed = true; // memory never shrinks; what was computed is good
		}
		return { reply: JSON.parse(outcome.reply), bytes };
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
