// What the page costs while the camera is tried on: how long its own thread is busy for each answer, beside the pass that the engine's Worker makes for
// it meanwhile, and how far the answers are apart when the camera is faster than the engine. node e2e/camerapace.mjs, after ./build.sh build.

import { text } from "../www/strings.js";
import { count } from "./answers.mjs";
import { desktop, launch, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { serve } from "./terminal.mjs";
import { cross, circle, User } from "./user.mjs";

/** @import { Browser, CDPSession } from "playwright-core" */

const rounds = 5;
const seconds = 4;

/** Pictures a second of the camera that is faster than the engine. */
const fast = 250;

/** A camera that gives so many pictures of 640 x 480 a second, from a Worker of its own, in the place of the browser's. @param {number} rate */
function film(rate) {
	const camera = `onmessage = ({ data: { writable, rate } }) => {
		const writer = writable.getWriter();
		const pictures = [0, 1].map((seed) => new VideoFrame(Uint8Array.from({ length: 640 * 480 * 1.5 }, (_, i) => (i * (seed + 7)) % 251), { format: "I420", codedWidth: 640, codedHeight: 480, timestamp: 0 }));
		const begin = performance.now();
		let n = 0;
		setInterval(() => {
			for (; n < (rate * (performance.now() - begin)) / 1000; n++) writer.write(new VideoFrame(pictures[n % 2], { timestamp: 1000 * performance.now() }));
		}, 1);
	};`;
	navigator.mediaDevices.getUserMedia = async () => {
		const generator = new /** @type {any} */ (globalThis).MediaStreamTrackGenerator({ kind: "video" });
		const worker = new Worker(URL.createObjectURL(new Blob([camera])));
		worker.postMessage({ writable: generator.writable, rate }, [generator.writable]);
		return new MediaStream([generator]);
	};
}

/** Learns two classes and tries the camera on. @param {Browser} browser @param {string} url @param {number} rate of pictures; 0: the browser's own camera */
async function filming(browser, url, rate) {
	const visit = await Visit.open(browser, url, { ...desktop, permissions: ["camera"], bypassCSP: rate > 0 }, async (context) => {
		await context.addInitScript(count);
		if (rate > 0) await context.addInitScript(film, rate);
	});
	const user = new User(visit.page);
	await user.waitFor("#load-line", text.ready(models.name));
	for (const [i, strokes] of [[circle(0.3), circle(0.35)], [cross(0.3), cross(0.35)]].entries()) {
		for (const drawing of strokes) await user.addDrawing(user.card(i), drawing);
		await user.waitForPictures(i, strokes.length);
	}
	await user.press(visit.page.locator("#learn"));
	await user.waitFor("#learn-reason", "Learnt 2 classes from 4 pictures");
	await user.press(user.button(user.tryIt, text.cameraOpen));
	await visit.page.waitForTimeout(3000); // the experts have come, and learning again is over
	return visit;
}

/** What the page's thread has done so far, s. @param {CDPSession} devtools */
async function busy(devtools) {
	const { metrics } = await devtools.send("Performance.getMetrics");
	return (/** @type {string[]} */ ...names) => metrics.reduce((sum, { name, value }) => sum + (names.includes(name) ? value : 0), 0);
}

/** Tells what the page does for the answers of a while. @param {string} camera @param {number} rate */
async function tell(camera, rate) {
	const visit = await filming(browser, server.url, rate);
	const { page } = visit;
	const devtools = await page.context().newCDPSession(page);
	await devtools.send("Performance.enable");
	for (let round = 0; round < rounds; round++) {
		await page.evaluate("void (answers.length = 0)");
		const before = await busy(devtools);
		await page.waitForTimeout(1000 * seconds);
		const after = await busy(devtools);
		const answers = /** @type {{ at: number, ms: number }[]} */ (await page.evaluate("answers"));
		const spent = (/** @type {string[]} */ ...names) => (1000 * (after(...names) - before(...names))) / answers.length;
		const [script, layout, all] = [spent("ScriptDuration"), spent("LayoutDuration", "RecalcStyleDuration"), spent("TaskDuration")];
		const pass = mean(answers.map(({ ms }) => ms));
		const period = mean(answers.slice(1).map(({ at }, i) => at - (answers[i]?.at ?? 0)));
		console.log(`${camera}: ${(1000 / period).toFixed(1)} answers a second, ${period.toFixed(2)} ms apart, a pass ${pass.toFixed(2)} ms; the page's thread for each: scripts ${script.toFixed(2)} ms, ` +
			`style and layout ${layout.toFixed(2)} ms, ${((100 * (script + layout)) / pass).toFixed(0)}% of a pass; all tasks ${all.toFixed(2)} ms` + (rate ? `; the period is ${(100 * (period / pass - 1)).toFixed(0)}% more than the pass` : ""));
	}
	await visit.close();
}

/** @param {number[]} x */
const mean = (x) => x.reduce((a, b) => a + b, 0) / x.length;

const models = pageModels();
const browser = await launch(["--use-fake-device-for-media-stream=device-count=1"]);
const server = await serve();
try {
	await tell("the browser's made-up camera", 0);
	await tell(`a camera of ${fast} pictures a second`, fast);
} finally {
	await browser.close();
	await server.stop();
	models.remove();
}
