// The sample task: one click from an empty page to an answer.

import assert from "node:assert/strict";
import { test } from "node:test";
import { languages } from "../www/strings.js";
import { desktop, eventually, phone, Visit } from "./browser.mjs";
import { site } from "./site.mjs";
import { User } from "./user.mjs";

const here = site();

for (const [device, table, options] of /** @type {const} */ ([["desktop", languages.en, { ...desktop, locale: "en-GB" }], ["phone", languages.ja, { ...phone, locale: "ja" }]])) {
	test(`${device}: one click, also while the engine is on its way, and the scratch on a new part is seen`, async () => {
		const visit = await Visit.open(here.browser, here.url, options);
		const { page } = visit;
		const user = new User(page, "hasTouch" in options);
		const sample = page.locator("#sample");
		const { long } = await visit.tasks(async () => {
			await user.press(sample);
			await eventually(() => user.classNames(), [table.sampleGood, table.sampleBad]);
			await eventually(() => page.locator("#verdict").textContent().then((said) => said?.startsWith(table.verdict(table.sampleBad, ""))), true);
		});
		assert.deepEqual(long, []);
		await eventually(() => page.locator(".tile").count(), 10);
		assert.equal(await sample.isVisible(), false, "a second sample would only be in the way");
		assert.equal(await page.evaluate(() => document.activeElement?.id), "learn");
		await visit.screenshot(`${device}-sample`);
		visit.calm();
		await visit.close();
	});
}

test("pressed before the page's program is there: it is done when it is", async () => {
	/** @type {(now?: unknown) => void} */
	let send = () => {};
	const sent = new Promise((resolve) => (send = resolve));
	const visit = await Visit.open(here.browser, here.url, desktop, (context) => context.route("**/app.js", async (route) => {
		await sent;
		await route.continue();
	}));
	const user = new User(visit.page);
	await user.press(visit.page.locator("#sample"));
	assert.equal(await visit.page.locator(".card").count(), 0);
	send();
	await eventually(() => user.classNames(), [languages.en.sampleGood, languages.en.sampleBad]);
	visit.calm();
	await visit.close();
});
