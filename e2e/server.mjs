// A static server for the tests: files of www with the right types, the bundle of the test's choice, and faults on demand.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** @import { ServerResponse } from "node:http" */

/** Of what the page is made of, by the end of the name. @type {Record<string, string>} */
export const types = {
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".zst": "application/zstd",
	".webmanifest": "application/manifest+json",
};
/** Nothing is kept for use without a network: a service worker would stand between a test and its faults. */
const noList = Promise.resolve(Buffer.from('{"files":{}}'));
const root = fileURLToPath(new URL("../www/", import.meta.url));

/**
 * What is answered in the place of a file: a body, a status, or whatever the function does with the response.
 * @typedef {Uint8Array | number | ((response: ServerResponse, type: string) => void)} Answer
 */

/**
 * @param {string} models folder served as models/
 * @param {(path: string, accept: string) => Answer | null | Promise<Answer | null>} [instead] path from the root of the
 *   site, and the codings that the browser takes; null: the file itself
 * @param {number} [at] port; default: any
 */
export async function serve(models, instead = () => null, at = 0) {
	const server = createServer(async (request, response) => {
		const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname));
		const name = path === "/" ? "/index.html" : path;
		const file = name.startsWith("/models/") ? join(models, name.slice(8)) : join(root, name);
		const type = types[extname(file)] ?? "application/octet-stream";
		const answer = (await instead(name, String(request.headers["accept-encoding"] ?? ""))) ?? (await (name === "/files.json" ? noList : readFile(file)).catch(() => 404));
		if (typeof answer === "function") return answer(response, type);
		if (typeof answer === "number") return response.writeHead(answer).end();
		response.writeHead(200, { "content-type": type, "content-length": answer.length, "cache-control": "no-cache" });
		response.end(answer);
	});
	await new Promise((resolve, reject) => server.once("error", reject).listen(at, "127.0.0.1", () => resolve(null)));
	server.unref(); // a test that failed and closed nothing must not keep its file from ending
	const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
	return {
		url: `http://127.0.0.1:${port}/`,
		port,
		/** Ends every connection too: the server is gone. @returns {Promise<void>} */
		close() {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(() => resolve()));
		},
	};
}
