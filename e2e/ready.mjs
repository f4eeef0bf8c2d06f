// How long the page takes from a cold start to its first answer:
//
//   npm run ready -- [--runs N] [--mbit N] [--json]
//
// www is served with brotli, as a deployment would, and opened by a new Chromium each time, so that nothing is cached. As
// soon as the page is ready it is given two classes of one picture, Learn is pressed and a third picture is chosen: the
// page's own inputs, its own Worker. Times count from the navigation; --mbit slows the line down to N Mbit/s and 40 ms.

import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { brotli } from "./brotli.mjs";
import { launch, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { png } from "./pictures.mjs";
import { serve } from "./server.mjs";

/** The steps, in order, with the marks that www/app.js sets and one for the answer. */
const steps = /** @type {const} */ ({
	page: "haguruma:page",
	engine: "haguruma:engine",
	bundle: "haguruma:ready",
	answer: "answer",
});

/** @typedef {Record<keyof typeof steps, number> & { bytes: { engine: number, bundle: number, page: number } }} Run ms and bytes */

/** @param {number[]} values */
const median = (values) => /** @type {number} */ ([...values].sort((a, b) => a - b)[values.length >> 1]);

const { values: flags } = parseArgs({
	options: { runs: { type: "string", default: "7" }, mbit: { type: "string" }, json: { type: "boolean", default: false } },
});
const runs = Number(flags.runs);
const mbit = flags.mbit === undefined ? null : Number(flags.mbit);
if (!Number.isInteger(runs) || runs < 1 || (mbit !== null && !(mbit > 0))) {
	console.error("usage: npm run ready -- [--runs N] [--mbit N] [--json]");
	process.exit(2);
}

/** Bytes of the answers' bodies since the last run, by path. @type {Map<string, number>} */
const sent = new Map();
const models = pageModels();
const root = new URL("../www/", import.meta.url);
const server = await serve(models.folder, async (path, accept) => {
	if (path === "/files.json") return null; // what is kept for use without a network comes after the answer
	const zstd = path.endsWith(".zst"); // as small as it gets already
	const file = path.startsWith("/models/") ? `${models.folder}/${path.slice(8)}` : new URL(`.${path}`, root);
	const plain = await readFile(file).catch(() => null);
	if (!plain) return 404;
	if (!zstd && !/\bbr\b/.test(accept)) return 406;
	const body = zstd ? plain : await brotli(plain);
	sent.set(path, body.length);
	return (response, type) => {
		response.writeHead(200, { "content-type": type, "content-length": body.length, ...(zstd ? {} : { "content-encoding": "br" }) });
		response.end(body);
	};
});

const pictures = [
	png(96, 96, (x) => (x % 12 < 6 ? [0, 0, 0] : [255, 255, 255])),
	png(96, 96, (_, y) => (y % 12 < 6 ? [0, 0, 0] : [255, 255, 255])),
	png(96, 96, (x) => (x % 12 < 5 ? [20, 20, 20] : [240, 240, 240])),
].map((bytes) => Buffer.from(bytes).toString("base64"));

/** In the page: does what a user would, without a user's or a test's delays. @param {string[]} pictures */
function act(pictures) {
	/** @param {Element | null} input @param {string} base64 */
	const choose = (input, base64) => {
		if (!(input instanceof HTMLInputElement)) throw new Error("no input for files");
		const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
		const transfer = new DataTransfer();
		transfer.items.add(new File([bytes], "picture.png", { type: "image/png" }));
		input.files = transfer.files;
		input.dispatchEvent(new Event("change"));
	};
	new PerformanceObserver((list) => {
		if (!list.getEntriesByName("haguruma:ready").length) return;
		document.querySelectorAll(".card input[type=file]").forEach((input, i) => choose(input, pictures[i] ?? ""));
	}).observe({ type: "mark", buffered: true });
	let learnt = false;
	new MutationObserver(() => {
		const learn = document.querySelector("#learn");
		if (!learnt && learn instanceof HTMLElement && learn.ariaDisabled === "false") {
			learnt = true;
			learn.click();
			choose(document.querySelector("#try input[type=file]"), pictures[2] ?? "");
		}
		if (document.querySelector("#bars > li") && !performance.getEntriesByName("answer").length) performance.mark("answer");
	}).observe(document, { childList: true, subtree: true, attributes: true });
}

/** @returns {Promise<Run>} */
async function run() {
	const browser = await launch();
	try {
		sent.clear();
		const visit = await Visit.open(browser, server.url, {}, async (context) => {
			await context.addInitScript(act, pictures);
			if (mbit === null) return;
			context.on("page", async (page) => {
				const line = (mbit * 1e6) / 8;
				const devtools = await context.newCDPSession(page);
				await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 40, downloadThroughput: line, uploadThroughput: line });
			});
		});
		await visit.page.waitForFunction(() => performance.getEntriesByName("answer").length > 0);
		const marks = await visit.page.evaluate(() => performance.getEntriesByType("mark").map((m) => [m.name, m.startTime]));
		visit.calm();
		const at = Object.fromEntries(marks);
		/** @param {RegExp} path */
		const bytes = (path) => [...sent].reduce((sum, [name, length]) => sum + (path.test(name) ? length : 0), 0);
		const engine = bytes(/\.wasm$/);
		const bundle = bytes(/\.zst$/);
		const times = Object.fromEntries(Object.entries(steps).map(([step, mark]) => [step, at[mark]]));
		return /** @type {Run} */ ({ ...times, bytes: { engine, bundle, page: bytes(/./) - engine - bundle } });
	} finally {
		await browser.close();
	}
}

await brotli(await readFile(new URL("engine.relaxed.wasm", root))); // the longest, which no page should wait for
await run(); // brotli, and the disk's cache
/** @type {Run[]} */
const all = [];
for (let i = 0; i < runs; i++) all.push(await run());
await server.close();
models.remove();

const order = /** @type {(keyof typeof steps)[]} */ (Object.keys(steps));
const medians = Object.fromEntries(order.map((step) => [step, median(all.map((one) => one[step]))]));
const own = Object.fromEntries(order.map((step, i) => {
	const before = order[i - 1];
	return [step, median(all.map((one) => one[step] - (before ? one[before] : 0)))];
}));
const bytes = /** @type {Run} */ (all[0]).bytes;
if (flags.json) {
	console.log(JSON.stringify({ runs, mbit, bytes, total: bytes.engine + bytes.bundle + bytes.page, medians, own, all }, null, 2));
} else {
	const total = bytes.engine + bytes.bundle + bytes.page;
	const mb = (/** @type {number} */ n) => `${(n / 1e6).toFixed(2)} MB`;
	console.log(`Downloaded: ${mb(total)} (engine ${mb(bytes.engine)}, bundle ${mb(bytes.bundle)}, page ${mb(bytes.page)})`);
	console.log(`Medians of ${runs} cold starts, ${mbit === null ? "server on this machine" : `${mbit} Mbit/s, 40 ms`}, ms from the navigation:\n`);
	const says = { page: "page shown", engine: "engine instantiated", bundle: "bundle loaded", answer: "first classification done" };
	for (const step of order) {
		console.log(`${says[step].padEnd(28)}${medians[step]?.toFixed(0).padStart(6)}   (+${own[step]?.toFixed(0)})`);
	}
}
