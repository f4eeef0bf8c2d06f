// The camera: pictures of a class while a button is held, answers at the engine's own speed, and a sentence where there is no camera.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { languages, text } from "../www/strings.js";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { serve } from "./terminal.mjs";
import { cross, User } from "./user.mjs";

/** @import { Browser, BrowserContextOptions, Page } from "playwright-core" */

const models = pageModels();
/** Chromium with two cameras, which show a green field with a clock that goes round. @type {Browser} */
let browser;
/** Chromium without any. @type {Browser} */
let blind;
/** @type {Awaited<ReturnType<typeof serve>>} */
let server;
before(async () => {
	[browser, blind, server] = await Promise.all([launch(["--use-fake-device-for-media-stream=device-count=2"]), launch(), serve()]);
});
after(async () => {
	await Promise.all([browser?.close(), blind?.close(), server?.stop()]);
	models.remove();
});

/** @param {Browser} browser @param {BrowserContextOptions} options @param {(page: Page) => Promise<unknown>} [prepare] */
async function open(browser, options, prepare = async () => {}) {
	const visit = await Visit.open(browser, server.url, options, (context) => {
		context.on("page", (page) => void prepare(page));
		return Promise.resolve();
	});
	const user = new User(visit.page, options.hasTouch);
	const table = options.locale === "ja-JP" ? languages.ja : text;
	await user.waitFor("#load-line", table.ready(models.name));
	return { visit, page: visit.page, user };
}

const allowed = { permissions: ["camera"] };

/** Whether some place of the page shows a moving picture. @param {Page} page */
const films = (page) => page.evaluate(() => [...document.querySelectorAll("video")].filter((v) => v.checkVisibility() && !v.paused && v.videoWidth > 0).length);

for (const [device, options] of /** @type {[string, BrowserContextOptions][]} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: pictures as long as the button is held, and live answers that keep pace with the engine`, async () => {
		const { visit, page, user } = await open(browser, { ...options, ...allowed });
		const card = user.card(0);
		const count = () => card.locator(".tile").count();
		const { long } = await visit.tasks(async () => {
			await user.press(user.button(card, text.cameraOpen));
			const hold = user.button(card, text.cameraHold);
			await eventually(() => hold.getAttribute("aria-disabled"), "false");
			await eventually(() => films(page), 1);
			await hold.scrollIntoViewIfNeeded();
			const box = await hold.boundingBox();
			assert.ok(box);
			await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
			await page.mouse.down();
			await eventually(count, (n) => n >= 4);
			await page.mouse.up();
			const taken = await count();
			await page.waitForTimeout(700); // nothing to wait for: nothing is to come
			assert.ok((await count()) <= taken + 1, "it goes on after the button was let go");
			// The keyboard holds it too.
			const before = await count();
			await hold.focus();
			await page.keyboard.down(" ");
			await eventually(count, (n) => n >= before + 2);
			await page.keyboard.up(" ");
			await page.waitForTimeout(700); // the one that was being taken
			const n = await count();
			await user.waitForPictures(0, n);
			await visit.screenshot(`${device}-camera-record`);
			await user.press(user.button(card, text.cameraClose));
			await eventually(() => films(page), 0);

			await user.addDrawing(user.card(1), cross(0.3));
			await user.waitForPictures(1, 1);
			await user.press(page.locator("#learn"));
			await user.waitFor("#learn-reason", `Learnt 2 classes from ${n + 1} pictures`);
			await user.press(user.button(user.tryIt, text.cameraOpen));
			await user.waitForVerdict("Class A");
		});
		assert.deepEqual(long, []);

		// One picture at a time: in a second the answers are as many as the engine or the camera gives, and none waits in a row.
		const pace = await page.evaluate(async () => {
			let answers = 0;
			const seen = new MutationObserver(() => void answers++);
			seen.observe(/** @type {Node} */ (document.querySelector("#verdict")), { childList: true });
			await new Promise((resolve) => setTimeout(resolve, 1000));
			seen.disconnect();
			return answers;
		});
		assert.ok(pace >= 2 && pace <= 60, `${pace} answers a second`);
		await visit.screenshot(`${device}-camera-live`);
		await page.emulateMedia({ colorScheme: "dark" });
		await visit.screenshot(`${device}-camera-live-dark`);
		// Drawing instead switches the camera off, and the paper is the subject again.
		await user.press(user.button(user.tryIt, text.tryBack));
		await user.waitFor("#verdict", text.tryHint);
		await user.draw(user.tryIt, cross(0.31));
		await user.waitForVerdict("Class B");
		assert.equal(await films(page), 0);
		visit.calm();
		await visit.close();
	});
}

test("another camera is chosen, at every place, and remembered", async () => {
	const { visit, page, user } = await open(browser, { ...desktop, ...allowed });
	await user.press(user.button(user.card(0), text.cameraOpen));
	await user.press(user.button(user.tryIt, text.cameraOpen));
	await eventually(() => films(page), 2);
	const choice = user.card(0).locator(".camera select");
	await eventually(() => choice.locator("option").count(), 2);
	const [first, second] = await choice.locator("option").evaluateAll((options) => options.map((o) => /** @type {HTMLOptionElement} */ (o).value));
	assert.ok(first && second);
	assert.equal(await choice.inputValue(), first);
	await choice.selectOption(second);
	const used = () => page.locator("video").evaluateAll((videos) => videos
		.map((v) => /** @type {MediaStream | null} */ (/** @type {HTMLVideoElement} */ (v).srcObject)?.getVideoTracks()[0]?.getSettings().deviceId).filter(Boolean));
	await eventually(used, [second, second]);
	await eventually(() => user.tryIt.locator(".camera select").inputValue(), second);
	// A class that is removed lets go of it, and the last place switches it off.
	await user.press(user.button(user.card(0), text.removeClass("Class A")));
	await eventually(used, [second]);
	await page.reload();
	await user.waitFor("#load-line", text.ready(models.name));
	await user.press(user.button(user.tryIt, text.cameraOpen));
	await eventually(used, [second]);
	visit.calm();
	await visit.close();
});

test("without leave, without a camera, with one that is busy or pulled out: a sentence, in both languages, and a way on", async () => {
	for (const locale of ["en-US", "ja-JP"]) {
		const table = locale === "ja-JP" ? languages.ja : languages.en;
		const { visit, page, user } = await open(browser, { ...desktop, locale, permissions: [] });
		await user.press(user.button(user.card(0), table.cameraOpen));
		await user.waitFor(".camera-trouble:visible", table.camera.denied);
		assert.equal(await user.button(user.card(0), table.cameraHold).getAttribute("aria-disabled"), "true");
		await visit.screenshot(`desktop-camera-denied-${table.lang}`);
		await page.context().grantPermissions(["camera"]);
		await user.press(user.button(user.card(0), table.retry));
		await eventually(() => films(page), 1);
		// Pulled out: what the browser does to the stream then.
		await page.evaluate(() => {
			const stream = /** @type {MediaStream} */ (document.querySelector("video")?.srcObject);
			stream.getVideoTracks()[0]?.dispatchEvent(new Event("ended"));
		});
		await user.waitFor(".camera-trouble:visible", table.camera.gone);
		await page.evaluate(() => void (navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("in use", "NotReadableError"))));
		await user.press(user.button(user.card(0), table.retry));
		await user.waitFor(".camera-trouble:visible", table.camera.busy);
		visit.calm();
		await visit.close();

		const none = await open(blind, { ...desktop, locale, ...allowed });
		await none.user.press(none.user.button(none.user.tryIt, table.cameraOpen));
		await none.user.waitFor(".camera-trouble:visible", table.camera.none);
		await none.visit.screenshot(`desktop-camera-none-${table.lang}`);
		await none.user.press(none.user.button(none.user.tryIt, table.tryBack));
		await none.user.waitFor("#verdict", table.tryFirst);
		none.visit.calm();
		await none.visit.close();
	}
	// A page that is not of a secure place has no cameras at all.
	const plain = await open(browser, desktop, (page) => page.addInitScript(() => void Object.defineProperty(navigator, "mediaDevices", { value: undefined })));
	await plain.user.press(plain.user.button(plain.user.tryIt, text.cameraOpen));
	await plain.user.waitFor(".camera-trouble:visible", text.camera.insecure);
	plain.visit.calm();
	await plain.visit.close();
});
