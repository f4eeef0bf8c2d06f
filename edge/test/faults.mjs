// A module that comes before the Worker's own, for tests: it passes requests on, and does what a header asks for: storage that fails, is slow or lets
// somebody else come first, and a program that breaks.

import worker from "../worker.js";
import { current } from "../program.js";

/** The bucket with a fault. @param {any} bucket @param {string} fault @param {string} at part of the keys that it is for */
function faulty(bucket, fault, at) {
	let left = Number(fault.split(" ")[1] ?? Infinity);
	/** @param {string} verb @param {string} key */
	const strike = (verb, key) => fault.startsWith(verb) && key.includes(at) && left-- > 0;
	/** What befalls a read. @param {string} key */
	const read = async (key) => {
		if (strike("get-fails", key)) throw new Error("get: internal error (10001)");
		if (strike("get-late", key)) await new Promise((resolve) => setTimeout(resolve, 400));
		if (strike("get-hangs", key)) await new Promise(() => {});
	};
	return {
		head: async (/** @type {string} */ key) => {
			await read(key);
			return bucket.head(key);
		},
		get: async (/** @type {string} */ key) => {
			await read(key);
			const object = await bucket.get(key);
			if (object && strike("bytes-fail", key)) throw new Error("get: connection lost");
			return object;
		},
		put: async (/** @type {string} */ key, /** @type {any} */ value, /** @type {any} */ options) => {
			if (strike("put-fails", key)) throw new Error("put: internal error (10001)");
			if (strike("put-lost", key)) return null; // somebody else was first, each time
			const object = await bucket.put(key, value, options);
			if (strike("put-late", key)) throw new Error("put: connection lost"); // it came to pass nevertheless
			return object;
		},
		delete: async (/** @type {string} */ key) => {
			if (strike("delete-fails", String(key))) throw new Error("delete: internal error (10001)");
			return bucket.delete(key);
		},
		list: (/** @type {object} */ options) => bucket.list(options),
	};
}

export default {
	/** @param {Request} request @param {any} env */
	async fetch(request, env) {
		const [kill, fault, at] = ["x-kill", "x-fault", "x-at"].map((name) => request.headers.get(name) ?? "");
		const program = current();
		if (program && kill === "break") /** @type {any} */ (program.go)._values.length = 0; // its next call into JavaScript finds nothing
		if (program && kill === "exit") program.go.exited = true; // as after os.Exit
		const limiter = { limit: async (/** @type {{ key: string }} */ { key }) => ({ success: key !== request.headers.get("x-full") }) };
		env = { ...env, LIMITER: limiter };
		return worker.fetch(request, fault ? { ...env, BUCKET: faulty(env.BUCKET, fault, at ?? "") } : env);
	},
};
