// R2 as a tenant sees it: what is asked of it, and for how long.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Log } from "../log.js";
import { limits } from "../limits.js";
import { Storage } from "../storage.js";

const { storage: longest } = limits;
afterEach(() => (limits.storage = longest));

/** A storage on these objects, each read of which ends after a time. @param {Map<string, { etag: string, text: string }>} objects @param {() => Promise<void>} wait */
function storage(objects, wait) {
	/** @type {string[]} */
	const asked = [];
	const bucket = {
		head: async (/** @type {string} */ key) => {
			asked.push("head");
			await wait();
			return objects.get(key) ?? null;
		},
		get: async (/** @type {string} */ key) => {
			asked.push("get");
			await wait();
			const object = objects.get(key);
			return object ? { ...object, arrayBuffer: async () => new TextEncoder().encode(object.text).buffer } : null;
		},
	};
	return { asked, storage: new Storage(/** @type {any} */ (bucket), "acme", new Log(new Request("http://edge/"))) };
}

const text = (/** @type {Uint8Array} */ bytes) => new TextDecoder().decode(bytes);

test("an object is sent once for each content, and is the very same as long as that is", async () => {
	const objects = new Map([["tenants/acme/once", { etag: "1", text: "one" }]]);
	const { asked, storage: s } = storage(objects, async () => {});
	const ask = () => s.ask("once", text);
	const first = ask();
	assert.equal(first.before, null);
	const one = await first.answer;
	assert.deepEqual([one, asked.splice(0)], [{ etag: "1", value: "one" }, ["get"]]);
	const again = ask();
	assert.equal(again.before, one);
	assert.equal(await again.answer, one);
	assert.deepEqual(asked.splice(0), ["head"]);
	objects.set("tenants/acme/once", { etag: "2", text: "two" });
	const changed = ask();
	assert.equal(changed.before, one);
	assert.deepEqual([await changed.answer, asked.splice(0)], [{ etag: "2", value: "two" }, ["head", "get"]]);
	objects.clear();
	assert.deepEqual([await ask().answer, asked.splice(0)], [null, ["head"]]);
	assert.equal(ask().before, null);
});

test("an answer that came while the program computed is heard, however long that took; none is 503", async () => {
	limits.storage = 40; // here alone
	const objects = new Map([["tenants/acme/slow", { etag: "1", text: "one" }]]);
	const network = () => new Promise((resolve) => setTimeout(() => setImmediate(resolve), 10)); // comes behind all timers that are due
	const { answer } = storage(objects, /** @type {() => Promise<void>} */ (network)).storage.ask("slow", text);
	for (const end = performance.now() + 120; performance.now() < end; );
	assert.deepEqual(await answer, { etag: "1", value: "one" });
	const never = storage(objects, () => new Promise(() => {})).storage.ask("slow", text);
	await assert.rejects(never.answer, (/** @type {any} */ error) => error.status === 503 && error.code === "storage");
});
