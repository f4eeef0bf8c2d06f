import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { staticText, text } from "../strings.js";

const root = new URL("../", import.meta.url);
const html = await readFile(new URL("index.html", root), "utf8");

test("index.html says in English what the table says, so that nothing jumps on load", () => {
	const elements = [...html.matchAll(/data-text="(\w+)"[^>]*>([^<]*)</g)];
	assert.ok(elements.length >= 10);
	for (const [, key = "", words] of elements) assert.equal(words, staticText(key), key);
	assert.equal(html.match(/<title>(.*)<\/title>/)?.[1], text.title);
	assert.equal(html.match(/<html lang="(.*)"/)?.[1], text.lang);
	assert.throws(() => staticText("pictures"), /no plain text/);
	assert.throws(() => staticText("nonsense"), /no plain text/);
});

test("every word of the table is used", async () => {
	const sources = [html];
	for (const folder of [root, new URL("views/", root)]) {
		for (const name of await readdir(folder)) {
			if (name.endsWith(".js") && name !== "strings.js" && name !== "wasm_exec.js") {
				sources.push(await readFile(new URL(name, folder), "utf8"));
			}
		}
	}
	const all = sources.join("\n");
	const unused = Object.keys(text).filter((key) => !new RegExp(`text\\.${key}\\b|data-text="${key}"|"${key}"`).test(all));
	assert.deepEqual(unused, []);
});

test("index.html asks for every module of the page at once, and for no other", async () => {
	/** @type {Set<string>} */
	const modules = new Set(["app.js"]);
	for (const name of modules) {
		const source = await readFile(new URL(name, root), "utf8");
		for (const [, from = ""] of source.matchAll(/^(?:import|export) [^;]*?from "(\.[^"]+)";/gms)) {
			modules.add(new URL(from, new URL(name, root)).href.slice(root.href.length));
		}
	}
	const preloaded = [...html.matchAll(/<link rel="modulepreload" href="([^"]+)">/g)].map(([, href]) => href);
	assert.ok(modules.size > 10);
	assert.deepEqual(preloaded.sort(), [...modules].filter((name) => name !== "app.js").sort());
});

test("the page keeps to its content security policy: no inline script, style or handler, nothing from elsewhere", async () => {
	assert.match(html, /http-equiv="Content-Security-Policy" content="default-src 'none';/);
	assert.doesNotMatch(html, /\son\w+=|\sstyle=|<style|javascript:|https?:(?!\/\/www\.w3\.org)/);
	assert.deepEqual(html.match(/<script[^>]*>[^<]*/g), ['<script type="module" src="app.js">']);
	for (const name of ["app.js", "runner.js", "task.js", "files.js", "engine.js"]) {
		assert.doesNotMatch(await readFile(new URL(name, root), "utf8"), /innerHTML|insertAdjacentHTML|eval\(|new Function/, name);
	}
});
