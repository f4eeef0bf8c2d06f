// The model as a file for other programs: what the page saves is what the terminal writes, to the bit, and onnxruntime says of pictures what the page says.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { valueOf } from "../www/engine.host.js";
import { languages, text } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, phone } from "./browser.mjs";
import { pageModels, randomModels } from "./bundle.mjs";
import { openBundle } from "./host.mjs";
import { answer, ownSite, sayings, teach, terminal } from "./ownsite.mjs";
import { png, stripesInAnyLight } from "./pictures.mjs";

/** @import { Models } from "./bundle.mjs" */
/** @import { User } from "./user.mjs" */

after(() => setImmediate(() => process.exit())); // the Go program waits for calls for ever

/** A small backbone of random weights with experts, and the one of the page. */
const [small, own] = [randomModels(true), pageModels()];
const sites = { small: ownSite(small), own: ownSite(own) };

/** @param {boolean} upright @param {number} n */
const stripes = (upright, n) => png(64, 64, stripesInAnyLight(upright, n));

/** @param {User} user */
const area = (user) => user.page.locator("#export");
const formats = /** @type {const} */ ([["exportOnnx", "--onnx"], ["exportSafetensors", "--safetensors"]]);

/**
 * Saves both files of what is in use, and holds them to what the terminal makes of the adapter that the page saves.
 * @param {keyof typeof sites} where
 * @param {User} user
 * @returns {Promise<{ adapter: string, onnx: string }>} paths
 */
async function saveBoth(where, user, table = text) {
	const { saved, folder } = sites[where];
	const bundle = join({ small, own }[where].folder, "default.json");
	const adapter = await saved(user, user.button(user.page.locator("#kept"), table.saveAdapter));
	let onnx = "";
	for (const [say, flag] of formats) {
		const { path, name } = await saved(user, user.button(area(user), table[say]));
		const bytes = readFileSync(path);
		await user.waitFor("#export-line", table.exportDone(name, table.megabytes(bytes.length)));
		const theirs = join(folder, "theirs");
		terminal("export", bundle, "--adapter", adapter.path, flag, theirs);
		assert.ok(bytes.equals(readFileSync(theirs)), `${name}: not the terminal's file`);
		if (flag === "--onnx") onnx = path;
	}
	return { adapter: adapter.path, onnx };
}

/**
 * Asks onnxruntime, the page and the terminal about pictures: the page and the terminal say the same, and onnxruntime, in float32, the same within the bound of
 * TestExportAdapterONNX, 0.03.
 * @param {Models} models
 * @param {User} user
 * @param {{ adapter: string, onnx: string }} files
 */
async function ask(models, user, { adapter, onnx }, table = text) {
	const folder = mkdtempSync(`${onnx}-`);
	const bundle = join(models.folder, "default.json");
	const { config } = JSON.parse(readFileSync(bundle, "utf8"));
	const { verbs } = await openBundle(models.file);
	const queries = [stripes(true, 20), stripes(false, 21), stripes(true, 22)];
	const size = config.imageSize;
	const pixels = new Float32Array(queries.length * 3 * size * size);
	for (const [n, bytes] of queries.entries()) {
		writeFileSync(join(folder, `${n}.png`), bytes);
		const { square } = valueOf(() => verbs.embed(bytes, 0, 0, 0));
		for (let c = 0; c < 3; c++) {
			for (let i = 0; i < size * size; i++) pixels[(3 * n + c) * size * size + i] = ((square[3 * i + c] ?? 0) / 255 - config.mean[c]) / config.std[c];
		}
	}
	writeFileSync(join(folder, "pixels"), new Uint8Array(pixels.buffer));
	execFileSync(process.execPath, [fileURLToPath(new URL("onnx.mjs", import.meta.url)), onnx, join(folder, "pixels"), String(size), join(folder, "out")]);
	const theirs = new Float32Array(new Uint8Array(readFileSync(join(folder, "out.probabilities"))).buffer);
	assert.equal(theirs.length, 2 * queries.length);
	const { results } = JSON.parse(terminal("classify", "--adapter", adapter, "--bundle", bundle, "--json", ...queries.map((_, n) => join(folder, `${n}.png`))));
	let sure = 0;
	for (const [n, bytes] of queries.entries()) {
		const shown = (await answer(user, bytes, table)).split("\n");
		const classes = await user.classNames();
		for (const { class: name, probability } of results[n].scores) {
			const have = theirs[2 * n + classes.indexOf(name)] ?? NaN;
			assert.equal(shown[shown.indexOf(name) + 1], table.percent(probability), `${n}: ${name}: ${shown}`);
			assert.ok(Math.abs(have - probability) <= 0.03 && have > 0.5 === probability > 0.5, `picture ${n}, ${name}: ${have} in onnxruntime, ${probability} here`);
			sure = Math.max(sure, probability);
		}
	}
	assert.ok(sure > 0.6, `nothing is told apart: ${sure}`);
}

test("desktop: with experts, and fine-tuned: both files are the terminal's, onnxruntime says what the page says, and the journal has them", async () => {
	const { visit, page, user } = await sites.small.open();
	assert.equal(await area(user).isVisible(), false, "there is nothing to save yet");
	await eventually(() => page.locator("#use-gears").isDisabled(), false, "gears");
	await teach(user, stripes);
	await eventually(() => page.locator("#gears-line").textContent(), (said) => / gears are turned/.test(said ?? ""), "gears in use");
	await user.press(page.locator("#export > summary"));
	const engines = page.workers().length;
	const said = await sayings(page, "#export-where");
	const { long } = await visit.tasks(async () => {
		await ask(small, user, await saveBoth("small", user));
	});
	assert.deepEqual(long, []);
	const all = await said();
	assert.ok(all.some((line) => /Engine \d+\.\d( of \d+\.\d)? MB/.test(line)) && all.includes(text.exportWriting), all.join("; "));
	await eventually(() => page.workers().length, engines, "its Worker is gone");
	await visit.screenshot("desktop-export");

	await user.press(page.locator("#finetune > summary"));
	await user.press(user.button(page.locator("#finetune"), text.finetuneStart));
	await user.waitFor("#finetune-line", text.finetuneTaken(text.version(2), "").split(":")[0] ?? "");
	assert.equal(await page.locator("#export-line").textContent(), "", "what was said is of another version");
	const tuned = await saveBoth("small", user);
	assert.ok(readFileSync(tuned.adapter).includes("change.masks.0"), "it is fine-tuned");
	await ask(small, user, tuned);

	await user.press(page.locator("#journal > summary"));
	for (const name of ["Class A-Class B.onnx", "Class A-Class B-timm.safetensors"]) await user.waitFor("#journal tbody", `file: ${name}`);
	assert.deepEqual(await faults(page), []);
	visit.calm();
	await visit.close();
});

test("phone, in Japanese, the page's own model: not without a network at first; then it is, and stays", async () => {
	const ja = languages.ja;
	const { visit, page, user } = await sites.own.open({ ...phone, locale: "ja" }, ja);
	await teach(user, stripes, ja);
	await eventually(() => page.locator("#offline-line").textContent(), (said) => Boolean(said), "kept for use without a network");
	await eventually(() => page.locator("#kept-line").textContent(), ja.keptHere);
	await user.press(page.locator("#export > summary"));
	visit.calm();
	await sites.own.cut(page);
	await user.press(user.button(area(user), ja.exportOnnx));
	await user.waitFor("#export-line", ja.exportOffline);
	await visit.screenshot("phone-export-offline", { fullPage: false });
	assert.deepEqual(await faults(page), []);
	await sites.own.mend(page);
	await ask(own, user, await saveBoth("own", user, ja), ja);
	await eventually(() => page.locator("#kept-line").textContent(), ja.keptHere);
	assert.deepEqual(await faults(page), []);
	await area(user).scrollIntoViewIfNeeded();
	await visit.screenshot("phone-export", { fullPage: false });
	assert.ok((await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)) <= 0, "too wide");

	await sites.own.cut(page);
	await page.reload();
	await sites.own.ready(page, ja);
	await user.waitForPictures(1, 5, ja);
	await user.press(page.locator("#export > summary"));
	const { path } = await sites.own.saved(user, user.button(area(user), ja.exportOnnx));
	assert.ok(readFileSync(path).length > 1e6);
	await sites.own.mend(page);
	await visit.close();
});

test("a stop: nothing is saved, by keyboard, and the next one goes on", async () => {
	const { visit, page, user } = await sites.small.open({ ...desktop, serviceWorkers: "block" }); // none between the page and the fault
	await teach(user, stripes);
	const engines = page.workers().length;
	let held = 0;
	await page.context().route("**/engine.tune*.wasm", () => void held++);
	await user.press(page.locator("#export > summary"));
	await user.button(area(user), text.exportSafetensors).focus();
	await page.keyboard.press("Enter");
	await eventually(() => held, 1, "it is asked for");
	await user.waitFor("#export-line", text.exportBusy);
	await visit.screenshot("desktop-export-busy", { fullPage: false });
	for (const [say] of formats) assert.equal(await user.button(area(user), text[say]).getAttribute("aria-disabled"), "true");
	await page.keyboard.press("Tab");
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), text.exportStop);
	await page.keyboard.press("Enter");
	await user.waitFor("#export-line", text.exportStopped);
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), text.exportSafetensors, "the focus is where it was");
	await page.context().unroute("**/engine.tune*.wasm");
	await saveBoth("small", user);
	await eventually(() => page.workers().length, engines, "its Worker is gone");
	visit.calm(/registration blocked|Failed to load/);
	await visit.close();
});
