// Files over HTTP: status checked before anything, progress by bytes, the bundle held to its manifest.

import { EngineError } from "./error.js";
import { joined } from "./wire.js";

/** @import { FilePart, Manifest, Progress } from "./engine.js" */
/** @import { Code } from "./wire.js" */

/**
 * @typedef {object} DownloadOptions
 * @property {"engine" | "bundle" | "experts"} part
 * @property {(url: URL, init?: RequestInit) => Promise<Response>} fetch
 * @property {(progress: Progress) => void} onProgress
 * @property {AbortSignal} [signal]
 * @property {number | null} [total] known length; default: what the server says
 */

/**
 * Starts a download.
 * @param {URL} url
 * @param {DownloadOptions} options
 * @returns {Promise<{ body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, total: number | null }>}
 */
async function download(url, { fetch, signal, total = null }) {
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
	if (!response.body) {
		throw new EngineError("download", `${nameOf(url)}: an answer without content`);
	}
	return { body: response.body.getReader(), total: total ?? contentLength(response.headers) };
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

/** More than an engine ever has, bytes. */
const codeLimit = 1 << 26;

/**
 * Fetches an engine, for the Worker to compile.
 * @param {URL} url
 * @param {DownloadOptions} options
 * @returns {Promise<Code>}
 */
export async function downloadCode(url, options) {
	return { name: nameOf(url), chunks: await readChunks(url, options, codeLimit) };
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
async function readChunks(url, options, limit) {
	const { part, onProgress } = options;
	const { body, total } = await download(url, options);
	/** @type {Uint8Array<ArrayBuffer>[]} */
	const chunks = [];
	let length = 0;
	try {
		for (;;) {
			onProgress({ part, loaded: length, total });
			const { done, value } = await body.read();
			if (done) break;
			length += value.length;
			if (length > limit) {
				await body.cancel();
				throw new EngineError("download", `${nameOf(url)}: more than ${limit} bytes`);
			}
			chunks.push(value);
		}
	} catch (cause) {
		if (cause instanceof EngineError) throw cause;
		throw new EngineError(
			options.signal?.aborted ? "aborted" : "download", `${nameOf(url)}: the download broke off`, { cause });
	}
	return chunks;
}

/** @param {URL} url @param {DownloadOptions} options @param {number} limit bytes */
async function readBytes(url, options, limit) {
	return joined(await readChunks(url, options, limit));
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
