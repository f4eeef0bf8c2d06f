// Picture files made here, good and bad, so that a test shows what it is about.

import { deflateSync } from "node:zlib";

/** @typedef {(x: number, y: number) => [number, number, number]} Paint */

/** @param {number} width @param {number} height @param {Paint} paint @returns {Uint8Array<ArrayBuffer>} RGBA */
export function rgba(width, height, paint) {
	const data = new Uint8Array(4 * width * height);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) data.set([...paint(x, y), 255], 4 * (y * width + x));
	}
	return data;
}

/** @param {number} width @param {number} height @param {Paint} paint */
export function png(width, height, paint) {
	const rows = Buffer.alloc(height * (1 + 3 * width));
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) rows.set(paint(x, y), y * (1 + 3 * width) + 1 + 3 * x);
	}
	return pngOf(width, height, deflateSync(rows));
}

/** A PNG of one grey, made fast at any size. @param {number} width @param {number} height */
export const flatPng = (width, height) => {
	const rows = Buffer.alloc(height * (1 + 3 * width), 128);
	for (let y = 0; y < height; y++) rows[y * (1 + 3 * width)] = 0; // filter: none
	return pngOf(width, height, deflateSync(rows, { level: 1 }));
};

/** A PNG with any header and any pixel data. @param {number} width @param {number} height @param {Buffer} data */
export function pngOf(width, height, data) {
	const header = Buffer.alloc(13);
	header.writeUInt32BE(width, 0);
	header.writeUInt32BE(height, 4);
	header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
	const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
	return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", Buffer.alloc(0))]);
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
	const body = Buffer.concat([Buffer.from(type), data]);
	const out = Buffer.alloc(body.length + 8);
	out.writeUInt32BE(data.length, 0);
	body.copy(out, 4);
	out.writeUInt32BE(crc32(body), body.length + 4);
	return out;
}

/** @param {Buffer} data */
function crc32(data) {
	let crc = ~0;
	for (const byte of data) {
		crc ^= byte;
		for (let i = 0; i < 8; i++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc >>> 0;
}

/** A GIF of 1x1 pixels with two frames, the first black, the second white. */
export function animatedGif() {
	const frame = (/** @type {number} */ color) => [
		0x21, 0xf9, 4, 0, 10, 0, 0, 0, // graphic control: 100 ms
		0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0, // image: 1x1 at 0,0
		2, 2, 0x44 + 8 * color, 1, 0, // LZW, 2-bit codes: clear, colour, end
	];
	return Buffer.from([
		...Buffer.from("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, // 1x1, 2 colours
		0, 0, 0, 255, 255, 255,
		...frame(0), ...frame(1), 0x3b,
	]);
}

/** Stripes of two pixels: not flat, not symmetric. @type {Paint} */
export const stripes = (x, y) => [(x >> 1) & 1 ? 220 : 30, (7 * y) & 255, (3 * x + 5 * y) & 255];

/** A disc on a grey bench; a bad one has a scratch. @param {boolean} bad @param {number} shift */
export const casting = (bad, shift) =>
	png(120, 90, (x, y) => {
		const inside = Math.hypot(x - 60 - shift, y - 45) < 34;
		if (bad && inside && Math.abs(x - y - 15 - shift) < 5) return [20, 20, 25];
		return inside ? [190, 195, 200] : [95, 90, 80];
	});

/** Numbers of 0..1 that look like chance and are the same each time (mulberry32). @param {number} seed */
export const chance = (seed) => () => {
	seed = (seed + 0x6d2b79f5) | 0;
	let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

/** Stripes of a direction, in any light: the light is what a backbone of random weights sees, and fine-tuning finds the direction. @param {boolean} upright @param {number} n @returns {Paint} */
export function stripesInAnyLight(upright, n) {
	const random = chance(2 * n + (upright ? 1 : 0) + 1000);
	const [phase, light] = [6.28 * random(), 180 * random() - 90];
	return (x, y) => {
		const v = Math.min(255, Math.max(0, Math.round(128 + light + 40 * Math.sin(phase + (upright ? x : y) / 2.2))));
		return [v, v, v];
	};
}
