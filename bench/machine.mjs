// What the figures were taken with.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const ask = (/** @type {string} */ program, /** @type {string[]} */ ...args) =>
	execFileSync(program, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();

/** Mean number of threads that wanted a core in the last minute. */
export const load = () => os.loadavg()[0] ?? 0;

/** Of a package in node_modules. @param {string} name @returns {string} */
export const version = (name) => JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, "utf8")).version;

/** @param {string} chromium its version */
export function machine(chromium) {
	const toolchain = /^toolchain (\S+)/m.exec(readFileSync(`${root}go.mod`, "utf8"))?.[1] ?? "";
	let commit = "";
	try {
		commit = ask("git", "rev-parse", "--short", "HEAD");
	} catch {
		// an archive of the source has none
	}
	return {
		date: new Date().toISOString().slice(0, 10),
		commit,
		cpu: os.cpus()[0]?.model.trim() ?? "",
		cores: os.cpus().length,
		memoryGiB: Math.round(os.totalmem() / 2 ** 30),
		system: `${os.type()} ${os.machine()}`,
		go: toolchain,
		node: process.version,
		chromium,
		onnxruntime: version("onnxruntime-web"),
	};
}
