import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { EngineError } from "../error.js";
import { foreign, readable } from "../foreign.js";

const folder = new URL("../../core/picture/testdata/", import.meta.url);
const fixture = (/** @type {string} */ name) => new Uint8Array(readFileSync(new URL(name, folder)));
const file = (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => ({ bytes, width: 0, height: 0 });

/** @param {string} text @param {...number} rest */
const bytesOf = (text, ...rest) => Uint8Array.from([...[...text].map((c) => c.charCodeAt(0)), ...rest]);
const box = bytesOf("\0\0\0\x18ftypheic");
const ispe = (/** @type {number} */ w, /** @type {number} */ h) => bytesOf("ispe", 0, 0, 0, 0, 0, 0, w >> 8, w & 255, 0, 0, h >> 8, h & 255);

/**
 * A browser that makes a bitmap of every file.
 * @param {{ width: number, height: number } | Error} bitmap
 * @param {(calls: string[]) => Promise<void>} run
 */
async function withBrowser(bitmap, run) {
	/** @type {string[]} */
	const calls = [];
	class Canvas {
		/** @param {number} width @param {number} height */
		constructor(width, height) {
			calls.push(`canvas ${width} x ${height}`);
		}
		getContext() {
			let at = 0;
			return {
				fillRect: () => {},
				drawImage: (/** @type {unknown} */ _, /** @type {number} */ x, /** @type {number} */ y) => (calls.push(`draw ${x} ${-y}`), (at = -y)),
				getImageData: (/** @type {number} */ _x, /** @type {number} */ _y, /** @type {number} */ w, /** @type {number} */ h) =>
					({ data: new Uint8ClampedArray(4 * w * h).fill(at % 251) }),
			};
		}
	}
	const own = /** @type {any} */ (globalThis);
	own.OffscreenCanvas = Canvas;
	own.createImageBitmap = async (/** @type {Blob} */ blob) => {
		calls.push(`decode ${blob.type}`);
		if (bitmap instanceof Error) throw bitmap;
		return { ...bitmap, close: () => calls.push("close") };
	};
	try {
		await run(calls);
	} finally {
		delete own.OffscreenCanvas;
		delete own.createImageBitmap;
	}
}

test("foreign: kind and size by the header, of real files", () => {
	const names = readdirSync(folder).filter((name) => /\.(gif|webp|bmp|jpg|png)$/.test(name));
	assert.ok(names.length >= 17);
	for (const name of names) {
		const have = foreign(fixture(name));
		if (/\.(jpg|png)$/.test(name)) assert.equal(have, null, name);
		else assert.deepEqual(have, { type: `image/${name.split(".").at(-1)}`, width: 24, height: 16 }, name);
	}
});

test("foreign: odd headers, cut ones, and what is none", () => {
	const u32 = (/** @type {number} */ v) => [v & 255, (v >> 8) & 255, (v >> 16) & 255, (v >> 24) & 255];
	const zeros = (/** @type {number} */ n) => Array(n).fill(0);
	assert.deepEqual(foreign(bytesOf("BM", ...zeros(12), ...u32(12), 7, 1, 9, 0)), { type: "image/bmp", width: 263, height: 9 });
	assert.deepEqual(foreign(bytesOf("BM", ...zeros(12), ...u32(40), ...u32(300), ...u32(-200))), { type: "image/bmp", width: 300, height: 200 });
	assert.deepEqual(foreign(bytesOf("GIF89a", 255, 255, 254, 255)), { type: "image/gif", width: 65535, height: 65534 });
	assert.deepEqual(foreign(new Uint8Array([...box, 0, 0, ...ispe(512, 512), ...ispe(4032, 3024), ...ispe(512, 512)])), { type: "image/heic", width: 4032, height: 3024 });
	assert.deepEqual(foreign(bytesOf("\0\0\0\x18ftypavif")), { type: "image/avif", width: 0, height: 0 });
	for (const text of ["", "B", "GIF8", "RIFF\0\0\0\0WAVE", "Dear all, this is a letter", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n"]) {
		assert.equal(foreign(bytesOf(text)), null, text);
	}
	for (const name of ["palette.gif", "rgb.bmp", "lossy.webp", "lossless.webp", "alpha.webp"]) {
		const whole = fixture(name);
		for (let n = 0; n < 40; n++) {
			const have = foreign(whole.slice(0, n)); // no read beyond the end, and no size made of less than a header
			assert.ok(!have || have.width === 24 || have.width === 0, `${name} cut to ${n}`);
		}
	}
	const part = new Uint8Array([1, 2, 3, ...fixture("palette.gif")]).subarray(3);
	assert.equal(foreign(part)?.width, 24, "a view into a buffer");
});

test("readable: Go's own files and pixels pass as they are", async () => {
	await withBrowser({ width: 1, height: 1 }, async (calls) => {
		for (const picture of [file(fixture("420.jpg")), file(bytesOf("a letter")), { bytes: bytesOf("GIF89a.."), width: 2, height: 1 }]) {
			assert.equal(await readable(picture), picture);
		}
		assert.deepEqual(calls, []);
	});
});

test("readable: the browser decodes, and the pixels are taken strip by strip", async () => {
	await withBrowser({ width: 1000, height: 2500 }, async (calls) => {
		const { bytes, width, height } = await readable(file(fixture("palette.gif")));
		assert.deepEqual([width, height, bytes.length], [1000, 2500, 4 * 1000 * 2500]);
		assert.deepEqual(calls, ["decode image/gif", "canvas 1000 x 1048", "draw 0 0", "draw 0 1048", "draw 0 2096", "close"]);
		assert.deepEqual([0, 1047, 1048, 2095, 2096, 2499].map((y) => bytes[4000 * y + 3999]), [0, 0, 1048 % 251, 1048 % 251, 2096 % 251, 2096 % 251]);
	});
});

test("readable: too large is refused before the browser decodes, or by what it made", async () => {
	const code = (/** @type {string} */ want) => (/** @type {unknown} */ error) => error instanceof EngineError && error.code === want;
	await withBrowser({ width: 8193, height: 8192 }, async (calls) => {
		await assert.rejects(readable(file(bytesOf("GIF89a", 255, 255, 255, 255))), code("picture_too_large"));
		const long = new Uint8Array((64 << 20) + 1);
		long.set(fixture("palette.gif"));
		await assert.rejects(readable(file(long)), code("picture_too_large"));
		assert.deepEqual(calls, []);
		await assert.rejects(readable(file(fixture("palette.gif"))), code("picture_too_large"));
		assert.deepEqual(calls, ["decode image/gif", "close"]);
	});
});

test("readable: what the browser cannot show is no picture", async () => {
	await withBrowser(new Error("The source image could not be decoded."), async () => {
		await assert.rejects(readable(file(box)), (error) =>
			error instanceof EngineError && error.code === "picture_format" && /image\/heic.*could not be decoded/.test(error.message));
	});
	await assert.rejects(readable(file(box)), { code: "picture_format" }, "nor is anything without a browser");
});
