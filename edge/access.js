// Who may call: a bearer token names its tenant and is known here by its SHA-256 alone.

import { Problem } from "./problem.js";

/** @import { Bytes, Env } from "./env.js" */

/**
 * tokens/TENANT.json in the bucket.
 * @typedef {{ tokens: { sha256: string, name?: string }[] }} Tenant
 */

/** How long a tenant's record is trusted, ms: a token that was taken back works that long in an isolate that has seen it. */
const fresh = 30_000;

/** Records of tenants that this isolate has read; null: there is none. @type {Map<string, { tenant: Tenant | null, at: number }>} */
const known = new Map();

/** Tokens are hgr_TENANT_SECRET with 32 random bytes in base64url: a hash without salt or stretching is enough for those. */
const form = /^hgr_([a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?)_[A-Za-z0-9_-]{43}$/;

/** @param {Env} env @param {string} name */
async function lookUp(env, name) {
	const seen = known.get(name);
	if (seen && Date.now() - seen.at < fresh) return seen.tenant;
	let tenant = null;
	try {
		const object = await env.BUCKET.get(`tokens/${name}.json`);
		if (object) tenant = /** @type {Tenant} */ (JSON.parse(await object.text()));
	} catch (cause) {
		throw new Problem(503, "storage", "tokens cannot be looked up at the moment", { headers: { "retry-after": "2" }, cause });
	}
	if (known.size >= 1000) known.clear();
	known.set(name, { tenant, at: Date.now() });
	return tenant;
}

/** Whether two hexadecimal sums are the same; how long that takes does not tell how much of them is. @param {string} a @param {string} b */
export function same(a, b) {
	let difference = a.length ^ b.length;
	for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ (b.charCodeAt(i % Math.max(b.length, 1)) || 0);
	return difference === 0;
}

/** @param {string | Bytes} data text, as UTF-8, or bytes */
export async function sha256(data) {
	const digest = await crypto.subtle.digest("SHA-256", typeof data === "string" ? new TextEncoder().encode(data) : data);
	return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * The tenant of a request. What is wrong with a token is not told, and an address that guesses is slowed down.
 * @param {Request} request
 * @param {Env} env
 * @returns {Promise<string>}
 */
export async function tenantOf(request, env) {
	const token = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
	const name = form.exec(token)?.[1];
	const [tenant, sum] = await Promise.all([name ? lookUp(env, name) : null, sha256(token)]);
	let found = false;
	for (const one of tenant?.tokens ?? [{ sha256: "0".repeat(64) }]) found = same(one.sha256, sum) || found;
	if (name && found) {
		await allow(env, `tenant ${name}`);
		return name;
	}
	await allow(env, `address ${request.headers.get("cf-connecting-ip") ?? ""}`);
	throw new Problem(401, "token", "a token of this service is wanted, as Authorization: Bearer", { headers: { "www-authenticate": "Bearer" } });
}

/** @param {Env} env @param {string} key */
async function allow(env, key) {
	if (!env.LIMITER || (await env.LIMITER.limit({ key })).success) return;
	throw new Problem(429, "rate", "too many requests; try again in a minute", { headers: { "retry-after": "60" } });
}

/** Headers by which a page of an origin may read the answer; null: it may not. @param {Request} request @param {Env} env @returns {Record<string, string> | null} */
export function cors(request, env) {
	const origin = request.headers.get("origin");
	const list = (env.ORIGINS ?? "").split(",").map((one) => one.trim()).filter(Boolean);
	if (!origin || !(list.includes("*") || list.includes(origin))) return null;
	return {
		"access-control-allow-origin": origin,
		"access-control-expose-headers": "etag, location, retry-after, server-timing, x-request-id, x-journal-head, x-journal-sound, x-version",
	};
}

/** The answer to a browser that asks whether a page may call. @param {Request} request @param {Env} env */
export function preflight(request, env) {
	const headers = cors(request, env);
	if (!headers) throw new Problem(403, "origin", "pages of this origin may not call");
	return new Response(null, {
		status: 204,
		headers: {
			...headers, "access-control-allow-methods": "GET, PUT, POST, DELETE",
			"access-control-allow-headers": "authorization, content-type, idempotency-key, if-match, if-none-match", "access-control-max-age": "86400",
		},
	});
}
