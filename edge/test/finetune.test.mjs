// Fine-tuning while an endpoint learns and answers: it runs in the tab, which says so; what comes of it is in use there too.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { desktop, eventually, launch, Visit } from "../../e2e/browser.mjs";
import { randomModels } from "../../e2e/bundle.mjs";
import { answer, teach } from "../../e2e/ownsite.mjs";
import { png, stripesInAnyLight } from "../../e2e/pictures.mjs";
import { User } from "../../e2e/user.mjs";
import { languages } from "../../www/strings.js";
import { startEdge } from "../dev.mjs";

/** @import { Browser } from "playwright-core" */

const text = languages.en;
/** A small backbone of random weights: it knows nothing, so there is much to gain. */
const models = randomModels();
/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startEdge>>} */
let edge;
/** What the Worker has logged. @type {any[]} */
const lines = [];
before(async () => {
	[browser, edge] = await Promise.all([launch(), startEdge({
		models: models.folder, page: fileURLToPath(new URL("../../build/worker-assets", import.meta.url)),
		onLog: (line) => void (line.startsWith("{") && lines.push(JSON.parse(line))),
	})]);
});
after(async () => {
	await browser?.close();
	await edge?.stop();
	models.remove();
});

/** @param {boolean} upright @param {number} n */
const stripes = (upright, n) => png(64, 64, stripesInAnyLight(upright, n));

/** Requests that the endpoint was sent, but for the page's own files. */
const sent = () => lines.filter(({ tenant }) => tenant).map(({ route }) => route);

test("it runs in the tab and sends nothing; the version is there as soon as it is asked, and says the same here", async () => {
	const token = await edge.tenant("acme");
	const visit = await Visit.open(browser, `${edge.url}/`, desktop);
	const { page } = visit;
	const user = new User(page);
	await user.waitFor("#load-line", text.ready(models.name));
	await user.press(page.locator("#endpoint summary"));
	await page.locator("#endpoint-token").fill(token);
	await user.press(user.button(page.locator("#endpoint"), text.endpointUse));
	await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
	await teach(user, stripes);
	await user.press(page.locator("#versions > summary"));
	await user.waitFor('[data-version="1"]', text.endpointMade(edge.url));
	const plain = await answer(user, stripes(true, 9));
	await user.waitFor("#timing", edge.url);

	await user.press(page.locator("#finetune > summary"));
	const before = sent();
	await user.press(user.button(page.locator("#finetune"), text.finetuneStart));
	await user.waitFor("#finetune-line", text.finetuneBusy);
	assert.match(text.finetuneBusy, /in this tab/);
	await eventually(() => page.locator("#finetune-where").textContent(), (where) => /^Step/.test(where ?? ""), "steps");
	assert.deepEqual(sent(), before, "pictures go nowhere for it");
	await user.waitFor("#finetune-line", text.finetuneTaken(text.version(2), "").split(":")[0] ?? "");
	const made = await page.locator('[data-version="2"]').innerText();
	assert.ok(made.includes("Fine-tuned") && !made.includes(text.endpointMade(edge.url)), made);

	const there = await answer(user, stripes(true, 9));
	await user.waitFor("#timing", edge.url);
	assert.notEqual(there, plain);
	const id = /page-[0-9a-f]+|[0-9a-f]{32}/.exec((await page.locator(".endpoint-name").textContent()) ?? "")?.[0];
	const task = await (await edge.fetch(`/v1/tasks/${id}`, { headers: { authorization: `Bearer ${token}` } })).json();
	assert.deepEqual([task.task.version, task.task.versions.at(-1).by], [2, "imported"], "the adapter, and not the pictures once more");
	await visit.screenshot("desktop-endpoint-finetuned");

	await user.press(user.button(page.locator("#endpoint-sign"), text.endpointStop));
	assert.equal(await answer(user, stripes(true, 9)), there, "the tab says the same");
	await user.waitFor("#timing", text.timing(99).replace(/^\S+ /, ""));
	visit.calm();
	await visit.close();
});
