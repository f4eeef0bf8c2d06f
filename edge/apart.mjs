// R2's stand-in in a workerd of its own. In the Worker's own workerd it would compute on the same thread, and what it takes could never be at the same time as
// what the Worker takes, as it is with R2, which is another machine.

import { Miniflare, R2_PLUGIN } from "miniflare";

/** @typedef {{ name?: string, [more: string]: unknown }} Service of workerd's configuration */

/**
 * Runs what starts a Miniflare, with other services for buckets than its own: Miniflare has no option for it.
 * @template T
 * @param {(own: Service[]) => Service[]} change
 * @param {() => Promise<T>} start
 * @returns {Promise<T>}
 */
async function withServices(change, start) {
	const own = R2_PLUGIN.getServices;
	R2_PLUGIN.getServices = async (options) => change(await own.call(R2_PLUGIN, options));
	try {
		return await start();
	} finally {
		R2_PLUGIN.getServices = own;
	}
}

/** Miniflare's name for the bucket that the binding BUCKET is bound to. */
const bucket = "r2:bucket:BUCKET";

/**
 * Starts the stand-in.
 * @param {string} [persist] folder that keeps the bucket
 */
export async function startBucket(persist) {
	const mf = new Miniflare({
		host: "127.0.0.1", cf: false, telemetry: { enabled: false }, modules: true, compatibilityDate: "2026-04-01", script: "export default {};", r2Buckets: ["BUCKET"],
		...(persist ? { r2Persist: persist } : {}),
		unsafeDirectSockets: [{ host: "127.0.0.1", port: 0, serviceName: "bucket" }],
	});
	// The same service once more, under a name that a socket may have.
	await withServices((own) => [...own, ...own.filter((one) => one.name === bucket).map((one) => ({ ...one, name: "core:user:bucket" }))], () => mf.ready);
	const { host } = await mf.unsafeGetDirectURL();
	return {
		/** Starts a Miniflare whose bucket this is. @template T @param {() => Promise<T>} start @returns {Promise<T>} */
		serve: (start) => withServices(() => [{ name: bucket, external: { address: host, http: {} } }], start),
		stop: () => mf.dispose(),
	};
}
