// A zip archive of files: written without compression (pictures have their own), read with and without. APPNOTE.TXT 6.3.10; no zip64.

import { EngineError } from "../error.js";

/** @typedef {{ name: string, data: Blob }} Entry */

const localHeader = 0x04034b50, centralHeader = 0x02014b50, endRecord = 0x06054b50;

/** What an archive may hold: as many files, and as many bytes unpacked. */
const limits = { files: 20_000, bytes: 2 ** 31 };

const table = Uint32Array.from({ length: 256 }, (_, n) => {
	for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
	return n;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
	let crc = -1;
	for (const b of bytes) crc = /** @type {number} */ (table[(crc ^ b) & 255]) ^ (crc >>> 8);
	return ~crc >>> 0;
}

/** @param {[2 | 4, number][]} fields size and value @returns {Uint8Array<ArrayBuffer>} */
function record(fields) {
	const view = new DataView(new ArrayBuffer(fields.reduce((n, [size]) => n + size, 0)));
	let at = 0;
	for (const [size, value] of fields) {
		if (size === 2) view.setUint16(at, value, true);
		else view.setUint32(at, value, true);
		at += size;
	}
	return new Uint8Array(view.buffer);
}

/** The same entries give the same bytes. @param {Entry[]} entries @returns {Promise<Blob>} */
export async function writeZip(entries) {
	/** @type {BlobPart[]} */
	const parts = [];
	/** @type {BlobPart[]} */
	const central = [];
	let at = 0, centralBytes = 0;
	for (const { name, data } of entries) {
		const encoded = new TextEncoder().encode(name);
		const crc = crc32(new Uint8Array(await data.arrayBuffer()));
		/** version 2.0, names in UTF-8, stored, 1 January 1980 @type {[2 | 4, number][]} */
		const common = [[2, 20], [2, 0x800], [2, 0], [2, 0], [2, 0x21], [4, crc], [4, data.size], [4, data.size], [2, encoded.length], [2, 0]];
		const local = record([[4, localHeader], ...common]);
		parts.push(local, encoded, data);
		const row = record([[4, centralHeader], [2, 20], ...common, [2, 0], [2, 0], [2, 0], [4, 0], [4, at]]);
		central.push(row, encoded);
		at += local.length + encoded.length + data.size;
		centralBytes += row.length + encoded.length;
	}
	const end = record([[4, endRecord], [2, 0], [2, 0], [2, entries.length], [2, entries.length], [4, centralBytes], [4, at], [2, 0]]);
	return new Blob([...parts, ...central, end], { type: "application/zip" });
}

/**
 * Reads an archive. Nothing is unpacked before its size is known to be within the limits.
 * @param {Blob} archive
 * @returns {Promise<Map<string, Blob>>} files by name; rejects with an EngineError of code task_file
 */
export async function readZip(archive) {
	const bad = (/** @type {string} */ why) => new EngineError("task_file", `zip: ${why}`);
	const tailAt = Math.max(0, archive.size - 65_557); // the longest comment there may be
	const tail = new DataView(await archive.slice(tailAt).arrayBuffer());
	let end = tail.byteLength - 22;
	while (end >= 0 && tail.getUint32(end, true) !== endRecord) end--;
	if (end < 0) throw bad("no end record");
	const count = tail.getUint16(end + 10, true);
	const [size, start] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
	if (count > limits.files || start + size > archive.size) throw bad(`${count} files in ${size} bytes at ${start}, of ${archive.size}`);
	const central = new DataView(await archive.slice(start, start + size).arrayBuffer());
	/** @type {Map<string, Blob>} */
	const files = new Map();
	let [at, unpacked] = [0, 0];
	for (let n = 0; n < count; n++) {
		if (at + 46 > central.byteLength || central.getUint32(at, true) !== centralHeader) throw bad(`no header of file ${n + 1}`);
		const u16 = (/** @type {number} */ offset) => central.getUint16(at + offset, true);
		const u32 = (/** @type {number} */ offset) => central.getUint32(at + offset, true);
		const [flags, method, crc, packed, plain, nameBytes] = [u16(8), u16(10), u32(16), u32(20), u32(24), u16(28)];
		const local = u32(42);
		if (at + 46 + nameBytes > central.byteLength) throw bad(`no name of file ${n + 1}`);
		const name = new TextDecoder().decode(new Uint8Array(central.buffer, at + 46, nameBytes));
		at += 46 + nameBytes + u16(30) + u16(32);
		unpacked += plain;
		if (flags & 1 || (method !== 0 && method !== 8) || unpacked > limits.bytes) throw bad(`${name}: encrypted, of an unknown kind or too large`);
		const header = new DataView(await archive.slice(local, local + 30).arrayBuffer());
		if (header.byteLength < 30 || header.getUint32(0, true) !== localHeader) throw bad(`${name}: no header`);
		const from = local + 30 + header.getUint16(26, true) + header.getUint16(28, true);
		let data = archive.slice(from, from + packed);
		if (name.endsWith("/")) continue;
		if (method === 8) data = await inflate(data, plain).catch((cause) => { throw bad(`${name}: ${cause}`); });
		if (data.size !== plain || crc32(new Uint8Array(await data.arrayBuffer())) !== crc) throw bad(`${name}: not what was written`);
		files.set(name, data);
	}
	return files;
}

/** @param {Blob} data @param {number} size that it must have unpacked @returns {Promise<Blob>} */
async function inflate(data, size) {
	const reader = data.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
	/** @type {BlobPart[]} */
	const parts = [];
	let have = 0;
	for (;;) {
		const { value, done } = await reader.read();
		if (done) return new Blob(parts);
		have += value.length;
		if (have > size) {
			await reader.cancel();
			throw new Error(`more than ${size} bytes`);
		}
		parts.push(value);
	}
}
