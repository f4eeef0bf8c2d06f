// The page with a model of the test's choice from the terminal's own server, which has the list of files that a page without a network needs: a copy of www.

import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { text } from "../www/strings.js";
import { desktop, eventually, launch, Visit } from "./browser.mjs";
import { serve } from "./terminal.mjs";
import { fileOf, User } from "./user.mjs";

/** @import { Browser, BrowserContextOptions, Page } from "playwright-core" */
/** @import { Text } from "../www/strings.js" */
/** @import { Models } from "./bundle.mjs" */

const root = fileURLToPath(new URL("../", import.meta.url));

/** Called at the top of a test file: browser and server are there from before its first test until after its last. @param {Models} models */
export function ownSite(models) {
	/** for files of the test */
	const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
	/** @type {Browser} */
	let browser;
	/** @type {Awaited<ReturnType<typeof serve>>} */
	let server;
	before(async () => {
		cpSync(join(root, "www"), join(folder, "www"), { recursive: true, filter: (path) => !/www\/(test|models)$/.test(path) });
		cpSync(models.folder, join(folder, "www/models"), { recursive: true });
		[browser, server] = await Promise.all([launch(), serve(join(folder, "www"))]);
	});
	after(async () => {
		await browser?.close();
		await server?.stop();
		models.remove();
		rmSync(folder, { recursive: true });
	});
	/** @param {Page} page */
	const ready = (page, table = text) => eventually(() => page.locator("#load-line").textContent(), table.ready(models.name));
	return {
		folder, ready,
		/** @param {BrowserContextOptions} [options] @param {Text} [table] */
		async open(options = desktop, table = text) {
			const visit = await Visit.open(browser, server.url, options);
			await ready(visit.page, table);
			return { visit, page: visit.page, user: new User(visit.page, options.hasTouch) };
		},
		/** Neither server nor network. @param {Page} page */
		async cut(page) {
			await server.stop();
			await page.context().setOffline(true);
		},
		/** Both are there again. @param {Page} page */
		async mend(page) {
			server = await serve(join(folder, "www"), server.port);
			await page.context().setOffline(false);
		},
		/** Saves what a button of the page saves. @param {User} user @param {import("playwright-core").Locator} button @returns {Promise<{ path: string, name: string }>} */
		async saved(user, button) {
			const coming = user.page.waitForEvent("download");
			await user.press(button);
			const download = await coming;
			const name = download.suggestedFilename();
			const path = join(folder, name);
			await download.saveAs(path);
			return { path, name };
		},
	};
}

/** Runs the terminal. @param {...string} args */
export const terminal = (...args) => execFileSync(join(root, "build/haguruma"), args, { encoding: "utf8" });

/** Two classes of so many pictures, learnt. @param {User} user @param {(second: boolean, n: number) => Buffer} draw @param {Text} [table] */
export async function teach(user, draw, table = text, count = 5) {
	for (const [i, second] of [false, true].entries()) {
		await user.choose(user.button(user.card(i), table.chooseFiles), Array.from({ length: count }, (_, n) => fileOf(`${n}.png`, draw(second, n))));
		await user.waitForPictures(i, count, table);
	}
	await user.press(user.page.locator("#learn"));
	await user.waitFor("#learn-reason", table.learntLive);
}

/** What the page says of a picture: the bars. @param {User} user @param {Buffer} bytes @param {Text} [table] */
export async function answer(user, bytes, table = text) {
	await user.page.locator("#verdict").evaluate((p) => (p.textContent = "")); // that of the picture before
	await user.choose(user.button(user.tryIt, table.tryChoose), [fileOf("new.png", bytes)]);
	await eventually(() => user.page.locator("#verdict").textContent(), (said) => Boolean(said), "an answer");
	return user.page.locator("#bars").innerText();
}

/** Notes all that an element says from now on. @param {Page} page @param {string} selector @returns {Promise<() => Promise<string[]>>} what it has said */
export async function sayings(page, selector) {
	await page.locator(selector).evaluate((element) => {
		const said = /** @type {string[]} */ (/** @type {any} */ (globalThis).said = []);
		new MutationObserver(() => said.push(element.textContent ?? "")).observe(element, { childList: true, characterData: true, subtree: true });
	});
	return () => page.evaluate(() => [.../** @type {any} */ (globalThis).said]);
}
