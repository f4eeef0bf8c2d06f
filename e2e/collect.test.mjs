// Collecting many pictures: pasted, dragged to another class, moved and removed by keys, all of it undone; and five hundred files at once.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { text } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, patience, phone } from "./browser.mjs";
import { casting, png } from "./pictures.mjs";
import { site } from "./site.mjs";
import { fileOf } from "./user.mjs";

/** @import { Page } from "playwright-core" */

const { open } = site();

/** Names of the pictures of class number i, in their order. @param {Page} page @param {number} i */
const names = (page, i) => page.locator("#classes > li").nth(i).locator(".tile").evaluateAll((tiles) => tiles.map((tile) => /** @type {HTMLElement} */ (tile).title));

/** Pastes picture files, as a browser does. @param {Page} page @param {{ name: string, bytes: Buffer }[]} files */
const paste = (page, files) => page.evaluate((given) => {
	const clipboardData = new DataTransfer();
	for (const { name, base64 } of given) clipboardData.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type: "image/png" }));
	(document.activeElement ?? document.body).dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}, files.map(({ name, bytes }) => ({ name, base64: bytes.toString("base64") })));

test("pictures are pasted, dragged, moved by a digit, removed by a key, and each step is undone", async () => {
	const { visit, page, user } = await open(desktop);
	const files = (/** @type {boolean} */ bad) => [-4, 0, 4].map((shift, i) => fileOf(`${bad ? "b" : "g"}${i}.png`, casting(bad, shift)));
	await user.choose(user.button(user.card(0), text.chooseFiles), files(false));
	await user.choose(user.button(user.card(1), text.chooseFiles), files(true));
	await user.waitForPictures(0, 3);
	await user.waitForPictures(1, 3);

	// Pasted into the class that was touched last; what has no name gets one.
	await user.card(1).locator(".count").click();
	await paste(page, [{ name: "image.png", bytes: casting(true, 2) }]);
	await user.waitForPictures(1, 4);
	await user.waitFor("#notices", text.pastedInto(text.pictures(1), "Class B"));
	assert.deepEqual(await names(page, 1), ["b0.png", "b1.png", "b2.png", text.pasted(1)]);

	// Dragged with the mouse.
	await user.card(1).locator(".tile").nth(1).dragTo(user.card(0).locator(".card-head"));
	await user.waitForPictures(0, 4);
	assert.deepEqual([await names(page, 0), await names(page, 1)], [["g0.png", "g1.png", "g2.png", "b1.png"], ["b0.png", "b2.png", text.pasted(1)]]);
	await user.waitFor("#notices", text.moved("b1.png", "Class A"));

	// By keys: Tab leads to one picture of a class, arrows to the others, a digit moves, Delete removes.
	const button = (/** @type {number} */ card, /** @type {number} */ n) => user.card(card).locator(".tile button").nth(n);
	assert.equal(await user.card(0).locator(".tile button[tabindex='0']").count(), 1);
	await button(0, 0).focus();
	await page.keyboard.press("ArrowRight");
	await page.keyboard.press("ArrowRight");
	assert.ok(await button(0, 2).evaluate((b) => b === document.activeElement && b.tabIndex === 0));
	assert.ok(await user.card(0).locator(".keys-hint").isVisible());
	assert.deepEqual(await faults(page), []);
	await visit.screenshot("desktop-keys");
	await page.keyboard.press("1"); // its own class
	await page.keyboard.press("9"); // there is none
	await page.keyboard.press("2");
	await eventually(() => names(page, 1), ["b0.png", "b2.png", text.pasted(1), "g2.png"]);
	assert.ok(await button(0, 2).evaluate((b) => b === document.activeElement), "the focus goes on to the next");
	await page.keyboard.press("Delete");
	await eventually(() => names(page, 0), ["g0.png", "g1.png"]);

	// Undone one after the other, by the key and by the button.
	await page.keyboard.press("Control+z");
	await eventually(() => names(page, 0), ["g0.png", "g1.png", "b1.png"]);
	await page.keyboard.press("Control+z");
	await eventually(() => names(page, 0), ["g0.png", "g1.png", "g2.png", "b1.png"]);
	await user.press(page.locator("#undo"));
	await eventually(() => names(page, 1), ["b0.png", "b1.png", "b2.png", text.pasted(1)]);
	assert.ok(await page.locator("#undo").isHidden());
	await user.waitForPictures(0, 3);
	await user.waitForPictures(1, 4);
	await page.locator("#learn").click();
	await user.waitFor("#learn-reason", "Learnt 2 classes from 7 pictures");

	// Into step 3.
	await page.locator("#try-title").click();
	await paste(page, [{ name: "image.png", bytes: casting(true, -2) }]);
	await user.waitForVerdict("Class B");
	visit.calm();
	await visit.close();
});

test("a finger carries pictures to other classes, also to one out of sight, or lets go and touches the class; one that does not rest scrolls", async () => {
	const { visit, page, user } = await open(phone);
	const files = (/** @type {boolean} */ bad) => [-4, 0, 4].map((shift, i) => fileOf(`${bad ? "b" : "g"}${i}.png`, casting(bad, shift)));
	assert.ok(await page.locator(".touch-hint").isHidden(), "there is nothing to move");
	await user.choose(user.button(user.card(0), text.chooseFiles), files(false));
	await user.choose(user.button(user.card(1), text.chooseFiles), files(true));
	await user.waitForPictures(0, 3);
	await user.waitForPictures(1, 3);
	await page.locator(".touch-hint").scrollIntoViewIfNeeded();
	assert.ok(await page.locator(".touch-hint").isVisible());
	const tile = (/** @type {number} */ card, /** @type {number} */ n) => user.card(card).locator(".tile").nth(n);
	const middle = async (/** @type {import("playwright-core").Locator} */ element) => {
		const box = await element.boundingBox();
		return { x: (box?.x ?? NaN) + (box?.width ?? NaN) / 2, y: (box?.y ?? NaN) + (box?.height ?? NaN) / 2 };
	};
	const all = async () => [await names(page, 0), await names(page, 1)];
	const before = [["g0.png", "g1.png", "g2.png"], ["b0.png", "b1.png", "b2.png"]];

	// Carried from one card to the other, which shows that it would take it; the page stays where it is.
	await user.card(0).locator(".tiles").evaluate((list) => list.scrollIntoView({ block: "center" }));
	const scrolled = await page.evaluate(() => scrollY);
	let finger = await user.lift(tile(0, 1));
	await finger.moveTo(await middle(user.card(1).locator(".name")));
	await eventually(() => user.card(1).evaluate((card) => card.classList.contains("dropping")), true);
	assert.deepEqual(await faults(page), []);
	await visit.screenshot("phone-carried", { fullPage: false });
	assert.equal(await page.evaluate(() => scrollY), scrolled);
	await finger.letGo();
	await eventually(all, [["g0.png", "g2.png"], ["b0.png", "b1.png", "b2.png", "g1.png"]]);
	await user.waitFor("#notices", text.moved("g1.png", "Class B"));
	await user.press(user.button(page.locator("#notices"), text.undo));
	await eventually(all, before);

	// Let go over its own class, or over none: nothing happens.
	for (const place of [user.card(0).locator(".name"), page.locator("#teach-title")]) {
		await place.evaluate((element) => element.scrollIntoView({ block: "center" }));
		finger = await user.lift(tile(0, 0));
		await finger.moveTo(await middle(place));
		await finger.letGo();
		assert.deepEqual(await all(), before);
	}

	// At the end of the window the page scrolls, until the other class is there.
	await page.setViewportSize({ width: 390, height: 360 });
	await user.card(0).evaluate((card) => card.scrollIntoView({ block: "start" }));
	finger = await user.lift(tile(0, 0));
	assert.ok(((await user.card(1).locator(".name").boundingBox())?.y ?? 0) > 300, "the other class is out of sight");
	const { x } = await middle(tile(0, 0));
	await finger.moveTo({ x, y: 355 });
	await eventually(async () => (await user.card(1).boundingBox())?.y ?? NaN, (y) => y < 120);
	await finger.moveTo({ x, y: 200 });
	await finger.letGo();
	await eventually(all, [["g1.png", "g2.png"], ["b0.png", "b1.png", "b2.png", "g0.png"]]);
	await page.setViewportSize({ width: 390, height: 844 });

	// Without a movement (WCAG 2.2, 2.5.7): lifted, let go, and the class touched, where a button lies below the finger and is not pressed.
	finger = await user.lift(tile(1, 3));
	await finger.letGo();
	await user.waitFor("#notices", text.held("g0.png"));
	assert.equal(await page.locator(".tile.lifted").count(), 1);
	await user.press(user.card(0).locator(".card-head button"));
	const after = [["g1.png", "g2.png", "g0.png"], before[1]];
	await eventually(all, after);
	assert.equal(await page.locator(".tile.lifted").count(), 0);
	finger = await user.lift(tile(1, 0));
	await finger.letGo();
	await user.press(page.locator("#learn-title"));
	assert.equal(await page.locator(".tile.lifted").count(), 0);
	await user.press(user.card(0).locator(".count"));
	assert.deepEqual(await all(), after);

	// A finger that does not rest scrolls, and one on the button removes.
	await user.card(1).locator(".tiles").evaluate((list) => list.scrollIntoView({ block: "center" }));
	const from = await middle(tile(1, 1));
	const at = await page.evaluate(() => scrollY);
	await user.swipe([0, 40, 80, 120, 160].map((up) => ({ x: from.x, y: from.y - up })));
	await eventually(() => page.evaluate(() => scrollY), (y) => y > at + 50, "the page scrolls");
	assert.deepEqual(await all(), after);
	await user.press(tile(1, 1).locator("button"));
	await eventually(all, [after[0], ["b0.png", "b2.png"]]);
	visit.calm();
	await visit.close();
});

/** @param {string} path @param {Buffer} bytes */
function write(path, bytes) {
	writeFileSync(path, bytes);
	return path;
}

/** Waits until all pictures are there and read, for as long as that goes on: a minute without one is too long. @param {Page} page @param {number} total */
async function allRead(page, total) {
	const read = () => page.locator(".tile:not(.waiting)").count();
	for (let [have, since] = [0, Date.now()]; have < total;) {
		await new Promise((resolve) => setTimeout(resolve, 1000)); // each look is work for the page
		const now = await read();
		if (now > have) [have, since] = [now, Date.now()];
		assert.ok(Date.now() - since < patience, `${have} of ${total} pictures are read, and no more come`);
	}
}

test("five hundred files at once: all are taken, and the page is never held up; nor by a class of half of them, nor when it is opened again", async (t) => {
	const { visit, page, user } = await open(desktop);
	// From the disk: files in memory would be made in the page, by the page's own thread.
	const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
	const many = (/** @type {number} */ of) => Array.from({ length: 250 }, (_, i) => write(join(folder, `${of}-${i}.png`), png(24, 24, (x, y) => [(x * (i + 1)) % 256, (y * (i + 7) * (of + 1)) % 256, of * 200])));
	const files = [many(0), many(1)];
	const { long, longest, count, total } = await visit.tasks(async () => {
		for (const [i, some] of files.entries()) await user.choose(user.button(user.card(i), text.chooseFiles), some);
		await allRead(page, 500);
		await user.press(page.locator("#learn"));
		await user.waitFor("#learn-reason", "Learnt 2 classes from 500 pictures");
		await eventually(async () => (await page.locator(".sentence").textContent()) ?? "", (s) => /of 500/.test(s), "what the pictures say of each other");
		await user.press(user.card(0).locator(".card-head button")); // to ask each button of 250 for its name is a long task of the test's own
		await user.waitForPictures(0, 250);
		await user.press(user.button(page.locator("#notices"), text.undo));
		await user.waitForPictures(0, 250);
		await user.waitForPictures(1, 250);
		await user.waitFor("#kept-line", text.keptHere);
		await page.reload();
		await eventually(() => page.locator(".tile").count(), 500);
	});
	const overlap = await user.card(0).locator(".tile").evaluateAll(([first, ...rest]) => {
		const { left, bottom } = /** @type {Element} */ (first).getBoundingClientRect();
		const below = rest.find((tile) => tile.getBoundingClientRect().left === left);
		return bottom - (below?.getBoundingClientRect().top ?? NaN);
	});
	assert.ok(overlap < 0, `a picture lies ${overlap} pixels over the one below it`);
	t.diagnostic(`the page's own thread worked ${Math.round(total)} ms for 500 files, in ${count} tasks of ${Math.round(longest)} ms at most`);
	assert.ok(count > 500, `only ${count} tasks of the page were seen`);
	assert.deepEqual(long.map(Math.round), [], "tasks of more than 50 ms");
	await visit.screenshot("desktop-500");
	rmSync(folder, { recursive: true });
	visit.calm();
	await visit.close();
});
