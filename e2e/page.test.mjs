// The page in Chromium as its users have it: from the terminal's own server, with the bundle of www, at a desk and on a
// phone. Classes, drawings, files, Learn, answers, second thoughts.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { text } from "../www/strings.js";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { hasOwn, pageModels } from "./bundle.mjs";
import { casting, flatPng } from "./pictures.mjs";
import { serve } from "./terminal.mjs";
import { bars, circle, cross, fileOf, User } from "./user.mjs";

/** @import { Browser, BrowserContextOptions } from "playwright-core" */

/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
const models = pageModels();
const folder = mkdtempSync(join(tmpdir(), "haguruma-"));

before(async () => {
	[browser, server] = await Promise.all([launch(), serve()]);
});
after(async () => {
	await browser?.close();
	server?.stop();
	models.remove();
	rmSync(folder, { recursive: true });
});

/** Opens the page and waits until it is ready. @param {BrowserContextOptions} options */
async function open(options) {
	const visit = await Visit.open(browser, server.url, options, async (context) => {
		if (!hasOwn()) await context.route("**/models/*", (route) => route.fulfill({ path: join(models.folder, new URL(route.request().url()).pathname.slice(8)) }));
	});
	await eventually(() => visit.page.locator("#load-line").textContent(), text.ready(models.name));
	return { visit, page: visit.page, user: new User(visit.page, options.hasTouch) };
}

/** Writes files into a folder of their own and returns its path. @param {string} name @param {Record<string, Buffer>} files */
function folderOf(name, files) {
	mkdirSync(join(folder, name), { recursive: true });
	for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, name, file), bytes);
	return join(folder, name);
}

test("www has the bundle that it is served with", () => {
	assert.ok(hasOwn(), "www/models/default.json is missing: the tests below ran with random weights");
});

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: from nothing to answers, and second thoughts`, async () => {
		const { visit, page, user } = await open(options);
		const { long, count } = await visit.tasks(async () => {
			// Step 1. What is missing is said, and Learn waits for it.
			await user.rename(0, "circle");
			await user.rename(1, "cross");
			assert.deepEqual(await user.classNames(), ["circle", "cross"]);
			await user.addDrawing(user.card(0), circle(0.3));
			await user.addDrawing(user.card(0), circle(0.36, 0.52, 0.48));
			await user.waitForPictures(0, 2);
			await user.waitFor("#learn-reason", text.whyEmptyClass("cross"));
			await page.locator("#learn").click({ force: true }); // it says that it is disabled, and does nothing
			await user.addDrawing(user.card(1), cross(0.3));
			await user.addDrawing(user.card(1), cross(0.36, 0.48, 0.52));
			await user.waitForPictures(1, 2);
			await user.waitFor("#learn-reason", text.readyToLearn);
			await user.waitFor("#verdict", text.tryFirst);

			// Steps 2 and 3.
			await user.press(page.locator("#learn"));
			await user.waitFor("#learn-reason", "Learnt 2 classes from 4 pictures");
			await user.draw(user.tryIt, circle(0.33, 0.49, 0.5));
			await user.waitForVerdict("circle");
			const results = await user.results();
			assert.deepEqual(results.map((r) => r.name), ["circle", "cross"]);
			const [first, second] = results.map((r) => r.percent);
			assert.ok(first && first > 50 && first + (second ?? NaN) >= 99 && first + (second ?? NaN) <= 101, JSON.stringify(results));
			assert.ok(await page.locator("#most-like").isVisible());
			await user.press(user.button(user.tryIt, text.clear));
			await user.waitFor("#verdict", text.tryHint);
			await user.draw(user.tryIt, cross(0.33, 0.5, 0.49));
			await user.waitForVerdict("cross");
			await visit.screenshot(`${device}-drawings`);

			// A drawing taken back stroke by stroke.
			await user.press(user.button(user.tryIt, text.undoStrokeLabel));
			await user.press(user.button(user.tryIt, text.undoStrokeLabel));
			await user.waitFor("#verdict", text.tryHint);

			// A third class is learnt at once, a new name is used at once.
			await user.press(page.locator("#add-class"));
			await eventually(() => user.card(2).locator("input.name").evaluate((input) => input === document.activeElement), true);
			await page.keyboard.type("bars");
			await page.keyboard.press("Enter");
			await user.addDrawing(user.card(2), bars());
			await user.waitFor("#learn-reason", "Learnt 3 classes from 5 pictures");
			await user.draw(user.tryIt, bars(0.02));
			await user.waitForVerdict("bars");
			await user.rename(2, "stripes");
			await user.waitForVerdict("stripes");

			// An example removed and brought back; a class removed and brought back.
			const tile = user.card(2).locator(".tile");
			if (!user.finger) await tile.hover();
			await user.press(tile.getByRole("button"));
			await user.waitForPictures(2, 0);
			await user.waitFor("#learn-reason", text.notYetLearnt("stripes"));
			await user.press(user.button(page.locator("#notices"), text.undo));
			await user.waitForPictures(2, 1);
			await user.press(user.button(user.card(0), text.removeClass("circle")));
			await eventually(() => user.classNames(), ["cross", "stripes"]);
			await eventually(async () => (await user.results()).map((r) => r.name), ["cross", "stripes"]);
			await user.press(user.button(page.locator("#notices"), text.undo));
			await eventually(() => user.classNames(), ["circle", "cross", "stripes"]);
			await user.waitForPictures(0, 2);
			await user.waitFor("#learn-reason", "Learnt 3 classes from 5 pictures");
			await user.waitForVerdict("stripes");
		});
		assert.ok(count > 100, `only ${count} tasks of the page were seen`);
		assert.deepEqual(long, []);
		visit.calm();
		await visit.close();
	});
}

test("files: chosen, dropped, in folders; the next file is told from them", async () => {
	const { visit, page, user } = await open(desktop);
	const good = folderOf("good", { "g1.png": casting(false, -6), "g2.png": casting(false, 0), "g3.png": casting(false, 7) });
	const bad = folderOf("bad", { "b1.png": casting(true, -6), "b2.png": casting(true, 0), "b3.png": casting(true, 7), ".DS_Store": Buffer.of(1) });
	const { long } = await visit.tasks(async () => {
		// Two folders dropped on the page take the place of the two classes that nobody named.
		await user.drop(page.locator("#teach-title"), [good, bad]);
		await eventually(() => user.classNames(), ["good", "bad"]);
		await user.waitForPictures(0, 3);
		await user.waitForPictures(1, 3);
		await user.choose(user.button(user.card(0), text.chooseFiles), [fileOf("g4.png", casting(false, 3)), fileOf("g5.png", casting(false, -3))]);
		await user.waitForPictures(0, 5);
		await user.drop(user.card(1), [join(folder, "bad/b1.png")]);
		await user.waitForPictures(1, 4);

		await page.locator("#learn").click();
		await user.waitFor("#learn-reason", "Learnt 2 classes from 9 pictures");
		await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf("next.png", casting(true, 4))]);
		await user.waitForVerdict("bad");
		assert.equal(await user.tryIt.locator("canvas[role=img]:visible").first().getAttribute("aria-label"), text.pictureOf("next.png"));
		await user.drop(user.tryIt, [join(folder, "good/g2.png"), join(folder, "bad/b2.png")]);
		await user.waitFor("#notices", text.tryOne("g2.png"));
		await user.waitForVerdict("good");
		await visit.screenshot("desktop-files");

		// Loose files dropped beside the classes have nowhere to go, and the page does not leave for them.
		await user.drop(page.locator(".top"), [join(folder, "good/g1.png")]);
		await user.waitFor("#notices", text.dropOnClass);
		await user.press(user.button(user.tryIt, text.tryBack));
		await user.waitFor("#verdict", text.tryHint);
	});
	assert.deepEqual(long, []);

	// Leaving asks nothing: all of it is kept.
	await eventually(() => page.locator("#kept-line").textContent(), text.keptHere);
	await page.reload();
	await eventually(() => user.classNames(), ["good", "bad"]);
	await user.waitForPictures(1, 4);
	visit.calm();
	await visit.close();
});

test("huge photos are read while the hand goes on drawing", async () => {
	const { visit, user } = await open(desktop);
	// Two, and a drawing of few points: on a busy machine one was read before the drawing was there.
	const names = [0, 1].map((n) => `huge${n}.png`);
	const huge = folderOf("huge", Object.fromEntries(names.map((name, n) => [name, flatPng(7000, 6000 - n)])));
	const { long } = await visit.tasks(async () => {
		await user.choose(user.button(user.card(0), text.chooseFiles), names.map((name) => join(huge, name)));
		const waiting = user.card(0).locator(".tile.waiting");
		await eventually(() => waiting.count(), (n) => n > 0, "photos that wait");
		await user.addDrawing(user.card(1), cross(0.3));
		assert.ok((await waiting.count()) > 0, "the drawing was there before the photos");
		await user.waitForPictures(0, 2);
		await user.waitForPictures(1, 1);
	});
	assert.deepEqual(long, []);
	visit.calm();
	await visit.close();
});
