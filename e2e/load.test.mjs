// What the page does when its parts do not arrive, or arrive damaged: a sentence, another try, and nothing lost.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { text } from "../www/strings.js";
import { desktop, eventually, launch, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { png, stripes } from "./pictures.mjs";
import { serve as serveFiles } from "./server.mjs";
import { circle, cross, User } from "./user.mjs";

/** @import { Browser } from "playwright-core" */
/** @import { Answer } from "./server.mjs" */

const models = pageModels();
const bundle = readFileSync(models.file);
const manifest = JSON.parse(readFileSync(`${models.folder}/default.json`, "utf8"));
/** @type {Browser} */
let browser;
before(async () => {
	browser = await launch();
});
/** @type {Awaited<ReturnType<typeof serveFiles>>[]} */
const servers = [];
after(async () => {
	await browser?.close();
	await Promise.all(servers.map((server) => server.close()));
	models.remove();
});

/** @param {Parameters<typeof serveFiles>[1]} [instead] @param {number} [port] */
async function serve(instead, port) {
	const server = await serveFiles(models.folder, instead, port);
	servers.push(server);
	return server;
}

/** What Chromium and the page log when a part does not come. */
const told = /^console: (Failed to load resource|EngineError|error: EngineError)/;

const changed = Buffer.from(bundle);
changed[bundle.length >> 1] ^= 0xff;
const foreign = png(64, 64, stripes);
const foreignManifest = { ...manifest, bytes: foreign.length, sha256: createHash("sha256").update(foreign).digest("hex") };
const json = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value));

/** A fault: what is answered to the ends of paths, and the sentence for it. @type {[string, Record<string, Answer>, string][]} */
const faults = [
	["the bundle is cut in the middle", { ".zst": bundle.subarray(0, bundle.length >> 1) }, text.errors.download],
	["the bundle is longer than it should be", { ".zst": Buffer.concat([bundle, bundle]) }, text.errors.download],
	["the bundle has a wrong byte", { ".zst": changed }, text.errors.hash],
	["the bundle is a picture", { ".zst": foreign, "default.json": json(foreignManifest) }, text.errors.bundle],
	["the manifest is no JSON", { "default.json": Buffer.from("<!doctype html>") }, text.errors.manifest],
	["the manifest names a file elsewhere", { "default.json": json({ ...manifest, file: "https://elsewhere.example/x" }) }, text.errors.manifest],
	["the manifest is missing", { "default.json": 404 }, text.errors.download],
	["the server is overloaded", { ".wasm": 503 }, text.errors.download],
	["the engine is another file", { ".wasm": Buffer.from("<!doctype html>") }, text.errors.download],
	["the connection breaks in the middle", { ".zst": (response) => {
		response.writeHead(200, { "content-length": bundle.length });
		response.write(bundle.subarray(0, bundle.length >> 1), () => response.destroy());
	} }, text.errors.download],
	["the Worker's script is missing", { "engine.worker.js": 404 }, text.errors.download],
];

test("each fault of the server has its sentence; the next try works, with everything that was entered meanwhile", async () => {
	/** @type {Record<string, Answer>} */
	let fault = {};
	const server = await serve((path) => Object.entries(fault).find(([end]) => path.endsWith(end))?.[1] ?? null);
	fault = faults[0]?.[1] ?? {};
	const visit = await Visit.open(browser, server.url);
	const user = new User(visit.page);
	const alert = visit.page.locator("#alerts .alert");
	for (const [i, [name, answers, sentence]] of faults.entries()) {
		fault = answers;
		if (i > 0) await user.press(user.button(alert, text.retry));
		await eventually(() => alert.locator("p").allTextContents(), [sentence], name);
		await user.waitFor("#load-line", text.whyBroken);
		if (i === 1) await user.addDrawing(user.card(0), circle(0.3));
		if (i === 2) await user.addDrawing(user.card(1), cross(0.3));
		if (i === 3) await user.rename(0, "ring");
	}
	await visit.screenshot("desktop-fault");
	await user.waitFor("#learn-reason", text.whyBroken);
	assert.equal(await user.button(alert, text.dismiss).count(), 0, "the way on cannot be closed");
	fault = {};
	await user.press(user.button(alert, text.retry));
	await user.waitFor("#load-line", text.ready(models.name));
	assert.equal(await alert.count(), 0);
	assert.deepEqual(await user.classNames(), ["ring", "Class B"]);
	await user.waitForPictures(0, 1);
	await user.waitForPictures(1, 1);
	await user.press(visit.page.locator("#learn"));
	await user.draw(user.tryIt, circle(0.32));
	await user.waitForVerdict("ring");
	visit.calm(told);
	await visit.close();
});

test("the server goes away in the middle of the download, comes back, and is not needed any more once all is there", async () => {
	let server = await serve((path) => (path.endsWith(".zst")
		? (response) => {
			response.writeHead(200, { "content-length": bundle.length });
			response.write(bundle.subarray(0, bundle.length >> 1));
		}
		: null));
	const visit = await Visit.open(browser, server.url);
	const user = new User(visit.page);
	const alert = visit.page.locator("#alerts .alert");
	const bar = visit.page.locator("#load-bar");
	const half = text.progress({ part: "bundle", loaded: bundle.length >> 1, total: bundle.length });
	await user.waitFor("#load-line", half);
	await eventually(() => bar.evaluate((b) => /** @type {HTMLProgressElement} */ (b).value), (value) => value > 0.4 && value < 1);
	await user.addDrawing(user.card(0), circle(0.3));
	await user.addDrawing(user.card(1), cross(0.3));
	await user.waitFor("#learn-reason", text.whyLoading);
	await visit.screenshot("desktop-loading");

	const { port } = server;
	await server.close();
	await user.waitFor("#alerts", text.errors.download);
	await user.press(user.button(alert, text.retry));
	await user.waitFor("#alerts", text.errors.download);
	server = await serve(() => null, port);
	await user.press(user.button(alert, text.retry));
	await user.waitFor("#load-line", text.ready(models.name));
	await server.close();

	await user.waitForPictures(0, 1);
	await user.press(visit.page.locator("#learn"));
	await user.draw(user.tryIt, cross(0.32));
	await user.waitForVerdict("Class B");
	visit.calm(told);
	await visit.close();
});

test("a browser without WebAssembly SIMD is told so, and nothing is downloaded for it", async () => {
	const asked = new Set();
	const server = await serve((path) => (asked.add(path), null));
	const visit = await Visit.open(browser, server.url, desktop, (context) =>
		context.addInitScript(() => void (WebAssembly.validate = () => false)));
	const user = new User(visit.page);
	await user.waitFor("#alerts", text.errors.unsupported);
	assert.ok(asked.has("/app.js") && ![...asked].some((path) => /wasm$|models/.test(path)), [...asked].join());
	visit.calm(told);
	await visit.close();
});

test("a browser without relaxed SIMD has the other engine", async () => {
	const asked = new Set();
	const server = await serve((path) => (asked.add(path), null));
	const visit = await Visit.open(browser, server.url, desktop, (context) =>
		context.addInitScript(() => {
			const { validate } = WebAssembly;
			WebAssembly.validate = (bytes) => validate(bytes) && !/** @type {Uint8Array} */ (bytes).includes(0x93); // the relaxed dot product
		}));
	const user = new User(visit.page);
	await user.addDrawing(user.card(0), circle(0.3));
	await user.addDrawing(user.card(1), cross(0.3));
	await user.waitForPictures(1, 1);
	await user.press(visit.page.locator("#learn"));
	await user.draw(user.tryIt, cross(0.31));
	await user.waitForVerdict("Class B");
	assert.ok(asked.has("/engine.wasm") && !asked.has("/engine.relaxed.wasm"), [...asked].join());
	visit.calm();
	await visit.close();
});

test("the engine dies while it works: another takes over and knows everything", async () => {
	/** @type {string[]} */
	const asked = [];
	const log = (/** @type {string} */ path) => (asked.push(path), null);
	let server = await serve(log);
	const visit = await Visit.open(browser, server.url, desktop, (context) =>
		context.addInitScript(() => {
			const page = /** @type {any} */ (globalThis);
			page.workers = [];
			page.Worker = class extends Worker {
				/** @param {string | URL} url @param {WorkerOptions} options */
				constructor(url, options) {
					super(url, options);
					page.workers.push(this);
				}
			};
		}));
	const user = new User(visit.page);
	await user.addDrawing(user.card(0), circle(0.3));
	await user.addDrawing(user.card(1), cross(0.3));
	await user.waitForPictures(1, 1);
	await user.press(visit.page.locator("#learn"));
	await user.draw(user.tryIt, circle(0.31));
	await user.waitForVerdict("Class A");
	asked.length = 0;
	const die = () => visit.page.evaluate(() => {
		/** @type {any} */ (globalThis).workers.at(-1).dispatchEvent(new ErrorEvent("error", { message: "out of memory" }));
	});
	await die();
	await user.waitFor("#notices", text.restarted);
	assert.deepEqual(asked.filter((path) => /wasm$|models/.test(path)), [], "engine and bundle are at hand");
	await user.waitForVerdict("Class A");

	// Without a server there is no Worker's script; with one there is.
	await server.close();
	await die();
	await user.waitFor("#alerts", text.errors.died);
	await user.waitFor("#load-line", text.whyBroken);
	await user.addDrawing(user.card(0), circle(0.28));
	server = await serve(() => null, server.port);
	await user.press(user.button(visit.page.locator("#alerts"), text.retry));
	await user.waitForPictures(0, 2);
	await user.waitFor("#load-line", text.ready(models.name));
	await user.waitFor("#learn-reason", "Learnt 2 classes from 3 pictures");
	await user.press(user.button(user.tryIt, text.clear));
	await user.draw(user.tryIt, cross(0.31));
	await user.waitForVerdict("Class B");
	visit.calm(told);
	await visit.close();
});
