// Lighthouse over the page as haguruma serve hands it out, with brotli as a deployment would, from a phone and from a desktop:
//
//   node e2e/lighthouse.mjs [--only accessibility,best-practices,seo] [--runs N] [--json]
//
// It is no dependency: the version below is installed into build/lighthouse the first time. Needs ./build.sh build and Chromium. Exits with 1 where
// a score is below 95. How fast the page is depends on the machine, which should have nothing else to do, and differs from run to run: the score is
// the median of the runs, as Lighthouse's authors advise, with the least and the most beside. The other scores do not.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotli } from "./brotli.mjs";
import { program } from "./browser.mjs";
import { serve } from "./terminal.mjs";

/** The last that runs on Node 20. */
const version = "12.8.2";

/** What each score should reach. */
const goal = 95;

/** @typedef {{ score: number | null, title: string, displayValue?: string, scoreDisplayMode: string }} Audit */
/** @typedef {{ lighthouseVersion: string, categories: Record<string, { title: string, score: number | null, auditRefs: { id: string, weight: number }[] }>, audits: Record<string, Audit> }} Report */

const { values: flags } = parseArgs({ options: { only: { type: "string", default: "performance,accessibility,best-practices,seo" }, runs: { type: "string", default: "5" }, json: { type: "boolean", default: false } } });
const runs = Number(flags.runs);
if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs: want 1 or more, have ${flags.runs}`);
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = join(root, "build/lighthouse");
const cli = join(folder, "node_modules/lighthouse/cli/index.js");
if (!existsSync(cli)) {
	mkdirSync(folder, { recursive: true });
	writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
	execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", `lighthouse@${version}`], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
}

/** www with a FILE.br beside each file that gets smaller by it. */
async function packed() {
	const site = join(folder, "www");
	rmSync(site, { recursive: true, force: true });
	cpSync(join(root, "www"), site, { recursive: true, filter: (name) => name !== join(root, "www/test") });
	for (const name of /** @type {string[]} */ (readdirSync(site, { recursive: true })).filter((n) => /\.(js|css|html|json|svg|wasm|webmanifest)$/.test(n))) {
		writeFileSync(join(site, `${name}.br`), await brotli(readFileSync(join(site, name))));
	}
	return site;
}

/** What Lighthouse sometimes makes of a page that starts before its recording. */
const missed = /NO_NAVSTART/;

/** @param {string} url @param {"desktop" | "phone"} device @returns {Report} */
function measure(url, device) {
	const file = join(folder, `${device}.json`);
	const chrome = ["--headless=new", "--disable-dev-shm-usage", ...(process.getuid?.() === 0 ? ["--no-sandbox"] : [])];
	for (let tries = 3; ; tries--) {
		const { status, stderr } = spawnSync(process.execPath, [
			cli, url, "--quiet", "--output=json", `--output-path=${file}`, `--only-categories=${flags.only}`, `--chrome-flags=${chrome.join(" ")}`,
			...(device === "desktop" ? ["--preset=desktop"] : []),
		], { encoding: "utf8", env: { ...process.env, CHROME_PATH: program() } });
		if (status === 0) break;
		if (tries === 1 || !missed.test(stderr)) throw new Error(`lighthouse ended with ${status}:\n${stderr}`);
	}
	return JSON.parse(readFileSync(file, "utf8"));
}

const server = await serve(await packed());
try {
	/** @type {Record<string, Report[]>} */
	const reports = {};
	for (const device of /** @type {const} */ (["desktop", "phone"])) reports[device] = Array.from({ length: runs }, () => measure(server.url, device));
	const rows = Object.entries(reports).flatMap(([device, all]) => Object.keys(all[0]?.categories ?? {}).map((id) => {
		const scored = all.map((report) => ({ report, score: Math.round(100 * (report.categories[id]?.score ?? 0)) })).sort((a, b) => a.score - b.score);
		const { report: { audits, categories }, score } = /** @type {(typeof scored)[0]} */ (scored[runs >> 1]);
		const { title, auditRefs } = /** @type {Report["categories"][string]} */ (categories[id]);
		return {
			device, title, score, least: scored[0]?.score, most: scored.at(-1)?.score,
			found: auditRefs.flatMap(({ id, weight }) => {
				const audit = audits[id];
				return weight > 0 && audit && audit.score !== null && audit.score < 0.9 ? [`${audit.title}${audit.displayValue ? `: ${audit.displayValue}` : ""}`] : [];
			}),
		};
	}));
	if (flags.json) console.log(JSON.stringify(rows, null, 2));
	else {
		console.log(`Lighthouse ${reports["phone"]?.[0]?.lighthouseVersion}, medians of ${runs}\n\n| device | | score | least to most | what is below 90 |\n|---|---|---:|---:|---|`);
		for (const { device, title, score, least, most, found } of rows) console.log(`| ${device} | ${title} | ${score} | ${least} to ${most} | ${found.join("; ") || "-"} |`);
	}
	process.exitCode = rows.every(({ score }) => score >= goal) ? 0 : 1;
} finally {
	await server.stop();
}
