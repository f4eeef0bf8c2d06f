// www/engine.d.ts is the contract of page and Go: each verb and each code is on both sides, spelt the same.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { start, tuningUrl } from "./host.mjs";

after(() => setImmediate(() => process.exit())); // the Go program waits for calls for ever

const root = fileURLToPath(new URL("../", import.meta.url));
const read = (/** @type {string} */ name) => readFileSync(root + name, "utf8");

/** First groups of all matches, sorted, each once. @param {string} source @param {RegExp} pattern */
const all = (source, pattern) => [...new Set([...source.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();

/** @param {string} source @param {RegExp} begin @param {string} end */
function part(source, begin, end) {
	const from = source.search(begin);
	assert.ok(from >= 0, `no ${begin}`);
	return source.slice(from, source.indexOf(end, from));
}

const contract = read("www/engine.d.ts");
const codes = all(part(contract, /^export type ErrorCode =/m, ";\n\n"), /^\t\| "(\w+)"/gm);
/** Those with a question mark are of the engines that can fine-tune only. */
const offered = part(contract, /^export interface Verbs/m, "\n}");
const ordinary = all(offered, /^\t(\w+)\(/gm);
const fromGo = all(offered, /^\t(\w+)\??\(/gm);
const verbs = fromGo.filter((verb) => verb !== "adaptNext"); // the Worker's own: it goes on with adapt

test("the verbs that Go hands over are those of the contract", async () => {
	assert.ok(verbs.length >= 10 && fromGo.length > ordinary.length);
	assert.deepEqual(Object.keys((await start()).verbs).sort(), ordinary);
	assert.deepEqual(Object.keys((await start(undefined, tuningUrl)).verbs).sort(), fromGo);
});

test("each verb but open is a request that the Worker hands to Go; compile is the Worker's own, for there is no Go before", () => {
	const requests = all(part(contract, /^export type Request =/m, ";\n\n"), /verb: "(\w+)"/g);
	assert.deepEqual(requests, [...verbs, "compile"].sort());
	const worker = read("www/engine.worker.js");
	assert.deepEqual(all(worker, /(?:case |request\.verb === )"(\w+)"/g), requests);
	assert.deepEqual(all(worker, /valueOf\(\(\) => (?:(?:go|host\.verbs)\.)?(\w+)\(/g), fromGo);
});

test("each verb but open is a method of Engine", () => {
	const methods = part(contract, /^export class Engine \{/m, "\n}");
	for (const verb of verbs.filter((v) => v !== "open")) assert.match(methods, new RegExp(`^\t${verb}\\(`, "m"));
});

test("a code that Go gives is one of the contract, and each code of the contract is given by somebody", () => {
	const fromGo = [
		...all(read("adapt/errors.go"), /^\tCode\w+ += "(\w+)"/gm),
		...all(part(read("wasm/browser/codes.go"), /^var codes = /m, "\n}\n"), /"(\w+)"\}/g),
		...all(part(read("wasm/errcode/errcode.go"), /^var pictures = /m, "\n}\n"), /"(\w+)"\}/g),
		...all(read("wasm/errcode/errcode.go"), /^const \w+ = "(\w+)"/gm),
	];
	assert.ok(fromGo.length >= 16 && fromGo.includes("internal") && fromGo.includes("picture_empty"), `${fromGo}`);
	assert.deepEqual(fromGo.filter((code) => !codes.includes(code)), [], "given by Go, not in engine.d.ts");

	const page = ["", "kept/"].flatMap((folder) => readdirSync(`${root}www/${folder}`).map((name) => folder + name)).filter((name) => name.endsWith(".js") && name !== "wasm_exec.js");
	const fromPage = page
		.flatMap((name) => all(read(`www/${name}`), /new EngineError\(([^,]+),/g)) // that its literals are codes, tsc holds
		.flatMap((first) => all(first, /"([a-z_]+)"/g));
	const given = new Set([...fromGo, ...fromPage]);
	assert.deepEqual(codes.filter((code) => !given.has(code)), [], "in engine.d.ts, given by nobody");
});
