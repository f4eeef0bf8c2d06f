// The Worker: every request comes in here, and leaves with an answer, a line in the log and its timings.

import { cors, preflight, tenantOf } from "./access.js";
import { drain, Share } from "./limits.js";
import { Log } from "./log.js";
import { page } from "./page.js";
import { problemOf } from "./problem.js";
import { find } from "./router.js";
import { Storage } from "./storage.js";

/** @import { Env } from "./env.js" */

/** @param {Request} request @param {Env} env @param {Log} log @param {Share} share */
async function answer(request, env, log, share) {
	const url = new URL(request.url);
	if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) return preflight(request, env);
	const file = await page(request, env);
	if (file) {
		log.note({ route: "page" });
		return file;
	}
	const { route, answer: run, id } = find(request.method === "HEAD" ? "GET" : request.method, url.pathname);
	log.note({ route: route.path, ...(id ? { task: id } : {}) });
	const tenant = route.open ? "" : await log.time("access", () => tenantOf(request, env));
	if (tenant) log.note({ tenant });
	const storage = new Storage(env.BUCKET, tenant, log);
	return run({ request, url, id, env, log, share, storage, tenant });
}

export default {
	/** @param {Request} request @param {Env} env @returns {Promise<Response>} */
	async fetch(request, env) {
		const log = new Log(request);
		const share = new Share();
		/** @type {Response} */
		let response;
		/** @type {unknown} */
		let error;
		try {
			response = await answer(request, env, log, share);
		} catch (caught) {
			error = caught;
			response = problemOf(caught).response(log.id);
		} finally {
			share.free();
		}
		await drain(request);
		const headers = response.headers;
		headers.set("x-request-id", log.id);
		headers.set("server-timing", log.timing());
		headers.set("x-content-type-options", "nosniff");
		if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
		headers.append("vary", "origin");
		for (const [name, value] of Object.entries(cors(request, env) ?? {})) headers.set(name, value);
		log.end(response.status, error);
		return request.method === "HEAD" ? new Response(null, response) : response;
	},
};
