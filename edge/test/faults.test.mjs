// What may go wrong around the edge: the program dies, storage fails, is slow, or somebody else comes first. Nothing is stored half, nothing is lost.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { form, picture, site } from "./site.mjs";

const contents = readFileSync(fileURLToPath(new URL("faults.mjs", import.meta.url)), "utf8").replaceAll('"../', '"./'); // where it will lie
const s = site({ before: [{ path: "faults.mjs", contents }], assets: false });
const post = (/** @type {object} */ body, /** @type {Record<string, string>} */ headers = {}) => ({ method: "POST", body: JSON.stringify(body), headers });
const ask = (/** @type {Record<string, string>} */ headers = {}) => ({ method: "POST", body: picture("circle", 7), headers: { "content-type": "image/png", ...headers } });
const learn = (/** @type {Record<string, string>} */ headers = {}) => ({ method: "POST", body: form({ circle: [1, 2, 3], cross: [1, 2, 3] }), headers });
const counters = async () => (await (await s.edge.fetch("/healthz")).json()).counters;
const programs = async () => (await counters()).programs;
/** @type {string} */
let id;

/** What the journal of a task says, held to its chain. @param {string} task @returns {Promise<string[]>} */
async function kinds(task) {
	const response = await s.caller.fetch(`/v1/journal/${task}`);
	assert.equal(response.headers.get("x-journal-sound"), "yes");
	return (await response.text()).trimEnd().split("\n").map((line) => JSON.parse(line).kind);
}

test("a bundle from R2; many first requests at one time load it once", async () => {
	const answers = await Promise.all(Array.from({ length: 8 }, () => s.caller.json("/v1/bundle")));
	assert.equal(answers[7].sha256, s.manifest.sha256);
	assert.equal(await programs(), 1);
	id = (await s.caller.json("/v1/tasks", learn(), 201)).task.id;
});

test("a program that breaks or ends is replaced, and the request that finds it so is answered", async () => {
	const before = await s.caller.json(`/v1/tasks/${id}/classify`, ask());
	for (const [i, kill] of ["break", "exit"].entries()) {
		assert.deepEqual(await s.caller.json(`/v1/tasks/${id}/classify`, ask({ "x-kill": kill })), before);
		assert.equal(await programs(), i + 2);
	}
	const crowd = await Promise.all(Array.from({ length: 12 }, (_, i) => s.caller.json(`/v1/tasks/${id}/classify`, ask(i === 3 ? { "x-kill": "break" } : {}))));
	for (const answer of crowd) assert.deepEqual(answer, before);
	assert.equal(await programs(), 4);
	assert.equal((await s.caller.json("/v1/tasks", learn({ "x-kill": "break" }), 201)).version, 1);
});

test("writers at one time: each version is there once, and the journal is whole", async () => {
	const task = (await s.caller.json("/v1/tasks", learn(), 201)).task.id;
	const file = new Uint8Array(await (await s.caller.fetch(`/v1/adapters/${task}`)).arrayBuffer());
	const answers = await Promise.all(Array.from({ length: 6 }, () => s.caller.fetch(`/v1/adapters/${task}`, { method: "PUT", body: file })));
	const taken = [];
	for (const answer of answers) {
		const body = await answer.json();
		if (answer.status === 200) taken.push(body.version);
		else assert.deepEqual([answer.status, body.code], [409, "conflict"]);
	}
	assert.ok(taken.length >= 2);
	assert.deepEqual(taken.sort(), taken.map((_, i) => i + 2), "no two have one number, and none was lost");
	const { task: now } = await s.caller.json(`/v1/tasks/${task}`);
	assert.equal(now.versions.length, taken.length + 1);
	assert.equal((await kinds(task)).filter((k) => k === "imported").length, taken.length);
	// With the entity tag that all have seen, one alone gets through.
	const etag = (await s.caller.fetch(`/v1/tasks/${task}`)).headers.get("etag") ?? "";
	const matched = await Promise.all(Array.from({ length: 4 }, () => s.caller.fetch(`/v1/tasks/${task}/rollback`, post({ version: 1 }, { "if-match": etag }))));
	assert.deepEqual(matched.map((answer) => answer.status).sort(), [200, 412, 412, 412]);
	// Two that begin the same task.
	const twins = await Promise.all(Array.from({ length: 3 }, () => s.caller.fetch("/v1/adapters/twins", { method: "PUT", body: file, headers: { "if-none-match": "*" } })));
	assert.deepEqual(twins.map((answer) => answer.status).sort(), [201, 412, 412]);
});

test("storage that fails: 503, and all is as it was", async () => {
	const before = await s.caller.json(`/v1/tasks/${id}`);
	const journal = await kinds(id);
	for (const [fault, at] of [["put-fails", "/adapters/"], ["put-fails", "/steps/"], ["put-fails", "state.json"], ["get-fails", "state.json"], ["get-fails", "/steps/"]]) {
		const more = { method: "POST", body: form({ circle: [1, 2, 9], cross: [1, 2, 9] }), headers: { "x-fault": String(fault), "x-at": String(at) } };
		assert.equal(await s.caller.problem(`/v1/tasks/${id}/versions?force=true`, more, 503), "storage", `${fault} ${at}`);
		assert.deepEqual(await s.caller.json(`/v1/tasks/${id}`), before);
		assert.deepEqual(await kinds(id), journal);
	}
	assert.equal(await s.caller.problem("/v1/tasks", learn({ "x-fault": "put-fails", "x-at": "state.json" }), 503), "storage");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/classify`, ask({ "x-fault": "get-fails", "x-at": "state.json" }), 503), "storage");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/rollback`, post({ version: 0 }, { "x-fault": "put-lost", "x-at": "state.json" }), 409), "conflict");
	assert.deepEqual(await s.caller.json(`/v1/tasks/${id}`), before);
});

test("a conflict once is tried again; a put that came to pass in spite of an error is seen", async () => {
	const once = await s.caller.json(`/v1/tasks/${id}/rollback`, post({ version: 0 }, { "x-fault": "put-lost 1", "x-at": "state.json" }));
	assert.equal(once.version, 0);
	const late = await s.caller.json(`/v1/tasks/${id}/rollback`, post({ version: 1 }, { "x-fault": "put-late 1", "x-at": "state.json" }));
	assert.equal(late.version, 1);
	assert.deepEqual((await kinds(id)).slice(-2), ["rolled-back", "rolled-back"]);
	const kept = await s.caller.json(`/v1/tasks/${id}/rollback`, post({ version: 0 }, { "x-fault": "delete-fails", "x-at": "/steps/" }));
	assert.equal(kept.version, 0, "garbage that stays does no harm");
	await s.caller.json(`/v1/tasks/${id}/rollback`, post({ version: 1 }));
});

test("storage that does not answer: 503 in ten seconds, while others are answered", async () => {
	const [slow, fast] = await Promise.all([
		s.caller.problem(`/v1/tasks/${id}/classify`, ask({ "x-fault": "get-hangs", "x-at": "state.json" }), 503),
		s.caller.json(`/v1/tasks/${id}/classify`, ask()),
	]);
	assert.equal(slow, "storage");
	assert.equal(fast.version, 1);
});

test("what another isolate has put into use is what the next question is answered by; a state that nobody changed is not sent again", async () => {
	const key = `tenants/acme/tasks/${id}/state.json`;
	const state = (await (await s.edge.bucket.get(key))?.text()) ?? "";
	const unsent = ask({ "x-fault": "bytes-fail", "x-at": "state.json" });
	const before = await s.caller.json(`/v1/tasks/${id}/classify`, ask());
	for (let i = 0; i < 2; i++) assert.deepEqual(await s.caller.json(`/v1/tasks/${id}/classify`, unsent), before);
	await s.edge.bucket.put(key, JSON.stringify({ ...JSON.parse(state), current: null }));
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/classify`, unsent, 503), "storage", "the new one has to be sent");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/classify`, ask(), 409), "not_adapted");
	await s.edge.bucket.put(key, state);
	assert.deepEqual(await s.caller.json(`/v1/tasks/${id}/classify`, ask()), before);
});

/** What a question cost: passes that the program was asked for, and those of them that were thrown away. @template T @param {() => Promise<T>} run */
async function cost(run) {
	const before = await counters();
	const value = await run();
	const after = await counters();
	return { value, passes: after.passes - before.passes, again: after.again - before.again };
}

test("the program is asked before R2 has answered; what it says by a state that is no more is thrown away", async () => {
	const task = (await s.caller.json("/v1/tasks", learn(), 201)).task.id;
	await s.caller.json(`/v1/tasks/${task}/versions?force=true`, { method: "POST", body: form({ ring: [1, 2, 3], cross: [4, 5, 6] }) });
	const key = `tenants/acme/tasks/${task}/state.json`;
	const two = (await (await s.edge.bucket.get(key))?.text()) ?? "";
	const { task: seen } = await s.caller.json(`/v1/tasks/${task}`);
	const one = JSON.stringify({ ...JSON.parse(two), current: { version: 1, file: seen.versions[0].sha256 } });
	const classify = (/** @type {Record<string, string>} */ headers = {}) => s.caller.json(`/v1/tasks/${task}/classify`, ask(headers));
	const problem = (/** @type {number} */ status, /** @type {Record<string, string>} */ headers = {}) => s.caller.problem(`/v1/tasks/${task}/classify`, ask(headers), status);
	const names = (/** @type {any} */ answer) => answer.results[0].scores.map((/** @type {{ name: string }} */ score) => score.name);
	const late = { "x-fault": "get-late", "x-at": "state.json" };

	const by2 = await classify();
	assert.deepEqual([by2.version, names(by2)], [2, ["ring", "cross"]]);
	for (const headers of [{}, late]) assert.deepEqual(await cost(() => classify(headers)), { value: by2, passes: 1, again: 0 });

	// Another isolate takes version 1 into use: before the question, and while R2 is late to answer it.
	await s.edge.bucket.put(key, one);
	const first = await cost(() => classify(late));
	assert.deepEqual([first.value.version, names(first.value), first.passes, first.again], [1, ["circle", "cross"], 2, 1]);
	assert.deepEqual(await cost(() => classify(late)), { value: first.value, passes: 1, again: 0 });
	const [slow] = await Promise.all([cost(() => classify(late)), new Promise((resolve) => setTimeout(resolve, 100)).then(() => s.edge.bucket.put(key, two))]);
	assert.deepEqual(slow, { value: by2, passes: 2, again: 1 });

	// What the program would have said does not hide what has become of the task.
	assert.deepEqual(await cost(() => problem(503, { "x-fault": "get-hangs", "x-at": "state.json" })), { value: "storage", passes: 1, again: 0 });
	assert.equal(await problem(503, { "x-fault": "get-fails", "x-at": "state.json" }), "storage");
	await classify();
	await s.edge.bucket.put(key, JSON.stringify({ ...JSON.parse(two), removed: "2026-11-26T00:00:00Z", current: null }));
	assert.deepEqual(await cost(() => problem(410, late)), { value: "removed", passes: 1, again: 0 });
	assert.deepEqual(await cost(() => problem(410, late)), { value: "removed", passes: 0, again: 0 });
	await s.edge.bucket.put(key, two);
	await classify();
	await s.edge.bucket.delete(key);
	assert.deepEqual(await cost(() => problem(404, late)), { value: "no_task", passes: 1, again: 0 });
	assert.deepEqual(await cost(() => problem(404, late)), { value: "no_task", passes: 0, again: 0 });
	await s.edge.bucket.put(key, two);
	assert.deepEqual(await classify(), by2);
});

test("pictures that cannot be read are told of once R2 has said by which state, and not twice looked at", async () => {
	const task = (await s.caller.json("/v1/tasks", learn(), 201)).task.id;
	const key = `tenants/acme/tasks/${task}/state.json`;
	const state = (await (await s.edge.bucket.get(key))?.text()) ?? "";
	const broken = { method: "POST", body: picture("circle", 7).subarray(0, 60), headers: { "content-type": "image/png", "x-fault": "get-late", "x-at": "state.json" } };
	const look = (/** @type {number} */ status) => cost(() => s.caller.problem(`/v1/tasks/${task}/classify`, broken, status));
	await s.caller.json(`/v1/tasks/${task}/classify`, ask());
	const told = await look(400);
	assert.deepEqual([told.passes, told.again], [1, 0]);
	await s.edge.bucket.put(key, JSON.stringify({ ...JSON.parse(state), current: null }));
	assert.equal((await look(409)).value, "not_adapted");
});

test("who may not ask, or asks with what is not taken, costs no pass", async () => {
	const path = `/v1/tasks/${id}/classify`;
	await s.caller.json(path, ask());
	const large = { method: "POST", body: new Uint8Array(9 << 20), headers: { "content-type": "image/png" } };
	const { passes } = await cost(async () => {
		for (const authorization of ["", "Bearer hgr_acme_" + "A".repeat(43), "Bearer " + (await s.edge.tenant("elsewhere"))]) {
			const response = await s.edge.fetch(path, { ...ask(), headers: { "content-type": "image/png", authorization } });
			assert.equal(response.status, authorization.includes("elsewhere") ? 404 : 401);
			await response.text();
		}
		assert.equal(await s.caller.problem(path, ask({ "x-full": "tenant acme" }), 429), "rate");
		assert.equal(await s.caller.problem(path, ask({ "content-type": "text/plain" }), 415), "content_type");
		assert.equal(await s.caller.problem(path, large, 413), "body_too_large");
	});
	assert.equal(passes, 0);
});

test("a deletion that did not come to its end is gone on with", async () => {
	const task = (await s.caller.json("/v1/tasks", learn(), 201)).task.id;
	assert.equal(await s.caller.problem(`/v1/adapters/${task}`, { method: "DELETE", headers: { "x-fault": "delete-fails", "x-at": "/adapters/" } }, 503), "storage");
	assert.equal(await s.caller.problem(`/v1/adapters/${task}`, undefined, 410), "removed");
	await s.caller.json(`/v1/adapters/${task}`, { method: "DELETE" }, 204);
	const { objects } = await s.edge.bucket.list({ prefix: `tenants/acme/tasks/${task}/adapters/` });
	assert.deepEqual(objects, []);
});

test("an adapter that was damaged in storage does not leave it", async () => {
	const task = (await s.caller.json("/v1/tasks", learn(), 201)).task.id;
	const file = new Uint8Array(await (await s.caller.fetch(`/v1/adapters/${task}`)).arrayBuffer());
	const { objects } = await s.edge.bucket.list({ prefix: `tenants/acme/tasks/${task}/adapters/` });
	assert.equal(objects.length, 1);
	const damaged = Uint8Array.from(file, (byte, i) => (i === file.length - 1 ? byte ^ 1 : byte));
	await s.edge.bucket.put(objects[0]?.key ?? "", damaged);
	assert.equal(await s.caller.problem(`/v1/adapters/${task}`, undefined, 500), "internal");
	await s.edge.bucket.put(objects[0]?.key ?? "", file);
	assert.deepEqual(new Uint8Array(await (await s.caller.fetch(`/v1/adapters/${task}`)).arrayBuffer()), file);
});

test("a journal that somebody has changed says so", async () => {
	const prefix = `tenants/acme/tasks/${id}/steps/`;
	const { objects } = await s.edge.bucket.list({ prefix });
	for (const { key } of objects) {
		const step = JSON.parse((await (await s.edge.bucket.get(key))?.text()) ?? "");
		await s.edge.bucket.put(key, JSON.stringify({ ...step, lines: step.lines.replace('"hits":', '"hits":1') }));
	}
	const response = await s.caller.fetch(`/v1/journal/${id}`);
	assert.match(response.headers.get("x-journal-sound") ?? "", /^no, line \d+$/);
});

test("who asks too often waits, and nobody else", async () => {
	const response = await s.caller.fetch("/v1/bundle", { headers: { "x-full": "tenant acme" } });
	assert.equal(response.status, 429);
	assert.equal(response.headers.get("retry-after"), "60");
	assert.equal((await response.json()).code, "rate");
	assert.equal((await s.caller.fetch("/v1/bundle", { headers: { "x-full": "tenant other" } })).status, 200);
	const guess = (/** @type {string} */ full) => s.edge.fetch("/v1/bundle", { headers: { authorization: "Bearer hgr_acme_" + "A".repeat(43), "cf-connecting-ip": "192.0.2.1", "x-full": full } });
	assert.equal((await guess("")).status, 401);
	assert.equal((await guess("tenant acme")).status, 401, "a wrong token does not use up what the tenant may ask");
	assert.equal((await guess("address 192.0.2.1")).status, 429);
});
