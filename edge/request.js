// What a route is given, and what it answers with.

import { Problem } from "./problem.js";

/** @import { Env } from "./env.js" */
/** @import { Share } from "./limits.js" */
/** @import { Log } from "./log.js" */
/** @import { Storage } from "./storage.js" */

/**
 * @typedef {object} Call
 * @property {Request} request
 * @property {URL} url
 * @property {string} id of the task; empty: the route has none
 * @property {Env} env
 * @property {Log} log
 * @property {Share} share
 * @property {Storage} storage
 * @property {string} tenant
 */

/** @param {unknown} value @param {number} [status] @param {Record<string, string>} [headers] */
export function json(value, status = 200, headers = {}) {
	return new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json", ...headers } });
}

/** @param {string | null} etag @returns {Record<string, string>} */
export const tag = (etag) => (etag === null ? {} : { etag: `"${etag}"` });

/** The entity tag of a header; null: there is none. @param {Request} request @param {string} name */
export function entityTag(request, name) {
	const value = request.headers.get(name);
	return value === null ? null : value.trim().replace(/^(?:W\/)?"(.*)"$/, "$1");
}

/** A parameter of the address that is a number. @param {URL} url @param {string} name @param {number} least @param {number} most @param {number} otherwise */
export function number(url, name, least, most, otherwise) {
	const text = url.searchParams.get(name);
	return text === null ? otherwise : between(name, text === "" ? NaN : Number(text), least, most);
}

/** @param {string} name @param {unknown} value @param {number} least @param {number} most */
export function between(name, value, least, most) {
	if (typeof value === "number" && value >= least && value <= most) return value;
	throw new Problem(400, "parameter", `${name} is to be a number from ${least} to ${most}`);
}

/** @param {string} name @param {unknown} value @param {number} least @param {number} most */
export function integer(name, value, least, most) {
	if (Number.isInteger(value)) return between(name, value, least, most);
	throw new Problem(400, "parameter", `${name} is to be a whole number from ${least} to ${most}`);
}
