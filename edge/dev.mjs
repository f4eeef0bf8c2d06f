// The Worker in workerd, on this machine and without a network: for the tests, and for ./build.sh worker-dev.

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Miniflare, Response } from "miniflare";
import { startBucket } from "./apart.mjs";
import { types } from "../e2e/server.mjs";
import { watchIsolates } from "./isolates.mjs";
import { newToken } from "./token.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The modules of the Worker; the first is the one that workerd starts. @param {string} built */
const modules = (built) => readFileSync(join(built, "modules.txt"), "utf8").trim().split("\n").map((name) => {
	const compiled = name.endsWith(".wasm");
	return { type: compiled ? "CompiledWasm" : "ESModule", path: join(built, name), contents: readFileSync(join(built, name), compiled ? null : "utf8") };
});

/**
 * @param {object} options
 * @param {string} options.models folder of default.json and its bundle
 * @param {string} [options.built] folder of the Worker, as ./build.sh worker makes it
 * @param {string} [options.page] folder of the page, which is served then
 * @param {boolean} [options.assets] the bundle comes from static assets, else from R2
 * @param {Record<string, string>} [options.vars]
 * @param {{ limit: number, period: 10 | 60 }} [options.rate]
 * @param {number} [options.port]
 * @param {string} [options.persist] folder that keeps the bucket
 * @param {boolean} [options.apart] the bucket is in a process of its own
 * @param {boolean} [options.inspect] what its isolates use of memory is wanted
 * @param {{ path: string, contents: string }[]} [options.before] modules that come first, for tests
 * @param {(line: string) => void} [options.onLog] told each line that the Worker logs
 */
export async function startEdge({ models, built = join(root, "build/worker"), page, assets = true, vars = {}, rate, port = 0, persist, apart = false, inspect = false, before = [], onLog }) {
	/** As Cloudflare's assets do. @param {{ url: string }} request */
	const asset = async (request) => {
		const path = decodeURIComponent(new URL(request.url).pathname);
		const name = path === "/" ? "/index.html" : path;
		const file = name.split("/").includes("..") ? "" : name.startsWith("/models/") ? join(models, name.slice(8)) : page ? join(page, name) : "";
		const data = file ? await readFile(file).catch(() => null) : null;
		return data ? new Response(new Uint8Array(data), { headers: { "content-type": types[extname(file)] ?? "application/octet-stream" } }) : new Response(null, { status: 404 });
	};
	const there = apart ? await startBucket(persist) : null;
	const start = async () => {
		const mf = new Miniflare(options);
		return { mf, address: (await mf.ready).href.replace(/\/$/, "") };
	};
	const options = {
		host: "127.0.0.1", port, cf: false, telemetry: { enabled: false }, modulesRoot: built, ...(inspect ? { inspectorPort: 0 } : {}),
		modules: [...before.map(({ path, contents }) => ({ type: "ESModule", path: join(built, path), contents })), ...modules(built)],
		compatibilityDate: "2026-04-01",
		bindings: { VERSION: "test", ...(page ? { PAGE: "on" } : {}), ...vars },
		r2Buckets: ["BUCKET"],
		...(persist ? { r2Persist: persist } : {}),
		...(assets ? { serviceBindings: { ASSETS: asset } } : {}),
		...(rate ? { ratelimits: { LIMITER: { simple: rate } } } : {}),
		...(onLog ? { handleRuntimeStdio: (/** @type {import("node:stream").Readable} */ out, /** @type {import("node:stream").Readable} */ err) => {
			for (const stream of [out, err]) stream.setEncoding("utf8").on("data", (/** @type {string} */ text) => text.split("\n").filter(Boolean).forEach(onLog));
		} } : {}),
	};
	const { mf, address } = await (there ? there.serve(start) : start());
	const bucket = await mf.getR2Bucket("BUCKET");
	const isolates = inspect ? await watchIsolates(await mf.getInspectorURL()) : null;
	if (!assets) {
		const { file, experts } = JSON.parse(readFileSync(join(models, "default.json"), "utf8"));
		for (const name of ["default.json", file, ...(experts ? [experts.file] : [])]) await bucket.put(`models/${name}`, new Uint8Array(readFileSync(join(models, name))));
	}
	return {
		url: address,
		bucket,
		isolates,
		/** Gives a tenant a token. @param {string} tenant */
		async tenant(tenant) {
			const { token, line } = newToken(tenant);
			await bucket.put(`tokens/${tenant}.json`, JSON.stringify({ tokens: [line] }));
			return token;
		},
		/** Each request on a connection of its own: one that lay idle, or was closed on a body that is too large, is found closed by the next who use it. */
		fetch(/** @type {string} */ path, /** @type {RequestInit} */ init = {}) {
			const headers = new Headers(init.headers);
			headers.set("connection", "close");
			return fetch(address + path, { ...init, headers });
		},
		async stop() {
			isolates?.close();
			await mf.dispose();
			await there?.stop();
		},
	};
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const edge = await startEdge({ models: join(root, "www/models"), page: join(root, "build/worker-assets"), port: Number(process.env.PORT ?? 8787), persist: join(root, "build/worker-dev"), vars: { ORIGINS: "*", VERSION: "dev" }, onLog: console.log });
	const token = await edge.tenant("dev");
	console.log(`${edge.url}\nexport HAGURUMA_TOKEN=${token}`);
}
