// The rate limit by the binding that workerd has, not by one of the tests: who asks too often waits, and nobody else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Caller, form, picture, site } from "./site.mjs";

/** Requests a minute. The binding counts by minutes of the clock: a test that is under way when one ends may have twice as many. */
const limit = 20;
const s = site({ rate: { limit, period: 60 } });

/** So many requests at one time: how often each status was answered, and the last answer with 429. @param {number} n @param {() => Promise<Response>} ask */
async function flood(n, ask) {
	/** @type {Record<number, number>} */
	const statuses = {};
	/** @type {{ code: string, retryAfter: string | null } | null} */
	let refusal = null;
	await Promise.all(Array.from({ length: n }, async () => {
		const response = await ask();
		const body = await response.json();
		statuses[response.status] = (statuses[response.status] ?? 0) + 1;
		if (response.status === 429) refusal = { code: body.code, retryAfter: response.headers.get("retry-after") };
	}));
	return { statuses, refusal };
}

test("a tenant over the limit is told to wait, in the middle of its work too; another tenant is not affected", async () => {
	const other = new Caller(s.edge, await s.edge.tenant("other"));
	const { task } = await other.json("/v1/tasks", { method: "POST", body: form({ circle: [1, 2], cross: [1, 2] }) }, 201);
	const { statuses, refusal } = await flood(5 * limit, () => s.caller.fetch("/v1/bundle"));
	const [taken = 0, refused = 0] = [statuses[200], statuses[429]];
	assert.equal(taken + refused, 5 * limit, JSON.stringify(statuses));
	assert.ok(taken >= limit && taken <= 2 * limit, `${taken} taken`);
	assert.deepEqual(refusal, { code: "rate", retryAfter: "60" });
	const busy = await s.caller.fetch("/v1/tasks", { method: "POST", body: form({ circle: [1, 2], cross: [1, 2] }) });
	assert.ok([201, 429].includes(busy.status)); // 201: a minute has ended
	assert.equal((await busy.json()).code, busy.status === 429 ? "rate" : undefined);
	const answer = await other.json(`/v1/tasks/${task.id}/classify`, { method: "POST", body: picture("circle", 7), headers: { "content-type": "image/png" } });
	assert.equal(answer.version, 1);
	assert.equal((await s.edge.fetch("/healthz")).status, 200, "what needs no token is not counted");
});

test("an address that guesses tokens is slowed down; the tenant whose name it used is not, nor is another address", async () => {
	const third = new Caller(s.edge, await s.edge.tenant("third"));
	const guess = (/** @type {string} */ address) => s.edge.fetch("/v1/bundle", { headers: { authorization: `Bearer hgr_third_${"A".repeat(43)}`, "cf-connecting-ip": address } });
	const { statuses, refusal } = await flood(5 * limit, () => guess("192.0.2.1"));
	const [told = 0, refused = 0] = [statuses[401], statuses[429]];
	assert.equal(told + refused, 5 * limit, JSON.stringify(statuses));
	assert.ok(told >= limit && told <= 2 * limit, `${told} told that the token is wrong`);
	assert.equal(/** @type {any} */ (refusal)?.retryAfter, "60");
	assert.equal((await guess("192.0.2.2")).status, 401);
	assert.equal((await third.fetch("/v1/bundle")).status, 200);
});
