// How much of V8's heap is used in a workerd, isolate by isolate: by its inspector, which it listens on where Miniflare is given inspectorPort.

import { fetch } from "miniflare";

/** The Worker; the others are what Miniflare puts beside it: R2's stand-in, and what requests come in by. */
const worker = "core:user:";
const others = ["r2:bucket", "r2:bucket:BUCKET", "core:entry"];

/**
 * @param {URL} inspector where it listens
 * @returns {Promise<{ used(): Promise<{ worker: number, others: number }>, close(): void }>} used: bytes
 */
export async function watchIsolates(inspector) {
	const sessions = await Promise.all([worker, ...others].map((name) => session(new URL(`/${name}`, inspector))));
	return {
		async used() {
			const [first = 0, ...rest] = await Promise.all(sessions.map(({ used }) => used()));
			return { worker: first, others: rest.reduce((sum, n) => sum + n, 0) };
		},
		close: () => sessions.forEach(({ close }) => close()),
	};
}

/** @param {URL} url */
async function session(url) {
	const { webSocket } = await fetch(url.href.replace(/^ws/, "http"), { headers: { upgrade: "websocket" } });
	if (!webSocket) throw new Error(`${url} is no inspector`);
	/** @type {Map<number, (bytes: number) => void>} */
	const waiting = new Map();
	webSocket.addEventListener("message", ({ data }) => {
		const { id, result } = JSON.parse(data);
		waiting.get(id)?.(result.usedSize + result.backingStorageSize + result.embedderHeapUsedSize);
		waiting.delete(id);
	});
	webSocket.accept();
	let last = 0;
	return {
		/** @returns {Promise<number>} */
		used: () => new Promise((resolve) => {
			waiting.set(++last, resolve);
			webSocket.send(JSON.stringify({ id: last, method: "Runtime.getHeapUsage" }));
		}),
		close: () => webSocket.close(),
	};
}
