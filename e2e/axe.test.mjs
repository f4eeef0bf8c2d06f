// axe finds nothing, in any state that the page can be in: before and after learning, with trouble, in both languages, light and dark.

import assert from "node:assert/strict";
import { test } from "node:test";
import { languages } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, phone } from "./browser.mjs";
import { chance, png, stripes } from "./pictures.mjs";
import { site } from "./site.mjs";
import { fileOf } from "./user.mjs";

/** @import { Page } from "playwright-core" */

// There is a camera, so that its use can be denied.
const { open } = site(undefined, ["--use-fake-device-for-media-stream"]);

/** @param {number} n */
function noise(n) {
	const random = chance(n + 1);
	return png(40, 40, () => [255 * random(), 255 * random(), 255 * random()]);
}

/** In light and in dark. @param {Page} page @param {string} state */
async function check(page, state) {
	for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
		await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
		assert.deepEqual(await faults(page), [], `${state}, ${colorScheme}`);
	}
}

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	for (const [lang, table] of Object.entries(languages)) {
		test(`${device}, ${lang}: axe finds nothing in any state`, async () => {
			const { visit, page, user } = await open({ ...options, locale: lang, permissions: [] }, table);
			await check(page, "before");
			await user.press(page.locator("#sample"));
			await user.waitForVerdict(table.sampleBad, table);
			await check(page, "learnt");
			// Pictures of nothing, which nobody tells apart, so that there is something to gain.
			for (const i of [0, 1]) {
				await user.choose(user.button(user.card(i), table.chooseFiles), [0, 1, 2, 3].map((n) => fileOf(`noise${n}.png`, noise(2 * n + i))));
				await user.waitForPictures(i, 9, table);
			}
			await user.waitFor("#learn-reason", table.pictures(18));
			await user.press(page.locator("#finetune > summary"));
			await user.press(user.button(page.locator("#finetune"), table.finetuneStart));
			await user.waitFor("#finetune-where", table.finetuneReady);
			await check(page, "fine-tuning");
			await user.press(user.button(page.locator("#finetune"), table.finetuneStop));
			await user.waitFor("#finetune-line", table.finetuneStopped);
			await user.press(user.button(user.card(0), table.removeClass(table.sampleGood)));
			await user.press(user.button(page.locator("#notices"), table.undo));
			// Until the page has painted it, the first card is the other class, which has as many pictures.
			await eventually(() => user.classNames(), [table.sampleGood, table.sampleBad]);
			await user.choose(user.button(user.card(0), table.chooseFiles), [fileOf("letter.png", Buffer.from("no picture")), fileOf("stripes.png", png(40, 40, stripes))]);
			await user.waitForPictures(0, 10, table);
			await user.press(user.button(user.card(1), table.cameraOpen));
			await user.waitFor(".camera-trouble:visible", table.camera.denied);
			await user.press(user.button(user.tryIt, table.cameraOpen));
			await check(page, "trouble");
			visit.calm();
			await visit.close();
		});
	}
}

test("axe is red on a page that breaks its rules", async () => {
	const { page, visit } = await open();
	await page.evaluate(() => {
		document.querySelector("#add-class")?.replaceChildren();
		document.querySelector(".lead")?.setAttribute("role", "buton");
	});
	const rules = new Set((await faults(page)).map((line) => line.split(":")[0]));
	assert.deepEqual([...rules].sort(), ["aria-roles", "button-name"]);
	await visit.close();
});
