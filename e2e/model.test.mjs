// A model of the user's own in the place of the page's: chosen as files, by its address, refused, and left again.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { languages } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, phone } from "./browser.mjs";
import { pageModels, randomModels } from "./bundle.mjs";
import { png, stripes } from "./pictures.mjs";
import { site } from "./site.mjs";
import { fileOf } from "./user.mjs";

/** @import { Page } from "playwright-core" */
/** @import { PictureFile, User } from "./user.mjs" */

const text = languages.en;
const own = randomModels();
const { models, open } = site(pageModels());
test.after(() => own.remove());

const bytes = readFileSync(own.file);
const { sha256 } = JSON.parse(readFileSync(own.file.replace(/[^/]*$/, "default.json"), "utf8"));

/** Chooses files for the model. @param {User} user @param {Page} page @param {PictureFile[]} files */
async function choose(user, page, files) {
	if (!(await page.locator("#model").evaluate((d) => /** @type {HTMLDetailsElement} */ (d).open))) await user.press(page.locator("#model summary"));
	await user.choose(user.button(page.locator("#model"), text.modelChoose), files);
}

/** Does what opens the page anew. @param {Page} page @param {() => Promise<unknown>} act */
const anew = (page, act) => Promise.all([page.waitForEvent("load"), act()]);

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: another model by its file, kept, with the work, until it is left`, async () => {
		const { visit, page, user } = await open(options);
		await user.choose(user.button(user.card(0), text.chooseFiles), [fileOf("1.png", png(40, 40, stripes))]);
		await user.waitForPictures(0, 1);
		await eventually(() => page.locator("#kept-line").textContent(), text.keptHere);
		await anew(page, () => choose(user, page, [fileOf("mine.safetensors.zst", bytes)]));
		await user.waitFor("#load-line", text.ready("mine"));
		await user.waitForPictures(0, 1); // by the other model
		await user.press(page.locator("#model summary"));
		await user.waitFor("#model", sha256);
		await user.waitFor("#model", text.megabytes(bytes.length));
		assert.deepEqual(await faults(page), []);
		await visit.screenshot(`${device}-model`);
		await page.reload();
		await user.waitFor("#load-line", text.ready("mine"));
		await user.press(page.locator("#model summary"));
		await anew(page, () => user.press(user.button(page.locator("#model"), text.modelReset)));
		await user.waitFor("#load-line", text.ready(models.name));
		await user.waitForPictures(0, 1);
		visit.calm();
		await visit.close();
	});
}

test("files that are no model, and addresses elsewhere: it is said, and the page's own is used", async () => {
	const { visit, page, user } = await open();
	const manifest = { name: "theirs", file: "theirs.safetensors.zst", bytes: bytes.length, sha256, config: {}, experts: null };
	const said = async (/** @type {PictureFile[]} */ files, /** @type {string} */ sentence) => {
		await choose(user, page, files);
		await user.waitFor("#alerts", sentence);
	};
	await said([fileOf("a.zst", bytes), fileOf("b.zst", bytes)], text.errors.model_files);
	await said([fileOf("a.json", Buffer.from(JSON.stringify(manifest)))], text.errors.model_files);
	await said([fileOf("a.json", Buffer.from("{"))], text.errors.manifest);
	await said([fileOf("a.json", Buffer.from(JSON.stringify({ ...manifest, sha256: "0".repeat(64) }))), fileOf(manifest.file, bytes)], text.errors.hash);
	for (const address of ["https://example.org/a.json", "models/default.safetensors.zst", "http://["]) {
		await page.locator("#model-address").fill(address);
		await user.press(user.button(page.locator("#model"), text.modelOpen));
		await user.waitFor("#alerts", text.errors.model_address);
	}
	// A whole file that no engine reads, and one that is torn.
	for (const [name, broken] of /** @type {const} */ ([["no.zst", Buffer.from("no model")], ["torn.zst", bytes.subarray(0, 5000)]])) {
		await anew(page, () => choose(user, page, [fileOf(name, broken)]));
		await user.waitFor("#alerts", text.modelFailed(text.errors.bundle));
		await user.waitFor("#load-line", text.ready(models.name));
	}
	// By its address, with what is behind it, and one where nothing is.
	await user.press(page.locator("#model summary"));
	await page.locator("#model-address").fill("models/default.json");
	await anew(page, () => page.locator("#model-address").press("Enter"));
	await user.waitFor("#load-line", text.ready(models.name));
	await user.press(page.locator("#model summary"));
	await eventually(() => user.button(page.locator("#model"), text.modelReset).isVisible(), true);
	await page.locator("#model-address").fill("models/nothing.json");
	await anew(page, () => page.locator("#model-address").press("Enter"));
	await user.waitFor("#alerts", text.modelFailed(text.errors.download));
	await user.waitFor("#load-line", text.ready(models.name));
	await page.locator("#language").selectOption("ja");
	await eventually(() => page.locator("#alerts").textContent(), (s) => (s ?? "").includes(languages.ja.modelFailed(languages.ja.errors.download)), "Japanese");
	await visit.close();
});
