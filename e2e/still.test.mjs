// The pads hold still while somebody draws: whatever the page learns, loads or has to say meanwhile, strokes land where they were drawn.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { languages } from "../www/strings.js";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { randomModels } from "./bundle.mjs";
import { serve } from "./server.mjs";
import { circle, cross, User } from "./user.mjs";

/** @import { Browser, Locator, Page } from "playwright-core" */
/** @import { Stroke } from "./user.mjs" */

const models = randomModels(true);
/** @type {Browser} */
let browser;
before(async () => {
	browser = await launch([], ["--hide-scrollbars"]); // one that comes takes room from what is beside it
});
after(async () => {
	await browser?.close();
	models.remove();
});

/** Where a paper is seen in the window. @param {Locator} place */
const rect = (place) => place.locator(".pad canvas").evaluate(async (paper) => {
	await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
	const { x, y, width, height } = paper.getBoundingClientRect();
	return { x, y, width, height };
});

/** Where the paper of Try it is, however far all is scrolled. @param {Page} page */
const placeOf = (page) => page.evaluate(() => {
	const { x, y } = /** @type {Element} */ (document.querySelector("#try .pad canvas")).getBoundingClientRect();
	return { x, y: Math.round(y + scrollY + (document.querySelector(".side")?.scrollTop ?? 0)) };
});

/** Points of strokes that have no ink. @param {Locator} place @param {Stroke[]} strokes */
const missing = (place, strokes) => place.locator(".pad canvas").evaluate((paper, points) => {
	const { width, height } = /** @type {HTMLCanvasElement} */ (paper);
	const context = /** @type {CanvasRenderingContext2D} */ (/** @type {HTMLCanvasElement} */ (paper).getContext("2d"));
	return points.filter(([x, y]) => (context.getImageData(x * width, y * height, 1, 1).data[0] ?? 255) > 100);
}, strokes.flat());

/**
 * Draws two strokes; before the end of the first something happens. The paper stays where it is in the window, to half a pixel of its screen.
 * @param {User} user @param {Locator} place @param {() => Promise<unknown>} meanwhile
 */
async function drawWhile(user, place, meanwhile) {
	const [first, second] = cross(0.32);
	assert.ok(first && second);
	const pen = await user.pen(place);
	const at = await rect(place);
	const still = async (/** @type {string} */ when) => {
		const now = await rect(place);
		for (const side of /** @type {const} */ (["x", "y", "width", "height"])) assert.ok(Math.abs(now[side] - at[side]) < 1, `${when}: ${JSON.stringify(at)} has become ${JSON.stringify(now)}`);
	};
	await pen.stroke(first.slice(0, 2));
	await meanwhile();
	await still("in the middle of a stroke");
	await pen.stroke(first.slice(2));
	await pen.up();
	await pen.stroke(second);
	await pen.up();
	await still("after it");
	assert.deepEqual(await missing(place, [first, second]), [], "points without ink");
}

/** A file that is no picture arrives at a class, and is told to be none. @param {User} user @param {number} alerts that there are then */
async function complain(user, alerts) {
	await user.card(1).evaluate((card) => {
		const dataTransfer = new DataTransfer();
		dataTransfer.items.add(new File(["no picture"], "letter.png", { type: "image/png" }));
		card.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
	});
	await eventually(() => user.page.locator("#alerts .alert").count(), alerts, "alerts");
}

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	for (const [locale, table] of /** @type {const} */ ([["en-US", languages.en], ["ja-JP", languages.ja]])) {
		test(`${device}, ${table.lang}: gears that come, learning, fine-tuning and alerts in the middle of a stroke`, async () => {
			/** @type {() => void} */
			let release = () => {};
			const held = new Promise((resolve) => (release = () => resolve(null)));
			const server = await serve(models.folder, async (path) => {
				if (path.endsWith(".experts.safetensors.zst")) await held;
				return null;
			});
			const visit = await Visit.open(browser, server.url, { ...options, locale });
			const { page } = visit;
			const user = new User(page, options.hasTouch);
			// Not every browser keeps what is in sight where it is.
			await page.evaluate(() => {
				const sheet = new CSSStyleSheet();
				sheet.replaceSync("body { overflow-anchor: none; }");
				document.adoptedStyleSheets = [sheet];
			});
			const add = async (/** @type {number} */ card, /** @type {Stroke[]} */ strokes) => {
				await user.draw(user.card(card), strokes);
				await user.press(user.button(user.card(card), table.addDrawing));
			};
			const empty = () => user.press(user.button(user.tryIt, table.clear));

			await eventually(() => page.locator("#load-line").textContent(), table.ready(models.name));
			for (const [i, shape] of [circle, cross].entries()) {
				await add(i, shape(0.3));
				await add(i, shape(0.36, 0.48, 0.52));
			}
			for (const i of [0, 1]) await user.waitForPictures(i, 2, table);
			await user.waitFor("#learn-reason", table.readyToLearn);
			const place = await placeOf(page);

			// Learning itself, and what may be fine-tuned then.
			await user.press(page.locator("#learn"));
			await user.waitFor("#learn-reason", table.learntLive);
			await eventually(() => page.locator("#finetune").isVisible(), true);
			assert.deepEqual(await placeOf(page), place, "learnt");

			// The gears come: all is learnt again.
			await drawWhile(user, user.tryIt, async () => {
				release();
				await eventually(() => page.locator("#gear-bars li").count(), (n) => n > 0, "gears in use");
				await eventually(() => page.locator("#evidence .compare .bar").count(), 2);
			});
			assert.deepEqual(await placeOf(page), place, "learnt with gears");
			await visit.screenshot(`${device}-still-${table.lang}`);

			// More is said.
			await empty();
			await drawWhile(user, user.tryIt, () => complain(user, 1));
			await drawWhile(user, user.card(0), () => complain(user, 2));
			await page.locator("#alerts .icon").first().click();
			await page.locator("#alerts .icon").first().click();

			// Fine-tuning, from its first word to its last.
			await user.press(page.locator("#finetune > summary"));
			await user.press(user.button(page.locator("#finetune"), table.finetuneStart));
			await empty();
			await drawWhile(user, user.tryIt, () => eventually(() => user.button(page.locator("#finetune"), table.finetuneStart).isVisible(), true, "it has ended"));
			assert.deepEqual(await placeOf(page), place, "fine-tuned");

			visit.calm();
			await visit.close();
			await server.close();
		});
	}
}
