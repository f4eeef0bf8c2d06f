// What is kept: the task after the tab was closed, killed or shut out of its storage, its versions, and its files here and at the terminal.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readZip } from "../www/kept/zip.js";
import { text, useLanguage } from "../www/strings.js";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { hasOwn, pageModels } from "./bundle.mjs";
import { png } from "./pictures.mjs";
import { serve } from "./terminal.mjs";
import { fileOf, User } from "./user.mjs";

/** @import { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core" */

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
const models = pageModels();
const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
const haguruma = fileURLToPath(new URL("../build/haguruma", import.meta.url));

before(async () => {
	[browser, server] = await Promise.all([launch(), serve()]);
});
after(async () => {
	await browser?.close();
	await server?.stop();
	models.remove();
	rmSync(folder, { recursive: true });
});

/** @param {BrowserContext} context */
const prepare = async (context) => {
	if (!hasOwn()) await context.route("**/models/*", (route) => route.fulfill({ path: join(models.folder, new URL(route.request().url()).pathname.slice(8)) }));
};

/** @param {BrowserContextOptions} [options] @param {(context: BrowserContext) => Promise<unknown>} [more] */
async function open(options = desktop, more = async () => {}) {
	const visit = await Visit.open(browser, server.url, options, async (context) => {
		await prepare(context);
		await more(context);
	});
	await ready(visit.page);
	return { visit, page: visit.page, user: new User(visit.page, options.hasTouch) };
}

/** @param {Page} page */
const ready = (page) => eventually(() => page.locator("#load-line").textContent(), text.ready(models.name));

/** Stripes of a direction; flat ones are bright. @param {boolean} upright @param {number} n */
const stripes = (upright, n) =>
	png(64, 64, (x, y) => {
		const light = Math.sin(((upright ? x : y) + n) / (2 + n / 9)) > 0 ? 220 : 40;
		return [light, upright ? light : 230, upright ? 230 : light];
	});

/** Two classes of three pictures, learnt. @param {User} user @param {Page} page */
async function teach(user, page) {
	await user.rename(0, "flat");
	await user.rename(1, "upright");
	for (const [i, upright] of [false, true].entries()) {
		await user.choose(user.button(user.card(i), text.chooseFiles), [1, 2, 3].map((n) => fileOf(`${n}.png`, stripes(upright, n))));
		await user.waitForPictures(i, 3);
	}
	await user.press(page.locator("#learn"));
	await user.waitFor("#learn-reason", text.learntLive);
	await kept(page);
}

/** @param {Page} page */
const kept = (page) => eventually(() => page.locator("#kept-line").textContent(), text.keptHere);

/** What the page says of a picture. @param {User} user @param {Uint8Array} bytes */
async function answer(user, bytes) {
	const verdict = user.page.locator("#verdict");
	await verdict.evaluate((p) => (p.textContent = "")); // that of the picture before
	await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf("new.png", bytes)]);
	await eventually(() => user.page.locator("#bars > li").count(), 2);
	return eventually(async () => (await verdict.textContent()) ?? "", (said) => said !== "", "an answer");
}

/** @param {Page} page @returns {Promise<number[]>} numbers of the versions, and the one in use */
const versions = (page) => page.locator("#version-list > li").evaluateAll((rows) => rows.map((row) => Number(/** @type {HTMLElement} */ (row).dataset["version"])));

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: what was done is there after the tab is closed, and goes on`, async () => {
		const { visit, page, user } = await open(options);
		await eventually(() => page.locator("#kept-line").textContent(), text.keptYet);
		await teach(user, page);
		const before = await answer(user, stripes(true, 5));
		await page.close({ runBeforeUnload: false });

		const again = await visit.page.context().newPage();
		const back = new User(again, options.hasTouch);
		await again.goto(server.url);
		await ready(again);
		assert.deepEqual(await back.classNames(), ["flat", "upright"]);
		await back.waitForPictures(0, 3);
		await back.waitForPictures(1, 3);
		await back.waitFor("#learn-reason", text.learntLive);
		assert.equal(await answer(back, stripes(true, 5)), before);
		assert.ok(await again.locator("#most-like").isVisible(), "the nearest example is not known");
		await back.press(again.locator("#versions > summary"));
		assert.deepEqual(await versions(again), [1, 0], "the version was made again instead of recalled");

		// It goes on: a picture more is learnt, and so is the way back.
		await back.choose(back.button(back.card(0), text.chooseFiles), [fileOf("4.png", stripes(false, 4))]);
		await eventually(() => versions(again), [2, 1, 0]);
		await back.press(again.locator('[data-version="1"] button'));
		await eventually(() => again.locator(".in-use").getAttribute("data-version"), "1");
		await kept(again);
		await again.reload();
		await ready(again);
		await back.waitForPictures(0, 4);
		await eventually(() => again.locator(".in-use").getAttribute("data-version"), "1");
		assert.equal(await answer(back, stripes(true, 5)), before);
		await back.press(again.locator("#versions > summary"));
		await back.press(again.locator("#journal > summary"));
		await back.waitFor("#journal tbody", text.entryKinds["rolled-back"]);
		await visit.browser.contexts().at(-1)?.pages().at(-1)?.screenshot({ path: fileURLToPath(new URL(`../build/screenshots/${device}-kept.png`, import.meta.url)), fullPage: true });

		// Forgotten is forgotten.
		again.once("dialog", (dialog) => void dialog.accept());
		await back.press(back.button(again.locator("#kept"), text.forget));
		await eventually(() => back.classNames().catch(() => []), (names) => names.length === 2 && names[0] === text.newClass("A"));
		await ready(again);
		await eventually(() => again.locator("#kept-line").textContent(), text.keptYet);
		visit.calm();
		await visit.close();
	});
}

test("a tab that is killed in the middle loses nothing that was said to be kept", async () => {
	const { visit, page, user } = await open();
	await teach(user, page);
	await user.choose(user.button(user.card(1), text.chooseFiles), [fileOf("4.png", stripes(true, 4))]);
	await user.waitForPictures(1, 4);
	await kept(page);
	const cdp = await page.context().newCDPSession(page);
	void cdp.send("Page.crash").catch(() => {});
	await eventually(() => visit.problems.includes("the page crashed"), true);
	const again = await page.context().newPage();
	await again.goto(server.url);
	await ready(again);
	await new User(again).waitForPictures(1, 4);
	await again.context().close();
});

test("two tabs: the second says that it keeps nothing, and the first goes on", async () => {
	const { visit, page, user } = await open();
	await teach(user, page);
	const other = await page.context().newPage();
	await other.goto(server.url);
	await ready(other);
	await eventually(() => other.locator("#kept-line").textContent(), text.errors.storage_busy);
	const second = new User(other);
	await second.choose(second.button(second.card(0), text.chooseFiles), [fileOf("1.png", stripes(true, 1))]);
	await second.waitForPictures(0, 1);
	await second.waitFor("#alerts", text.errors.storage_busy);
	await other.close();
	await page.reload();
	await ready(page);
	assert.deepEqual(await user.classNames(), ["flat", "upright"]);
	await user.waitForPictures(0, 3);
	visit.calm();
	await visit.close();
});

test("no storage: the page works, says so in both languages, and asks before it is left", async () => {
	const { visit, page, user } = await open(desktop, (context) => context.addInitScript(() => {
		IDBFactory.prototype.open = () => {
			throw new DOMException("denied", "SecurityError");
		};
	}));
	await eventually(() => page.locator("#kept-line").textContent(), text.errors.storage_denied);
	await user.rename(0, "flat");
	await user.choose(user.button(user.card(0), text.chooseFiles), [fileOf("1.png", stripes(false, 1))]);
	await user.waitForPictures(0, 1);
	await user.waitFor("#alerts", text.errors.storage_denied);
	await page.locator("#language").selectOption("ja");
	useLanguage("ja");
	const inJapanese = text.errors.storage_denied;
	useLanguage("en");
	await eventually(() => page.locator("#kept-line").textContent(), inJapanese);
	const asked = page.waitForEvent("dialog");
	await page.evaluate(() => void setTimeout(() => location.reload()));
	const dialog = await asked;
	assert.equal(dialog.type(), "beforeunload");
	await dialog.dismiss();
	visit.calm();
	await visit.close();
});

test("storage full: it is said, what was kept stays, and the next change tries again", async () => {
	const { visit, page, user } = await open(desktop, (context) => context.addInitScript(() => {
		const put = IDBObjectStore.prototype.put;
		IDBObjectStore.prototype.put = function (/** @type {[any, any]} */ ...args) {
			if (/** @type {any} */ (globalThis).full) throw new DOMException("full", "QuotaExceededError");
			return put.apply(this, args);
		};
	}));
	await teach(user, page);
	await page.evaluate(() => void (/** @type {any} */ (globalThis).full = true));
	await user.choose(user.button(user.card(0), text.chooseFiles), [fileOf("4.png", stripes(false, 4))]);
	await user.waitFor("#alerts", text.errors.storage_full);
	const tab = await page.context().newPage(); // what is on the disk, beside the page
	await tab.goto(new URL("icon.svg", server.url).href);
	const stored = () => tab.evaluate(() => new Promise((resolve, reject) => {
		const request = indexedDB.open("haguruma", 1);
		request.onerror = () => reject(request.error);
		request.onsuccess = () => {
			const read = request.result.transaction("state").objectStore("state").get("task");
			read.onsuccess = () => resolve(read.result.examples.length);
		};
	}));
	assert.equal(await stored(), 6);
	await page.evaluate(() => void (/** @type {any} */ (globalThis).full = false));
	await user.choose(user.button(user.card(0), text.chooseFiles), [fileOf("6.png", stripes(false, 6))]);
	await user.waitForPictures(0, 5);
	await kept(page);
	assert.equal(await stored(), 8);
	assert.equal((await page.locator("#alerts").textContent())?.includes(text.errors.storage_full), false);
	visit.calm();
	await visit.close();
});

/** Runs the terminal. @param {...string} args */
const terminal = (...args) => execFileSync(haguruma, args, { encoding: "utf8" });

/** What a button saves. @param {Page} page @param {string} name @returns {Promise<string>} path */
async function saved(page, name) {
	const coming = page.waitForEvent("download");
	await page.locator("#kept").getByRole("button", { name, exact: true }).click();
	const path = join(folder, `${Math.random()}-${(await coming).suggestedFilename()}`);
	await (await coming).saveAs(path);
	return path;
}

test("classifier and task as files: the terminal gives the same answers, the journal holds, and another browser goes on", async () => {
	const { visit, page, user } = await open();
	await teach(user, page);
	const pictures = [4, 5, 6, 7].map((n) => ({ name: `${n}.png`, bytes: stripes(n % 2 === 0, n) }));
	const asked = join(folder, "asked");
	mkdirSync(asked);
	for (const { name, bytes } of pictures) writeFileSync(join(asked, name), bytes);
	/** @type {Record<string, string>} */
	const here = {};
	for (const { name, bytes } of pictures) {
		await answer(user, bytes);
		here[name] = await page.locator("#bars").innerText();
	}

	// The classifier, at the terminal and in another browser.
	const adapter = await saved(page, text.saveAdapter);
	const bundle = ["--bundle", join(models.folder, "default.json")];
	const { results } = JSON.parse(terminal("classify", "--adapter", adapter, ...bundle, "--json", asked));
	for (const { file, scores } of results) {
		for (const { class: name, probability } of scores) {
			const shown = here[file.split("/").at(-1)]?.split("\n") ?? [];
			assert.equal(shown[shown.indexOf(name) + 1], text.percent(probability), `${file}: ${name}: ${shown}`);
		}
	}
	const other = await open();
	await other.user.choose(other.user.button(other.page.locator("#kept"), text.openAdapter), [adapter]);
	await eventually(() => other.user.classNames(), (names) => names.includes("flat") && names.includes("upright"));
	assert.equal(await answer(other.user, stripes(true, 4)), await answer(user, stripes(true, 4)));
	await other.user.choose(other.user.button(other.page.locator("#kept"), text.openAdapter), [fileOf("a.safetensors", Buffer.from("no"))]);
	await other.user.waitFor("#alerts", text.errors.adapter);
	other.visit.calm();
	await other.visit.close();

	// The task, unpacked, at the terminal.
	const task = await saved(page, text.saveTask);
	const unpacked = join(folder, "unpacked");
	for (const [name, data] of await readZip(new Blob([readFileSync(task)]))) {
		mkdirSync(dirname(join(unpacked, name)), { recursive: true });
		writeFileSync(join(unpacked, name), new Uint8Array(await data.arrayBuffer()));
	}
	assert.match(terminal("history", unpacked), /1/);
	terminal("journal", "verify", unpacked);
	assert.deepEqual(JSON.parse(terminal("classify", "--adapter", unpacked, ...bundle, "--json", asked)).results, results);
	const csv = await (async () => {
		await user.press(page.locator("#journal > summary"));
		return readFileSync(await saved(page, text.journalSave));
	})();
	assert.deepEqual([...csv.subarray(0, 3)], [0xef, 0xbb, 0xbf], "no byte order mark");
	assert.match(csv.toString(), /rolled-back|taken/);

	// The task, in another browser.
	const third = await open();
	await third.user.choose(third.user.button(third.page.locator("#kept"), text.openTask), [task]);
	await eventually(() => third.user.classNames().catch(() => []), ["flat", "upright"]);
	await ready(third.page);
	await third.user.waitForPictures(1, 3);
	assert.equal(await answer(third.user, stripes(true, 4)), await answer(user, stripes(true, 4)));
	await third.user.press(third.page.locator("#journal > summary"));
	await third.user.waitFor("#journal tbody", text.entryKinds.imported);
	const torn = readFileSync(task).subarray(0, 3000);
	await third.user.choose(third.user.button(third.page.locator("#kept"), text.openTask), [fileOf("torn.zip", torn)]);
	await third.user.waitFor("#alerts", text.errors.task_file);
	assert.deepEqual(await third.user.classNames(), ["flat", "upright"]);
	third.visit.calm();
	await third.visit.close();
	visit.calm();
	await visit.close();
});

test("the guard: what is worse is not taken, says why, and can be taken all the same", async () => {
	const { visit, page, user } = await open();
	await user.press(page.locator("#sample"));
	await user.waitFor("#learn-reason", text.learntLive);
	// With fewer pictures each is told worse by the others.
	for (const n of [4, 3, 2]) {
		for (const i of [0, 1]) {
			const tile = user.card(i).locator(".tile").last();
			await tile.hover();
			await tile.getByRole("button").click();
			await user.waitForPictures(i, n);
		}
	}
	await eventually(() => page.locator("#refused").isVisible(), true);
	await user.waitFor("#refused", text.refused);
	const before = await page.locator(".in-use").getAttribute("data-version");
	await visit.screenshot("desktop-refused");
	await page.locator("#refused button").click();
	await eventually(() => page.locator("#refused").isVisible(), false);
	await user.press(page.locator("#versions > summary"));
	await user.waitFor(`[data-version="${Number(before) + 1}"]`, text.verdicts.worse);
	visit.calm();
	await visit.close();
});
