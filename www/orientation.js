// The EXIF orientation of a WebP, which browsers do not agree on: Chromium leaves it, Go applies it. As core/picture has it (webpTurn,
// tiffTurn, newCanvas): whatever is not well formed leaves the picture as it is.

/**
 * Takes the orientation out of a WebP, so that no browser applies it.
 * @param {Uint8Array<ArrayBuffer>} bytes changed: its EXIF chunk gets a name that nobody knows
 * @returns {number} 1..8, EXIF 2.32, tag 0x0112
 */
export function takeOrientation(bytes) {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	for (let at = 12; at + 8 <= bytes.length; ) {
		const length = view.getUint32(at + 4, true);
		const begin = at + 8;
		if (length > bytes.length - begin) return 1;
		if (String.fromCharCode(...bytes.subarray(at, at + 4)) === "EXIF") {
			bytes.set([0x68, 0x69, 0x64, 0x65], at);
			const prefix = String.fromCharCode(...bytes.subarray(begin, begin + Math.min(6, length))) === "Exif\0\0" ? 6 : 0;
			return tiffOrientation(new DataView(bytes.buffer, bytes.byteOffset + begin + prefix, length - prefix));
		}
		at = begin + length + (length & 1);
	}
	return 1;
}

/** @param {DataView} tiff */
function tiffOrientation(tiff) {
	const length = tiff.byteLength;
	const mark = length < 8 ? 0 : tiff.getUint32(0);
	const little = mark === 0x49492a00; // II*, else MM
	if (!little && mark !== 0x4d4d002a) return 1;
	const directory = tiff.getUint32(4, little);
	if (directory + 2 > length) return 1;
	const entries = tiff.getUint16(directory, little);
	for (let i = 0, at = directory + 2; i < entries && at + 12 <= length; i++, at += 12) {
		if (tiff.getUint16(at, little) !== 0x0112 || tiff.getUint32(at + 4, little) !== 1) continue;
		const type = tiff.getUint16(at + 2, little); // 3: 16 bits, 4: 32 bits
		const value = type === 3 ? tiff.getUint16(at + 8, little) : type === 4 ? tiff.getUint32(at + 8, little) : 0;
		return value >= 1 && value <= 8 ? value : 1;
	}
	return 1;
}

/**
 * The picture as it is to be seen.
 * @param {{ bytes: Uint8Array<ArrayBuffer>, width: number, height: number }} picture RGBA
 * @param {number} orientation 1..8
 */
export function upright(picture, orientation) {
	if (orientation === 1) return picture;
	const sideways = orientation >= 5;
	const width = sideways ? picture.height : picture.width;
	const height = sideways ? picture.width : picture.height;
	const [lastX, lastY] = [width - 1, width * (height - 1)];
	// Where the file's first pixel goes, and the steps from a pixel to the next and from a row to the next.
	const [first, dx, dy] = /** @type {[number, number, number][]} */ ([
		[0, 1, width], [lastX, -1, width], [lastX + lastY, -1, -width], [lastY, 1, -width],
		[0, width, 1], [lastX, width, -1], [lastX + lastY, -width, -1], [lastY, -width, 1],
	])[orientation - 1] ?? [0, 1, width];
	const from = new Uint32Array(picture.bytes.buffer, picture.bytes.byteOffset, width * height);
	const to = new Uint32Array(width * height);
	for (let y = 0, i = 0; y < picture.height; y++) {
		for (let x = 0, at = first + y * dy; x < picture.width; x++, at += dx) to[at] = from[i++] ?? 0;
	}
	return { bytes: new Uint8Array(to.buffer), width, height };
}
