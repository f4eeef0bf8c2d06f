// A static server for the tests: files of www, with the right types, and a bundle of one's own where www has none.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const types = {
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".wasm": "application/wasm", ".zst": "application/zstd",
};
const root = fileURLToPath(new URL("../www/", import.meta.url));

/**
 * @param {string | null} models folder served as models/; null: that of www
 * @param {(path: string) => Buffer | number | null} [instead] what to answer to a path: a body or a status; null: the file
 */
export async function serve(models, instead = () => null) {
	const server = createServer(async (request, response) => {
		const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname));
		const name = path === "/" ? "/index.html" : path;
		const file = models !== null && name.startsWith("/models/") ? join(models, name.slice(8)) : join(root, name);
		try {
			const other = instead(name);
			if (typeof other === "number") throw Object.assign(new Error(), { status: other });
			const body = other ?? (await readFile(file));
			const type = types[/** @type {keyof typeof types} */ (extname(file))] ?? "application/octet-stream";
			response.writeHead(200, { "content-type": type, "content-length": body.length, "cache-control": "no-cache" });
			response.end(body);
		} catch (error) {
			response.writeHead(/** @type {{ status?: number }} */ (error).status ?? 404).end();
		}
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
	const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
	return { url: `http://127.0.0.1:${port}/`, close: () => server.close() };
}
