// The page for everybody: with the keyboard alone, in light and dark, on a narrow screen, and with text that can be read.

import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../www/strings.js";
import { desktop, eventually, phone, Visit } from "./browser.mjs";
import { png, stripes } from "./pictures.mjs";
import { site } from "./site.mjs";
import { circle, cross, fileOf } from "./user.mjs";

/** @import { Page } from "playwright-core" */
/** @import { User } from "./user.mjs" */

const here = site();
const { open } = here;

/**
 * Texts with too little contrast to the ground they stand on: 4.5:1, or 3:1 for large ones (WCAG 2.2, 1.4.3). What is
 * disabled is exempt there.
 * @param {Page} page
 */
const faint = (page) => page.evaluate(() => {
	/** @typedef {[number, number, number, number]} Color */
	/** @param {string} css @returns {Color} */
	const parse = (css) => {
		const [r = 0, g = 0, b = 0, a = 1] = (css.match(/[\d.]+/g) ?? []).map(Number);
		return [r, g, b, a];
	};
	/** @param {Color} top @param {Color} below @returns {Color} */
	const over = ([r, g, b, a], below) => [r * a + below[0] * (1 - a), g * a + below[1] * (1 - a), b * a + below[2] * (1 - a), 1];
	/** @param {Element | null} element @returns {Color} */
	const ground = (element) => {
		if (!element) return [255, 255, 255, 1];
		const color = parse(getComputedStyle(element).backgroundColor);
		return color[3] === 1 ? color : over(color, ground(element.parentElement));
	};
	/** @param {Color} color */
	const luminance = (color) => {
		const [r = 0, g = 0, b = 0] = color.slice(0, 3).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const bad = [];
	let seen = 0;
	for (const element of document.querySelectorAll("body *")) {
		const words = element instanceof HTMLInputElement && element.type !== "range" // whose value is not written
			? element.value : [...element.childNodes].filter((n) => n.nodeType === Node.TEXT_NODE).map((n) => n.textContent).join("").trim();
		if (!words || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest("[aria-disabled=true]")) continue;
		const style = getComputedStyle(element);
		const below = ground(element);
		const [light = 0, dark = 0] = [luminance(over(parse(style.color), below)), luminance(below)].sort((a, b) => b - a);
		const ratio = (light + 0.05) / (dark + 0.05);
		const px = Number.parseFloat(style.fontSize);
		const large = px >= 24 || (px >= 18.66 && Number(style.fontWeight) >= 700);
		seen++;
		if (ratio < (large ? 3 : 4.5)) bad.push(`${words}: ${ratio.toFixed(2)}`);
	}
	return { bad, enough: seen >= 15 };
});

/** Buttons and fields that a finger cannot hit: less than 24 pixels wide or high (WCAG 2.2, 2.5.8). @param {Page} page */
const tiny = (page) => page.evaluate(() =>
	[...document.querySelectorAll("button, input:not(.hidden)")]
		.map((element) => ({ element, box: element.getBoundingClientRect() }))
		.filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
		.map(({ element, box }) => `${element.getAttribute("aria-label") ?? element.textContent}: ${box.width} x ${box.height}`));

/** Two classes, learnt, an answer, an error and an offer to undo: everything that the page can show. @param {User} user */
async function fill(user) {
	const { page } = user;
	// Of nine drawings and a stray picture it may also say that it is none of them, nearest to a ring.
	const answered = () => eventually(async () => (await page.locator("#verdict").textContent()) ?? "", (verdict) => /\bring\b/.test(verdict), "an answer");
	await user.rename(0, "ring");
	await user.rename(1, "cross with quite a long name, as people write them");
	for (const r of [0.2, 0.25, 0.3, 0.35]) {
		await user.addDrawing(user.card(0), circle(r));
		await user.addDrawing(user.card(1), cross(r));
	}
	await user.choose(user.button(user.card(0), text.chooseFiles), [fileOf("a letter.png", Buffer.from("not a picture")), fileOf("stripes.png", png(40, 40, stripes))]);
	await user.waitForPictures(0, 5);
	await user.waitForPictures(1, 4);
	await user.press(page.locator("#learn"));
	await user.draw(user.tryIt, circle(0.28));
	await answered();
	await user.press(user.button(user.card(0), text.removeClass("ring")));
	await user.press(user.button(page.locator("#notices"), text.undo));
	await user.waitForPictures(0, 5);
	await user.press(page.locator("#add-class"));
	await user.press(user.card(2).getByRole("button", { name: text.removeClass("Class A") }));
	await user.waitFor("#notices", text.removed("Class A"));
	await answered();
}

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: text can be read in light and dark, buttons hit, nothing runs out of the screen`, async () => {
		const { visit, page, user } = await open(options);
		const check = async (/** @type {string} */ state) => {
			for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
				await page.emulateMedia({ colorScheme });
				assert.deepEqual(await faint(page), { bad: [], enough: true }, colorScheme);
				await visit.screenshot(`${device}-${colorScheme}-${state}`);
			}
			assert.deepEqual(await tiny(page), []);
			assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, "the page scrolls sideways");
		};
		await check("empty");
		await fill(user);
		await check("full");
		visit.calm();
		await visit.close();
	});
}

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: nothing moves while the page comes`, async () => {
		const visit = await Visit.open(here.browser, here.url, options, async (context) => {
			await context.addInitScript(() => {
				const page = /** @type {any} */ (globalThis);
				page.shifted = 0;
				new PerformanceObserver((list) => {
					for (const entry of list.getEntries()) page.shifted += /** @type {any} */ (entry).value;
				}).observe({ type: "layout-shift", buffered: true });
			});
			// The scripts come when there is something to be seen.
			await context.route("**/app.js", async (route) => {
				await route.request().frame().waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
				await route.continue();
			});
		});
		await eventually(() => visit.page.locator("#load-line").textContent(), text.ready(here.models.name));
		assert.equal(await visit.page.locator(".card").count(), 2);
		const shifted = await visit.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(/** @type {any} */ (globalThis).shifted)))));
		assert.ok(shifted < 0.02, `cumulative layout shift of ${shifted}`); // 0.1 is what is called good
		visit.calm();
		await visit.close();
	});
}

test("the keyboard alone: everything is reached, seen to be reached, and works", async () => {
	const { visit, page, user } = await open(desktop);
	/** Name of what has the focus; fails when it cannot be seen. */
	const focused = () => page.evaluate(() => {
		const element = document.activeElement;
		if (!element || element === document.body) return "";
		const { outlineStyle, outlineWidth } = getComputedStyle(element);
		const box = element.getBoundingClientRect();
		const inside = box.width > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
		const name = element.getAttribute("aria-label") ?? element.textContent ?? "";
		return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 && inside ? name : `${name}: not seen`;
	});
	/** Presses Tab until the focus is on a name; returns all names on the way. @param {string} name */
	const tabTo = async (name) => {
		const way = [];
		for (let i = 0; i < 40; i++) {
			await page.keyboard.press("Tab");
			const at = await focused();
			way.push(at);
			if (at === name) return way;
		}
		return assert.fail(`Tab does not lead to ${name}, but over ${way.join(", ")}`);
	};
	/** @param {Uint8Array} bytes */
	const choose = async (bytes) => {
		await page.keyboard.press("Enter");
		await user.chosen([fileOf("a.png", bytes)]);
	};

	assert.deepEqual(await tabTo(text.skip), [text.skip]);
	assert.deepEqual(await tabTo(text.language), [text.language]);
	assert.deepEqual(await tabTo(text.className), [text.className]);
	await page.keyboard.press("Control+A");
	await page.keyboard.type("upright");
	await page.keyboard.press("Enter");
	assert.deepEqual((await user.classNames())[0], "upright");
	await tabTo(text.chooseFiles);
	await choose(png(32, 32, (x) => (x % 8 < 4 ? [0, 0, 0] : [255, 255, 255])));
	await user.waitForPictures(0, 1);
	await tabTo(text.className);
	await page.keyboard.type("flat");
	await page.keyboard.press("Escape"); // the old name stays
	assert.deepEqual(await user.classNames(), ["upright", "Class B"]);
	await tabTo(text.chooseFiles);
	await choose(png(32, 32, (_, y) => (y % 8 < 4 ? [0, 0, 0] : [255, 255, 255])));
	await user.waitForPictures(1, 1);
	await tabTo(text.learn);
	await page.keyboard.press("Enter");
	await user.waitFor("#learn-reason", "Learnt 2 classes from 2 pictures");
	await tabTo(text.tryChoose);
	await choose(png(32, 32, (x) => (x % 8 < 4 ? [20, 20, 20] : [240, 240, 240])));
	await user.waitForVerdict("upright");

	// Removing keeps the focus near, and undo is within reach.
	await user.card(0).locator("input.name").focus();
	await tabTo(text.removeExample("a.png", "upright"));
	await page.keyboard.press("Enter");
	await user.waitForPictures(0, 0);
	assert.equal(await focused(), text.chooseFiles);
	await tabTo(text.undo);
	await page.keyboard.press("Enter");
	await user.waitForPictures(0, 1);
	await user.waitForVerdict("upright");
	visit.calm();
	await visit.close();
});

test("with many classes the answers stay within reach", async () => {
	const { visit, page, user } = await open({ viewport: { width: 1280, height: 700 } });
	for (let i = 2; i < 10; i++) await user.press(page.locator("#add-class"));
	for (let i = 0; i < 10; i++) await user.addDrawing(user.card(i), i % 2 ? circle(0.1 + i / 30) : cross(0.1 + i / 30));
	await user.waitForPictures(9, 1);
	await user.press(page.locator("#learn"));
	await user.draw(user.tryIt, circle(0.25));
	await eventually(() => page.locator("#bars > li").count(), 10);
	const last = page.locator("#bars > li").last();
	const reach = await last.evaluate((row) => {
		scrollTo(0, 300);
		const side = /** @type {Element} */ (row.closest(".side"));
		side.scrollTop = side.scrollHeight;
		const { top, bottom } = row.getBoundingClientRect();
		return { scrolled: scrollY, inside: top > 0 && bottom < innerHeight };
	});
	assert.deepEqual(reach, { scrolled: 300, inside: true });
	await visit.screenshot("desktop-many", { fullPage: false });
	visit.calm();
	await visit.close();
});
