// Functions in a Worker, called as if they were here.

/** @typedef {Record<string, (...args: any[]) => unknown>} Calls */

/** In the Worker. @param {Calls} calls */
export function offer(calls) {
	self.onmessage = async ({ data: { id, name, args } }) => {
		try {
			self.postMessage({ id, value: await /** @type {Calls[string]} */ (calls[name])(...args) });
		} catch (error) {
			self.postMessage({ id, error: `${name}: ${error}` });
		}
	};
}

/** In the page. @param {string} file of this folder @returns {(name: string, ...args: unknown[]) => Promise<any>} */
export function worker(file) {
	const inner = new Worker(new URL(file, import.meta.url), { type: "module" });
	/** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
	const pending = new Map();
	let last = 0;
	inner.onmessage = ({ data: { id, value, error } }) => {
		const call = pending.get(id);
		pending.delete(id);
		if (error === undefined) call?.resolve(value);
		else call?.reject(new Error(error));
	};
	inner.onerror = ({ message }) => {
		for (const { reject } of pending.values()) reject(new Error(`${file}: ${message}`));
	};
	return (name, ...args) => new Promise((resolve, reject) => {
		pending.set(++last, { resolve, reject });
		inner.postMessage({ id: last, name, args });
	});
}
