import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { languages, onLanguage, pick, staticText, text, useLanguage } from "../strings.js";

const root = new URL("../", import.meta.url);
const html = await readFile(new URL("index.html", root), "utf8");

test("index.html says in English what the table says, so that nothing jumps on load", () => {
	const elements = [...html.matchAll(/data-text="(\w+)"[^>]*>([^<]*)</g)];
	assert.ok(elements.length >= 10);
	for (const [, key = "", words] of elements) assert.equal(words, staticText(key), key);
	assert.equal(html.match(/<title>(.*)<\/title>/)?.[1], text.title);
	assert.equal(html.match(/<html lang="(.*)"/)?.[1], text.lang);
	const labels = [...html.matchAll(/data-label="(\w+)" aria-label="([^"]*)"/g)];
	assert.ok(labels.length >= 1);
	for (const [, key = "", words] of labels) assert.equal(words, staticText(key), key);
	assert.throws(() => staticText("pictures"), /no plain text/);
	assert.throws(() => staticText("nonsense"), /no plain text/);
});

test("every word of the table is used", async () => {
	const all = [html, ...(await sources()).values()].join("\n");
	const unused = Object.keys(text).filter((key) => !new RegExp(`text\\.${key}\\b|\\b${key}\\b.*= text\\b|data-text="${key}"|"${key}"`).test(all));
	assert.deepEqual(unused.filter((key) => !["lang", "languageName"].includes(key)), []);
});

/** Sources of the page's modules but the tables, by name. */
async function sources() {
	/** @type {Map<string, string>} */
	const found = new Map();
	for (const folder of ["", "views/", "views/evidence/", "kept/"]) {
		for (const name of await readdir(new URL(folder || ".", root))) {
			if (name.endsWith(".js") && name !== "strings.js" && name !== "wasm_exec.js") {
				found.set(folder + name, await readFile(new URL(folder + name, root), "utf8"));
			}
		}
	}
	return found;
}

/**
 * Every sentence of a table by the path of its key. A sentence that takes something in is said for marks, which it must repeat.
 * @param {object} table
 * @returns {Map<string, string[]>} one sentence for each set of marks
 */
function sentences(table, path = "") {
	/** Marks that a function of a sentence takes: numbers of one and of many, in both positions, and words. */
	const marks = [[1, 1, 0.5, 1, 1], [2, 7, 12.3, 3, 4], [5, 9, 340, 6, 7], ["«a»", "«b»", "«c»", "«d»", "«e»"], [0.5, 1, 2, 3, 4]];
	const found = new Map();
	for (const [key, value] of Object.entries(table)) {
		if (typeof value === "string") found.set(path + key, [value]);
		else if (typeof value === "object") for (const [k, v] of sentences(value, `${path}${key}.`)) found.set(k, v);
		else if (key === "progress") {
			const parts = ["engine", "bundle", "experts", "start"];
			found.set(key, parts.flatMap((part) => [{ part, loaded: 1e6, total: 3e6 }, { part, loaded: 1e6, total: null }].map(value)));
		} else if (key === "part") found.set(key, ["blocks.4", "patch_embed", "pos_embed", "cls_token", "register_tokens", "norm", "«a»"].map(value));
		else found.set(path + key, marks.map((mark) => value(...mark)));
	}
	return found;
}

test("the languages have the same words, take in the same things and leave nothing empty", () => {
	const english = sentences(languages.en);
	assert.ok(english.size > 100);
	for (const [name, table] of Object.entries(languages)) {
		const all = sentences(table);
		assert.deepEqual([...all.keys()], [...english.keys()], name);
		assert.equal(table.lang, name);
		for (const [key, said] of all) {
			for (const [i, sentence] of said.entries()) {
				assert.equal(typeof sentence, "string", `${name}: ${key}`);
				assert.ok(sentence.trim() !== "", `${name}: ${key} is empty`);
				assert.doesNotMatch(sentence, /undefined|\[object/, `${name}: ${key}`);
				assert.ok(i === 3 || !/NaN/.test(sentence), `${name}: ${key}: ${sentence}`);
				// The marks of words: a sentence that takes a name in says it in every language.
				const inside = (/** @type {string} */ s) => (s.match(/«.»/g) ?? []).sort().join();
				assert.equal(inside(sentence), inside(english.get(key)?.[i] ?? ""), `${name}: ${key}`);
			}
		}
	}
	// A language in its own words: all that is more than a name (also one of the field, such as qkv) or a number is Japanese in the Japanese table.
	const borrowed = [...sentences(languages.ja)].filter(([key, said]) => !/lang|percent|megabytes|^kinds\./.test(key) && !said.some((s) => /[\p{sc=Hira}\p{sc=Kana}\p{sc=Han}]/u.test(s)));
	assert.deepEqual(borrowed.map(([key]) => key), ["sentences", "verdict", "problem", "listComma", "when"]);
});

test("numbers are in every sentence that counts, in both languages", () => {
	for (const table of Object.values(languages)) {
		assert.match(table.pictures(1234), /1,234/);
		assert.match(table.learntFrom(3, 1234, 56), /3.*1,234.*56/);
		assert.match(table.gearsChosen(2, 8, "5%"), /5%/);
		assert.match(table.notTaken(2, 7), /2.*7|7.*2/);
		assert.match(table.timing(3.14), /3\.1/);
		assert.match(table.progress({ part: "bundle", loaded: 1.26e6, total: 2.4e6 }), /1\.3.*2\.4/);
		assert.equal(table.percent(0.974), "97%");
	}
});

test("the language is what was chosen, else the first that the browser asks for", () => {
	assert.equal(pick(null, ["ja-JP", "en"]), "ja");
	assert.equal(pick(null, ["fr", "de-CH", "ja", "en"]), "ja");
	assert.equal(pick(null, ["EN-gb"]), "en");
	assert.equal(pick("ja", ["en"]), "ja");
	assert.equal(pick("xx", ["ja"]), "ja", "a choice of another version");
	assert.equal(pick("constructor", ["toString", "fr"]), "en");
	assert.equal(pick(null, []), "en");
	/** @type {string[]} */
	const said = [];
	onLanguage(() => said.push(text.lang));
	useLanguage("ja");
	assert.equal(staticText("learn"), languages.ja.learn);
	useLanguage("en");
	assert.deepEqual(said, ["ja", "en"]);
});

test("no view has words of its own: what is seen and heard comes from the tables", async () => {
	/** What views put into elements that people read or hear, when it is written there. */
	const written = /(?:textContent|innerText|title|label|alt|placeholder|"aria-[a-z]+")\s*[:=,]\s*(?:"([^"\n]*)"|`([^`\n]*)`)/g;
	const plain = new Set(["true", "false", "×", "", ...Object.keys(text)]);
	for (const [name, source] of await sources()) {
		if (!name.startsWith("views/") && name !== "app.js" && name !== "trial.js") continue;
		const own = [...source.matchAll(written)].map(([, a, b]) => (a ?? b ?? "").replace(/\$\{[^}]*\}/g, "").trim()).filter((words) => !plain.has(words) && !/^\w+(-\w+)+( \w+(-\w+)+)*$/.test(words));
		assert.deepEqual(own, [], name);
		assert.doesNotMatch(source, /status\.(?:say|alert)\(["`]/, name);
		for (const [, words = ""] of source.replace(/console\.\w+\(.*|new (?:Engine)?Error\(.*|\/\/.*|\/\*[\s\S]*?\*\//g, "").matchAll(/"([^"\n]*)"/g)) {
			assert.doesNotMatch(words, /[A-Z][a-z]+ [a-z]|[^\x20-\x7e×·]/, `${name}: words that look like a sentence`);
		}
	}
	// index.html: every text is one of the tables, but the name, the steps' numbers and what is there without scripts.
	const rest = html.replace(/<(noscript|title)>.*?<\/\1>/gs, "").replace(/<[^>]*data-text="\w+"[^>]*>[^<]*/g, "").replace(/<[^>]*>/g, " ");
	assert.deepEqual(rest.split(/\s+/).filter(Boolean), ["haguruma", "1", "2", "3"]);
});

test("index.html asks for every module of the page at once, and for no other", async () => {
	/** @type {Set<string>} */
	const modules = new Set(["app.js"]); // which start.js asks for, with all that it imports
	for (const name of modules) {
		const source = await readFile(new URL(name, root), "utf8");
		for (const [, from = ""] of source.matchAll(/^(?:import|export) [^;]*?from "(\.[^"]+)";/gms)) {
			modules.add(new URL(from, new URL(name, root)).href.slice(root.href.length));
		}
	}
	const template = /<template id="modules">(.*?)<\/template>/s.exec(html)?.[1] ?? "";
	const preloaded = [...template.matchAll(/<link rel="modulepreload" href="([^"]+)">/g)].map(([, href]) => href);
	assert.ok(modules.size > 10);
	assert.deepEqual(preloaded.sort(), [...modules].sort());
	assert.doesNotMatch(await readFile(new URL("start.js", root), "utf8"), /^import /m, "start.js: what it imports would come a round trip later");
});

test("the page keeps to its content security policy: no inline script, style or handler, nothing from elsewhere", async () => {
	assert.match(html, /http-equiv="Content-Security-Policy" content="default-src 'none';/);
	assert.doesNotMatch(html, /\son\w+=|\sstyle=|<style|javascript:|https?:(?!\/\/www\.w3\.org)/);
	assert.deepEqual(html.match(/<script[^>]*>[^<]*/g), ['<script type="module" src="start.js">']);
	for (const name of ["app.js", "runner.js", "task.js", "files.js", "engine.js"]) {
		assert.doesNotMatch(await readFile(new URL(name, root), "utf8"), /innerHTML|insertAdjacentHTML|eval\(|new Function/, name);
	}
});
