// The bundle to test with.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** A bundle and its manifest. @typedef {{ folder: string, file: string, name: string, remove: () => void }} Models */

/** @param {string} folder @param {() => void} remove @returns {Models} */
function models(folder, remove) {
	const { name, file } = JSON.parse(readFileSync(join(folder, "default.json"), "utf8"));
	return { folder, name, file: join(folder, file), remove };
}

/** Whether www has the bundle that it is served with. */
export const hasOwn = () => existsSync(join(root, "www/models/default.json"));

/** The bundle that www is served with. Without one random weights take its place, and only page.test.mjs is red for it. */
export const pageModels = () => (hasOwn() ? models(join(root, "www/models"), () => {}) : randomModels());

/** A small bundle of random weights in a folder of its own; remove() takes it away. @param {boolean} [experts] and random experts for it */
export function randomModels(experts = false) {
	const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
	const toolchain = /^toolchain (\S+)/m.exec(readFileSync(join(root, "go.mod"), "utf8"))?.[1];
	execFileSync("go", ["run", "-trimpath", "./e2e/testdata/randombundle", "-out", folder, ...(experts ? ["-experts"] : [])], {
		cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, GOTOOLCHAIN: toolchain },
	});
	return models(folder, () => rmSync(folder, { recursive: true, force: true }));
}
