// R2, as one tenant sees it: every key begins with the tenant's own, so no request can name what is another's.

import { limits } from "./limits.js";
import { Problem } from "./problem.js";

/** @import { Bytes, R2Bucket, R2Condition } from "./env.js" */
/** @import { Log } from "./log.js" */

/** An object as it was at one time. @template T @typedef {{ etag: string, value: T }} Seen */

/**
 * A question to R2 that is under way: what this isolate saw last, and what R2 says now. It says the very same (===) where nothing has changed since; null: there is none.
 * @template T
 * @typedef {{ before: Seen<T> | null, answer: Promise<Seen<T> | null> }} Asked
 */

/** What this isolate has seen of objects that change, those seen last at the end. @type {Map<string, Seen<unknown>>} */
const seen = new Map();

/** How many of them are kept: a state is less than a kilobyte, with a trial up to twenty. */
const keep = 256;

/** @template {Seen<unknown>} T @param {string} name @param {T} one */
function remember(name, one) {
	seen.set(name, one);
	for (const oldest of seen.keys()) {
		if (seen.size <= keep) break;
		seen.delete(oldest);
	}
	return one;
}

export class Storage {
	/** @param {R2Bucket} bucket @param {string} tenant @param {Log} log */
	constructor(bucket, tenant, log) {
		this.bucket = bucket;
		this.prefix = `tenants/${tenant}/`;
		this.log = log;
	}

	/** Waits for R2 no longer than a request can. @template T @param {() => Promise<T>} run @returns {Promise<T>} */
	async wait(run) {
		/** @type {ReturnType<typeof setTimeout> | undefined} */
		let timer;
		const late = new Promise((_, reject) => {
			// In two steps: while the program computes nothing is heard of R2, and what has come meanwhile goes before the end of the time.
			timer = setTimeout(() => (timer = setTimeout(() => reject(new Error(`no answer in ${limits.storage} ms`)), 50)), limits.storage);
		});
		try {
			return /** @type {T} */ (await this.log.time("store", () => Promise.race([run(), late])));
		} catch (cause) {
			throw new Problem(503, "storage", "storage cannot be reached at the moment; nothing was changed that this answer does not tell of", { headers: { "retry-after": "2" }, cause });
		} finally {
			clearTimeout(timer);
		}
	}

	/** @param {string} key @returns {Promise<{ etag: string, bytes: Bytes } | null>} */
	get(key) {
		return this.wait(async () => {
			const object = await this.bucket.get(this.prefix + key);
			return object && { etag: object.etag, bytes: new Uint8Array(await object.arrayBuffer()) };
		});
	}

	/**
	 * What an object says, made by parse of its bytes once for each content: R2 is asked at once and each time, but sends the bytes only where they have changed
	 * since this isolate saw them. Values are shared: they must not be changed.
	 * @template T
	 * @param {string} key
	 * @param {(bytes: Bytes) => T} parse
	 * @returns {Asked<T>}
	 */
	ask(key, parse) {
		const name = this.prefix + key;
		const before = /** @type {Seen<T> | undefined} */ (seen.get(name));
		const answer = this.wait(async () => {
			const now = before && (await this.bucket.head(name)); // costs R2 what a get does, and this isolate less than one that is conditional
			const object = before && (!now || now.etag === before.etag) ? null : await this.bucket.get(name);
			seen.delete(name);
			if (before && now?.etag === before.etag) return remember(name, before);
			return object && remember(name, { etag: object.etag, value: parse(new Uint8Array(await object.arrayBuffer())) });
		});
		return { before: before ?? null, answer };
	}

	/** Stores what is named by its content, so that it does not matter who was first. @param {string} key @param {Bytes | string} data */
	async put(key, data) {
		await this.wait(() => this.bucket.put(this.prefix + key, data));
	}

	/**
	 * Stores where nobody has since etag, or where there is nothing for null. null: somebody has.
	 * @param {string} key @param {string} data @param {string | null} etag
	 */
	async swap(key, data, etag) {
		/** @type {R2Condition} */
		const onlyIf = etag === null ? { etagDoesNotMatch: "*" } : { etagMatches: etag };
		const object = await this.wait(() => this.bucket.put(this.prefix + key, data, { onlyIf }));
		return object && object.etag;
	}

	/** @param {string} key */
	async remove(key) {
		await this.wait(() => this.bucket.delete(this.prefix + key));
	}

	/** Removes all keys that begin with one, but one. @param {string} prefix @param {string} [but] */
	async removeAll(prefix, but) {
		for (;;) {
			const { objects } = await this.wait(() => this.bucket.list({ prefix: this.prefix + prefix, limit: 1000 }));
			const keys = objects.map((object) => object.key).filter((key) => but === undefined || key !== this.prefix + but);
			if (keys.length === 0) return;
			await this.wait(() => this.bucket.delete(keys));
		}
	}
}
