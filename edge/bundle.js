// The bundle and its experts, from static assets or from R2, into the program's memory, chunk by chunk: they are never in JavaScript as a whole.

import { Problem } from "./problem.js";

/** @import { Env } from "./env.js" */
/** @import { Program } from "./program.js" */

/**
 * What a program has opened.
 * @typedef {{ name: string, sha256: string, bytes: number, experts: string, dim: number, imageSize: number, kernel: string, card: string }} Bundle
 */

/** @typedef {{ file: string, bytes: number, sha256: string }} File */

/** @param {Env} env @param {string} path */
async function open(env, path) {
	if (env.ASSETS) {
		const response = await env.ASSETS.fetch(`https://assets/${path}`);
		if (response.ok && response.body) return /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body);
		throw new Problem(503, "bundle", "the bundle is not among the assets", { cause: new Error(`${path}: ${response.status}`) });
	}
	const object = await env.BUCKET.get(path);
	if (object) return object.body;
	throw new Problem(503, "bundle", "the bundle is not in the bucket", { cause: new Error(path) });
}

/**
 * Opens the bundle in a program.
 * @param {Env} env
 * @param {Program} program
 * @param {() => boolean} mine whether it is still this request that does it; asked, it says that this goes on
 * @returns {Promise<Bundle | null>} null: it is no more
 */
export async function openFrom(env, program, mine) {
	const path = env.BUNDLE ?? "models/default.json";
	/** @type {File & { name: string, experts?: File | null }} */
	const manifest = await new Response(await open(env, path)).json();
	const folder = path.slice(0, path.lastIndexOf("/") + 1);
	const info = await stream(env, program, mine, "openBundle", folder, manifest);
	if (!info) return null;
	if (manifest.experts && !(await stream(env, program, mine, "openExperts", folder, manifest.experts))) return null;
	return { name: manifest.name, sha256: manifest.sha256, bytes: manifest.bytes, experts: manifest.experts?.sha256 ?? "", ...info };
}

/**
 * @param {Env} env
 * @param {Program} program
 * @param {() => boolean} mine
 * @param {string} verb
 * @param {string} folder
 * @param {File} file
 */
async function stream(env, program, mine, verb, folder, { file, bytes, sha256 }) {
	const reader = (await open(env, folder + file)).getReader();
	if (!mine()) return null;
	const wrong = () => new Problem(503, "bundle", "the bundle is not the one that its manifest names");
	const call = program.begin(verb, { sha256 }, bytes);
	let length = 0;
	for (;;) {
		const { done, value } = await reader.read();
		if (!mine()) return null;
		if (done) break;
		if (length + value.length > bytes) throw wrong();
		program.write(call.at + length, value);
		length += value.length;
	}
	if (length !== bytes) throw wrong();
	return call.end().reply;
}
