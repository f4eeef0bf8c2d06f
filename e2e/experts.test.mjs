// Experts in the page: it works before they are there, they choose, can be switched off, and are the same in every Worker and at the terminal.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { valueOf } from "../www/engine.host.js";
import { text } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, launch, phone, Visit } from "./browser.mjs";
import { randomModels } from "./bundle.mjs";
import { openBundle, openExperts } from "./host.mjs";
import { png, stripes } from "./pictures.mjs";
import { serve } from "./server.mjs";
import { circle, cross, fileOf, User } from "./user.mjs";

/** @import { Browser } from "playwright-core" */
/** @import { Modules } from "./browser.mjs" */

const root = fileURLToPath(new URL("../", import.meta.url));
const models = randomModels(true);
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
	setImmediate(() => process.exit()); // the Go program waits for calls for ever
});

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: learns before the gears come, then with them, and without them at one click`, async () => {
		/** @type {() => void} */
		let release = () => {};
		const held = new Promise((resolve) => (release = () => resolve(null)));
		const server = await serve(models.folder, async (path) => {
			if (path.endsWith(".experts.safetensors.zst")) await held;
			return null;
		});
		const visit = await Visit.open(browser, server.url, options);
		const { page } = visit;
		const user = new User(page, options.hasTouch);
		await eventually(() => page.locator("#load-line").textContent(), text.ready(models.name));
		for (const [i, shape] of [circle, cross].entries()) {
			await user.addDrawing(user.card(i), shape(0.3));
			await user.addDrawing(user.card(i), shape(0.36, 0.48, 0.52));
			await user.waitForPictures(i, 2);
		}
		await user.press(page.locator("#learn"));
		await user.waitFor("#learn-reason", "Learnt 2 classes from 4 pictures");
		// A file, which is asked about once, and the bars to the last digit.
		await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf("query.png", png(90, 70, stripes))]);
		const shares = () => page.locator("#bars .bar-fill").evaluateAll((fills) => fills.map((fill) => /** @type {HTMLElement} */ (fill).style.getPropertyValue("--share")).join(" "));
		const plain = await eventually(shares, (now) => now !== "", "an answer");
		await user.waitFor("#gears-line", text.gearsComing);
		assert.ok(await page.locator("#use-gears").isDisabled());

		release();
		const line = async () => (await page.locator("#gears-line").textContent()) ?? "";
		const turned = await eventually(line, (said) => / gears are turned/.test(said), "gears in use");
		assert.match(turned, /^[1-6] of 6 gears are turned, which change [1-9]\d?% of the model\.$/);
		const percents = await page.locator("#gear-bars .bar-percent").allTextContents();
		assert.equal(percents.length, Number(turned[0]));
		const sum = percents.reduce((n, share) => n + Number.parseInt(share, 10), 0);
		assert.ok(sum >= 97 && sum <= 103, `${percents}`);
		assert.match((await page.locator("#gear-bars .bar-name").first().textContent()) ?? "", /^Gear [1-6]$/);
		await user.press(page.locator("#gears-where-title"));
		assert.ok((await page.locator("#gear-parts li:visible").count()) >= 3);
		const withGears = await eventually(shares, (now) => now !== plain, "another answer");
		const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		assert.ok(overflow <= 0, `the page is ${overflow} pixels too wide`);
		await page.locator("#gears").scrollIntoViewIfNeeded();
		await visit.screenshot(`${device}-gears`);

		// Where they change the model: a map, with a table that has the same numbers, of all of them or of one; and what it is like without.
		const map = page.locator(".sparsity");
		await eventually(() => page.locator(".compare .bar-percent").allTextContents(), (all) => all.length === 2 && all.every((said) => / of 4$/.test(said)), "without and with");
		const drawn = () => map.locator("svg text:not(.head)").evaluateAll((all) => all.map((t) => t.textContent).filter((t) => t?.endsWith("%")));
		const listed = () => map.locator("td").evaluateAll((all) => all.map((td) => td.textContent).filter((t) => t?.endsWith("%")));
		const all = await drawn();
		assert.ok(all.length >= 13 && new Set(all).size > 1, `${all}`);
		assert.deepEqual(await listed(), all);
		await map.locator("select").selectOption({ index: 1 });
		await eventually(drawn, (one) => String(one) !== String(all), "one gear alone");
		assert.deepEqual(await listed(), await drawn());
		await user.press(map.locator("summary"));
		assert.deepEqual(await faults(page), []);
		await map.scrollIntoViewIfNeeded();
		await visit.screenshot(`${device}-map`, { fullPage: false });

		// One click, and back.
		await user.press(page.locator("#use-gears"));
		await eventually(line, text.gearsOff);
		await eventually(() => map.isHidden(), true);
		assert.equal(await page.locator("#gear-bars li").count(), 0);
		await eventually(shares, plain);
		await user.press(page.locator("#use-gears"));
		await eventually(line, turned);
		await eventually(shares, withGears);

		// Opened again, the version with gears is there again, to the last digit, and is not learnt anew.
		await eventually(() => page.locator("#kept-line").textContent(), text.keptHere);
		const versions = () => page.locator("#version-list > li").evaluateAll((rows) => rows.map((row) => row.className + row.getAttribute("data-version")));
		const before = await versions();
		assert.equal(before.length, 3, `${before}`); // without, with, none
		await page.reload();
		await eventually(line, turned);
		await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf("query.png", png(90, 70, stripes))]);
		await eventually(shares, withGears);
		await eventually(() => page.locator("#most-like").isVisible(), true);
		assert.deepEqual(await versions(), before);
		visit.calm();
		await visit.close();
		await server.close();
	});
}

for (const [what, spoil, said] of /** @type {const} */ ([["do not come", () => 404, /404|did not|default/], ["are others than the manifest names", (/** @type {Buffer} */ file) => file.fill(1, 40, 60), /sha256/]])) {
	test(`gears that ${what}: it is said, and all else works`, async () => {
		const server = await serve(models.folder, (path) =>
			(path.endsWith(".experts.safetensors.zst") ? spoil(readFileSync(join(models.folder, "default.experts.safetensors.zst"))) : null));
		const visit = await Visit.open(browser, server.url, desktop);
		const user = new User(visit.page);
		await eventually(() => visit.page.locator("#gears-line").textContent(), text.gearsMissing);
		for (const [i, shape] of [circle, cross].entries()) await user.addDrawing(user.card(i), shape(0.3));
		await user.waitForPictures(1, 1);
		await user.press(visit.page.locator("#learn"));
		await user.waitFor("#learn-reason", "Learnt 2 classes from 2 pictures");
		assert.ok(visit.problems.some((problem) => said.test(problem)), visit.problems.join("\n"));
		visit.calm(/./);
		await visit.close();
		await server.close();
	});
}

/** Runs in the page. @param {{ files: string[], size: number }} options */
async function compare({ files, size }) {
	/** @type {Modules} */
	const { Engine, EngineError, Pool } = /** @type {any} */ (globalThis).modules;
	const pictures = files.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
	const engine = await Engine.load();
	const pool = new Pool(engine, { size });
	await pool.grow();
	const experts = await engine.openExperts();
	pool.renew();
	const engines = await pool.grow();
	const classes = [await engine.addClass("a"), await engine.addClass("b")];
	const support = pictures.slice(0, 6).map((picture) => picture.slice());
	for (const picture of support) pool.ahead(picture);
	for (const [i, picture] of support.entries()) await pool.addExample(classes[i & 1] ?? 0, picture);
	const learnt = await engine.adapt();
	const reasons = await engine.explain();
	const probabilities = (/** @type {any} */ outcome) => outcome.scores.map((/** @type {any} */ score) => score.probability);
	const several = (await pool.classifyAll(pictures)).map(probabilities);
	const lead = [];
	for (const picture of pictures) lead.push(probabilities(await engine.classify(picture)));
	const twin = await engine.twin();
	const [here, there] = [engine, twin].map((e) => e.embed(pictures[0] ?? new Uint8Array(0), { scores: engine.scores }));
	const same = String((await here)?.embed) === String((await there)?.embed);
	twin.dispose();
	await engine.restart(); // with its experts, and without the classes
	for (const name of ["a", "b"]) await engine.addClass(name);
	for (const [i, picture] of support.entries()) await engine.addExample(1 + (i & 1), picture);
	const again = await engine.adapt();
	const code = await engine.classifyEmbedding(new Float32Array(engine.info.dim)).catch((error) => error instanceof EngineError && error.code);
	pool.dispose();
	engine.dispose();
	return { experts, engines, several, lead, same, code, choice: learnt.experts, again: again.experts, places: reasons?.places ?? [], plain: reasons?.plain };
}

test("the lead, its helpers, a restarted engine and the terminal choose and answer the same, bit for bit", async () => {
	const server = await serve(models.folder, (path) => (path === "/blank.html" ? Buffer.from("<!doctype html><title>blank</title><link rel=icon href=icon.svg>") : null));
	const visit = await Visit.open(browser, `${server.url}blank.html`, desktop);
	await visit.modules();
	const files = Array.from({ length: 10 }, (_, i) => png(40 + 7 * i, 64, (x, y) => stripes(x + i, y * i)));
	const page = await visit.page.evaluate(compare, { files: files.map((file) => file.toString("base64")), size: 3 });
	assert.deepEqual([page.experts, page.engines, page.same, page.code], [6, 3, true, "other_weights"]);
	assert.deepEqual(page.several, page.lead);
	assert.ok(page.choice && page.choice.changed > 0.1 && page.choice.changed < 0.6, JSON.stringify(page.choice));
	assert.deepEqual(page.again, page.choice);
	assert.equal(page.plain?.total, 6);
	for (const { name, changed } of page.choice.parts) {
		const here = page.places.filter(({ part }) => part === name);
		assert.ok(here.length > 0 && Math.min(...here.map((p) => p.changed)) <= changed && changed <= Math.max(...here.map((p) => p.changed)), name);
	}
	for (const { changed, experts } of page.places) {
		const turned = experts.filter((_, m) => (page.choice?.scores[m] ?? 0) > 0);
		assert.ok(experts.length === 6 && changed <= turned.reduce((a, b) => a + b, 0) + 1e-9 && changed >= Math.max(...turned) - 1e-9, JSON.stringify({ changed, experts }));
	}
	visit.calm();
	await visit.close();
	await server.close();

	for (const [i, file] of files.entries()) {
		const place = i < 6 ? join(folder, "support", "ab"[i & 1] ?? "") : join(folder, "queries");
		mkdirSync(place, { recursive: true });
		writeFileSync(join(place, `${i}.png`), file);
	}
	const terminal = JSON.parse(execFileSync(join(root, "build/haguruma"),
		["classify", "-b", join(models.folder, "default.json"), "-s", join(folder, "support"), "--json", join(folder, "queries")], { encoding: "utf8" }));
	assert.deepEqual(terminal.experts.scores, page.choice.scores);
	assert.equal(terminal.experts.changed, page.choice.changed);
	for (const [i, result] of terminal.results.entries()) {
		const [a, b] = page.lead[6 + i] ?? [];
		const of = (/** @type {string} */ name) => result.scores.find((/** @type {any} */ score) => score.class === name).probability;
		assert.deepEqual([of("a"), of("b")].map(Math.fround), [a, b]);
	}
});

test("experts of another backbone, or of none, are refused", async () => {
	const engine = await openBundle(models.file);
	const manifest = JSON.parse(readFileSync(join(models.folder, "default.json"), "utf8"));
	const bytes = readFileSync(join(models.folder, manifest.experts.file));
	const codeOf = (/** @type {any} */ outcome) => outcome.code ?? "";
	const { verbs } = engine;
	assert.equal(codeOf(verbs.openExperts(bytes, "", "0".repeat(64))), "experts");
	assert.equal(codeOf(verbs.openExperts(bytes, "0".repeat(64), manifest.sha256)), "hash");
	assert.equal(codeOf(verbs.openExperts(readFileSync(models.file), "", manifest.sha256)), "experts");
	assert.equal(codeOf(verbs.openExperts(bytes.subarray(0, 1000), "", manifest.sha256)), "experts");
	const scores = new Uint8Array(Float32Array.of(1, 0, 0, 0, 0, 0).buffer);
	assert.equal(codeOf(verbs.embed(png(9, 9, stripes), 0, 0, 0, scores)), "usage", "no experts yet");
	assert.equal(openExperts(engine, models), 6);
	assert.equal(codeOf(verbs.embed(png(9, 9, stripes), 0, 0, 0, scores)), "");
	assert.equal(codeOf(verbs.embed(png(9, 9, stripes), 0, 0, 0, scores.subarray(4))), "usage");
	assert.equal(codeOf(verbs.embed(png(9, 9, stripes), 0, 0, 0, new Uint8Array(24).fill(0xff))), "usage");
	const id = valueOf(() => verbs.addClass("a"));
	const { embed, square } = valueOf(() => verbs.embed(png(9, 9, stripes), 0, 0, 0));
	assert.equal(codeOf(verbs.addEmbedding(id, embed, square.subarray(1))), "usage");
	valueOf(() => verbs.addEmbedding(id, valueOf(() => verbs.embed(png(9, 9, (x, y) => stripes(y, x)), 0, 0, 0)).embed));
	const other = valueOf(() => verbs.addClass("b"));
	valueOf(() => verbs.addEmbedding(other, embed, square));
	assert.equal(codeOf(verbs.adapt()), "no_picture");
	valueOf(() => verbs.useExperts(false));
	assert.equal(valueOf(() => verbs.adapt()).experts, null);
});
