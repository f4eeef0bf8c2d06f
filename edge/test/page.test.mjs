// The page and an endpoint: learning and asking there, the same adapter in the tab, and whatever may be in the way of it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { faults } from "../../e2e/axe.mjs";
import { desktop, eventually, launch, phone, Visit } from "../../e2e/browser.mjs";
import { png } from "../../e2e/pictures.mjs";
import { serve } from "../../e2e/server.mjs";
import { bars, fileOf, User } from "../../e2e/user.mjs";
import { languages } from "../../www/strings.js";
import { startEdge } from "../dev.mjs";
import { pageHeaders } from "../page.js";
import { Caller } from "./site.mjs";

/** @import { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core" */

const root = fileURLToPath(new URL("../../", import.meta.url));
const models = join(root, "www/models");
const text = languages.en;
/** @type {Browser} */
let browser;
/** @type {Awaited<ReturnType<typeof startEdge>>} */
let edge;
/** A host whose page may speak to the endpoint, which lets it; and one that the endpoint does not let. @type {Awaited<ReturnType<typeof serve>>} */
let friend;
/** @type {typeof friend} */
let stranger;
/** A host with the page as it comes. @type {typeof friend} */
let strict;
let token = "";
/** @type {Caller} */
let caller;
/** What the Worker has logged. @type {any[]} */
const lines = [];

before(async () => {
	/** index.html with one more address in connect-src, as a host would add it. @param {string} path */
	const opened = (path) => (path === "/index.html" ? Buffer.from(readFileSync(join(root, "www/index.html"), "utf8").replace("connect-src 'self'", `connect-src 'self' ${edge.url}`)) : null);
	[browser, friend, stranger, strict] = await Promise.all([launch(), serve(models, opened), serve(models, opened), serve(models)]);
	edge = await startEdge({
		models, page: join(root, "build/worker-assets"), vars: { ORIGINS: `${new URL(friend.url).origin}` },
		onLog: (line) => {
			if (line.startsWith("{")) lines.push(JSON.parse(line));
			else console.error(line);
		},
	});
	token = await edge.tenant("acme");
	caller = new Caller(edge, token);
});
after(async () => {
	await browser?.close();
	await Promise.all([edge?.stop(), friend?.close(), stranger?.close(), strict?.close()]);
});

/** @param {string} url @param {BrowserContextOptions} [options] @param {(context: BrowserContext) => Promise<unknown>} [prepare] */
async function open(url, options = desktop, prepare = undefined, table = text) {
	const visit = await Visit.open(browser, url, options, prepare);
	const user = new User(visit.page, options.hasTouch);
	await loaded(user, table);
	return { visit, page: visit.page, user };
}

const { experts } = JSON.parse(readFileSync(join(models, "default.json"), "utf8"));

/** The engine is there, with experts where the model has them: what is learnt before is learnt again with them. @param {User} user */
async function loaded(user, table = text) {
	await user.waitFor("#load-line", table.ready("default"));
	if (experts) await eventually(() => user.page.locator("#use-gears").isEnabled(), true, "experts");
}

/** A service worker would stand between the test and its faults. @type {BrowserContextOptions} */
const plain = { ...desktop, serviceWorkers: "block" };

/** Stripes of a direction, larger than what the backbone sees. @param {boolean} upright @param {number} n */
const stripes = (upright, n) => png(150, 110, (x, y) => {
	const light = Math.sin(((upright ? x : y) + n) / (4 + n / 5)) > 0 ? 220 : 40;
	return [light, (x * 3 + y * n) % 256, light];
});

/** Two classes of three pictures. @param {User} user */
async function show(user, table = text) {
	await user.rename(0, "flat");
	await user.rename(1, "upright");
	for (const [i, upright] of [false, true].entries()) {
		await user.choose(user.button(user.card(i), table.chooseFiles), [1, 2, 3].map((n) => fileOf(`${n}.png`, stripes(upright, n))));
		await user.waitForPictures(i, 3, table);
	}
}

/** @param {User} user @param {string} [address] @param {string} [secret] */
async function turnOn(user, address = "", secret = token, table = text) {
	const { page } = user;
	if (!(await page.locator("#endpoint").evaluate((d) => /** @type {HTMLDetailsElement} */ (d).open))) await user.press(page.locator("#endpoint summary"));
	await page.locator("#endpoint-address").fill(address);
	await page.locator("#endpoint-token").fill(secret);
	await user.press(user.button(page.locator("#endpoint"), table.endpointUse));
	await eventually(() => page.locator("#endpoint-token").inputValue(), "", "the form was sent");
}

let answers = 0;

/** The probabilities that are said of a picture, to the last bit, and where that was done. @param {User} user @param {Uint8Array} bytes @param {(timing: string) => boolean} there */
async function answer(user, bytes, there) {
	const { page } = user;
	const name = `new ${++answers}.png`;
	await user.choose(user.button(user.tryIt, text.tryChoose), [fileOf(name, bytes)]);
	// The preview is painted together with the answer.
	const shown = () => page.locator("#try-stage .stage > canvas.paper").evaluate((canvas, label) => {
		const blank = document.createElement("canvas");
		blank.width = blank.height = /** @type {HTMLCanvasElement} */ (canvas).width;
		const painted = canvas.getAttribute("aria-label") === label && /** @type {HTMLCanvasElement} */ (canvas).toDataURL() !== blank.toDataURL();
		return painted ? (document.querySelector("#timing")?.textContent ?? "") : "";
	}, text.pictureOf(name));
	await eventually(shown, there, "where it was answered");
	return page.locator("#bars .bar-fill").evaluateAll((fills) => fills.map((fill) => Math.fround(Number(/** @type {HTMLElement} */ (fill).style.getPropertyValue("--share")))));
}
const here = (/** @type {string} */ timing) => timing.includes(text.timing(99).replace(/^\S+ /, ""));
const there = (/** @type {string} */ timing) => timing.includes(text.endpointTiming(99, edge.url).replace(/^\S+ /, ""));

/** @param {Page} page @returns {Promise<string>} the name of the page's task there */
const nameThere = async (page) => /page-[0-9a-f]+|[0-9a-f]{32}/.exec((await page.locator(".endpoint-name").textContent()) ?? "")?.[0] ?? "";
const asked = () => lines.filter(({ route, status }) => route === "/v1/tasks/{id}/classify" && status === 200).length;

/** @param {Page} page @param {number} version */
const inUse = (page, version) => eventually(() => page.locator(".in-use").getAttribute("data-version"), String(version));

for (const [device, options] of /** @type {const} */ ([["desktop", desktop], ["phone", phone]])) {
	test(`${device}: learnt and answered there; then the tab says the same, and what the tab learns works there`, async () => {
		const { visit, page, user } = await open(`${edge.url}/`, options);
		assert.equal(await page.locator("#endpoint-sign").isVisible(), false, "off at first");
		await show(user);
		const before = lines.filter(({ tenant }) => tenant).length;
		await turnOn(user);
		await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
		await user.waitFor(".top", text.taglineEndpoint);
		await user.press(page.locator("#learn"));
		await user.waitFor("#learn-reason", text.learntLive);
		const id = await eventually(() => nameThere(page), (name) => name !== "", "the task's name");
		const { task } = await caller.json(`/v1/tasks/${id}`);
		assert.deepEqual([task.version, task.examples, task.versions[0].by, task.classes.map((/** @type {any} */ c) => c.name)], [1, 6, "adapted", ["flat", "upright"]]);
		assert.ok(lines.filter(({ tenant }) => tenant).length > before);
		if (experts) assert.match((await page.locator("#gears-line").textContent()) ?? "", /gears are turned/, "the tab has the experts that were chosen there");

		await user.waitFor("#evidence .sentence", text.leftOut(6, 6, "100%", "61%", "100%"));
		await user.waitFor("#evidence", text.confusionTitle);

		const queries = [stripes(true, 6), stripes(false, 7), stripes(true, 9)];
		const said = [];
		for (const query of queries) said.push(await answer(user, query, there));
		assert.equal(await page.locator("#bars > li").count(), 2);
		await user.press(page.locator("#endpoint-sign").getByRole("button", { name: text.endpointStop }));
		assert.equal(await page.locator("#endpoint-sign").isVisible(), false);
		await user.waitFor(".top", text.tagline);
		const sent = asked();
		for (const [i, query] of queries.entries()) assert.deepEqual(await answer(user, query, here), said[i], "the tab has the same adapter");
		assert.equal(asked(), sent, "nothing is sent when it is off");

		// The tab makes a version by itself, and it is there as soon as it is asked.
		await user.choose(user.button(user.card(0), text.chooseFiles), [fileOf("4.png", stripes(false, 4))]);
		await inUse(page, 2);
		const mine = await answer(user, queries[0] ?? stripes(true, 1), here);
		await turnOn(user);
		await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
		assert.deepEqual(await answer(user, queries[0] ?? stripes(true, 1), there), mine);
		const grown = (await caller.json(`/v1/tasks/${await nameThere(page)}`)).task;
		assert.deepEqual([grown.versions.at(-1).by, grown.version], ["imported", grown.versions.length]);

		// Back to a version, and what there is in use follows.
		await user.press(page.locator("#versions > summary"));
		await user.waitFor("#version-list", text.endpointMade(edge.url));
		await user.press(page.locator('[data-version="1"] button'));
		await inUse(page, 1);
		assert.deepEqual(await answer(user, queries[1] ?? stripes(true, 1), there), said[1]);

		// Learnt once more there, from all pictures; the page opened anew goes on with the same task.
		await user.choose(user.button(user.card(1), text.chooseFiles), [fileOf("5.png", stripes(true, 8))]);
		await inUse(page, 3);
		const third = await answer(user, queries[2] ?? stripes(true, 1), there);
		const name = await nameThere(page);
		await user.press(page.locator("#journal > summary"));
		await user.waitFor("#journal tbody", text.entryKinds.sent);
		await user.waitFor("#journal tbody", `where: ${edge.url}`);
		await eventually(() => page.locator("#kept-line").textContent(), text.keptHere);
		await page.reload();
		await loaded(user);
		await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
		await inUse(page, 3);
		assert.deepEqual(await answer(user, queries[2] ?? stripes(true, 1), there), third);
		assert.equal(await nameThere(page), name);

		// A drawing goes there as it is.
		await user.press(user.button(user.tryIt, text.tryBack));
		const drawn = asked();
		await user.draw(user.tryIt, bars());
		await eventually(() => asked() > drawn, true, "the drawing is sent");
		await eventually(async () => (await page.locator("#timing").textContent()) ?? "", there, "the drawing is answered");
		await user.press(page.locator("#endpoint summary"));
		for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
			await page.emulateMedia({ colorScheme });
			assert.deepEqual(await faults(page), [], colorScheme);
		}
		await page.emulateMedia({ colorScheme: "light" });
		await visit.screenshot(`${device}-endpoint`);
		visit.calm();
		await visit.close();
	});
}

test("in Japanese: the setting, the sign and a trouble", async () => {
	const ja = languages.ja;
	const { visit, page, user } = await open(`${edge.url}/`, { ...phone, locale: "ja" }, undefined, ja);
	await turnOn(user, "", "hgr_acme_wrong", ja);
	await user.waitFor("#alerts", ja.endpointTroubles.token);
	assert.deepEqual(await faults(page), []);
	await turnOn(user, "", token, ja);
	await user.waitFor("#endpoint-sign", ja.endpointSign(edge.url));
	await user.waitFor(".top", ja.taglineEndpoint);
	assert.deepEqual(await faults(page), []);
	await visit.screenshot("phone-endpoint-ja");
	await page.locator("#language").selectOption("en");
	await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
	visit.calm(/the server responded with a status of 401/);
	await visit.close();
});

test("by keyboard; the token is kept for the visit, and beyond it where that is wanted", async () => {
	const { visit, page, user } = await open(`${edge.url}/`);
	for (const keep of [false, true]) {
		await page.locator("#endpoint summary").focus();
		await page.keyboard.press("Enter");
		await page.keyboard.press("Tab"); // the address
		await page.keyboard.press("Tab");
		await page.keyboard.type(token);
		await page.keyboard.press("Tab");
		if (keep) await page.keyboard.press("Space");
		await page.keyboard.press("Tab");
		await page.keyboard.press("Enter");
		await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
		await page.reload();
		await loaded(user); // a page that is left while its Worker starts complains
		await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
		const kept = await page.evaluate(() => [...Array(localStorage.length).keys()].map((i) => localStorage.getItem(localStorage.key(i) ?? "")).join());
		assert.equal(kept.includes(token), keep);
		const next = await page.context().newPage(); // another tab is another visit
		await next.goto(`${edge.url}/`);
		await eventually(() => next.locator("#load-line").textContent(), text.ready("default"));
		assert.equal(await next.locator("#endpoint-sign").isVisible(), keep);
		await next.close();
		await page.locator("#endpoint-sign").getByRole("button", { name: text.endpointStop }).focus();
		await page.keyboard.press("Enter");
		assert.equal(await page.evaluate(() => document.activeElement?.textContent), text.endpointTitle, "the focus stays where it belongs");
		assert.ok(!(await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))).includes(token), "stopped is forgotten");
		await page.reload();
		await loaded(user);
		assert.equal(await page.locator("#endpoint-sign").isVisible(), false);
	}
	visit.calm();
	await visit.close();
});

test("what is no endpoint, or not one for this page, is not used, and says why", async () => {
	const { visit, page, user } = await open(`${edge.url}/`, plain);
	const refused = async (/** @type {keyof typeof text.endpointTroubles} */ trouble, address = "", secret = token) => {
		await turnOn(user, address, secret);
		await user.waitFor("#alerts", text.endpointTroubles[trouble]);
		assert.equal(await page.locator("#endpoint-sign").isVisible(), false);
		await user.press(user.button(page.locator("#alerts"), text.dismiss));
	};
	await refused("address", "ftp://example.org");
	await refused("address", "https://name:word@example.org");
	await refused("plain", "http://example.org");
	await refused("token", "", "hgr_acme_wrong");
	await refused("token", "", `hgr_acme_${"A".repeat(43)}`);
	await refused("none", `${edge.url}/elsewhere`);
	await page.route("**/v1/bundle", (route) => route.fulfill({ json: { sha256: "0".repeat(64) } }));
	await refused("model");
	await page.unroute("**/v1/bundle");
	await page.route("**/v1/bundle", (route) => route.fulfill({ body: "<html>hello" }));
	await refused("none");
	await page.unroute("**/v1/bundle");
	await page.route("**/{v1/bundle,healthz}", (route) => route.abort("connectionrefused"));
	await refused("unreachable");
	visit.calm(/blocked by Playwright|status of 40[14]|Failed to load resource|ERR_/);
	await visit.close();
});

test("another origin: forbidden by the page's own policy, not let in by the endpoint, and let in", async () => {
	for (const [host, trouble] of /** @type {const} */ ([[strict, "policy"], [stranger, "origin"], [friend, null]])) {
		const { visit, page, user } = await open(host.url, plain);
		await turnOn(user, edge.url);
		if (trouble) {
			await user.waitFor("#alerts", text.endpointTroubles[trouble]);
			assert.equal(await page.locator("#endpoint-sign").isVisible(), false);
		} else {
			await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
			await show(user);
			await user.press(page.locator("#learn"));
			await user.waitFor("#learn-reason", text.learntLive);
			await answer(user, stripes(true, 6), there);
		}
		const others = [...visit.origins].filter((origin) => origin !== new URL(host.url).origin);
		assert.deepEqual(others, trouble === "policy" ? [] : [edge.url], "nothing but the endpoint was asked");
		await visit.close();
	}
});

test("an endpoint that fails under way: nothing is lost, the tab goes on, and so does the endpoint when it can", async () => {
	const { visit, page, user } = await open(`${edge.url}/`, plain);
	await turnOn(user);
	await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
	await show(user);
	await page.route("**/v1/tasks?**", (route) => route.fulfill({ status: 500, json: { code: "internal", detail: "a fault" } }));
	await user.press(page.locator("#learn"));
	await user.waitFor("#learn-reason", text.learntLive);
	await user.waitFor("#endpoint-sign", text.endpointPaused(edge.url));
	await user.waitFor("#endpoint-sign", text.endpointTroubles.failed);
	await inUse(page, 1);
	const said = await answer(user, stripes(true, 6), here);
	assert.deepEqual(await faults(page), []);
	await visit.screenshot("desktop-endpoint-paused");
	await page.unroute("**/v1/tasks?**");
	const again = () => user.press(page.locator("#endpoint-sign").getByRole("button", { name: text.endpointRetry }));
	await again();
	await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
	assert.deepEqual(await answer(user, stripes(true, 6), there), said, "the tab's version is there now");

	// Too many requests: it goes on by itself when the endpoint said.
	await page.route("**/classify", (route) => route.fulfill({ status: 429, headers: { "retry-after": "2" }, json: { code: "rate", detail: "too many requests" } }));
	assert.deepEqual(await answer(user, stripes(true, 6), here), said);
	await user.waitFor("#endpoint-sign", text.endpointTroubles.rate);
	await page.unroute("**/classify");
	await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));
	assert.deepEqual(await answer(user, stripes(true, 6), there), said);

	// No network at all.
	await page.context().setOffline(true);
	assert.deepEqual(await answer(user, stripes(true, 6), here), said);
	await user.waitFor("#endpoint-sign", text.endpointTroubles.offline);
	await page.context().setOffline(false);
	await again();
	await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));

	// The task there was changed, and then removed, by somebody else.
	const name = await nameThere(page);
	await caller.json(`/v1/tasks/${name}/rollback`, { method: "POST", body: JSON.stringify({ version: 0 }) });
	assert.deepEqual(await answer(user, stripes(true, 6), there), said);
	await caller.json(`/v1/adapters/${name}`, { method: "DELETE" }, 204);
	assert.deepEqual(await answer(user, stripes(true, 6), there), said);
	assert.notEqual(await nameThere(page), name);

	// Stopped while it is asked: the tab answers, and what was under way is ended.
	let hanging = 0;
	await page.route("**/classify", () => void hanging++);
	const late = answer(user, stripes(true, 6), here);
	await eventually(() => hanging > 0, true, "it is asked");
	await user.press(page.locator("#endpoint-sign").getByRole("button", { name: text.endpointStop }));
	assert.deepEqual(await late, said);
	await page.unroute("**/classify");
	await turnOn(user);
	await user.waitFor("#endpoint-sign", text.endpointSign(edge.url));

	// A folder is tested there.
	const sent = asked();
	await page.evaluate(async ([bytes]) => {
		const transfer = new DataTransfer();
		for (const [i, data] of /** @type {number[][]} */ (bytes).entries()) transfer.items.add(new File([new Uint8Array(data)], `${i}.png`));
		const input = /** @type {HTMLInputElement} */ (document.querySelector("#try input[webkitdirectory]"));
		input.files = transfer.files;
		input.dispatchEvent(new Event("change"));
	}, [[6, 7, 8].map((n) => [...stripes(n % 2 === 0, n)])]);
	await eventually(() => asked() > sent, true, "the folder is sent");
	visit.calm(/blocked by Playwright|status of (401|404|409|410|429|500)|Failed to load resource|ERR_/);
	await visit.close();
});

test("a classifier that is there, by its name; and what is none", async () => {
	const { visit, page, user } = await open(`${edge.url}/`, plain);
	await show(user);
	await turnOn(user);
	await user.press(page.locator("#learn"));
	const name = await eventually(() => nameThere(page), (n) => n !== "", "the task's name");
	const said = await answer(user, stripes(true, 6), there);
	await visit.close();

	const other = await open(`${edge.url}/`, plain);
	await turnOn(other.user);
	const take = async (/** @type {string} */ what) => {
		await other.page.locator("#endpoint-open").fill(what);
		await other.page.locator("#endpoint-open").press("Enter");
	};
	await take("nothing-of-that-name");
	await other.user.waitFor("#alerts", text.endpointTroubles.missing);
	await take(name);
	await eventually(() => other.user.classNames(), (names) => names.includes("upright"), "its classes");
	assert.deepEqual(await answer(other.user, stripes(true, 6), there), said);
	assert.notEqual(await nameThere(other.page), name, "what others use is not changed");
	await other.visit.close();
});

test("the endpoint serves the page under the policy of haguruma serve, and keeps the API apart", async () => {
	const source = readFileSync(join(root, "cmd/haguruma/site.go"), "utf8");
	const [, declared = ""] = /securityHeaders = map\[string\]string\{([^}]*)\}/.exec(source) ?? [];
	const wanted = Object.fromEntries([...declared.replace(/" \+\s*"/g, "").matchAll(/"([\w-]+)":\s+"([^"]*)"/g)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]));
	assert.deepEqual(pageHeaders, wanted);
	for (const path of ["/", "/app.js", "/models/default.json"]) {
		const response = await edge.fetch(path);
		assert.equal(response.status, 200, path);
		for (const [name, value] of Object.entries(pageHeaders)) assert.equal(response.headers.get(name), value, path);
		await response.arrayBuffer();
	}
	assert.equal((await edge.fetch("/nothing.js")).status, 404);
	assert.equal((await edge.fetch("/v1/bundle")).status, 401);
	assert.equal((await edge.fetch("/app.js", { method: "POST", body: "x" })).status, 404);
	assert.equal((await (await edge.fetch("/healthz")).json()).status, "ok");
});
