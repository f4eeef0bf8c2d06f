// The service worker: the page without a network, and never a mix of two versions of it.
//
// The server's files.json names every file of the page with its sha256 (haguruma serve writes it on the fly, ./build.sh build for other
// hosts). Content is kept by hash. A page that is opened is bound to one list, as are its Workers, and gets only bytes that have the list's
// hashes: from what is kept, else from the network, else not at all. The newest list is asked for at every opening; the list that is
// complete on this device is what is left when there is no answer.
//
// A classic script, which more browsers take than a module; offline.js is the page's side.

/** @typedef {{ bytes: number, sha256: string }} Entry */
/** @typedef {{ id: string, files: Record<string, Entry> }} List id: sha256 of its text */
/** @typedef {{ waitUntil(until: Promise<unknown>): void }} Lasting */
/** @typedef {Lasting & { request: Request, clientId: string, resultingClientId: string, respondWith(answer: Promise<Response>): void }} Fetching */
/** @typedef {Lasting & { data: { engine: string, tuning?: string, seen: string }, ports: MessagePort[], source: { id: string } | null }} Telling */
/** What the page is told: whether it can be opened without a network, the bytes kept, and what is missing. @typedef {{ kept: boolean, bytes: number, why: "" | "list" | "room" | "network" }} Kept */

const worker = /** @type {any} */ (self);
const scope = new URL("./", worker.location.href);
const cacheName = "haguruma-1";

/** How long an opening waits for the newest list, ms: a network that does not answer is none. */
const patience = 3000;

/** Where things are kept; names with a dot are no files of the site. @param {"content" | "list" | "client" | "complete"} kind @param {string} [key] */
const at = (kind, key = "") => new URL(`.kept/${kind}/${key}`, scope).href;

const store = () => caches.open(cacheName);

/** @param {string} url @returns {Promise<Response | undefined>} */
const read = async (url) => (await store()).match(url, { ignoreVary: true });

/** @param {string} url @returns {Promise<string>} "" when there is none */
const readText = async (url) => (await (await read(url))?.text()) ?? "";

/** @param {BufferSource} bytes */
async function sha256(bytes) {
	return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (b) => b.toString(16).padStart(2, "0")).join("");
}

/** @param {string} text @returns {Promise<List | null>} null: this is no list of a page */
async function parse(text) {
	try {
		const { files } = JSON.parse(text);
		return files?.["index.html"]?.sha256 ? { id: await sha256(new TextEncoder().encode(text)), files } : null;
	} catch {
		return null;
	}
}

/** The server's list, stored; null: no answer in time, or none that is a list. @returns {Promise<List | null>} */
async function newest() {
	const stop = new AbortController();
	const timer = setTimeout(() => stop.abort(), patience);
	try {
		const response = await fetch(new URL("files.json", scope), { cache: "no-cache", signal: stop.signal });
		const text = response.ok ? await response.text() : "";
		const list = await parse(text);
		if (list) await (await store()).put(at("list", list.id), new Response(text)).catch(() => {});
		return list;
	} catch {
		return null;
	} finally {
		clearTimeout(timer);
	}
}

/** @param {string} id @returns {Promise<List | null>} */
const stored = async (id) => (id ? parse(await readText(at("list", id))) : null);

const complete = async () => stored(await readText(at("complete")));

/** The lists that clients are bound to; the cache has them for when this worker was stopped. @type {Map<string, List>} */
const bound = new Map();

/** @param {string} client @param {List} list */
async function bind(client, list) {
	if (!client) return;
	bound.set(client, list);
	await (await store()).put(at("client", client), new Response(list.id)).catch(() => {});
}

/** @param {string} client @returns {Promise<List | null>} */
async function listOf(client) {
	const list = bound.get(client) ?? (client ? await stored(await readText(at("client", client))) : null);
	if (list) bound.set(client, list);
	return list;
}

/** Downloads under way, by hash. @type {Map<string, Promise<Response>>} */
const coming = new Map();

/** The content of a file in a list; rejects when neither device nor server has these very bytes. @param {string} name @param {Entry} entry */
async function content(name, { sha256: hash }) {
	const kept = await read(at("content", hash));
	if (kept) return kept;
	let download = coming.get(hash);
	if (!download) {
		download = fetchContent(name, hash).finally(() => coming.delete(hash));
		coming.set(hash, download);
	}
	return (await download).clone();
}

/** @param {string} name @param {string} hash */
async function fetchContent(name, hash) {
	const response = await fetch(new URL(name, scope), { cache: "no-cache" });
	if (!response.ok) throw new Error(`${name}: the server answered ${response.status}`);
	const bytes = await response.arrayBuffer();
	const have = await sha256(bytes);
	if (have !== hash) throw new Error(`${name}: want sha256 ${hash}, have ${have}`);
	const headers = new Headers(response.headers); // the policy among them
	for (const sent of ["content-encoding", "transfer-encoding", "vary"]) headers.delete(sent);
	headers.set("content-length", String(bytes.byteLength));
	const whole = new Response(bytes, { headers });
	await (await store()).put(at("content", hash), whole.clone()).catch(() => {}); // a full disk: served, not kept
	return whole;
}

/** Files that the page is made of; engine and model come when it asks. @param {List} list */
const pageFiles = (list) => Object.entries(list.files).filter(([name]) => !name.endsWith(".wasm") && !name.startsWith("models/"));

/** @param {Fetching} event @param {string} name */
async function answer({ request, clientId, resultingClientId }, name) {
	if (request.mode === "navigate") {
		for (const candidate of [newest, complete]) {
			const list = await candidate();
			const entry = list?.files[name];
			if (!list || !entry) continue;
			try {
				await Promise.all(pageFiles(list).map(([file, of]) => content(file, of)));
				await bind(resultingClientId, list);
				return await content(name, entry);
			} catch (error) {
				console.info(`this version cannot be had whole: ${error}`); // a deployment under way, a network that went away
			}
		}
		return fetch(request);
	}
	const list = await listOf(clientId);
	const entry = list?.files[name];
	if (list && request.destination === "worker") await bind(resultingClientId, list);
	if (!list || !entry) return fetch(request);
	return content(name, entry).catch((error) => {
		console.info(String(error));
		return Response.error();
	});
}

/**
 * Keeps everything that the page needs, with the engine that its browser takes.
 * @param {Telling} event engine: its file; tuning: that of the one that can fine-tune, where it was used; seen: the text of the list when the page started
 * @returns {Promise<Kept>}
 */
async function keep({ data: { engine, tuning, seen }, source }) {
	const list = await newest();
	const needed = (/** @type {List} */ of) => Object.entries(of.files).filter(([name]) => !name.endsWith(".wasm") || name === engine || name === tuning);
	const size = (/** @type {List} */ of) => needed(of).reduce((sum, [, { bytes }]) => sum + bytes, 0);
	if (!list) {
		const had = await complete();
		return had ? { kept: true, bytes: size(had), why: "" } : { kept: false, bytes: 0, why: "list" };
	}
	for (const [name, entry] of needed(list)) {
		try {
			await content(name, entry);
		} catch (error) {
			console.info(String(error));
			return { kept: false, bytes: 0, why: "network" };
		}
		if (!(await read(at("content", entry.sha256)))) return { kept: false, bytes: 0, why: "room" };
	}
	await (await store()).put(at("complete"), new Response(list.id));
	// A first visit came without this worker. When the list has not changed since, what it has is what is kept, and its
	// further Workers can come from here; else it goes on by the network until it is opened again.
	if (source && !(await listOf(source.id)) && (await parse(seen))?.id === list.id) {
		await bind(source.id, list);
		await worker.clients.claim();
	}
	await prune(list);
	return { kept: true, bytes: size(list), why: "" };
}

/** Forgets what neither the complete list nor any open page needs. @param {List} whole */
async function prune(whole) {
	const cache = await store();
	const lists = [whole];
	const gone = [];
	const urls = (await cache.keys()).map(({ url }) => url); // once: what comes from now on, for a page that opens, stays
	for (const url of urls) {
		if (!url.startsWith(at("client"))) continue;
		const client = url.slice(at("client").length);
		const list = (await worker.clients.get(client)) ? await listOf(client) : null; // get waits for a page that is just opening; matchAll leaves it out
		if (list) lists.push(list);
		else gone.push(url), bound.delete(client);
	}
	const needed = new Set([at("complete")]);
	for (const { id, files } of lists) {
		needed.add(at("list", id));
		for (const { sha256: hash } of Object.values(files)) needed.add(at("content", hash));
	}
	for (const url of urls) if (!needed.has(url) && !url.startsWith(at("client"))) gone.push(url);
	await Promise.all(gone.map((url) => cache.delete(url)));
}

worker.addEventListener("install", () => worker.skipWaiting()); // what is kept is kept by content: any version of this worker can serve it

worker.addEventListener("fetch", (/** @type {Fetching} */ event) => {
	const url = new URL(event.request.url);
	if (event.request.method !== "GET" || url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return;
	const name = url.pathname.slice(scope.pathname.length) || "index.html";
	if (name === "files.json") return;
	event.respondWith(answer(event, name));
});

worker.addEventListener("message", (/** @type {Telling} */ event) => {
	event.waitUntil(keep(event).then((kept) => event.ports[0]?.postMessage(kept)));
});
