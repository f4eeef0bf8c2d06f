// A model of the user's own in the place of the one that the page comes with: files they chose, kept by their hash, or a manifest on this site.

import { chosen, keepChoice } from "./choice.js";
import { parseManifest, sha256 } from "./download.js";
import { EngineError } from "./error.js";
import { storageError } from "./kept/shelf.js";

/** @import { FilePart, Manifest } from "./engine.js" */

const choiceKey = "haguruma-model";
const cacheName = "haguruma-models";

/** Where chosen files seem to lie. Nothing is served there: fetchModel answers from what is kept. */
const folder = new URL("./own-models/", import.meta.url).href;

/** The manifest of the model to load; null: the page's own. @returns {URL | null} */
export function chosenModel() {
	const text = chosen(choiceKey);
	return text && URL.canParse(text) ? new URL(text) : null;
}

/** From the next load on. @param {URL | null} manifest */
export function chooseModel(manifest) {
	keepChoice(choiceKey, manifest?.href ?? "");
}

/** The manifest that an address names. @param {string} address relative to the page @returns {URL} throws an EngineError: "model_address" */
export function modelAt(address) {
	try {
		const url = new URL(address.trim(), document.baseURI);
		if (url.origin === location.origin && url.pathname.endsWith(".json")) return url;
	} catch {
		// told below
	}
	throw new EngineError("model_address", `${address}: want the address of a manifest, NAME.json, on ${location.origin}`);
}

/** fetch, but for files that the user chose. @param {URL} url @param {RequestInit} [init] @returns {Promise<Response>} */
export async function fetchModel(url, init) {
	if (!url.href.startsWith(folder)) return fetch(url, init);
	return (await (await caches.open(cacheName)).match(url.href)) ?? new Response(null, { status: 404 });
}

/**
 * Keeps a model in the place of one that was kept before: a bundle alone, or its manifest with the files that it names. Experts that are not among
 * the files are left out.
 * @param {File[]} files
 * @returns {Promise<URL>} its manifest; rejects with an EngineError: "manifest", "hash", "model_files", or one of storage
 */
export async function keepModel(files) {
	try {
		const { manifest, parts } = await readModel(files);
		const at = `${folder}${manifest.sha256}/`;
		const cache = await caches.open(cacheName);
		await Promise.all(parts.map(([{ file }, blob]) => cache.put(at + file, new Response(blob))));
		await cache.put(`${at}manifest.json`, new Response(JSON.stringify(manifest)));
		const kept = new Set([`${at}manifest.json`, ...parts.map(([{ file }]) => at + file)]);
		await Promise.all((await cache.keys()).filter(({ url }) => !kept.has(url)).map((request) => cache.delete(request)));
		return new URL(`${at}manifest.json`);
	} catch (cause) {
		throw storageError(cause); // also of a file that has gone
	}
}

/** @param {File[]} files @returns {Promise<{ manifest: Manifest, parts: [FilePart, File][] }>} */
async function readModel(files) {
	const named = files.find((file) => file.name.endsWith(".json"));
	if (!named) {
		const [bundle, ...more] = files;
		if (!bundle || more.length > 0) throw new EngineError("model_files", "want one bundle, or a manifest and what it names");
		const part = { file: "bundle", bytes: bundle.size, sha256: await hashOf(bundle) };
		return { manifest: { name: bundle.name.replace(/\..*$/, "") || bundle.name, ...part, config: {}, experts: null }, parts: [[part, bundle]] };
	}
	const manifest = parseManifest(await named.text());
	/** @type {[FilePart, File][]} */
	const parts = [];
	for (const part of manifest.experts ? [manifest, manifest.experts] : [manifest]) {
		const file = files.find(({ name }) => name === part.file);
		if (!file) {
			if (part !== manifest) continue;
			throw new EngineError("model_files", `${part.file} is missing, which ${named.name} names`);
		}
		if (file.size !== part.bytes || (await hashOf(file)) !== part.sha256) throw new EngineError("hash", `${part.file} is not what ${named.name} names`);
		parts.push([part, file]);
	}
	return { manifest: { ...manifest, experts: parts.length > 1 ? manifest.experts : null }, parts };
}

/** @param {File} file */
async function hashOf(file) {
	const hash = await sha256(new Uint8Array(await file.arrayBuffer()));
	if (hash === null) throw new EngineError("storage_denied", "a page that is not from https cannot tell files apart");
	return hash;
}
