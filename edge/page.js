// The page itself, from static assets: on the endpoint's own origin it needs no other to be let in. Anybody may fetch it, and the model with it.

/** @import { Env } from "./env.js" */

/** As haguruma serve sends them: edge/test/page.test.mjs compares the two. */
export const pageHeaders = {
	"content-security-policy": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; " +
		"img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self'; manifest-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
	"referrer-policy": "no-referrer",
	"x-content-type-options": "nosniff",
	"x-frame-options": "DENY",
	"cross-origin-opener-policy": "same-origin",
	"cross-origin-resource-policy": "same-origin",
};

/** Addresses that are never the page's. */
const api = /^\/(v1\/|healthz$|openapi\.json$)/;

/** A file of the page; null: this is no request for one, or there is none. @param {Request} request @param {Env} env @returns {Promise<Response | null>} */
export async function page(request, env) {
	if (env.PAGE !== "on" || !env.ASSETS || !/^(GET|HEAD)$/.test(request.method) || api.test(new URL(request.url).pathname)) return null;
	const file = await env.ASSETS.fetch(request);
	if (file.status === 404) return null;
	const response = new Response(file.body, file); // what assets gives has headers that cannot be changed
	for (const [name, value] of Object.entries(pageHeaders)) response.headers.set(name, value);
	if (!response.headers.has("cache-control")) response.headers.set("cache-control", "no-cache");
	return response;
}
