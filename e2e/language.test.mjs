// Two languages: the browser's, switched in the page, remembered, and with nothing lost or left in the other.

import assert from "node:assert/strict";
import { test } from "node:test";
import { languages } from "../www/strings.js";
import { desktop, eventually, phone } from "./browser.mjs";
import { site } from "./site.mjs";
import { circle, cross, fileOf } from "./user.mjs";

/** @import { Page } from "playwright-core" */

const { models, open } = site();
const { en, ja } = languages;

/** Everything that can be read or heard in the page. @param {Page} page @returns {Promise<string[]>} */
const words = (page) => page.evaluate(() => {
	const found = [document.title];
	const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let node = walker.nextNode(); node; node = walker.nextNode()) {
		if (node.parentElement?.closest("noscript, #language, #model dd, #model pre")) continue;
		found.push(node.textContent ?? "");
	}
	for (const element of document.querySelectorAll("body *")) {
		for (const name of ["aria-label", "title", "alt", "placeholder"]) found.push(element.getAttribute(name) ?? "");
	}
	return found.map((text) => text.trim()).filter(Boolean);
});

const japanese = /[\p{sc=Hira}\p{sc=Kana}\p{sc=Han}]/u;

test("a browser that asks for Japanese has it, in every word of the page", async () => {
	for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
		const { visit, page, user } = await open({ ...options, locale: "ja-JP" }, ja);
		assert.equal(await page.locator("html").getAttribute("lang"), "ja");
		assert.deepEqual(await user.classNames(), [ja.newClass("A"), ja.newClass("B")]);
		const foreign = (await words(page)).filter((line) => !japanese.test(line) && !/^(haguruma|\d|×|http:\/\/\S+)$/.test(line));
		assert.deepEqual(foreign, []);
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, "the page scrolls sideways");
		for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
			await page.emulateMedia({ colorScheme });
			await visit.screenshot(`${device}-${colorScheme}-ja`);
		}
		visit.calm();
		await visit.close();
	}
});

test("the language is switched in the middle of the work: all is said again, nothing is lost, and the next visit knows", async () => {
	const { visit, page, user } = await open();
	assert.equal(await page.locator("html").getAttribute("lang"), "en");
	const draw = async (/** @type {number} */ card, /** @type {import("./user.mjs").Stroke[]} */ strokes) => {
		await user.draw(user.card(card), strokes);
		await user.press(user.card(card).locator(".card-draw .strong"));
	};
	await user.rename(1, "cross");
	await draw(0, circle(0.3));
	await draw(1, cross(0.3));
	await user.choose(user.button(user.card(1), en.chooseFiles), [fileOf("letter.png", Buffer.from("not a picture"))]);
	await user.waitFor("#alerts", en.problem("letter.png", en.errors.picture_format));
	await user.press(page.locator("#learn"));
	await user.draw(user.tryIt, cross(0.31));
	await eventually(async () => (await page.locator("#verdict").textContent()) ?? "", (v) => v.startsWith("cross, "));

	await page.locator("#language").selectOption("ja");
	await eventually(async () => (await page.locator("#verdict").textContent()) ?? "", (v) => v.startsWith("cross、"));
	await user.waitFor("#load-line", ja.ready(models.name));
	await user.waitFor("#learn-reason", ja.learntLive);
	await user.waitFor("#alerts", ja.problem("letter.png", ja.errors.picture_format));
	assert.deepEqual(await user.classNames(), [ja.newClass("A"), "cross"], "what the user named stays");
	assert.equal(await page.locator("html").getAttribute("lang"), "ja");
	const english = async () => (await words(page)).filter((line) => !japanese.test(line) && !/^(haguruma|\d+%?|×|cross(、\d+%)?|drawing \d|Class A、cross|qkv|proj|fc1|fc2|http:\/\/\S+|\d+\/\d+\/\d+ \d+:\d+)$/.test(line));
	await eventually(english, []); // what is read aloud waits until an answer has settled
	await visit.screenshot("desktop-switched");

	page.on("dialog", (dialog) => void dialog.accept());
	await page.reload();
	await user.waitFor("#load-line", ja.ready(models.name));
	await page.locator("#language").selectOption("en");
	await user.waitFor("#load-line", en.ready(models.name));
	assert.deepEqual(await user.classNames(), [en.newClass("A"), "cross"]);
	assert.deepEqual((await words(page)).filter((line) => japanese.test(line)), []);
	visit.calm();
	await visit.close();
});
