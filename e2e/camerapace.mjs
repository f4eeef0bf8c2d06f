// What the page itself costs while the camera is tried on: how much of a second its thread is busy for each answer, beside the pass that the engine's
// Worker makes for it meanwhile. Chromium's own cameras give 20 pictures a second: node e2e/camerapace.mjs, after ./build.sh build.

import { text } from "../www/strings.js";
import { desktop, launch, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { serve } from "./terminal.mjs";
import { cross, circle, User } from "./user.mjs";

const rounds = 5;
const seconds = 4;

const models = pageModels();
const browser = await launch(["--use-fake-device-for-media-stream=device-count=1"]);
const server = await serve();
try {
	const visit = await Visit.open(browser, server.url, { ...desktop, permissions: ["camera"] });
	const { page } = visit;
	const user = new User(page);
	await user.waitFor("#load-line", text.ready(models.name));
	for (const [i, strokes] of [[circle(0.3), circle(0.35)], [cross(0.3), cross(0.35)]].entries()) {
		for (const drawing of strokes) await user.addDrawing(user.card(i), drawing);
		await user.waitForPictures(i, strokes.length);
	}
	await user.press(page.locator("#learn"));
	await user.waitFor("#learn-reason", "Learnt 2 classes from 4 pictures");
	await user.press(user.button(user.tryIt, text.cameraOpen));
	await page.waitForTimeout(3000); // the experts have come, and learning again is over
	const devtools = await page.context().newCDPSession(page);
	await devtools.send("Performance.enable");
	const metrics = async () => {
		const { metrics } = await devtools.send("Performance.getMetrics");
		return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
	};
	const told = [];
	for (let round = 0; round < rounds; round++) {
		const before = await metrics();
		const { answers, pass } = await page.evaluate(async (ms) => {
			let answers = 0;
			/** @type {number[]} */
			const passes = [];
			const timing = /** @type {Element} */ (document.querySelector("#timing"));
			const seen = new MutationObserver(() => {
				answers++;
				passes.push(Number.parseFloat(timing.textContent ?? ""));
			});
			seen.observe(/** @type {Node} */ (document.querySelector("#bars")), { childList: true, subtree: true, attributes: true, characterData: true });
			await new Promise((resolve) => setTimeout(resolve, ms));
			seen.disconnect();
			return { answers, pass: passes.sort((a, b) => a - b)[passes.length >> 1] };
		}, 1000 * seconds);
		const after = await metrics();
		const spent = (/** @type {string} */ name) => (1000 * ((after[name] ?? 0) - (before[name] ?? 0))) / answers;
		told.push({ answers: answers / seconds, pass, script: spent("ScriptDuration"), layout: spent("LayoutDuration") + spent("RecalcStyleDuration"), task: spent("TaskDuration") });
	}
	for (const t of told) console.log(`${t.answers.toFixed(1)} answers a second, a pass ${t.pass} ms; the page's thread for each: scripts ${t.script.toFixed(2)} ms, style and layout ${t.layout.toFixed(2)} ms, all tasks ${t.task.toFixed(2)} ms`);
	await visit.close();
} finally {
	await browser.close();
	await server.stop();
	models.remove();
}
