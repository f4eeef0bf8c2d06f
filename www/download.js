// Files over HTTP: status checked before anything, progress by bytes, the bundle held to its manifest.

import { EngineError } from "./error.js";

/** @import { FilePart, Manifest, Progress } from "./engine.js" */

/**
 * @typedef {object} DownloadOptions
 * @property {"engine" | "bundle" | "experts"} part
 * @property {(url: URL, init?: RequestInit) => Promise<Response>} fetch
 * @property {(progress: Progress) => void} onProgress
 * @property {AbortSignal} [signal]
 * @property {number | null} [total] known length; default: what the server says
 */

/**
 * Starts a download. The Response returned counts the bytes as they are read; its body can be read once.
 * @param {URL} url
 * @param {DownloadOptions} options
 * @returns {Promise<Response>}
 */
export async function download(url, { part, fetch, onProgress, signal, total = null }) {
	/** @type {Response} */
	let response;
	try {
		response = await fetch(url, signal ? { signal } : {});
	} catch (cause) {
		throw new EngineError(signal?.aborted ? "aborted" : "download", `${nameOf(url)}: no answer`, { cause });
	}
	if (!response.ok) {
		throw new EngineError("download", `${nameOf(url)}: the server answered ${response.status}`);
	}
	if (total === null) total = contentLength(response.headers);
	if (!response.body) {
		throw new EngineError("download", `${nameOf(url)}: an answer without content`);
	}
	let loaded = 0;
	onProgress({ part, loaded, total });
	const counted = response.body.pipeThrough(
		new TransformStream({
			transform(chunk, controller) {
				loaded += chunk.byteLength;
				onProgress({ part, loaded, total });
				controller.enqueue(chunk);
			},
		}),
	);
	return new Response(counted, { headers: { "content-type": "application/wasm" } });
}

/**
 * The length of the content that will be read, or null. With a content coding the header counts the coded bytes, which
 * is not what a reader sees.
 * @param {Headers} headers
 */
export function contentLength(headers) {
	if (headers.get("content-encoding")) return null;
	const length = headers.get("content-length");
	return length !== null && /^[0-9]+$/.test(length) ? Number(length) : null;
}

/**
 * @param {URL} url
 * @param {DownloadOptions} options
 * @returns {Promise<WebAssembly.Module>}
 */
export async function downloadModule(url, options) {
	const response = await download(url, options);
	try {
		if (WebAssembly.compileStreaming) return await WebAssembly.compileStreaming(response);
		return await WebAssembly.compile(await response.arrayBuffer());
	} catch (cause) {
		if (options.signal?.aborted) throw new EngineError("aborted", "the load was stopped", { cause });
		if (cause instanceof WebAssembly.CompileError) {
			throw new EngineError("download", `${nameOf(url)}: this is not a WebAssembly file`, { cause });
		}
		throw new EngineError("download", `${nameOf(url)}: the download broke off`, { cause });
	}
}

/**
 * Fetches the bundle that a manifest describes. The bytes have the manifest's length, and its hash where this page may
 * compute one; `checked` says whether.
 * @param {URL} manifestUrl
 * @param {DownloadOptions} options
 * @returns {Promise<{ manifest: Manifest, bytes: Uint8Array<ArrayBuffer>, checked: boolean }>}
 */
export async function downloadBundle(manifestUrl, options) {
	const silent = { ...options, onProgress: () => {} };
	const manifest = parseManifest(await readText(manifestUrl, silent));
	return { manifest, ...(await downloadPart(new URL(manifest.file, manifestUrl), manifest, options)) };
}

/**
 * Fetches a file that a manifest describes.
 * @param {URL} url
 * @param {FilePart} part
 * @param {DownloadOptions} options
 * @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, checked: boolean }>} checked: the hash is right; else it could not be computed
 */
export async function downloadPart(url, part, options) {
	const bytes = await readBytes(url, { ...options, total: part.bytes }, part.bytes);
	if (bytes.length !== part.bytes) {
		throw new EngineError("download", `${part.file}: want ${part.bytes} bytes, have ${bytes.length}`);
	}
	const hash = await sha256(bytes);
	if (hash !== null && hash !== part.sha256) {
		throw new EngineError("hash", `${part.file}: want sha256 ${part.sha256}, have ${hash}`);
	}
	return { bytes, checked: hash !== null };
}

/**
 * @param {string} text
 * @returns {Manifest}
 */
export function parseManifest(text) {
	/** @type {unknown} */
	let value;
	try {
		value = JSON.parse(text);
	} catch (cause) {
		throw new EngineError("manifest", "the manifest is not JSON", { cause });
	}
	if (typeof value !== "object" || value === null) throw new EngineError("manifest", "the manifest is not an object");
	const { name, config, experts = null } = /** @type {Record<string, unknown>} */ (value);
	if (typeof name !== "string" || name === "") throw new EngineError("manifest", "name: want text");
	if (typeof config !== "object" || config === null || Array.isArray(config)) {
		throw new EngineError("manifest", "config: want an object");
	}
	return {
		name, ...parsePart("", value), config: /** @type {Record<string, unknown>} */ (config),
		experts: experts === null ? null : parsePart("experts: ", experts),
	};
}

/**
 * @param {string} where said before what is wrong
 * @param {unknown} value
 * @returns {FilePart}
 */
function parsePart(where, value) {
	if (typeof value !== "object" || value === null) throw new EngineError("manifest", `${where}want an object`);
	const { file, bytes, sha256 } = /** @type {Record<string, unknown>} */ (value);
	if (typeof file !== "string" || !/^[\w][\w.-]*$/.test(file)) {
		throw new EngineError("manifest", `${where}file: want the name of a file beside the manifest`);
	}
	if (typeof bytes !== "number" || !Number.isSafeInteger(bytes) || bytes <= 0) {
		throw new EngineError("manifest", `${where}bytes: want a positive whole number`);
	}
	if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) {
		throw new EngineError("manifest", `${where}sha256: want 64 lower-case hexadecimal digits`);
	}
	return { file, bytes, sha256 };
}

/**
 * Lower-case hexadecimal, or null where the page is served over plain HTTP from another machine: browsers offer no
 * hashing there, and the Worker checks instead.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string | null>}
 */
export async function sha256(bytes) {
	const subtle = globalThis.crypto?.subtle;
	if (!subtle) return null;
	return hex(new Uint8Array(await subtle.digest("SHA-256", bytes)));
}

/** Lower-case hexadecimal. @param {Uint8Array} bytes */
export const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/**
 * Reads at most `limit` bytes: a longer file fails here and not in memory.
 * @param {URL} url
 * @param {DownloadOptions} options
 * @param {number} limit
 */
async function readBytes(url, options, limit) {
	const response = await download(url, options);
	const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
	/** @type {Uint8Array[]} */
	const chunks = [];
	let length = 0;
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) break;
			length += value.length;
			if (length > limit) {
				await reader.cancel();
				throw new EngineError("download", `${nameOf(url)}: more than ${limit} bytes`);
			}
			chunks.push(value);
		}
	} catch (cause) {
		if (cause instanceof EngineError) throw cause;
		throw new EngineError(
			options.signal?.aborted ? "aborted" : "download", `${nameOf(url)}: the download broke off`, { cause });
	}
	const bytes = new Uint8Array(length);
	let offset = 0;
	for (const chunk of chunks) {
		bytes.set(chunk, offset);
		offset += chunk.length;
	}
	return bytes;
}

const manifestLimit = 1 << 16;

/**
 * @param {URL} url
 * @param {DownloadOptions} options
 */
async function readText(url, options) {
	return new TextDecoder().decode(await readBytes(url, options, manifestLimit));
}

/** @param {URL} url */
function nameOf(url) {
	return url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
}
