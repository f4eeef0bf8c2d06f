// How sure it is: what the page says of its own answers, which pictures it doubts, OK and NG, a folder to test with, and the report.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { languages, text } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, phone } from "./browser.mjs";
import { casting } from "./pictures.mjs";
import { site } from "./site.mjs";
import { fileOf } from "./user.mjs";

/** @import { Page } from "playwright-core" */
/** @import { User } from "./user.mjs" */

const { open } = site();
const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
after(() => rmSync(folder, { recursive: true }));

const shifts = [-6, -3, 0, 4, 7];

/** Ten castings are learnt, and a bad one that lies among the good. @param {User} user @param {typeof text} [table] */
async function teach(user, table = text) {
	await user.rename(0, "good");
	await user.rename(1, "bad");
	const files = (/** @type {boolean} */ bad) => shifts.map((shift, i) => fileOf(`${bad ? "b" : "g"}${i}.png`, casting(bad, shift)));
	await user.choose(user.button(user.card(0), table.chooseFiles), [...files(false), fileOf("odd.png", casting(true, 2))]);
	await user.choose(user.button(user.card(1), table.chooseFiles), files(true));
	await user.waitForPictures(0, 6, table);
	await user.waitForPictures(1, 5, table);
	await user.press(user.page.locator("#learn"));
	await eventually(async () => (await user.page.locator(".sentence").textContent()) ?? "", (s) => /11/.test(s), "what the pictures say of each other");
}

/** The page is as wide as the screen, and axe finds nothing in light and dark. @param {Page} page @param {string} state */
async function check(page, state) {
	const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	assert.ok(over <= 0, `${state}: the page is ${over} pixels too wide`);
	for (const colorScheme of /** @type {const} */ (["dark", "light"])) {
		await page.emulateMedia({ colorScheme });
		assert.deepEqual(await faults(page), [], `${state}, ${colorScheme}`);
	}
}

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: a picture in the wrong class is found, seen, moved and brought back; OK and NG; where it looks`, async () => {
		const { visit, page, user } = await open(options);
		await teach(user);
		const doubts = page.locator("section[aria-labelledby=doubts-title]");
		await eventually(() => doubts.locator(".file").first().textContent(), "odd.png");
		assert.match((await page.locator(".sentence").textContent()) ?? "", /^Judged by the other pictures, \d+ of 11 pictures were right \(\d+%\)/);

		// A number of the table opens its pictures.
		const wrong = page.locator(".cell.wrong").first();
		await user.press(wrong);
		await eventually(() => page.locator(".in-cell .file").allTextContents(), (names) => names.includes("odd.png"), "the pictures of the cell");
		assert.equal(await wrong.getAttribute("aria-expanded"), "true");
		await check(page, "evidence");
		await visit.screenshot(`${device}-evidence`);

		// Moved by one press, and back by another.
		await user.press(doubts.getByRole("button", { name: text.moveNamed("odd.png", "bad") }));
		await user.waitForPictures(0, 5);
		await user.waitForPictures(1, 6);
		await user.waitFor("#notices", text.moved("odd.png", "bad"));
		await eventually(() => doubts.locator(".file").allTextContents(), (names) => !names.includes("odd.png"), "no doubt any more");
		await user.press(user.button(page.locator("#notices"), text.undo));
		await user.waitForPictures(0, 6);
		// The guard does not take what is worse, unless it is told to.
		await user.press(page.locator("#refused button"));
		await eventually(() => doubts.locator(".file").allTextContents(), (names) => names.includes("odd.png"), "in doubt again");
		await user.press(doubts.getByRole("button", { name: text.removeExample("odd.png", "good") }));
		await user.waitForPictures(0, 5);
		await eventually(async () => (await page.locator(".sentence").textContent()) ?? "", (s) => /of 10/.test(s));

		// OK and NG: the slider's numbers are those of the table, and step 3 obeys it.
		await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf("next.png", casting(true, 1))]);
		await user.waitForVerdict("bad");
		const slider = page.locator(".okng input[type=range]");
		await slider.fill("100");
		await user.waitForVerdict("good");
		await user.waitFor(".okng .rate", text.missed(5, 5, "100%"));
		await user.waitFor(".okng .rate", text.falseAlarms(0, 5, "0%"));
		await slider.fill("0");
		await user.waitForVerdict("bad");
		await user.waitFor(".okng .rate", text.falseAlarms(5, 5, "100%"));
		await slider.fill("50");
		await slider.press("ArrowRight");
		assert.equal(await page.locator(".okng output").textContent(), "51%");
		await user.press(page.locator(".okng summary"));
		const row = await page.locator(".okng tbody tr").nth(4).locator("td").allTextContents();
		assert.equal(row.length, 2);
		assert.match(row.join(), /^[0-5] of 5,[0-5] of 5$/);

		// Where it looks.
		const heat = page.locator("#try canvas.heat");
		assert.ok(await heat.isHidden());
		await user.press(user.button(user.tryIt, text.heatShow));
		await eventually(() => heat.isVisible(), true);
		assert.match((await heat.getAttribute("aria-label")) ?? "", /^What speaks for bad: most of all /);
		await page.locator("#try").scrollIntoViewIfNeeded();
		await check(page, "heat");
		await visit.screenshot(`${device}-heat`, { fullPage: false });
		await user.press(user.button(user.tryIt, text.heatShow));
		await eventually(() => heat.isHidden(), true);
		visit.calm();
		await visit.close();
	});
}

/** Writes pictures and what is none into folders. @param {Record<string, Record<string, Buffer>>} folders */
function write(folders) {
	for (const [name, files] of Object.entries(folders)) {
		mkdirSync(join(folder, name), { recursive: true });
		for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, name, file), bytes);
	}
	return Object.keys(folders).map((name) => join(folder, name));
}

test("a folder of classes is tested with, the report is printed, both go out as CSV", async () => {
	const { visit, page, user } = await open({ ...desktop, acceptDownloads: true });
	await teach(user);
	const doubts = page.locator("section[aria-labelledby=doubts-title]");
	await user.press(doubts.getByRole("button", { name: text.moveNamed("odd.png", "bad") }));
	await user.waitForPictures(1, 6);
	await eventually(() => doubts.locator(".file").allTextContents(), (names) => !names.includes("odd.png"), "learnt anew: nothing moves any more");
	const paths = write({
		good: Object.fromEntries([-5, 1, 6].map((shift) => [`${shift}.png`, casting(false, shift)])),
		bad: { "x.png": casting(true, 5), "y.png": casting(true, -4), "letter.png": Buffer.from("no picture") },
		other: { "z.png": casting(true, 3) },
	});
	await user.drop(user.tryIt, paths);
	const result = page.locator(".folder");
	await eventually(async () => (await result.locator("#folder-line").textContent()) ?? "", (s) => /^[0-5] of 5 pictures are right/.test(s), "how many are right");
	await user.waitFor(".folder .soft", text.testOther(1));
	await user.waitFor(".folder .soft", text.testFailed(1));
	await user.press(result.locator(".cell.right").first());
	await eventually(() => result.locator(".pictures img").count(), (n) => n > 0, "pictures of the cell");
	await result.scrollIntoViewIfNeeded();
	await check(page, "folder");
	await visit.screenshot("desktop-folder", { fullPage: false });
	/** @param {() => Promise<void>} press */
	const saved = async (press) => {
		const [download] = await Promise.all([page.waitForEvent("download"), press()]);
		return readFileSync(await download.path(), "utf8").split("\r\n").map((line) => line.split(","));
	};
	const rows = await saved(() => user.press(user.button(result, text.testCsv)));
	assert.deepEqual(rows[0], [`\ufeff${text.csvFile}`, text.csvClass, text.csvSaid, text.csvUnknown, text.csvNg("good"), text.csvNg("bad"), text.csvError]);
	assert.equal(rows.length, 9); // a head, seven files, the end
	assert.deepEqual(rows.at(-2), ["bad/letter.png", "", "", "", "", "", "picture_format"]);
	const z = rows.find(([path]) => path === "other/z.png") ?? [];
	assert.ok(z[1] === "" && Math.abs(Number(z[4]) + Number(z[5]) - 1) < 2e-4, z.join());
	await user.press(user.button(result, text.testClose));
	assert.ok(await result.isHidden());

	const report = await saved(() => user.press(user.button(page.locator("#evidence"), text.reportCsv)));
	assert.deepEqual(report[0]?.slice(0, 3), [`\ufeff${text.csvPicture}`, text.csvClass, text.csvSaid]);
	assert.equal(report.length, 1 + 11 + 2 + 1);
	// On paper: what was taught and what came of it, nothing that can be pressed.
	await page.emulateMedia({ media: "print" });
	await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
	assert.match((await page.locator(".report-head").textContent()) ?? "", /Made on .* with the model /);
	assert.deepEqual(await page.locator(".report-head tbody tr").evaluateAll((all) => all.map((tr) => [...tr.children].slice(0, 2).map((cell) => cell.textContent).join())), ["good,5", "bad,6"]);
	assert.equal(await page.locator("#evidence details:not([open])").count(), 0);
	assert.deepEqual(await page.locator("button:visible, input:visible, select:visible").evaluateAll((all) => all.map((e) => e.className).filter((name) => !/^cell/.test(name))), []);
	await visit.screenshot("desktop-report");
	await page.evaluate(() => dispatchEvent(new Event("afterprint")));
	await page.emulateMedia({ media: null });
	assert.ok((await page.locator("#evidence details[open]").count()) === 0);

	// All of it in Japanese.
	await page.locator("#language").selectOption("ja");
	await user.waitFor("#evidence", languages.ja.evidenceTitle);
	await eventually(async () => (await page.locator("#evidence").innerText()), (s) => s.includes(languages.ja.okngHint) && !/\b(the|of|picture)\b/i.test(s), "Japanese");
	await check(page, "Japanese");
	await visit.screenshot("desktop-evidence-ja");
	visit.calm();
	await visit.close();
});
