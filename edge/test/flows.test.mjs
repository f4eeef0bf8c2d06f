// What the edge does, on real workerd: learn, ask, learn again, carry, try out, go back; and what it tells of it.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { routes } from "../openapi.js";
import { Caller, form, picture, site } from "./site.mjs";

const s = site({ vars: { ORIGINS: "https://app.example, https://other.example" } });
const sha256 = (/** @type {string | Uint8Array} */ data) => createHash("sha256").update(data).digest("hex");
const png = { "content-type": "image/png" };
const post = (/** @type {object} */ body) => ({ method: "POST", body: JSON.stringify(body) });

/** A task that was begun with pictures of these numbers. @param {Caller} caller @param {number[]} numbers @returns {Promise<any>} */
const begin = (caller, numbers) => caller.json("/v1/tasks", { method: "POST", body: form({ circle: numbers, cross: numbers }) }, 201);

test("health and the description need no token, all else does", async () => {
	assert.equal((await s.edge.fetch("/healthz")).status, 200);
	assert.equal((await (await s.edge.fetch("/openapi.json")).json()).openapi, "3.1.0");
	for (const { method, path, open } of routes) {
		if (open) continue;
		const init = { method, headers: { authorization: "Bearer hgr_acme_" + "A".repeat(43) }, ...(method === "GET" || method === "DELETE" ? {} : { body: "x" }) };
		for (const refused of [await s.edge.fetch(path.replace("{id}", "x"), { ...init, headers: {} }), await s.edge.fetch(path.replace("{id}", "x"), init)]) {
			assert.equal(refused.status, 401, `${method} ${path}`);
			assert.equal(refused.headers.get("content-type"), "application/problem+json");
			assert.equal((await refused.json()).code, "token");
		}
	}
	assert.equal(await s.caller.problem("/v1/nothing", undefined, 404), "no_route");
	assert.equal(await s.caller.problem("/v1/tasks", undefined, 405), "method");
});

test("each route is described, and nothing else is", async () => {
	const { paths } = await (await s.edge.fetch("/openapi.json")).json();
	const described = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
	assert.deepEqual(described.sort(), routes.map(({ method, path }) => `${method} ${path}`).sort());
});

test("the bundle says what it is", async () => {
	const bundle = await s.caller.json("/v1/bundle");
	assert.equal(bundle.sha256, s.manifest.sha256);
	assert.equal(bundle.imageSize, 64);
	assert.equal(bundle.kernel, "wasm-relaxed");
});

test("learn, ask, learn again, go back; the journal has all of it", async () => {
	const made = await begin(s.caller, [1, 2, 3]);
	assert.equal(made.version, 1);
	assert.equal(made.task.examples, 6);
	assert.equal(made.verdict.code, "first");
	assert.equal(made.explanation.leaveOneOut.total, 6);
	const { judged, leaveOneOut } = made.explanation;
	assert.deepEqual(judged.map((/** @type {any} */ j) => [j.class, j.picture]), made.pictures.map((/** @type {any} */ p) => [p.class, p.picture]), "each example is judged once");
	assert.equal(judged.filter((/** @type {any} */ j) => j.class === j.said).length, leaveOneOut.hits);
	assert.deepEqual(made.pictures[0], { class: "circle", picture: sha256(picture("circle", 1)) });
	const { id } = made.task;

	const one = await s.caller.json(`/v1/tasks/${id}/classify`, { method: "POST", body: picture("circle", 7), headers: png });
	assert.equal(one.version, 1);
	assert.equal(one.results[0].class, "circle");
	assert.ok(Math.abs(one.results[0].scores.reduce((/** @type {number} */ sum, /** @type {any} */ c) => sum + c.probability, 0) - 1) < 1e-6);
	const many = await s.caller.json(`/v1/tasks/${id}/classify`, { method: "POST", body: form({ cross: [8], circle: [7] }) });
	assert.deepEqual(many.results.map((/** @type {any} */ r) => [r.name, r.class]), [["p.png", "cross"], ["p.png", "circle"]]);
	assert.deepEqual(many.results[1].scores, one.results[0].scores, "a picture does not depend on the others");

	// Another set: 1 stays, 2 and 3 go, 4 comes; and a class more.
	const next = await s.caller.json(`/v1/tasks/${id}/versions?force=true`, { method: "POST", body: form({ circle: [1, 4, 5], cross: [1, 4, 5], third: [picture("circle", 9), picture("cross", 11)] }) });
	assert.equal(next.version, 2);
	assert.equal(next.taken, true);
	assert.ok(["better", "worse"].includes(next.verdict.code), "judged by the pictures that version 1 has not seen");
	assert.deepEqual(next.task.classes.map((/** @type {any} */ c) => c.id), [1, 2, 3]);
	assert.equal((await s.caller.json(`/v1/tasks/${id}/classify`, { method: "POST", body: picture("circle", 7), headers: png })).version, 2);

	const back = await s.caller.json(`/v1/tasks/${id}/rollback`, post({}));
	assert.deepEqual([back.version, back.was], [1, 2]);
	const again = await s.caller.json(`/v1/tasks/${id}/classify`, { method: "POST", body: picture("circle", 7), headers: png });
	assert.deepEqual(again, one, "bit for bit as it was");
	assert.equal((await s.caller.json(`/v1/tasks/${id}/rollback`, post({ version: 0 }))).version, 0);
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/classify`, { method: "POST", body: picture("circle", 7), headers: png }, 409), "not_adapted");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/rollback`, post({}), 404), "no_version");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/rollback`, post({ version: 9 }), 404), "no_version");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/rollback`, post({ version: -1 }), 400), "parameter");
	await s.caller.json(`/v1/tasks/${id}/rollback`, post({ version: 2 }));

	const response = await s.caller.fetch(`/v1/journal/${id}`);
	assert.equal(response.headers.get("x-journal-sound"), "yes");
	const lines = (await response.text()).trimEnd().split("\n");
	const entries = lines.map((line) => JSON.parse(line));
	let before = "0".repeat(64);
	for (const [i, line] of lines.entries()) {
		assert.equal(entries[i].before, before);
		assert.equal(entries[i].entry, i + 1);
		before = sha256(line);
	}
	assert.equal(response.headers.get("x-journal-head"), `${lines.length} ${before}`);
	const kinds = entries.map((e) => e.kind);
	assert.deepEqual(kinds.filter((k, i) => k !== kinds[i - 1]), [
		"begun", "class-added", "added", "chosen", "measured", "taken", "class-added", "removed", "added", "chosen", "measured", "taken", "rolled-back",
	].flat());
	const adapter = entries.find((e) => e.kind === "taken");
	assert.equal(adapter.adapter, made.task.versions[0].content);
	const csv = await (await s.caller.fetch(`/v1/journal/${id}`, { headers: { accept: "text/csv" } })).text();
	assert.equal(csv.trimEnd().split("\r\n").length, lines.length + 1);
});

test("a version that is worse is not taken, and the journal says so", async () => {
	const { task } = await begin(s.caller, [1, 2, 3, 4, 5]);
	const few = form({ circle: [10, 19], cross: [12, 15] }); // left out, three of four are taken for the other
	const worse = await s.caller.json(`/v1/tasks/${task.id}/versions`, { method: "POST", body: few });
	assert.equal(worse.verdict.code, "worse");
	assert.equal(worse.taken, false);
	assert.equal(worse.task.version, 1);
	assert.equal(worse.task.versions.length, 1);
	assert.match(await (await s.caller.fetch(`/v1/journal/${task.id}`)).text(), /"kind":"refused"/);
});

test("an adapter leaves and comes back as it was, in a task of another name", async () => {
	const { task } = await begin(s.caller, [1, 2, 3]);
	const down = await s.caller.fetch(`/v1/adapters/${task.id}`);
	const file = new Uint8Array(await down.arrayBuffer());
	assert.equal(sha256(file), task.versions[0].sha256);
	const up = await s.caller.json("/v1/adapters/carried-here", { method: "PUT", body: file, headers: { "if-none-match": "*" } }, 201);
	assert.equal(up.adapter.content, task.versions[0].content);
	const ask = (/** @type {string} */ id) => s.caller.json(`/v1/tasks/${id}/classify`, { method: "POST", body: picture("cross", 12), headers: png });
	assert.deepEqual(await ask("carried-here"), await ask(task.id));
	assert.equal(await s.caller.problem("/v1/adapters/carried-here", { method: "PUT", body: file, headers: { "if-none-match": "*" } }, 412), "changed");

	const etag = (await s.caller.fetch("/v1/tasks/carried-here")).headers.get("etag") ?? "";
	await s.caller.json("/v1/adapters/carried-here", { method: "PUT", body: file, headers: { "if-match": etag } }, 200);
	assert.equal(await s.caller.problem("/v1/adapters/carried-here", { method: "PUT", body: file, headers: { "if-match": etag } }, 412), "changed");

	for (const [what, broken] of /** @type {[string, Uint8Array<ArrayBuffer>][]} */ ([["text", new TextEncoder().encode("no adapter")], ["cut", file.slice(0, -3)], ["edited", file.map((byte, i) => (i === file.length - 2 ? byte ^ 1 : byte))], ["nothing", new Uint8Array(0)]])) {
		const code = await s.caller.problem("/v1/adapters/broken", { method: "PUT", body: broken }, 422);
		assert.match(code, /^adapter/, what);
	}
	assert.equal(await s.caller.problem("/v1/tasks/broken", undefined, 404), "no_task");
	assert.equal(await s.caller.problem(`/v1/adapters/${task.id}?version=7`, undefined, 404), "no_version");
});

test("what was deleted is gone, but for its journal", async () => {
	const { task } = await begin(s.caller, [1, 2]);
	const path = `/v1/adapters/${task.id}`;
	assert.equal(await s.caller.problem(path, { method: "DELETE", headers: { "if-match": '"other"' } }, 412), "changed");
	await s.caller.json(path, { method: "DELETE" }, 204);
	await s.caller.json(path, { method: "DELETE" }, 204);
	const { objects } = await s.edge.bucket.list({ prefix: `tenants/acme/tasks/${task.id}/adapters/` });
	assert.deepEqual(objects, []);
	assert.equal(await s.caller.problem(path, undefined, 410), "removed");
	assert.equal(await s.caller.problem(path, { method: "PUT", body: new Uint8Array(1) }, 422), "adapter");
	assert.equal(await s.caller.problem(`/v1/tasks/${task.id}/classify`, { method: "POST", body: picture("cross", 1), headers: png }, 410), "removed");
	const journal = await (await s.caller.fetch(`/v1/journal/${task.id}`)).text();
	assert.match(journal, /"kind":"deleted"/);
});

test("a key makes a repeated beginning one", async () => {
	const init = () => ({ method: "POST", body: form({ circle: [1, 2], cross: [1, 2] }), headers: { "idempotency-key": "order-0001" } });
	const first = await s.caller.json("/v1/tasks", init(), 201);
	const second = await s.caller.json("/v1/tasks", init(), 200);
	assert.equal(second.repeated, true);
	assert.equal(second.task.id, first.task.id);
	assert.equal(await s.caller.problem("/v1/tasks", { ...init(), headers: { "idempotency-key": "x" } }, 400), "parameter");
});

test("a tenant sees only its own", async () => {
	const { task } = await begin(s.caller, [1, 2]);
	const other = new Caller(s.edge, await s.edge.tenant("other-co"));
	for (const { method, path, open } of routes) {
		if (open || !path.includes("{id}") || method === "PUT") continue;
		const body = method !== "POST" ? {} : path.endsWith("rollback") ? { body: '{"version":0}' } : path.endsWith("rollout") ? { body: '{"version":1,"share":1}' } : { body: form({ circle: [1, 2], cross: [1, 2] }) };
		assert.equal(await other.problem(path.replace("{id}", task.id), { method, ...body }, 404), "no_task", `${method} ${path}`);
	}
	// A name is each tenant's own: this makes a task of the other, and leaves ours alone.
	const file = new Uint8Array(await (await s.caller.fetch(`/v1/adapters/${task.id}`)).arrayBuffer());
	await other.json(`/v1/adapters/${task.id}`, { method: "PUT", body: file }, 201);
	assert.equal((await s.caller.json(`/v1/tasks/${task.id}`)).task.versions.length, 1);
	// A token that names another tenant than its own is nobody's.
	const forged = new Caller(s.edge, other.token.replace("hgr_other-co_", "hgr_acme_"));
	assert.equal(await forged.problem(`/v1/tasks/${task.id}`, undefined, 401), "token");
	assert.equal(await new Caller(s.edge, "hgr_../acme_" + "A".repeat(43)).problem("/v1/bundle", undefined, 401), "token");
});

test("a trial: both answer, and pictures whose class is known decide", async () => {
	const good = await begin(s.caller, [1, 2, 3, 4, 5]);
	const { id } = good.task;
	const classes = { circle: [6, 7, 8].map((n) => picture("cross", n)), cross: [6, 7, 8].map((n) => picture("circle", n)) };
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/feedback`, { method: "POST", body: form({ circle: [1] }) }, 409), "no_trial");

	// A candidate that has it the wrong way round answers all, and is taken back by the guard's rule.
	const bad = await s.caller.json(`/v1/tasks/${id}/versions?share=1&need=10`, { method: "POST", body: form(classes) });
	assert.deepEqual([bad.version, bad.taken, bad.task.version, bad.task.rollout.version], [2, false, 1, 2]);
	const asked = await s.caller.json(`/v1/tasks/${id}/classify`, { method: "POST", body: picture("circle", 20), headers: png });
	assert.equal(asked.version, 2);
	const line = [...s.lines].reverse().find((l) => l.trial?.candidate === 2);
	assert.equal(line.trial.answered, "candidate");
	assert.equal(line.trial.inUseSaid.length, 1);
	assert.equal(line.trial.candidateSaid.length, 1);
	const one = await s.caller.json(`/v1/tasks/${id}/feedback`, { method: "POST", body: form({ circle: [21, 21] }) });
	assert.deepEqual([one.outcome, one.repeated, one.task.rollout.seen], ["open", 1, 1]);
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/feedback`, { method: "POST", body: form({ square: [1] }) }, 422), "unknown_class");
	const out = await s.caller.json(`/v1/tasks/${id}/feedback`, { method: "POST", body: form({ circle: [22, 23, 24, 25], cross: [21, 22, 23, 24, 25] }) });
	assert.equal(out.outcome, "rolled-back");
	assert.deepEqual([out.task.version, out.task.rollout], [1, null]);

	// One that is as good is promoted when enough was seen.
	await s.caller.json(`/v1/tasks/${id}/versions?share=0.5&need=4`, { method: "POST", body: form({ circle: [1, 2, 3, 4, 5, 9], cross: [1, 2, 3, 4, 5, 9] }) });
	const versions = new Set();
	for (let i = 0; i < 24 && versions.size < 2; i++) versions.add((await s.caller.json(`/v1/tasks/${id}/classify`, { method: "POST", body: picture("circle", i), headers: png })).version);
	assert.deepEqual([...versions].sort(), [1, 3], "each answers its share");
	const good2 = await s.caller.json(`/v1/tasks/${id}/feedback`, { method: "POST", body: form({ circle: [26, 27], cross: [26, 27] }) });
	assert.deepEqual([good2.outcome, good2.task.version], ["promoted", 3]);

	// A trial that is ended by hand, and one of a version that is there.
	assert.equal((await s.caller.json(`/v1/tasks/${id}/rollout`, post({ version: 1, share: 0.1 }))).task.rollout.version, 1);
	assert.equal((await s.caller.json(`/v1/tasks/${id}/rollout`, post({ version: 0 }))).task.rollout, null);
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/rollout`, post({ version: 0 }), 409), "no_trial");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/rollout`, post({ version: 3, share: 1 }), 409), "no_trial");
	assert.equal(await s.caller.problem(`/v1/tasks/${id}/rollout`, post({ version: 1, share: 2 }), 400), "parameter");
});

test("pages of listed origins may call, others may not", async () => {
	const asks = { method: "OPTIONS", headers: { origin: "https://other.example", "access-control-request-method": "POST", "access-control-request-headers": "authorization" } };
	const allowed = await s.edge.fetch("/v1/tasks", asks);
	assert.equal(allowed.status, 204);
	assert.equal(allowed.headers.get("access-control-allow-origin"), "https://other.example");
	assert.match(allowed.headers.get("access-control-allow-headers") ?? "", /authorization/);
	const refused = await s.edge.fetch("/v1/tasks", { ...asks, headers: { ...asks.headers, origin: "https://evil.example" } });
	assert.equal(refused.status, 403);
	assert.equal(refused.headers.get("access-control-allow-origin"), null);
	const get = await s.caller.fetch("/v1/bundle", { headers: { origin: "https://app.example" } });
	assert.equal(get.headers.get("access-control-allow-origin"), "https://app.example");
	assert.equal((await s.caller.fetch("/v1/bundle", { headers: { origin: "https://evil.example" } })).headers.get("access-control-allow-origin"), null);
});

test("stages are timed, requests are logged, and no secret is in the log", async () => {
	const { task } = await begin(s.caller, [1, 2]);
	const response = await s.caller.fetch(`/v1/tasks/${task.id}/classify`, { method: "POST", body: picture("cross", 5), headers: png });
	const timing = response.headers.get("server-timing") ?? "";
	for (const stage of ["access", "body", "store", "decode", "embed", "total"]) assert.match(timing, new RegExp(`\\b${stage};dur=[0-9.]+`));
	await response.text();
	await new Promise((resolve) => setTimeout(resolve, 200)); // the log is a stream of its own
	const line = s.lines.find((l) => l.request === response.headers.get("x-request-id"));
	assert.ok(line, "the request is in the log");
	assert.deepEqual([line.tenant, line.status, line.route, line.task, line.pictures, line.version], ["acme", 200, "/v1/tasks/{id}/classify", task.id, 1, 1]);
	assert.ok(Number.isFinite(line.ms.total));
	const all = JSON.stringify(s.lines);
	assert.ok(s.lines.length > 50);
	for (const secret of [s.caller.token, s.caller.token.slice(-43), sha256(s.caller.token)]) assert.ok(!all.includes(secret));
	assert.ok(!/"circle"|"cross"|p\.png/.test(all), "nor names of classes or files");
	const { counters, program } = await (await s.edge.fetch("/healthz")).json();
	assert.equal(counters.programs, 1);
	assert.equal(counters.failed, 0, "no answer of 5xx in all these tests");
	assert.ok(counters.adaptations >= 8 && program.bytes < 110e6);
});
