// What goes to the Worker, and which buffers go with it.

import { EngineError } from "./error.js";

/** @import { AdaptProgress, FilePart, LoadOptions, PictureSource, Request, WirePicture } from "./engine.js" */

/**
 * Request without its id, kept a union.
 * @typedef {Request extends infer R ? R extends Request ? Omit<R, "id"> : never : never} Call
 */

/** A WebAssembly file as it came; the buffers are transferred. @typedef {{ name: string, chunks: Uint8Array<ArrayBuffer>[] }} Code */

/**
 * What a Worker is started from; kept, so that restart downloads neither engine nor bundle.
 * @typedef {object} Parts
 * @property {Code | WebAssembly.Module} engine the module, once a Worker has compiled it
 * @property {Uint8Array<ArrayBuffer>} bundle
 * @property {string} sha256 "" once checked
 * @property {string} backbone sha256 of the bundle
 * @property {{ url: URL, part: FilePart } | null} expertsFile that the manifest names
 * @property {{ bytes: Uint8Array<ArrayBuffer>, sha256: string } | null} experts once fetched
 * @property {boolean} expertsOff
 * @property {URL} tuningUrl
 * @property {WebAssembly.Module | null} tuner the module that can fine-tune, once compiled
 * @property {string} name
 * @property {Required<LoadOptions>["fetch"]} fetch
 * @property {() => Worker} createWorker
 * @property {Required<LoadOptions>["onProgress"]} onProgress
 * @property {Required<LoadOptions>["onDeath"]} onDeath
 */

/**
 * @typedef {object} Pending
 * @property {(value: any) => void} resolve
 * @property {(error: EngineError) => void} reject
 * @property {((progress: AdaptProgress) => void) | undefined} onProgress
 */

/**
 * @param {PictureSource} picture
 * @param {boolean} [give] its pixels are not the caller's any more
 * @returns {Promise<WirePicture>}
 */
export async function toWire(picture, give = false) {
	if (picture instanceof Uint8Array) return { bytes: new Uint8Array(picture), width: 0, height: 0 };
	if (picture instanceof Blob) {
		try {
			return { bytes: new Uint8Array(await picture.arrayBuffer()), width: 0, height: 0 };
		} catch (cause) {
			throw new EngineError("download", "the file can no longer be read", { cause });
		}
	}
	const { width, height, data } = picture;
	if (!(width > 0 && height > 0 && data.length === 4 * width * height)) {
		throw new EngineError("usage", `pixels: want 4 x ${width} x ${height} bytes, have ${data.length}`);
	}
	const whole = give && data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength;
	return { bytes: whole ? new Uint8Array(/** @type {ArrayBuffer} */ (data.buffer)) : new Uint8Array(data), width, height };
}

/** A copy, as the wire has it; null is no numbers. @param {Float32Array | null} x @returns {Uint8Array<ArrayBuffer>} */
export const toBytes = (x) => new Uint8Array((x ?? new Float32Array(0)).slice().buffer);

/**
 * @param {Request} request
 * @returns {Transferable[]}
 */
export function transfers(request) {
	if ("picture" in request) return [request.picture.bytes.buffer];
	if (request.verb === "compile") return [...new Set(request.chunks.map(({ buffer }) => buffer))];
	if (request.verb === "open") return [request.bundle.buffer];
	if (request.verb === "openExperts") return [request.experts.buffer];
	return [];
}

/** @param {Uint8Array<ArrayBuffer>[]} chunks */
export function joined(chunks) {
	const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
	let offset = 0;
	for (const chunk of chunks) {
		bytes.set(chunk, offset);
		offset += chunk.length;
	}
	return bytes;
}
