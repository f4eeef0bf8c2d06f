// Fine-tuning on the page: beside what is in use, stopped at once, taken or not, kept, gone back from, and carried to the terminal; without a network too.

import assert from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { languages, text } from "../www/strings.js";
import { faults } from "./axe.mjs";
import { desktop, eventually, patience, phone } from "./browser.mjs";
import { randomModels } from "./bundle.mjs";
import { answer, ownSite, sayings, teach as taught, terminal } from "./ownsite.mjs";
import { chance, png, stripesInAnyLight } from "./pictures.mjs";

/** @import { Page } from "playwright-core" */
/** @import { User } from "./user.mjs" */

/** A small backbone of random weights: it knows nothing, so there is much to gain. */
const models = randomModels();
const site = ownSite(models);
const { folder, open, ready } = site;

/** @param {boolean} upright @param {number} n */
const stripes = (upright, n) => png(64, 64, stripesInAnyLight(upright, n));

/** Brighter above or at the left, in light of any colour, which says more than a few steps can take away. @param {boolean} left @param {number} n */
function halves(left, n) {
	const random = chance(2 * n + (left ? 1 : 0) + 1000);
	const light = [0, 0, 0].map(() => 180 * random() - 90);
	return png(64, 64, (x, y) => {
		const [r = 0, g = 0, b = 0] = light.map((v) => Math.min(255, Math.max(0, Math.round(128 + v + ((left ? x : y) < 32 ? 25 : -25)))));
		return [r, g, b];
	});
}

/** @type {typeof taught} */
async function teach(user, ...how) {
	await taught(user, ...how);
	await unfold(user);
}

/** @param {User} user */
const unfold = (user) => user.press(user.page.locator("#finetune > summary"));

/** @param {Page} page @returns {Promise<string | null>} the version in use */
const inUse = (page) => page.locator(".in-use").getAttribute("data-version");

/** @param {User} user */
const press = (user, table = text) => user.press(user.button(user.page.locator("#finetune"), table.finetuneStart));

/**
 * Clicks what a selector finds once fine-tuning is at work (the focus is on its stop) and says one of these, and waits for the line that this leads to. It
 * begins before fine-tuning does and stays within the page: the whole takes but seconds, and a click that comes behind its end would wait for ever.
 * @param {Page} page @param {string[]} where @param {string} selector @param {string} line
 * @returns {Promise<number>} ms from the click to the next task of the page behind that line, with the button gone
 */
const pressedAt = (page, where, selector, line) => page.evaluate(async ({ where, selector, line, stop, patience }) => {
	const deadline = performance.now() + patience;
	const said = (/** @type {string} */ id) => document.getElementById(id)?.textContent ?? "";
	/** @param {() => boolean} is */
	async function until(is) {
		while (!is()) {
			if (performance.now() > deadline) throw new Error(`${where}, ${line}: still ${said("finetune-where")}, ${said("finetune-line")}`);
			await new Promise((resolve) => setTimeout(resolve));
		}
	}
	await until(() => document.activeElement?.textContent === stop && where.some((wanted) => said("finetune-where").startsWith(wanted)));
	const button = /** @type {HTMLElement} */ (document.querySelector(selector));
	const begin = performance.now();
	button.click();
	await until(() => said("finetune-line") === line && (button.hidden !== false || !button.isConnected));
	await new Promise((resolve) => setTimeout(resolve));
	return performance.now() - begin;
}, { where, selector, line, stop: text.finetuneStop, patience });

test("desktop: steps are taken while the page answers; the version is no worse, undone, kept, and the same at the terminal; then without a network", async () => {
	const { visit, page, user } = await open();
	await teach(user, stripes);
	await eventually(() => page.locator("#offline-line").textContent(), (said) => Boolean(said), "kept for use without a network");
	const plain = await answer(user, stripes(true, 9));
	const told = await sayings(page, "#finetune-where");
	const engines = page.workers().length;

	// By keyboard: the focus goes to the button that stops.
	const { long } = await visit.tasks(async () => {
		await user.button(page.locator("#finetune"), text.finetuneStart).focus();
		await page.keyboard.press("Enter");
		await eventually(() => page.evaluate(() => document.activeElement?.textContent), text.finetuneStop);
		await eventually(() => page.locator("#finetune-where").textContent(), (said) => said?.startsWith(text.finetuneSteps(2, 30).slice(0, 5)) ?? false, "steps");
		await visit.screenshot("desktop-finetune", { fullPage: false });
		await user.waitFor("#finetune-line", text.finetuneTaken(text.version(2), "").split(":")[0] ?? "");
	});
	assert.deepEqual(long, []);
	const said = await told();
	for (const [what, wanted] of /** @type {[string, RegExp][]} */ ([
		["bytes", /Engine \d+\.\d( of \d+\.\d)? MB/], ["pictures", /Picture 10 of 10/], ["steps and time left", /Step \d+ of 30, about \d+ (second|minute)s? left/],
	])) assert.ok(said.some((line) => wanted.test(line)), `${what}: ${[...new Set(said)].join("; ")}`);
	assert.equal(await page.evaluate(() => document.activeElement?.textContent), text.finetuneStart);
	await eventually(() => page.workers().length, engines, "its Worker is gone");
	await user.press(page.locator("#versions > summary"));
	const version = await page.locator('[data-version="2"]').innerText();
	const [, hits = "", again = "", before = ""] = /Fine-tuned: 10% .*\n.*turn: (\d+) of 10 .*\n.*Of 10 pictures .* gets (\d+) right, the one before (\d+)/s.exec(version) ?? [];
	assert.ok(hits === again && Number(hits) >= Number(before) && before, version);
	await visit.screenshot("desktop-finetuned");
	const tuned = await answer(user, stripes(true, 9));
	assert.notEqual(tuned, plain);

	// Back, and forward again.
	await user.press(user.button(page.locator("#notices"), text.undo));
	await eventually(() => inUse(page), "1");
	assert.equal(await answer(user, stripes(true, 9)), plain);
	await user.press(page.locator('[data-version="2"] button'));
	await eventually(() => inUse(page), "2");
	assert.equal(await answer(user, stripes(true, 9)), tuned);
	await user.press(page.locator("#journal > summary"));
	await user.waitFor("#journal tbody", "finetune: sparse");

	// At the terminal.
	const { path: adapter } = await site.saved(user, user.button(page.locator("#kept"), text.saveAdapter));
	assert.ok(statSync(adapter).size > 30_000, "the change of the weights is in it");
	mkdirSync(join(folder, "asked"));
	for (const n of [9, 10, 11]) writeFileSync(join(folder, `asked/${n}.png`), stripes(true, n));
	const { results } = JSON.parse(terminal("classify", "--adapter", adapter, "--bundle", join(models.folder, "default.json"), "--json", join(folder, "asked")));
	for (const { file, scores } of results) {
		const shown = (await answer(user, stripes(true, Number.parseInt(file.split("/").at(-1), 10)))).split("\n");
		for (const { class: name, probability } of scores) assert.equal(shown[shown.indexOf(name) + 1], text.percent(probability), `${file}: ${name}: ${shown}`);
	}

	// Opened again, without a network: the version is there, and another one can be made.
	await eventually(() => page.locator("#kept-line").textContent(), text.keptHere);
	visit.calm();
	await site.cut(page);
	await page.reload();
	await ready(page);
	await user.waitForPictures(1, 5);
	await eventually(() => inUse(page), "2");
	assert.equal(await answer(user, stripes(true, 9)), tuned);
	await unfold(user);
	await press(user);
	await eventually(() => page.locator("#finetune-where").textContent(), (now) => /^Step/.test(now ?? ""), "steps");
	await site.mend(page);
	await visit.close();
});

test("a stop is answered within 200 ms, wherever it is: all is as it was, and the next one goes on", async () => {
	const { visit, page, user } = await open();
	await teach(user, stripes, text, 12);
	const before = await answer(user, stripes(true, 20));
	const engines = page.workers().length;
	/** @type {number[]} */
	const took = [];
	const late = Array.from({ length: 20 }, (_, n) => `Step ${n + 3} `);
	for (const where of [[text.finetuneEngine, "Step "], [text.finetuneReady, "Step "], ["Step "], late]) {
		const pressed = pressedAt(page, where, "#finetune button:not([hidden])", text.finetuneStopped);
		await press(user);
		took.push(await pressed);
		await eventually(() => page.workers().length, engines, "its Worker is gone");
	}
	console.log(`stopped within ${took.map((ms) => `${ms.toFixed(1)} ms`).join(", ")}`);
	assert.ok(took.every((ms) => ms < 200), `${took}`);
	// What is in use answers meanwhile, however long that takes: what the Worker says after its first steps does not arrive.
	await page.evaluate(() => {
		const { Worker } = globalThis;
		globalThis.Worker = class extends Worker {
			/** @param {string | URL} url @param {WorkerOptions} [options] */
			constructor(url, options) {
				super(url, options);
				globalThis.Worker = Worker; // others are as they were
				this.addEventListener("message", (event) => {
					if (/^Step/.test(document.getElementById("finetune-where")?.textContent ?? "")) event.stopImmediatePropagation();
				});
			}
		};
	});
	await press(user);
	await eventually(() => page.locator("#finetune-where").textContent(), (now) => /^Step/.test(now ?? ""), "steps");
	assert.equal(await answer(user, stripes(true, 20)), before);
	const stop = user.button(page.locator("#finetune"), text.finetuneStop);
	assert.ok(await stop.isVisible(), "it is still at work");
	await user.press(stop);
	await eventually(() => page.workers().length, engines, "its Worker is gone");
	// A change of the pictures ends it too.
	const changed = pressedAt(page, ["Step "], ".tile button", text.finetuneChanged);
	await press(user);
	await changed;
	await eventually(() => page.workers().length, engines, "its Worker is gone");
	await user.press(page.locator("#versions > summary"));
	await eventually(() => inUse(page), "2");
	visit.calm();
	await visit.close();
});

test("phone, in Japanese: nothing to gain is said, and axe finds nothing", async () => {
	const { visit, page, user } = await open({ ...phone, locale: "ja" }, languages.ja);
	await teach(user, halves, languages.ja);
	await press(user, languages.ja);
	await eventually(() => page.locator("#finetune-where").textContent(), (now) => now !== "", "it works");
	await visit.screenshot("phone-finetune", { fullPage: false });
	await user.waitFor("#finetune-line", languages.ja.finetuneNothing);
	assert.deepEqual(await faults(page), []);
	await visit.screenshot("phone-finetuned", { fullPage: false });
	visit.calm();
	await visit.close();
});

test("the engine cannot be had: it is said, and all goes on", async () => {
	const { visit, page, user } = await open({ ...desktop, serviceWorkers: "block" }); // none between the page and this fault
	await teach(user, stripes);
	await page.context().route("**/engine.tune*.wasm", (route) => route.abort());
	await press(user);
	await user.waitFor("#finetune-line", text.errors.download);
	await answer(user, stripes(true, 9));
	visit.calm(/Failed to load|registration blocked/);
	await visit.close();
});
