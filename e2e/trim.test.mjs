// What tools/wasmtrim makes of the engines that Go linked: the same code, but for the emulated copies of functions that use SIMD.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

/** The bytes of a module, read from the front. */
class Reader {
	at = 0;

	/** @param {Uint8Array} bytes */
	constructor(bytes) {
		this.bytes = bytes;
	}

	/** LEB128, unsigned, 32 bits. */
	number() {
		for (let v = 0, shift = 0; ; shift += 7) {
			const byte = this.bytes[this.at++] ?? assert.fail("cut off");
			v += (byte & 0x7f) * 2 ** shift;
			if (byte < 0x80) return v;
		}
	}

	/** A vector of bytes. */
	sized() {
		const length = this.number();
		return this.bytes.subarray(this.at, (this.at += length));
	}

	get more() {
		return this.at < this.bytes.length;
	}
}

/** Bodies of the module's own functions, and the names of all by index, imported ones first. @param {Uint8Array} module */
function functions(module) {
	let imported = 0;
	/** @type {Uint8Array[]} */
	let bodies = [];
	/** @type {Map<number, string>} */
	const names = new Map();
	const sections = new Reader(module.subarray(8));
	while (sections.more) {
		const id = sections.number();
		const section = new Reader(sections.sized());
		if (id === 2) imported = section.number();
		if (id === 10) bodies = Array.from({ length: section.number() }, () => section.sized());
		if (id !== 0 || Buffer.from(section.sized()).toString() !== "name") continue;
		while (section.more) {
			const kind = section.number();
			const part = new Reader(section.sized());
			if (kind === 1) for (let left = part.number(); left > 0; left--) names.set(part.number(), Buffer.from(part.sized()).toString());
		}
	}
	return { imported, bodies, names };
}

test("emulated copies and the emulation trap, all other code is what Go linked", async () => {
	for (const name of ["engine.wasm", "engine.relaxed.wasm", "engine.tune.wasm", "engine.tune.relaxed.wasm"]) {
		const [linked, shipped] = await Promise.all(["build", "www"].map(async (folder) =>
			functions(await readFile(new URL(`../${folder}/${name}`, import.meta.url)))));
		assert.ok(linked && shipped && linked.bodies.length > 1000);
		assert.deepEqual([shipped.bodies.length, shipped.names.size], [linked.bodies.length, 0]);
		let trapping = 0;
		for (const [i, body] of linked.bodies.entries()) {
			const called = linked.names.get(linked.imported + i) ?? assert.fail(`no name of function ${i}`);
			const traps = /_simd0$|^simd_internal_bridge\.(__|Load|Broadcast)?(Int|Uint|Float|Mask)\d+s(_?\.\w+)?$/.test(called);
			if (traps) trapping++;
			assert.deepEqual(Buffer.from(shipped.bodies[i] ?? []), traps ? Buffer.from([0, 0, 0x0b]) : Buffer.from(body), called);
		}
		assert.ok(trapping >= 20, `${name}: ${trapping} copies`);
	}
});
