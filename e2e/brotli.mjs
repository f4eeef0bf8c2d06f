// Brotli as a deployment would do it once: as small as it gets, which takes a quarter of a minute for an engine. What has
// been compressed is kept in build/brotli under the hash of the original.

import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const compress = promisify(brotliCompress);
const folder = fileURLToPath(new URL("../build/brotli/", import.meta.url));

/** @param {Uint8Array} data @returns {Promise<Buffer>} */
export async function brotli(data) {
	const file = `${folder}${createHash("sha256").update(data).digest("hex")}.br`;
	const kept = await readFile(file).catch(() => null);
	if (kept) return kept;
	const params = {
		[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
	};
	const packed = await compress(data, { params });
	await mkdir(folder, { recursive: true });
	const fresh = `${file}.${process.pid}`; // beside it, then renamed: never half a file
	await writeFile(fresh, packed);
	await rename(fresh, file);
	return packed;
}
