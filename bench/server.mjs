// Serves what the benchmark loads as a deployment would, with brotli where it helps, and isolated from other origins, which
// is what onnxruntime's threads ask for.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { brotli } from "../e2e/brotli.mjs";

/** @type {Record<string, string>} */
const types = {
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".wasm": "application/wasm",
};
const path = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

/** @param {Record<string, string>} more folders, by the first part of the path */
export async function serve(more) {
	/** @type {Record<string, string>} */
	const folders = { www: path("../www"), bench: path("."), ort: path("../node_modules/onnxruntime-web/dist"), ...more };
	/** bytes of the answers' bodies, by path @type {Map<string, number>} */
	const sent = new Map();
	const server = createServer(async (request, response) => {
		const name = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname));
		const [, first = "", ...rest] = name.split("/");
		const folder = folders[first];
		const type = types[extname(name)] ?? "application/octet-stream";
		/** @type {Uint8Array | null} */
		let body = folder ? await readFile(join(folder, ...rest)).catch(() => null) : null;
		if (name === "/blank.html") body = Buffer.from("<!doctype html><title>bench</title><link rel=icon href=data:,>");
		if (!body) {
			response.writeHead(404).end();
			return;
		}
		// Weights do not get smaller, and what is built for the benchmark alone is not worth the time.
		const packed = ["www", "ort"].includes(first) && /\bbr\b/.test(String(request.headers["accept-encoding"]));
		if (packed) body = await brotli(body);
		sent.set(name, body.length);
		response.writeHead(200, {
			"content-type": type, "content-length": body.length, "cache-control": "no-store",
			...(packed ? { "content-encoding": "br" } : {}),
			"cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp",
		});
		response.end(body);
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
	const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
	return {
		url: `http://127.0.0.1:${port}/`,
		sent,
		/** @returns {Promise<void>} */
		close() {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(() => resolve()));
		},
	};
}
