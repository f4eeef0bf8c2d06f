// The npm package as a developer has it: in a page without tools, and in a project of Vite, built and served by its own server while developing.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as vite from "vite";
import { files, layOut } from "../tools/package.mjs";
import { desktop, eventually, launch, Visit } from "./browser.mjs";

/** @import { Browser } from "playwright-core" */

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
/** @type {Browser} */
let browser;
before(async () => {
	browser = await launch();
	layOut(join(folder, "haguruma"), join(execFileSync("go", ["env", "GOROOT"], { encoding: "utf8" }).trim(), "LICENSE"));
});
after(async () => {
	await browser?.close();
	rmSync(folder, { recursive: true });
});

const head = `<!doctype html><html lang="en"><meta charset="utf-8"><title>a page of somebody else</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:">`;

/** Teaches rings and crosses and asks for another cross, by what stands in the package's README. @param {string} load the expression that loads the engine */
const program = (load) => `
const draw = (cross, size) => {
	const context = Object.assign(document.createElement("canvas"), { width: 64, height: 64 }).getContext("2d");
	context.fillStyle = "#fff"; context.fillRect(0, 0, 64, 64); context.lineWidth = 3;
	context.beginPath();
	if (cross) for (const s of [1, -1]) { context.moveTo(32 - size, 32 - s * size); context.lineTo(32 + size, 32 + s * size); }
	else context.arc(32, 32, size, 0, 7);
	context.stroke();
	return context.getImageData(0, 0, 64, 64);
};
const engine = await ${load};
for (const [name, cross] of Object.entries({ ring: false, cross: true })) {
	const id = await engine.addClass(name);
	for (const size of [14, 18, 22]) await engine.addExample(id, draw(cross, size));
}
await engine.adapt();
const { scores } = await engine.classify(draw(true, 20));
document.body.textContent = scores.map(({ name, probability }) => name + " " + probability.toFixed(2)).join(", ") + " by " + engine.info.bundle;
`;

/** @param {Visit} visit */
async function answers({ page }) {
	const said = await eventually(() => page.textContent("body"), (text) => /by \S+$/.test(text?.trim() ?? ""), "an answer");
	const [, ring, cross] = /ring ([\d.]+), cross ([\d.]+)/.exec(said ?? "") ?? [];
	assert.ok(Number(cross) > 0.6 && Math.abs(Number(ring) + Number(cross) - 1) < 0.02, said ?? "");
}

const types = /** @type {Record<string, string>} */ ({ ".html": "text/html", ".js": "text/javascript", ".json": "application/json", ".wasm": "application/wasm" });

/** Serves a folder as any static host does. @param {string} from */
async function host(from) {
	const server = createServer((request, response) => {
		const name = join(from, new URL(request.url ?? "/", "http://host").pathname.replace(/\/$/, "/index.html"));
		if (!existsSync(name)) return response.writeHead(404).end();
		response.writeHead(200, { "content-type": types[extname(name)] ?? "application/octet-stream" }).end(readFileSync(name));
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
	const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
	return { url: `http://127.0.0.1:${port}/`, close: () => (server.closeAllConnections(), server.close()) };
}

test("the package has what it names, and nothing of the page", () => {
	const manifest = JSON.parse(readFileSync(join(folder, "haguruma/package.json"), "utf8"));
	for (const path of [manifest.types, manifest.exports["."].default, manifest.exports["./engine.wasm"], manifest.exports["./engine.relaxed.wasm"], manifest.exports["./engine.tune.wasm"], manifest.exports["./engine.tune.relaxed.wasm"], ...manifest.sideEffects]) {
		assert.ok(existsSync(join(folder, "haguruma", path)), path);
	}
	assert.ok(files().includes("orientation.js"));
	const model = JSON.parse(readFileSync(join(folder, "haguruma/models/default.json"), "utf8"));
	for (const { file } of [model, ...(model.experts ? [model.experts] : [])]) assert.ok(existsSync(join(folder, "haguruma/models", file)), file);
	assert.deepEqual(files().filter((name) => /views|strings|app\.js|style/.test(name)), []);
	const lines = readFileSync(join(root, "tools/package.md"), "utf8").match(/```js\n(.*?)```/s)?.[1]?.trim().split("\n") ?? [];
	assert.ok(lines.length <= 10, `the first example of the README has ${lines.length} lines`);
});

test("from a plain script of a page", async () => {
	const site = join(folder, "plain");
	mkdirSync(site);
	cpSync(join(folder, "haguruma"), join(site, "haguruma"), { recursive: true });
	writeFileSync(join(site, "index.html"), `${head}<script type="module" src="main.js"></script>`);
	writeFileSync(join(site, "main.js"), `import { Engine } from "./haguruma/engine.js";\n${program("Engine.load()")}`);
	const server = await host(site);
	const visit = await Visit.open(browser, server.url, desktop);
	await answers(visit);
	visit.calm();
	await visit.close();
	server.close();
});

test("in a project of Vite: its server, and what it builds", async () => {
	const project = join(folder, "project");
	mkdirSync(join(project, "node_modules"), { recursive: true });
	symlinkSync(join(folder, "haguruma"), join(project, "node_modules/haguruma"));
	cpSync(join(folder, "haguruma/models"), join(project, "public/models"), { recursive: true });
	writeFileSync(join(project, "package.json"), '{"type":"module","private":true}');
	writeFileSync(join(project, "index.html"), '<!doctype html><html lang="en"><meta charset="utf-8"><title>a project</title><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>');
	writeFileSync(join(project, "main.js"), `
import { Engine, relaxedSupported } from "haguruma";
import simd from "haguruma/engine.wasm?url";
import relaxed from "haguruma/engine.relaxed.wasm?url";
${program('Engine.load({ wasmUrl: relaxedSupported() ? relaxed : simd, bundleUrl: "/models/default.json" })')}`);
	/** @type {vite.InlineConfig} */
	const config = { root: project, configFile: false, logLevel: "error", optimizeDeps: { exclude: ["haguruma"] }, worker: { format: "es" }, build: { target: "es2022" } };

	const server = await vite.createServer({ ...config, server: { host: "127.0.0.1", port: 0, strictPort: false, fs: { allow: [folder] } } });
	await server.listen();
	const developing = await Visit.open(browser, server.resolvedUrls?.local[0] ?? "", desktop);
	await answers(developing);
	assert.deepEqual(developing.problems, []);
	await developing.close();
	await server.close();

	await vite.build(config);
	const built = await host(join(project, "dist"));
	const visit = await Visit.open(browser, built.url, desktop);
	await answers(visit);
	visit.calm();
	await visit.close();
	built.close();
});
