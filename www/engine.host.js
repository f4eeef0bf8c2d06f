// Runs the Go program of engine.wasm in this realm and hands out its verbs. Used by the Web Worker, and by tests under
// node. wasm_exec.js is Go's own loader, copied from the toolchain that built engine.wasm.

import "./wasm_exec.js";
import { EngineError } from "./error.js";

/** @import { Outcome, Verbs } from "./engine.js" */

/**
 * @typedef {object} Host
 * @property {Verbs} verbs
 * @property {() => { wasmBytes: number, values: number }} memory linear memory, and JavaScript values that Go holds now
 */

/**
 * @param {WebAssembly.Module} module
 * @param {(error: EngineError) => void} onExit told when the Go program ends, which it never does by itself
 * @returns {Promise<Host>}
 */
export async function startGo(module, onExit) {
	const go = new Go();
	const instance = await WebAssembly.instantiate(module, go.importObject);
	const died = (/** @type {unknown} */ cause) => new EngineError("died", "the Go program ended", { cause });

	/** @type {Verbs} */
	const verbs = await new Promise((resolve, reject) => {
		// Go's main calls this once, with its verbs, before go.run returns its promise: two programs started in turn
		// never meet here.
		globalThis.hagurumaReady = resolve;
		let code = 0;
		go.exit = (c) => (code = c);
		go.run(instance).then(
			() => onExit(died(`exit code ${code}`)),
			(cause) => onExit(died(cause)),
		);
		delete globalThis.hagurumaReady;
		if (go.exited) reject(died(`exit code ${code}`));
	});
	return {
		verbs,
		// The length of the table would be the most that were ever held: Go reuses the places of released values, which
		// are null, as is the one of null itself.
		memory: () => ({ wasmBytes: go.mem.buffer.byteLength, values: go._values.filter((v) => v !== null).length }),
	};
}

/**
 * The value of an outcome, or its error thrown. A trap of WebAssembly itself (out of memory) becomes "died".
 * @template T
 * @param {() => Outcome<T>} verb
 * @returns {T}
 */
export function valueOf(verb) {
	/** @type {Outcome<T> | undefined} */
	let outcome;
	try {
		outcome = verb();
	} catch (cause) {
		throw new EngineError("died", `the Go program broke: ${cause}`, { cause });
	}
	// wasm_exec.js returns undefined when the program exited inside the call.
	if (!outcome) throw new EngineError("died", "the Go program ended");
	if ("value" in outcome) return outcome.value;
	throw new EngineError(outcome.code, outcome.message);
}
