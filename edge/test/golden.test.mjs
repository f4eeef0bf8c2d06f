// One task, learnt in the tab's engine, at the terminal and at the edge: the same answers to the bit; and adapters of each answer in the others.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openBundle } from "../../e2e/host.mjs";
import { valueOf } from "../../www/engine.host.js";
import { Client } from "../../www/client.js";
import { picture, site } from "./site.mjs";

const s = site();
const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "haguruma-golden-"));
after(() => {
	rmSync(folder, { recursive: true, force: true });
	setImmediate(() => process.exit()); // the engine waits for calls for ever
});

const classes = ["circle", "cross"];
const learnt = [1, 2, 3, 4];
const asked = [11, 12, 13, 14, 15];
for (const name of classes) {
	mkdirSync(join(folder, "examples", name), { recursive: true });
	for (const n of learnt) writeFileSync(join(folder, "examples", name, `${n}.png`), picture(name, n));
}
mkdirSync(join(folder, "queries"));
for (const n of asked) writeFileSync(join(folder, "queries", `${n}.png`), picture(n % 2 ? "circle" : "cross", n));

/** Probabilities by class of each query, as float32. @typedef {Record<string, number>[]} Answers */

/** @param {string[]} args @returns {Promise<any>} */
async function haguruma(...args) {
	const { stdout } = await promisify(execFile)(join(root, "build/haguruma"), args, { env: { ...process.env, HAGURUMA_URL: s.edge.url, HAGURUMA_TOKEN: s.caller.token } });
	return args.includes("--json") ? JSON.parse(stdout) : stdout;
}

/** @param {any} said of classify --json @returns {Answers} */
const ofTerminal = (said) => said.results.map((/** @type {any} */ r) => Object.fromEntries(classes.map((c) => [c, Math.fround(r.scores.find((/** @type {any} */ x) => x.class === c).probability)])));
/** @param {{ results: { scores: { name: string, probability: number }[] }[] }} said @returns {Answers} */
const ofEdge = (said) => said.results.map((r) => Object.fromEntries(classes.map((c) => [c, Math.fround(r.scores.find((x) => x.name === c)?.probability ?? NaN)])));

test("tab, terminal and edge say the same of one task", async () => {
	const bundle = join(s.models.folder, "default.json");
	const queries = join(folder, "queries");

	const { verbs } = await openBundle(s.models.file);
	for (const name of classes) {
		const id = valueOf(() => verbs.addClass(name));
		for (const n of learnt) valueOf(() => verbs.addExample(id, picture(name, n), 0, 0, 0));
	}
	valueOf(() => verbs.adapt("", false, false));
	/** @type {Answers} */
	const tab = asked.map((n) => {
		const { scores } = valueOf(() => verbs.classify(picture(n % 2 ? "circle" : "cross", n), 0, 0, 0));
		return Object.fromEntries(scores.map((score) => [score.name, Math.fround(score.probability)]));
	});

	const local = join(folder, "local.safetensors");
	await haguruma("adapt", join(folder, "examples"), "-o", local, "--bundle", bundle);
	const terminal = ofTerminal(await haguruma("classify", "--bundle", bundle, "--adapter", local, "--json", queries));
	assert.deepEqual(terminal, tab);

	// The edge, by its client and by the terminal.
	const client = new Client({ url: s.edge.url, token: s.caller.token });
	const made = await client.adapt(classes.flatMap((name) => learnt.map((n) => ({ class: name, file: new Blob([picture(name, n)]) }))));
	const blobs = asked.map((n) => new Blob([picture(n % 2 ? "circle" : "cross", n)]));
	assert.deepEqual(ofEdge(await client.classify(made.task.id, blobs)), tab);
	const remote = await haguruma("remote", "adapt", join(folder, "examples"), "--json");
	assert.deepEqual(ofTerminal(await haguruma("remote", "classify", "--task", remote.task.id, "--json", queries)), tab);

	// Adapters go from one to the other.
	const carried = join(folder, "carried.safetensors");
	await haguruma("remote", "get", "--task", made.task.id, "-o", carried);
	assert.deepEqual(ofTerminal(await haguruma("classify", "--bundle", bundle, "--adapter", carried, "--json", queries)), tab);
	await haguruma("remote", "put", "--task", "from-here", "--new", local);
	assert.deepEqual(ofEdge(await client.classify("from-here", blobs)), tab);
});

test("the terminal's other verbs at the edge", async () => {
	const begun = await haguruma("remote", "adapt", join(folder, "examples"));
	const id = /^(\S+): version 1 is in use$/m.exec(begun)?.[1] ?? "";
	assert.match(await haguruma("remote", "adapt", join(folder, "examples"), "--task", id, "--force"), /version 2 is in use/);
	assert.match(await haguruma("remote", "rollback", "--task", id), /version 1 is in use, it was version 2/);
	const history = await haguruma("remote", "history", "--task", id);
	assert.match(history, /^\* 1 .*adapted/m);
	writeFileSync(join(folder, "journal.jsonl"), await haguruma("remote", "journal", "--task", id));
	assert.match(await haguruma("journal", "verify", join(folder, "journal.jsonl")), /every line as it was written/);
	assert.match(await haguruma("remote", "delete", "--task", id), /removed/);
	await assert.rejects(haguruma("remote", "history", "--task", id), /removed/);
	await assert.rejects(haguruma("remote", "put", "--task", "x", join(folder, "journal.jsonl")), /adapter/);
});

test("the client says what is wrong", async () => {
	const client = new Client({ url: s.edge.url, token: "hgr_acme_" + "A".repeat(43) });
	await assert.rejects(client.bundle(), (/** @type {any} */ error) => error.code === "token" && error.status === 401);
	const good = new Client({ url: `${s.edge.url}/`, token: s.caller.token });
	await assert.rejects(good.task("nobody"), (/** @type {any} */ error) => error.code === "no_task");
	assert.equal((await good.bundle()).imageSize, 64);
});
