// Lays out the npm package: the engine, its types, its Worker and the default bundle with its experts. It publishes nothing.
//
//	node tools/package.mjs FOLDER GO_LICENCE

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const www = fileURLToPath(new URL("../www/", import.meta.url));
const readme = fileURLToPath(new URL("package.md", import.meta.url));

/** The second two can fine-tune, and are fetched by who wants that. */
const engines = ["engine.wasm", "engine.relaxed.wasm", "engine.tune.wasm", "engine.tune.relaxed.wasm"];

/** What is needed besides the modules that engine.js and its Worker import, and the types that engine.d.ts does. */
const others = [...engines, "models/default.json", "models/card.md"];

/** The files of the package, from www. @returns {string[]} */
export function files() {
	const modules = new Set(["engine.js", "engine.worker.js"]);
	for (const name of modules) {
		if (name === "wasm_exec.js") continue; // Go's own loader imports nothing
		const source = readFileSync(join(www, name), "utf8");
		for (const [, from = ""] of source.matchAll(/^(?:import|export)\s(?:[^;]*?from\s)?"\.\/([^"]+)";/gms)) modules.add(from);
	}
	const types = new Set(["engine.d.ts"]);
	for (const name of types) {
		for (const [, from = ""] of readFileSync(join(www, name), "utf8").matchAll(/\sfrom "\.\/([^"]+)\.js";/g)) types.add(`${from}.d.ts`);
	}
	const { file, experts } = JSON.parse(readFileSync(join(www, "models/default.json"), "utf8"));
	const models = [file, ...(experts ? [experts.file] : [])].map((name) => `models/${name}`);
	return [...modules, ...types, ...others, ...models].sort();
}

/** @param {string} folder is made anew @param {string} licence of Go, whose runtime is in the engine */
export function layOut(folder, licence) {
	rmSync(folder, { recursive: true, force: true });
	for (const name of files()) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		copyFileSync(join(www, name), join(folder, name));
	}
	copyFileSync(readme, join(folder, "README.md"));
	copyFileSync(licence, join(folder, "LICENSE.go"));
	writeFileSync(join(folder, "package.json"), `${JSON.stringify({
		name: "haguruma",
		version: "0.1.0",
		description: "A few labelled pictures become a classifier, in the browser: a small vision transformer in a Web Worker, nothing leaves the device",
		license: "UNLICENSED",
		type: "module",
		exports: {
			".": { types: "./engine.d.ts", default: "./engine.js" },
			...Object.fromEntries(engines.map((name) => [`./${name}`, `./${name}`])),
			"./models/*": "./models/*",
			"./package.json": "./package.json",
		},
		types: "./engine.d.ts",
		sideEffects: ["./engine.worker.js", "./engine.host.js", "./wasm_exec.js"],
	}, null, "  ")}\n`);
}

const [, program, folder, licence] = process.argv;
if (program === fileURLToPath(import.meta.url)) {
	if (!folder || !licence) {
		console.error("usage: node tools/package.mjs FOLDER GO_LICENCE");
		process.exit(2);
	}
	layOut(folder, licence);
}
