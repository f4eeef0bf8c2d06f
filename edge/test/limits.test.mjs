// Bodies that do not come as they should: what is read of them, and for how long.

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Share, drain, limits, readBody } from "../limits.js";

const { upload } = limits;
afterEach(() => (limits.upload = upload));

/** A request whose body is this stream. @param {ReadableStream} body @param {Record<string, string>} [headers] */
const request = (body, headers = {}) => new Request("http://edge/", /** @type {any} */ ({ method: "POST", body, headers, duplex: "half" }));

/** A body of pieces, each after a time. @param {number} bytes of a piece @param {number} ms @param {number} [pieces] */
function source(bytes, ms, pieces = Infinity) {
	const told = { sent: 0, cancelled: false };
	const body = new ReadableStream({
		async pull(controller) {
			if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms).unref());
			if (told.sent === bytes * pieces) return controller.close();
			told.sent += bytes;
			if (!told.cancelled) controller.enqueue(new Uint8Array(bytes));
		},
		cancel() {
			told.cancelled = true;
		},
	}, { highWaterMark: 0 });
	return { body, told };
}

const code = (/** @type {string} */ wanted, /** @type {number} */ status) => (/** @type {any} */ error) => error.code === wanted && error.status === status;

test("one that never ends is read as far as the limit, and cancelled", async () => {
	const { body, told } = source(1000, 0);
	await assert.rejects(readBody(request(body), 10_000, new Share()), code("body_too_large", 413));
	assert.deepEqual(told, { sent: 11_000, cancelled: true });
});

test("one that is longer than its header says is read as far as that", async () => {
	const { body, told } = source(1000, 0);
	await assert.rejects(readBody(request(body, { "content-length": "2000" }), 10_000, new Share()), code("content_length", 400));
	assert.deepEqual(told, { sent: 3000, cancelled: true });
});

test("one that comes too slowly, or stands still, is late", async () => {
	limits.upload = 200; // here alone: on a busy machine what is quick takes longer
	const slow = source(1, 10);
	const still = source(1, 1e6);
	for (const { body, told } of [slow, still]) {
		const began = performance.now();
		await assert.rejects(readBody(request(body), 10_000, new Share()), code("body_late", 408));
		const took = performance.now() - began;
		assert.ok(took >= 190 && took < 50_000, `${took} ms`);
		assert.ok(told.cancelled);
	}
});

test("one that nobody wants is read to its end, but no further than the limit and no longer than one that is wanted", async () => {
	const whole = source(1000, 0, 10);
	await drain(request(whole.body));
	assert.deepEqual(whole.told, { sent: 10_000, cancelled: false });
	const more = source(1 << 20, 0);
	await drain(request(more.body));
	assert.deepEqual(more.told, { sent: limits.body, cancelled: true });
	limits.upload = 200; // here alone: on a busy machine what is quick takes longer
	const slow = source(1, 10);
	await drain(request(slow.body));
	assert.ok(slow.told.cancelled && slow.told.sent < 100, String(slow.told.sent));
});

test("one that comes in time is there as it came; one that breaks is cut short", async () => {
	const { body } = source(3, 5, 4);
	assert.equal((await readBody(request(body), 12, new Share())).length, 12);
	const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
	await assert.rejects(readBody(request(broken), 12, new Share()), code("body_cut_short", 400));
});
