// Without a network: one visit, then the wire is cut and everything works; and whatever the server has by then, a page is of one version.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { text } from "../www/strings.js";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { serve as serveFiles } from "./server.mjs";
import { serve } from "./terminal.mjs";
import { circle, cross, User } from "./user.mjs";

/** @import { Browser, BrowserContextOptions } from "playwright-core" */

const www = fileURLToPath(new URL("../www/", import.meta.url));
const models = pageModels();
/** @type {Browser} */
let browser;
/** A copy of www, which may change. */
const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
before(async () => {
	cpSync(www, folder, { recursive: true, filter: (path) => path !== join(www, "test") });
	if (models.folder !== join(www, "models")) cpSync(models.folder, join(folder, "models"), { recursive: true });
	browser = await launch();
});
after(async () => {
	await browser?.close();
	models.remove();
	rmSync(folder, { recursive: true });
});

/** What the browser says of a server that is not there. */
const cut = /^console: (Failed to load resource|The FetchEvent|An unknown error)/;

const kept = (/** @type {User} */ user) => user.waitFor("#offline-line", text.offlineReady(0).slice(0, 20));

/** A picture more in each of two classes, and an answer. @param {User} user @param {number} before pictures that each has, learnt */
async function work(user, before) {
	await user.addDrawing(user.card(0), circle(0.3 + before / 50));
	await user.addDrawing(user.card(1), cross(0.3 + before / 50));
	await user.waitForPictures(1, before + 1);
	if (before === 0) await user.press(user.page.locator("#learn"));
	await user.draw(user.tryIt, cross(0.31));
	await user.waitForVerdict("Class B");
}

for (const [device, options] of /** @type {[string, BrowserContextOptions][]} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: after one visit the server goes and the network is cut: the page opens, learns and answers`, async () => {
		const server = await serve(folder);
		const visit = await Visit.open(browser, server.url, options);
		const { page } = visit;
		const user = new User(page, options.hasTouch);
		await kept(user);
		visit.calm();
		await server.stop();
		await page.context().setOffline(true);
		// The page that is open goes on, with Workers that it starts only now.
		await work(user, 0);
		await user.waitFor("#kept-line", text.keptHere);
		await page.reload();
		await user.waitFor("#load-line", text.ready(models.name));
		await kept(user);
		await user.waitForPictures(1, 1); // the work needs no network to come back
		await work(user, 1);
		await visit.screenshot(`${device}-offline`);
		assert.deepEqual(visit.problems.filter((problem) => !cut.test(problem)), []);
		// The policy holds for what comes from the device too.
		await page.evaluate(() => document.body.append(Object.assign(document.createElement("script"), { textContent: "globalThis.inline = 1" })));
		await eventually(() => visit.problems.some((problem) => problem.startsWith("policy: script-src")), true);
		assert.equal(await page.evaluate(() => "inline" in globalThis), false);
		await visit.close();
	});
}

test("a new version is there after one reload, and what is not in use any more is not kept", async () => {
	let server = await serve(folder);
	const visit = await Visit.open(browser, server.url);
	const { page } = visit;
	const user = new User(page);
	await kept(user);
	const contents = () => page.evaluate(async () => (await (await caches.open("haguruma-1")).keys()).filter((r) => r.url.includes("/.kept/content/")).length);
	const before = await contents();
	const style = join(folder, "style.css");
	const old = readFileSync(style);
	writeFileSync(style, `${old}\nh1::after { content: " 2"; }\n`);
	await page.reload();
	const shown = () => page.locator("h1").evaluate((h1) => getComputedStyle(h1, "::after").content);
	assert.equal(await shown(), '" 2"');
	await kept(user);
	await page.reload();
	await kept(user);
	assert.equal(await contents(), before, "the old style is gone");
	// The new version is what is there without a network.
	await server.stop();
	await page.reload();
	await user.waitFor("#load-line", text.ready(models.name));
	assert.equal(await shown(), '" 2"');
	server = await serve(folder, server.port);
	writeFileSync(style, old);
	await page.reload();
	assert.equal(await shown(), "none");
	await visit.close();
	await server.stop();
});

test("a page that opens while the worker tidies up for another one stays with its version", async () => {
	const server = await serve(folder);
	const visit = await Visit.open(browser, server.url);
	await kept(new User(visit.page));
	await visit.page.evaluate(() => {
		const tidy = () => {
			const { port1, port2 } = new MessageChannel();
			port1.onmessage = tidy;
			navigator.serviceWorker.controller?.postMessage({ engine: "engine.wasm", seen: "" }, [port2]);
		};
		tidy();
		tidy();
	});
	const bound = () => visit.page.evaluate(async () => (await (await caches.open("haguruma-1")).keys()).filter((r) => r.url.includes("/.kept/client/")).length);
	await eventually(bound, 1, "what came before is forgotten");
	for (let i = 0; i < 6; i++) {
		const other = await visit.page.context().newPage();
		await other.goto(server.url);
		assert.ok((await bound()) >= 2, `page ${i} is bound no more`); // its Worker may be there too
		await other.close();
		await eventually(bound, 1, "what is closed is forgotten");
	}
	await visit.close();
	await server.stop();
});

test("a deployment under way: never half of it, neither files of the page nor the engine", async () => {
	/** Files of this version, in the place of www's. @type {Record<string, Buffer>} */
	let files = {};
	/** The same, as the list has it: a deployment puts one before the other. @type {Record<string, Buffer>} */
	let promised = {};
	/** @param {string} name */
	const now = (name) => readFileSync(name.startsWith("/models/") ? join(models.folder, name.slice(8)) : join(www, name));
	const { files: names } = JSON.parse(await (async () => {
		const server = await serve(folder);
		const list = await (await fetch(`${server.url}files.json`)).text();
		await server.stop();
		return list;
	})());
	const list = () => Buffer.from(JSON.stringify({
		files: Object.fromEntries(Object.keys(names).map((name) => {
			const bytes = promised[`/${name}`] ?? now(`/${name}`);
			return [name, { bytes: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }];
		})),
	}));
	const server = await serveFiles(models.folder, (path) => (path === "/files.json" ? list() : files[path] ?? null));
	const visit = await Visit.open(browser, server.url);
	const { page } = visit;
	const user = new User(page);
	await kept(user);

	/** @param {string} name @param {string} from @param {string} to */
	const edited = (name, from, to) => {
		const before = String(now(name));
		assert.ok(before.includes(from), `${name} has no ${from}`);
		return Buffer.from(before.replace(from, to));
	};
	const next = {
		"/strings/en.js": edited("/strings/en.js", text.tagline, "The next version."),
		"/index.html": edited("/index.html", text.tagline, "The next version."),
		"/engine.js": Buffer.concat([now("/engine.js"), Buffer.from("document.documentElement.dataset.engine = 'next';\n")]),
	};
	const version = async () => ({
		tagline: (await page.locator("[data-text=tagline]").textContent()) === "The next version.",
		engine: (await page.locator("html").getAttribute("data-engine")) === "next",
	});
	const open = async () => {
		await page.reload();
		await user.waitFor("#load-line", text.ready(models.name));
		return version();
	};
	// The list is new, one file is and one is not: the old version, whole.
	promised = next;
	files = { "/index.html": next["/index.html"], "/engine.js": next["/engine.js"] };
	assert.deepEqual(await open(), { tagline: false, engine: false });
	// All is there: the new one, whole.
	files = next;
	// The new version is kept beside the old one first: on a busy machine that takes longer than a reload.
	for (let tries = 0; tries < 10 && !(await open()).engine; tries++) await page.waitForTimeout(500);
	assert.deepEqual(await open(), { tagline: true, engine: true });
	await kept(user);
	// Files that the list does not know of are not taken in.
	files = { ...next, "/engine.js": now("/engine.js") };
	assert.deepEqual(await open(), { tagline: true, engine: true });
	await visit.close();
	await server.close();
});
