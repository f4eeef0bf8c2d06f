// R2, as one tenant sees it: every key begins with the tenant's own, so no request can name what is another's.

import { limits } from "./limits.js";
import { Problem } from "./problem.js";

/** @import { Bytes, R2Bucket, R2Condition } from "./env.js" */
/** @import { Log } from "./log.js" */

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
			timer = setTimeout(() => reject(new Error(`no answer in ${limits.storage} ms`)), limits.storage);
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
