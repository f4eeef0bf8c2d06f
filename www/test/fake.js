// A Worker that answers as a test tells it, and a fetch that serves from memory.

import { createHash } from "node:crypto";
import { joined } from "../wire.js";

/** @import { Reply, Request } from "../engine.js" */

/** The smallest module there is: magic and version. */
export const emptyModule = new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

/** What an engine says of itself when it opens. */
export const opened = { dim: 8, imageSize: 64, kernel: "wasm-simd", card: "of the test" };

export class FakeWorker {
	/** @type {((event: { data: Reply }) => void) | null} */
	onmessage = null;
	/** @type {((event: { message: string }) => void) | null} */
	onerror = null;
	onmessageerror = null;
	terminated = false;
	/** @type {Request[]} */
	requests = [];

	/** @param {(request: Request, worker: FakeWorker) => Omit<Reply, "id"> | null} answer null: none for now */
	constructor(answer = () => null) {
		this.answer = answer;
	}

	/** @param {Request} request @param {Transferable[]} transfer */
	postMessage(request, transfer) {
		// A WebAssembly.Module does not survive node's structuredClone; a Worker gets the very buffers listed.
		const { module, ...rest } = /** @type {any} */ (request);
		const received = structuredClone(rest, { transfer });
		this.requests.push(module ? { ...received, module } : received);
		queueMicrotask(() => {
			const reply = received.verb === "compile" ? { kind: "result", value: new WebAssembly.Module(joined(received.chunks)) }
				: received.verb === "open" ? { kind: "result", value: opened } : this.answer(received, this);
			if (reply) this.reply({ id: received.id, .../** @type {any} */ (reply) });
		});
	}

	/** The request that opened the bundle. */
	get opened() {
		return this.requests.find((request) => request.verb === "open");
	}

	/** @param {Reply} reply */
	reply(reply) {
		if (!this.terminated) this.onmessage?.({ data: reply });
	}

	terminate() {
		this.terminated = true;
	}
}

/** @param {...FakeWorker} workers handed out in turn */
export function workers(...workers) {
	return () => /** @type {Worker} */ (/** @type {unknown} */ (workers.shift()));
}

export const bundle = new Uint8Array(1000).map((_, i) => i * 7);

export const manifest = {
	name: "test", file: "default.safetensors.zst", bytes: bundle.length,
	sha256: createHash("sha256").update(bundle).digest("hex"), config: { dim: 8 }, experts: null,
};

/**
 * Serves either engine, models/default.json and its bundle, or what `instead` has for the end of a path.
 * @param {Record<string, () => Response | Promise<Response>>} [instead]
 */
export function files(instead = {}) {
	/** @param {URL} url @param {RequestInit} [init] */
	return async (url, init) => {
		init?.signal?.throwIfAborted();
		for (const [end, response] of Object.entries(instead)) if (url.pathname.endsWith(end)) return response();
		if (url.pathname.match(/\/engine(\.tune)?(\.relaxed)?\.wasm$/)) return sized(emptyModule);
		if (url.pathname.endsWith("default.json")) return Response.json(manifest);
		if (url.pathname.endsWith(".safetensors.zst")) return sized(bundle);
		return new Response(null, { status: 404 });
	};
}

/** @param {Uint8Array<ArrayBuffer>} bytes */
export function sized(bytes) {
	return new Response(bytes, { headers: { "content-length": String(bytes.length) } });
}
