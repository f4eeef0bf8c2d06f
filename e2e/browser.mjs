// Chromium, and a page under watch: what it logs, throws, asks of other machines, and how long it keeps its own thread.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

/** @import { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core" */

/** Conditions are waited for, never times; this is only where hope ends on a slow and busy machine, ms. */
export const patience = 60_000;

/** A task of the page's own thread that takes this much of a processor is too long, ms. */
const longTask = 50;

const screenshots = fileURLToPath(new URL("../build/screenshots/", import.meta.url));

/** $CHROMIUM, or what is on PATH. */
export function program() {
	if (process.env["CHROMIUM"]) return process.env["CHROMIUM"];
	for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
		try {
			return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
		} catch {
			// the next one
		}
	}
	throw new Error("no Chromium: set CHROMIUM to the program, or run ./build.sh e2e");
}

/** @param {string[]} [more] flags @param {string[]} [less] flags of Playwright's to leave out */
export function launch(more = [], less = []) {
	mkdirSync(screenshots, { recursive: true });
	return chromium.launch({
		executablePath: program(),
		// Root has no sandbox; a container's /dev/shm is too small.
		args: [...(process.getuid?.() === 0 ? ["--no-sandbox"] : []), "--disable-dev-shm-usage", ...more],
		ignoreDefaultArgs: less,
		timeout: patience,
	});
}

/** @type {BrowserContextOptions} */
export const desktop = { viewport: { width: 1280, height: 900 } };
/** @type {BrowserContextOptions} */
export const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

/** What the page's modules give away. @typedef {typeof import("../www/engine.js") & typeof import("../www/pool.js")} Modules */

/** A page and everything that went wrong with it. */
export class Visit {
	/** @type {string[]} */
	problems = [];
	/** @type {Set<string>} */
	origins = new Set();

	/** @param {Browser} browser @param {Page} page */
	constructor(browser, page) {
		this.browser = browser;
		this.page = page;
		page.setDefaultTimeout(patience);
		page.on("console", (message) => {
			if (message.type() === "error" || message.type() === "warning") this.problems.push(`console: ${message.text()}`);
		});
		page.on("pageerror", (error) => this.problems.push(`uncaught: ${error.stack}`));
		page.on("crash", () => this.problems.push("the page crashed"));
		page.context().on("request", (request) => this.#went(request.url()));
		page.on("websocket", (socket) => this.#went(socket.url()));
	}

	/** @param {string} url */
	#went(url) {
		const { origin, protocol } = new URL(url);
		if (protocol !== "data:" && protocol !== "blob:") this.origins.add(origin);
	}

	/**
	 * @param {Browser} browser
	 * @param {string} url
	 * @param {BrowserContextOptions} [options]
	 * @param {(context: BrowserContext) => Promise<unknown>} [prepare] before the page is opened
	 */
	static async open(browser, url, options = desktop, prepare = async () => {}) {
		const context = await browser.newContext(options);
		await prepare(context);
		const visit = new Visit(browser, await context.newPage());
		await visit.page.exposeFunction("reportPolicy", (/** @type {string} */ what) => visit.problems.push(`policy: ${what}`));
		await visit.page.addInitScript(() => {
			addEventListener("securitypolicyviolation", (event) => {
				/** @type {any} */ (globalThis).reportPolicy(`${event.violatedDirective} ${event.blockedURI}`);
			});
		});
		await visit.page.goto(url);
		return visit;
	}

	/** Puts engine and pool into globalThis.modules, for functions that run in the page. */
	async modules() {
		await this.page.evaluate(async () => {
			const [engine, pool] = await Promise.all(["engine.js", "pool.js"].map((name) => import(new URL(name, document.baseURI).href)));
			Object.assign(globalThis, { modules: { ...engine, ...pool } });
		});
	}

	/**
	 * Nothing went wrong but what is expected, and the page spoke to its own server only.
	 * @param {RegExp} [expected] problems that this test provokes
	 */
	calm(expected = /^$/) {
		assert.deepEqual(this.problems.filter((problem) => !expected.test(problem)), []);
		assert.deepEqual([...this.origins], [new URL(this.page.url()).origin]);
	}

	/**
	 * Tasks of the page's own thread, while `act` runs, that took more than 50 ms of a processor. What PerformanceObserver
	 * calls a long task is one by the clock on the wall: on a busy machine a thread that only waits for its turn has many.
	 * @param {() => Promise<void>} act
	 * @returns {Promise<{ long: number[], longest: number, count: number, total: number }>} ms of each long task and of the longest of all; how many tasks there were; ms of all of them
	 */
	async tasks(act) {
		await this.page.evaluate(() => void (document.documentElement.dataset["watched"] = "")); // the renderer is awake
		await this.browser.startTracing(this.page, { categories: ["toplevel"] });
		/** @type {Buffer} */
		let trace;
		try {
			await act();
			await this.page.evaluate(() => {}); // its answer comes before a task has ended, and a trace has no time of an open one
		} finally {
			trace = await this.browser.stopTracing();
		}
		/** @type {{ traceEvents: { name: string, ph: string, pid: number, tid: number, ts: number, dur?: number, tdur?: number, args: any }[] }} */
		const { traceEvents } = JSON.parse(trace.toString());
		const main = new Set(
			traceEvents.filter((e) => e.name === "thread_name" && e.args.name === "CrRendererMain").map((e) => `${e.pid} ${e.tid}`));
		const ours = traceEvents.filter((e) => e.ph === "X" && main.has(`${e.pid} ${e.tid}`));
		const tasks = ours.filter((e) => e.name === "ThreadControllerImpl::RunTask");
		// Chromium's own start of a Worker runs nothing of the page's: 1 ms, but now and then 50 to 80 of a busy processor. What else its task did counts.
		const starts = ours.filter((e) => e.name === "Receive mojo message" && e.args.chrome_mojo_event_info?.mojo_interface_tag === "blink.mojom.DedicatedWorkerHostFactoryClient");
		const within = (/** @type {typeof ours[0]} */ task) => starts.filter((e) => e.pid === task.pid && e.tid === task.tid && e.ts >= task.ts && e.ts <= task.ts + (task.dur ?? 0));
		const ms = tasks.map((task) => within(task).reduce((left, start) => left - (start.tdur ?? 0), task.tdur ?? 0) / 1000); // a task of no time at all has none
		return { long: ms.filter((took) => took > longTask), longest: Math.max(0, ...ms), count: ms.length, total: ms.reduce((a, b) => a + b, 0) };
	}

	/** @param {string} name of a file in build/screenshots @param {{ fullPage?: boolean }} [options] */
	async screenshot(name, options = { fullPage: true }) {
		await this.page.screenshot({ path: `${screenshots}${name}.png`, animations: "disabled", ...options });
	}

	async close() {
		await this.page.context().close();
	}
}

/**
 * Waits until what is read is what is wanted; fails with what was read last.
 * @template T
 * @param {() => Promise<T> | T} read
 * @param {T | ((value: T) => boolean)} want
 * @param {string} [what]
 */
export async function eventually(read, want, what = "") {
	const deadline = Date.now() + patience;
	for (;;) {
		const value = await read();
		const is = typeof want === "function" ? /** @type {(value: T) => boolean} */ (want)(value) : same(value, want);
		if (is) return value;
		if (Date.now() > deadline) {
			if (typeof want !== "function") assert.deepEqual(value, want, what || undefined);
			assert.fail(`${what || want}: still ${JSON.stringify(value)}`);
		}
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}

/** @param {unknown} a @param {unknown} b */
function same(a, b) {
	try {
		assert.deepEqual(a, b);
		return true;
	} catch {
		return false;
	}
}
