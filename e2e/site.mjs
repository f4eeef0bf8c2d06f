// What most test files of the page share: one Chromium, www with a bundle on a server, and the page when it is ready for its user.

import { after, before } from "node:test";
import { languages } from "../www/strings.js";
import { desktop, eventually, launch, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { serve } from "./server.mjs";
import { User } from "./user.mjs";

/** @import { Browser, BrowserContextOptions } from "playwright-core" */

/**
 * Called at the top of a test file: browser and server are there from before its first test until after its last.
 * @param {import("./bundle.mjs").Models} [models]
 * @param {string[]} [flags] of the browser
 */
export function site(models = pageModels(), flags = []) {
	/** @type {Browser} */
	let browser;
	/** @type {Awaited<ReturnType<typeof serve>>} */
	let server;
	before(async () => {
		[browser, server] = await Promise.all([launch(flags), serve(models.folder)]);
	});
	after(async () => {
		await browser?.close();
		await server?.close();
		models.remove();
	});
	return {
		models,
		get browser() {
			return browser;
		},
		get url() {
			return server.url;
		},
		/** Opens the page and waits until it is ready, which it says in the language of a table. @param {BrowserContextOptions} [options] */
		async open(options = desktop, table = languages.en) {
			const visit = await Visit.open(browser, server.url, options);
			await eventually(() => visit.page.locator("#load-line").textContent(), table.ready(models.name));
			return { visit, page: visit.page, user: new User(visit.page, options.hasTouch) };
		},
	};
}
