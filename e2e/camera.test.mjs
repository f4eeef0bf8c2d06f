// The camera: pictures of a class while a button is held, answers at the engine's own speed, and a sentence where there is no camera.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { languages, text } from "../www/strings.js";
import { count as countAnswers } from "./answers.mjs";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { serve } from "./terminal.mjs";
import { circle, cross, User } from "./user.mjs";

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
	const visit = await Visit.open(browser, server.url, options, async (context) => {
		await context.addInitScript(countAnswers);
		context.on("page", (page) => void prepare(page));
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
			const { answers } = /** @type {{ answers: unknown[] }} */ (/** @type {unknown} */ (globalThis));
			const before = answers.length;
			await new Promise((resolve) => setTimeout(resolve, 1000));
			return answers.length - before;
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

/** Teaches two classes and tries the camera on. @param {Page} page @param {User} user */
async function film(page, user) {
	for (const [i, drawing] of [circle(0.3), cross(0.3)].entries()) {
		await user.addDrawing(user.card(i), drawing);
		await user.waitForPictures(i, 1);
	}
	await user.press(page.locator("#learn"));
	await user.waitFor("#learn-reason", "Learnt 2 classes from 2 pictures");
	await user.press(user.button(user.tryIt, text.cameraOpen));
}

/** Answers so far. @param {Page} page @returns {Promise<number>} */
const answersOf = (page) => page.evaluate("answers.length");

test("the Worker reads a camera's pictures to the bits that the page's own thread would", async () => {
	const { visit, page } = await open(browser, desktop);
	const differences = await page.evaluate(async () => {
		const [{ Frames }, { drawFrame }] = await Promise.all(["frames.js", "frame.js"].map((name) => import(new URL(name, document.baseURI).href)));
		const Generator = /** @type {any} */ (globalThis).MediaStreamTrackGenerator;
		const canvas = document.createElement("canvas");
		const video = document.body.appendChild(Object.assign(document.createElement("video"), { muted: true }));
		/** @type {string[]} */
		const differences = [];
		for (const [format, width, height, rotation, flip] of /** @type {[VideoPixelFormat, number, number, number, boolean][]} */ ([
			["I420", 640, 480, 0, false], ["NV12", 640, 480, 90, false], ["I420", 640, 480, 180, true], ["NV12", 480, 640, 270, true], ["RGBA", 640, 480, 0, false],
			["I420", 200, 150, 0, false], ["NV12", 1280, 720, 0, false], ["I420", 322, 243, 90, false],
		])) {
			const bytes = new Uint8Array(format === "RGBA" ? 4 * width * height : width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2));
			for (let i = 0, x = 1; i < bytes.length; i++) bytes[i] = (x = (x * 1103515245 + 12345) & 0x7fffffff) >> 16;
			const generator = new Generator({ kind: "video" });
			const writer = generator.writable.getWriter();
			let n = 0;
			const writing = setInterval(() => writer.write(new VideoFrame(bytes, /** @type {any} */ ({ format, codedWidth: width, codedHeight: height, timestamp: 20_000 * n++, rotation, flip }))), 20);
			const stream = new MediaStream([generator]);
			video.srcObject = stream;
			await video.play();
			await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
			const frames = Frames.of(stream);
			const there = await frames.next(256);
			const here = drawFrame(canvas, video, { width: video.videoWidth, height: video.videoHeight }, 256).getImageData(0, 0, canvas.width, canvas.height);
			const differ = here.data.filter((/** @type {number} */ v, /** @type {number} */ i) => v !== there.data[i]).length;
			if (there.width !== here.width || there.height !== here.height || differ > 0) differences.push(`${format} ${width} x ${height}, turned by ${rotation}, ${flip}: ${there.width} x ${there.height}, not ${here.width} x ${here.height}, or ${differ} bytes`);
			clearInterval(writing);
			frames.close();
			generator.stop();
		}
		video.remove();
		return differences;
	});
	assert.deepEqual(differences, []);
	visit.calm();
	await visit.close();
});

test("where the browser gives a Worker no pictures, or the Worker does not come, the page reads them itself", async () => {
	let missed = 0;
	for (const [hindrance, hindered] of /** @type {[(page: Page) => Promise<unknown>, (page: Page) => Promise<boolean>][]} */ ([
		[(page) => page.addInitScript(() => void Reflect.deleteProperty(globalThis, "MediaStreamTrackProcessor")), (page) => page.evaluate(() => !("MediaStreamTrackProcessor" in globalThis))],
		[(page) => page.route("**/frames.worker.js", (route) => (missed++, route.fulfill({ status: 404 }))), async () => missed === 1],
	])) {
		const { visit, page, user } = await open(browser, { ...desktop, ...allowed, serviceWorkers: "block" }, hindrance);
		await film(page, user);
		await eventually(() => answersOf(page), (n) => n >= 5);
		assert.ok(await hindered(page));
		await user.press(user.button(user.tryIt, text.tryBack));
		await user.waitFor("#verdict", text.tryHint);
		visit.calm(/^console: (.*404|Service Worker registration blocked)/);
		await visit.close();
	}
});

test("digits that were left out while the bars moved are those of the last answer once nothing moves", async () => {
	const { visit, page, user } = await open(browser, { ...desktop, ...allowed }, (page) => page.addInitScript(() => {
		navigator.mediaDevices.getUserMedia = async () => {
			const generator = new /** @type {any} */ (globalThis).MediaStreamTrackGenerator({ kind: "video" });
			const writer = generator.writable.getWriter();
			let n = 0;
			const writing = setInterval(() => {
				// A bright disc that grows: each picture is another.
				const bytes = new Uint8Array(320 * 240 * 1.5).fill(128);
				for (let i = 0; i < 320 * 240; i++) bytes[i] = Math.hypot((i % 320) - 160, Math.floor(i / 320) - 120) < 2 * (n % 60) ? 235 : 16;
				writer.write(new VideoFrame(bytes, { format: "I420", codedWidth: 320, codedHeight: 240, timestamp: 40_000 * n++ }));
			}, 40);
			Object.assign(globalThis, { stall: () => clearInterval(writing) });
			return new MediaStream([generator]);
		};
	}));
	await film(page, user);
	await eventually(() => answersOf(page), (n) => n >= 25);
	await page.evaluate("stall()");
	// Pictures that were on their way are answered yet.
	await eventually(async () => {
		const before = await answersOf(page);
		await page.waitForTimeout(400);
		return (await answersOf(page)) - before;
	}, 0, "answers that still come");
	// Read at one moment: what is written is written in one task.
	const shown = () => page.evaluate(() => ({
		rows: [...document.querySelectorAll("#bars > li")].map((row) => ({
			share: Number(/** @type {HTMLElement} */ (row.querySelector(".bar-fill")).style.getPropertyValue("--share")), said: row.querySelector(".bar-percent")?.textContent,
		})),
		verdict: document.querySelector("#verdict")?.textContent ?? "",
	}));
	const { rows, verdict } = await eventually(shown, ({ rows }) => rows.length === 2 && rows.every(({ share, said }) => said === text.percent(share)));
	const best = Math.max(...rows.map(({ share }) => share));
	assert.ok(verdict.includes(text.percent(best)), `${verdict}, and not ${best}`);
	visit.calm();
	await visit.close();
});
