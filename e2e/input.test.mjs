// What people really give: files that are none, or odd, or too much, and classes that are not ready. Each is told in a
// sentence, and what was entered stays.

import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../www/strings.js";
import { eventually } from "./browser.mjs";
import { animatedGif, png, pngOf, stripes } from "./pictures.mjs";
import { site } from "./site.mjs";
import { circle, cross, fileOf } from "./user.mjs";

/** @import { Page } from "playwright-core" */

const { open } = site();

/** A JPEG of the browser's own making. @param {Page} page */
const jpeg = async (page) => Buffer.from(await page.evaluate(() => {
	const canvas = Object.assign(document.createElement("canvas"), { width: 300, height: 200 });
	const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
	for (let i = 0; i < 300; i++) {
		context.fillStyle = `hsl(${i * 7} 80% ${20 + (i % 50)}%)`;
		context.fillRect(i, 0, 1, 200);
	}
	return canvas.toDataURL("image/jpeg", 0.9).split(",")[1] ?? "";
}), "base64");

test("bad files are named with the reason, the good ones among them are taken", async () => {
	const { visit, page, user } = await open();
	const photo = await jpeg(page);
	const alert = page.locator("#alerts .alert");
	await user.addDrawing(user.card(1), cross(0.3));
	await user.choose(user.button(user.card(0), text.chooseFiles), [
		fileOf("photo.jpg", photo, "image/jpeg"),
		fileOf("broken off.jpg", photo.subarray(0, photo.length >> 1), "image/jpeg"),
		fileOf("letter.png", Buffer.from("Dear all, this is no picture.")),
		fileOf("dot.png", png(1, 1, stripes)),
		fileOf("huge.png", pngOf(10_000, 10_000, Buffer.alloc(2000))),
		fileOf("moving.gif", animatedGif(), "image/gif"),
		fileOf("nothing.png", Buffer.alloc(0)),
		fileOf("IMG_1.HEIC", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic"), "image/heic"),
		fileOf("jpeg called.png", photo),
	]);
	await user.waitForPictures(0, 4);
	await eventually(() => alert.locator("p").allTextContents(), [text.notTaken(5, 9)]);
	assert.deepEqual(await alert.locator("li").allTextContents(), [
		text.problem("broken off.jpg", text.errors.picture_truncated),
		text.problem("letter.png", text.errors.picture_format),
		text.problem("huge.png", text.errors.picture_too_large),
		text.problem("nothing.png", text.errors.picture_empty),
		text.problem("IMG_1.HEIC", text.heic),
	]);
	await visit.screenshot("desktop-refused");
	await user.press(user.button(alert, text.dismiss));
	assert.equal(await alert.count(), 0);
	await user.waitForPictures(1, 1);

	// The same in step 3, before anything is learnt and after.
	const choose = user.button(user.tryIt, text.tryChoose);
	const letter = fileOf("letter.png", Buffer.from("Dear all"));
	await user.choose(choose, [letter]);
	await eventually(() => alert.locator("li").allTextContents(), [text.problem("letter.png", text.errors.picture_format)]);
	await user.press(user.button(alert, text.dismiss));
	await user.press(page.locator("#learn"));
	await user.draw(user.tryIt, cross(0.33));
	await user.waitForVerdict("Class B");
	await user.choose(choose, [fileOf("broken off.jpg", photo.subarray(0, 500), "image/jpeg")]);
	await eventually(() => alert.locator("li").allTextContents(), [text.problem("broken off.jpg", text.errors.picture_truncated)]);
	// The drawing that the file took the place of is there again, with its answer.
	await user.waitForVerdict("Class B");
	await user.choose(choose, [fileOf("photo.jpg", photo, "image/jpeg")]);
	await user.waitForVerdict("Class A");
	await user.choose(choose, [letter]);
	await eventually(() => alert.count(), 2);
	await user.waitForVerdict("Class A");
	assert.equal(await user.tryIt.locator("canvas[role=img]:visible").first().getAttribute("aria-label"), text.pictureOf("photo.jpg"));
	visit.calm();
	await visit.close();
});

test("classes that are not ready: one only, none, an empty one; two pictures in all are enough", async () => {
	const { visit, page, user } = await open();
	const learn = page.locator("#learn");
	const state = () => learn.getAttribute("aria-disabled");
	await user.waitFor("#learn-reason", text.whyEmptyClass("Class A"));
	// What is drawn and not added is no picture yet, and Learn says which button makes it one.
	await user.draw(user.card(0), circle(0.3));
	await user.waitFor("#learn-reason", text.whyNotAdded("Class A"));
	await user.press(user.button(user.card(0), text.clear));
	await user.waitFor("#learn-reason", text.whyEmptyClass("Class A"));
	await user.addDrawing(user.card(0), circle(0.3));
	await user.waitForPictures(0, 1);
	await user.waitFor("#learn-reason", text.whyEmptyClass("Class B"));
	assert.equal(await state(), "true");
	await learn.click({ force: true });
	await user.waitFor("#learn-reason", text.whyEmptyClass("Class B"));

	await user.press(user.button(user.card(1), text.removeClass("Class B")));
	await user.waitFor("#learn-reason", text.whyFewClasses);
	assert.equal(await state(), "true");
	await user.press(user.button(user.card(0), text.removeClass("Class A")));
	await eventually(() => user.classNames(), []);
	await user.waitFor("#learn-reason", text.whyFewClasses);
	await user.press(user.button(page.locator("#notices"), text.undo));
	await user.waitForPictures(0, 1);
	await user.press(page.locator("#add-class"));
	await page.keyboard.press("Enter");
	await user.waitFor("#learn-reason", text.whyEmptyClass("Class B"));

	await user.addDrawing(user.card(1), cross(0.3));
	await user.waitForPictures(1, 1);
	await user.press(learn);
	await user.waitFor("#learn-reason", "Learnt 2 classes from 2 pictures");
	await user.draw(user.tryIt, cross(0.31));
	await user.waitForVerdict("Class B");

	// A new class without pictures is left out and said to be; the others go on learning.
	await user.press(page.locator("#add-class"));
	await user.waitFor("#learn-reason", text.notYetLearnt("Class C"));
	await user.addDrawing(user.card(1), cross(0.25));
	await user.waitFor("#learn-reason", "Learnt 2 classes from 3 pictures");

	// With one class left there is nothing to tell apart; with its second back there is.
	await user.press(user.button(user.card(2), text.removeClass("Class C")));
	await user.press(user.button(user.card(0), text.removeClass("Class A")));
	await user.waitFor("#verdict", text.whyFewClasses);
	assert.equal(await page.locator("#bars > li").count(), 0);
	await user.press(user.button(page.locator("#notices"), text.undo));
	await user.waitForVerdict("Class B");
	visit.calm();
	await visit.close();
});

test("names: empty, taken, endless and strange ones", async () => {
	const { visit, page, user } = await open();
	await user.rename(0, "   ");
	await user.waitFor("#notices", text.nameEmpty);
	await user.rename(1, "Class A");
	await user.waitFor("#notices", text.nameTaken("Class A"));
	await user.rename(0, "x".repeat(150));
	await user.waitFor("#notices", text.nameLong);
	assert.deepEqual(await user.classNames(), ["Class A", "Class B"]);
	const strange = ["<img src=x onerror=alert(1)>", "良品 \u{1f44d}\u202e"];
	await user.rename(0, strange[0] ?? "");
	await user.rename(1, strange[1] ?? "");
	await user.addDrawing(user.card(0), circle(0.3));
	await user.addDrawing(user.card(1), cross(0.3));
	await user.waitForPictures(1, 1);
	await user.press(page.locator("#learn"));
	await user.draw(user.tryIt, circle(0.31));
	await user.waitForVerdict(strange[0] ?? "");
	assert.deepEqual(await user.classNames(), strange);
	assert.equal(await page.locator("img[src=x], img[onerror]").count(), 0, "a name became an element");
	visit.calm();
	await visit.close();
});
