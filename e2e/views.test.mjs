// Learning from views of each picture: one switch in the page, kept over visits, and the same as the terminal's, bit for bit.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { text } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { randomModels } from "./bundle.mjs";
import { png, stripes } from "./pictures.mjs";
import { serve } from "./server.mjs";
import { circle, cross, fileOf, User } from "./user.mjs";

/** @import { Browser } from "playwright-core" */
/** @import { AdaptProgress } from "../www/adaptation.js" */
/** @import { Modules } from "./browser.mjs" */

const root = fileURLToPath(new URL("../", import.meta.url));
const models = randomModels(false);
const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
/** @type {Browser} */
let browser;
before(async () => {
	browser = await launch();
});
after(async () => {
	await browser?.close();
	models.remove();
	rmSync(folder, { recursive: true });
});

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: views are learnt at one switch, on and on and after a visit, and not any more at another`, async () => {
		const server = await serve(models.folder);
		const visit = await Visit.open(browser, server.url, options);
		const { page } = visit;
		const user = new User(page, options.hasTouch);
		await eventually(() => page.locator("#load-line").textContent(), text.ready(models.name));
		assert.ok(await page.locator("#closer").isHidden(), "nothing is in use");
		for (const [i, shape] of [circle, cross].entries()) {
			await user.addDrawing(user.card(i), shape(0.3));
			await user.addDrawing(user.card(i), shape(0.36, 0.48, 0.52));
			await user.waitForPictures(i, 2);
		}
		await user.press(page.locator("#learn"));
		await user.waitFor("#learn-reason", "Learnt 2 classes from 4 pictures");
		await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf("query.png", png(90, 70, stripes))]);
		const shares = () => page.locator("#bars .bar-fill").evaluateAll((fills) => fills.map((fill) => /** @type {HTMLElement} */ (fill).style.getPropertyValue("--share")).join(" "));
		const plain = await eventually(shares, (now) => now !== "", "an answer");
		const line = async () => (await page.locator("#closer-line").textContent()) ?? "";
		const on = page.locator("#use-views");
		await eventually(line, text.closerHint);
		await user.press(page.locator("#closer-title"));
		assert.deepEqual([await on.isChecked(), await on.isEnabled()], [false, true]);

		await user.press(page.locator("#closer label"));
		await eventually(line, text.closerUsed(8));
		const seen = await eventually(shares, (now) => now !== plain, "another answer");
		assert.ok(await on.isChecked());
		await page.locator("#closer").scrollIntoViewIfNeeded();
		await visit.screenshot(`${device}-views`);
		assert.deepEqual(await faults(page), []);
		assert.equal(await page.locator("#version-list > li.in-use").getByText(text.closerUsed(8)).count(), 1);

		// Opened again, it is there; what is added is seen in eight ways too; and off is off.
		await eventually(() => page.locator("#kept-line").textContent(), text.keptHere);
		await page.reload();
		await eventually(line, text.closerUsed(8));
		await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf("query.png", png(90, 70, stripes))]);
		await eventually(shares, seen);
		await user.addDrawing(user.card(0), circle(0.33));
		await user.waitFor("#learn-reason", "Learnt 2 classes from 5 pictures");
		assert.deepEqual([await line(), await on.isChecked()], [text.closerUsed(8), true]);
		await user.press(page.locator("#closer-title"));
		await user.press(page.locator("#closer label"));
		await eventually(line, text.closerHint);
		assert.ok(!(await on.isChecked()));
		visit.calm();
		await visit.close();
		await server.close();
	});
}

/** Runs in the page. @param {string[]} files */
async function learn(files) {
	/** @type {Modules} */
	const { Engine } = /** @type {any} */ (globalThis).modules;
	const engine = await Engine.load();
	const pictures = files.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
	const classes = [await engine.addClass("a"), await engine.addClass("b")];
	for (const [i, picture] of pictures.slice(0, 6).entries()) await engine.addExample(classes[i & 1] ?? 0, picture.slice());
	/** @type {AdaptProgress[]} */
	const told = [];
	const { views, steps, experts } = await engine.adapt({ views: true, onProgress: (p) => told.push(p) });
	const answers = [];
	for (const picture of pictures) answers.push((await engine.classify(picture)).scores.map(({ probability }) => probability));
	const versions = (await engine.history()).versions.map((v) => v.views);
	engine.dispose();
	return { views, steps: steps.map(({ step }) => step), told, experts, answers, versions };
}

test("the page and the terminal see the same views, bit for bit", async () => {
	const server = await serve(models.folder, (path) => (path === "/blank.html" ? Buffer.from("<!doctype html><title>blank</title><link rel=icon href=icon.svg>") : null));
	const visit = await Visit.open(browser, `${server.url}blank.html`, desktop);
	await visit.modules();
	const files = Array.from({ length: 9 }, (_, i) => png(40 + 7 * i, 64, (x, y) => stripes(x + i, y * i)));
	const page = await visit.page.evaluate(learn, files.map((file) => file.toString("base64")));
	assert.deepEqual([page.views, page.versions, page.experts], [8, [8], null]);
	assert.deepEqual(page.steps, ["views", "head"]);
	for (const { step, done, total } of page.told) assert.ok(step !== "views" || (done < total && total === 6), `${done} of ${total}`);
	visit.calm();
	await visit.close();
	await server.close();

	for (const [i, file] of files.entries()) {
		const place = i < 6 ? join(folder, "support", "ab"[i & 1] ?? "") : join(folder, "queries");
		mkdirSync(place, { recursive: true });
		writeFileSync(join(place, `${i}.png`), file);
	}
	const program = join(root, "build/haguruma");
	const [bundle, made] = [join(models.folder, "default.json"), join(folder, "made.safetensors")];
	execFileSync(program, ["adapt", "-b", bundle, join(folder, "support"), "-o", made, "--views"]);
	const terminal = JSON.parse(execFileSync(program, ["classify", "-b", bundle, "-a", made, "--json", join(folder, "queries")], { encoding: "utf8" }));
	for (const [i, result] of terminal.results.entries()) {
		const of = (/** @type {string} */ name) => result.scores.find((/** @type {any} */ score) => score.class === name).probability;
		assert.deepEqual([of("a"), of("b")].map(Math.fround), page.answers[6 + i]);
	}
});
