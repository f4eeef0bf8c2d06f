// Brotli as a deployment would do it once: as small as it gets.

import { promisify } from "node:util";
import { brotliCompress, constants } from "node:zlib";

const compress = promisify(brotliCompress);

/** @param {Uint8Array} data @returns {Promise<Buffer>} */
export function brotli(data) {
	const params = {
		[constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
	};
	return compress(data, { params });
}
