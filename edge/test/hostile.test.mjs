// What the edge says to what it should not take: the right status, before anything is decoded, and nothing stored.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { form, picture, png, site, wrapped } from "./site.mjs";

const s = site();
const progressive = new Uint8Array(readFileSync(fileURLToPath(new URL("testdata/progressive.jpg", import.meta.url)))); // 2048 x 2048, no chroma subsampling
const post = (/** @type {any} */ body, type = "image/png") => ({ method: "POST", body, headers: { "content-type": type } });
/** @type {string} */
let classify;

test("a task to ask", async () => {
	const { task } = await s.caller.json("/v1/tasks", { method: "POST", body: form({ circle: [1, 2, 3], cross: [1, 2, 3] }) }, 201);
	classify = `/v1/tasks/${task.id}/classify`;
});

test("tokens: none, malformed, of nobody, in the wrong scheme", async () => {
	const secret = "A".repeat(43);
	for (const authorization of ["", "Bearer", "Bearer x", `Basic ${s.caller.token}`, `Bearer ${s.caller.token}x`, `Bearer ${s.caller.token.slice(0, -1)}`, `Bearer hgr_nobody_${secret}`, `Bearer hgr_acme_${secret}`, `Bearer hgr_acme%2F.._${secret}`]) {
		const response = await s.edge.fetch("/v1/bundle", { headers: { authorization } });
		assert.equal(response.status, 401, authorization);
		assert.equal(response.headers.get("www-authenticate"), "Bearer");
		await response.text();
	}
});

test("bodies: too large by their header or by what comes, of no kind, of no content", async () => {
	const large = new Uint8Array(8 * 2 ** 20 + 1);
	for (const [method, path, size, said] of /** @type {const} */ ([["POST", classify, large.length, true], ["POST", classify, large.length, false], ["PUT", "/v1/adapters/large", 4 * 2 ** 20 + 1, true]])) {
		// By what comes, a little over the limit: a stream that never ends, fetch of Node reads for ever once the connection was closed on it (below, by hand).
		const body = large.subarray(0, size);
		const init = said ? { body } : { body: new Blob([body]).stream(), duplex: "half" };
		const answer = await s.caller.fetch(path, /** @type {any} */ ({ ...init, method, headers: { "content-type": "image/png" } })).catch((error) => error);
		if (answer instanceof Error) assert.match(String(answer.cause ?? answer), /reset|closed|EPIPE/i); // what a client that is still sending may see
		else assert.deepEqual([answer.status, (await answer.json()).code], [413, "body_too_large"]);
	}
	assert.equal(await s.caller.problem(classify, post("{}", "application/json"), 415), "content_type");
	assert.equal(await s.caller.problem(classify, post(new Uint8Array(0)), 400), "picture_empty");
	assert.equal(await s.caller.problem(classify.replace("classify", "rollback"), { method: "POST", body: "[1" }, 400), "json");
	assert.equal(await s.caller.problem(classify.replace("classify", "rollback"), { method: "POST", body: "x".repeat(70_000) }, 413), "body_too_large");
});

/** Sends a request as it is, and returns the status line of the answer; "" where the connection is closed without one. @param {string} head @param {string} body @returns {Promise<string>} */
function raw(head, body) {
	const { hostname, port } = new URL(s.edge.url);
	return new Promise((resolve, reject) => {
		const socket = connect(Number(port), hostname, () => {
			socket.write(`${head}\r\nhost: edge\r\nauthorization: Bearer ${s.caller.token}\r\n\r\n${body}`);
			setTimeout(() => socket.end(), 300);
		});
		let said = "";
		socket.on("data", (piece) => {
			said += piece;
			socket.end();
		});
		socket.on("close", () => resolve(said.split("\r\n")[0] ?? ""));
		socket.on("error", (error) => (said ? resolve(said) : reject(error)));
	});
}

/**
 * Sends a body that never ends, as fast as it is taken, until the connection is closed.
 * @param {string} head @param {string} [token]
 * @returns {Promise<{ status: string, taken: number }>} of the answer, "" where the connection was closed without one; bytes that have left
 */
function endless(head, token = s.caller.token) {
	const { hostname, port } = new URL(s.edge.url);
	const chunk = Buffer.concat([Buffer.from("100000\r\n"), Buffer.alloc(1 << 20), Buffer.from("\r\n")]);
	return new Promise((resolve, reject) => {
		const socket = connect(Number(port), hostname);
		socket.write(`${head}\r\nhost: edge\r\nauthorization: Bearer ${token}\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n`);
		let said = "";
		let left = 64;
		const late = setTimeout(() => socket.destroy(new Error("the connection is still open")), 30_000);
		const send = () => {
			while (!socket.destroyed && left-- > 0) if (!socket.write(chunk)) return void socket.once("drain", send);
		};
		send();
		socket.on("data", (piece) => (said += piece));
		socket.on("error", (/** @type {NodeJS.ErrnoException} */ error) => {
			if (!error.code) reject(error);
		});
		socket.on("close", () => {
			clearTimeout(late);
			resolve({ status: said.split(" ")[1] ?? "", taken: socket.bytesWritten - socket.writableLength });
		});
	});
}

test("a body that never ends is cut off, whoever sends it and where to", async () => {
	for (const [status, head, token] of [
		["413", `POST ${classify} HTTP/1.1`], ["413", "POST /v1/tasks/unknown/rollback HTTP/1.1"], ["401", `POST ${classify} HTTP/1.1`, "hgr_acme_x"], ["404", "POST /nowhere HTTP/1.1"],
		["200", "GET /healthz HTTP/1.1"], ["413", "PUT /v1/adapters/endless HTTP/1.1"],
	]) {
		const answer = await endless(String(head), token);
		assert.match(answer.status, new RegExp(`^$|${status}`), head); // none: the connection was closed on the sender before it could read
		assert.ok(answer.taken < 32 * 2 ** 20, `${head}: ${answer.taken} bytes, those that wait in the system included, which has up to 10 MB of them`);
	}
	assert.equal((await s.caller.json(classify, post(picture("circle", 9)))).version, 1, "and others are answered");
});

test("a content-length that lies: more than comes, or less", async () => {
	const head = `POST ${classify} HTTP/1.1\r\ncontent-type: image/png`;
	assert.match(await raw(`${head}\r\ncontent-length: 100`, "short"), /^$|HTTP\/1\.1 400/); // the sender has gone by then
	assert.match(await raw(`${head}\r\ncontent-length: 2`, "longer than that"), /HTTP\/1\.1 4\d\d/);
	assert.match(await raw(`${head}\r\ncontent-length: 99999999999`, "x"), /HTTP\/1\.1 413/);
	assert.equal((await s.caller.json(classify, post(picture("circle", 9)))).version, 1, "and others are answered");
});

test("multipart that is none", async () => {
	for (const [type, body] of [
		["multipart/form-data", "x"], ["multipart/form-data; boundary=b", "no boundary"], ["multipart/form-data; boundary=b", "--b\r\ncontent-disposition: form-data; name=\"a\"; filename=\"f\"\r\n\r\ncut"],
		["multipart/form-data; boundary=b", "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\na text\r\n--b--\r\n"],
	]) {
		assert.equal(await s.caller.problem("/v1/tasks", post(body, type), 400), "multipart", body);
	}
	assert.equal(await s.caller.problem("/v1/tasks", post("--b--\r\n", "multipart/form-data; boundary=b"), 400), "no_pictures");
});

test("pictures: what is none, bombs, and too many", async () => {
	assert.equal(await s.caller.problem(classify, post("no picture"), 415), "picture_format");
	assert.equal(await s.caller.problem(classify, post(picture("circle", 1).slice(0, 100)), 400), "picture_truncated");
	const grown = (await health()).bytes;
	assert.equal(await s.caller.problem(classify, post(wrapped(10_000, 10_000, Buffer.alloc(10))), 413), "picture_too_large");
	assert.equal(await s.caller.problem(classify, post(wrapped(2 ** 31 - 1, 2 ** 31 - 1, Buffer.alloc(10))), 415), "picture_format");
	// Few pixels by the header, and 200 MB behind it: what is more than the pixels is not unpacked.
	const bomb = wrapped(64, 64, Buffer.alloc(200 << 20));
	assert.ok(bomb.length < 300_000);
	await s.caller.fetch(classify, post(bomb)).then((response) => response.text().then(() => assert.ok([200, 400, 415].includes(response.status))));
	assert.ok((await health()).bytes - grown < 16e6, "none of them was unpacked");
	const wide = png(2048, 2048, () => 7);
	assert.equal((await s.caller.json(classify, post(wide))).version, 1, "4 Mi pixels are taken");
	// The costliest picture that is taken: every coefficient of a progressive JPEG is kept until its end.
	assert.equal((await s.caller.json(classify, post(progressive, "image/jpeg"))).version, 1);
	const { counters, program } = await (await s.edge.fetch("/healthz")).json();
	console.log(`# memory of the program behind it: ${(program.bytes / 1e6).toFixed(1)} MB`);
	assert.ok(counters.programs === 1 && program.bytes <= 110e6, `${program.bytes} bytes`);
	const many = new FormData();
	for (let i = 0; i < 20; i++) many.append("x", new Blob([wide]), "x.png");
	assert.equal(await s.caller.problem(classify, { method: "POST", body: many }, 413), "too_many_pixels");
	const crowd = new FormData();
	for (let i = 0; i < 65; i++) crowd.append("x", new Blob([new Uint8Array(1)]), "x.png");
	assert.equal(await s.caller.problem(classify, { method: "POST", body: crowd }, 413), "too_many_pictures");
	const classes = new FormData();
	for (let i = 0; i < 201; i++) classes.append(`c${i}`, new Blob([new Uint8Array(1)]), "x.png");
	assert.equal(await s.caller.problem("/v1/tasks", { method: "POST", body: classes }, 413), "too_many_classes");
});

async function health() {
	return (await (await s.edge.fetch("/healthz")).json()).program;
}

test("classes and heads that cannot be", async () => {
	assert.equal(await s.caller.problem("/v1/tasks", { method: "POST", body: form({ one: [picture("circle", 1)] }) }, 422), "too_few_classes");
	assert.equal(await s.caller.problem("/v1/tasks", { method: "POST", body: form({ a: [picture("circle", 1)], b: [picture("circle", 1)] }) }, 422), "contradiction");
	assert.equal(await s.caller.problem("/v1/tasks", { method: "POST", body: form({ " ": [picture("circle", 1)], b: [picture("circle", 2)] }) }, 422), "bad_name");
	assert.equal(await s.caller.problem("/v1/tasks", { method: "POST", body: form({ ["n".repeat(101)]: [picture("circle", 1)], b: [picture("circle", 2)] }) }, 422), "bad_name");
	assert.equal(await s.caller.problem("/v1/tasks?head=best", { method: "POST", body: form({ circle: [1], cross: [2] }) }, 400), "unknown_head");
	assert.equal(await s.caller.problem(classify.replace("classify", "versions?share=2"), { method: "POST", body: form({ circle: [1], cross: [2] }) }, 400), "parameter");
	const names = await s.caller.json("/v1/tasks", { method: "POST", body: form({ "良品 \"a\" o": [picture("circle", 1), picture("circle", 2)], "b'<c>": [picture("cross", 1), picture("cross", 2)] }) }, 201);
	assert.deepEqual(names.task.classes.map((/** @type {any} */ c) => c.name), ["良品 \"a\" o", "b'<c>"]);
	const journal = await s.caller.fetch(`/v1/journal/${names.task.id}`);
	assert.equal(journal.headers.get("x-journal-sound"), "yes");
});

test("addresses that are nobody's", async () => {
	for (const path of ["/", "/v1", "/v1/tasks/", "/v1/tasks/A", "/v1/tasks/..%2f..%2ftokens", "/v1/tasks/x/y", "/v1/adapters/-x", `/v1/adapters/${"x".repeat(65)}`, "/V1/bundle"]) assert.equal(await s.caller.problem(path, undefined, 404), "no_route", path);
	assert.equal(await s.caller.problem("/v1/tasks/unknown", undefined, 404), "no_task");
	const large = new Uint8Array(6 * 2 ** 20); // which is read to its end, so that the answer arrives
	for (let i = 0; i < 5; i++) assert.equal(await s.caller.problem("/v1/tasks/unknown/classify", post(large), 404), "no_task");
});

test("nothing of all that was stored but the two tasks that were made", async () => {
	const { objects } = await s.edge.bucket.list({ prefix: "tenants/" });
	assert.equal(new Set(objects.map((o) => o.key.split("/")[3])).size, 2);
	assert.equal(objects.length, 6);
});

test("60 mixed requests at one time: no error, one program, memory in bounds", async () => {
	const kinds = [
		() => s.caller.fetch(classify, post(picture("circle", 3))),
		() => s.caller.fetch(classify, { method: "POST", body: form({ circle: [4], cross: [5, 6] }) }),
		() => s.caller.fetch("/v1/bundle"),
		() => s.caller.fetch("/v1/tasks", { method: "POST", body: form({ circle: [7, 8], cross: [7, 8] }) }),
		() => s.caller.fetch(classify.replace("/classify", "")),
		() => s.edge.fetch("/healthz"),
	];
	const answers = await Promise.all(Array.from({ length: 60 }, async (_, i) => {
		const answer = await /** @type {() => Promise<Response>} */ (kinds[i % kinds.length])();
		return { ok: answer.ok, said: `${i}: ${answer.status} ${await answer.text()}` };
	}));
	for (const { ok, said } of answers) assert.ok(ok, said);
	const { counters, program } = await (await s.edge.fetch("/healthz")).json();
	assert.equal(counters.programs, 1);
	assert.ok(program.bytes <= 110e6, `${program.bytes} bytes`);
	console.log(`# memory of the program: ${(program.bytes / 1e6).toFixed(1)} MB`);
});
