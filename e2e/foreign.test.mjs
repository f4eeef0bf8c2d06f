// Kinds of pictures that the browser decodes for Go: in the Worker, to the pixels that Go's own decoders give in the terminal.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Visit } from "./browser.mjs";
import { randomModels } from "./bundle.mjs";
import { animatedGif, png } from "./pictures.mjs";
import { site } from "./site.mjs";

/** @import { Page } from "playwright-core" */

const folder = fileURLToPath(new URL("../core/picture/testdata/", import.meta.url));
const here = site(randomModels());

const text = (/** @type {Uint8Array} */ bytes) => Buffer.from(bytes).toString("base64");

/** The pixels, in a Worker of its own. @param {Page} page of the site @param {Uint8Array} file @returns {Promise<{ width: number, height: number, data: Buffer }>} */
async function decode(page, file) {
	const answer = await page.evaluate(async (file) => {
		const script = `
			import { readable } from "${location.origin}/foreign.js";
			self.onmessage = async ({ data }) => {
				try { self.postMessage(await readable({ bytes: data, width: 0, height: 0 })); } catch (error) { self.postMessage(error.code); }
			};
			self.postMessage("ready");`;
		const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
		const next = () => new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
		await next();
		const answer = next();
		worker.postMessage(Uint8Array.from(atob(file), (c) => c.charCodeAt(0)));
		const out = await answer;
		worker.terminate();
		return { ...out, bytes: btoa(String.fromCharCode(...out.bytes)) };
	}, text(file));
	return { width: answer.width, height: answer.height, data: Buffer.from(answer.bytes, "base64") };
}

test("the browser's pixels are those of the terminal", async () => {
	const page = await here.browser.newPage();
	await page.goto(`${here.url}error.js`);
	const names = readdirSync(folder).filter((name) => /\.(gif|webp|bmp)$/.test(name));
	assert.ok(names.length >= 10);
	for (const name of names) {
		const { width, height, data } = await decode(page, readFileSync(folder + name));
		assert.deepEqual([width, height], name === "turned.webp" ? [16, 24] : [24, 16], name);
		const like = { "animated.webp": "lossless.webp", "animated-alpha.webp": "alpha.webp" }[name] ?? name;
		const want = readFileSync(`${folder}${like}.rgb`); // what core/picture is held against
		// Lossless and opaque: the same bits. Else the rounding of the blend with white, and of lossy files, chroma, as in core/picture.
		const limit = /^alpha-lossless/.test(name) ? 1 : /lossy|alpha/.test(name) ? 5 : 0;
		for (let i = 0; i < width * height; i++) {
			for (let c = 0; c < 3; c++) {
				const d = Math.abs((data[4 * i + c] ?? NaN) - (want[3 * i + c] ?? NaN));
				assert.ok(d <= limit, `${name}: pixel ${i}, channel ${c}: ${d} from the reference, want at most ${limit}`);
			}
			assert.equal(data[4 * i + 3], 255, "on white");
		}
	}
	assert.deepEqual([...(await decode(page, animatedGif())).data], [0, 0, 0, 255], "the first frame");
});

/** Runs in the page: the bits of each file's embedding, or the code of its error. @param {string[]} files */
async function embed(files) {
	/** @type {import("./browser.mjs").Modules} */
	const { Engine } = /** @type {any} */ (globalThis).modules;
	const engine = await Engine.load();
	const out = [];
	for (const file of files) {
		const bytes = Uint8Array.from(atob(file), (c) => c.charCodeAt(0));
		out.push(await engine.embed(bytes).then(({ embed }) => String(new Uint32Array(embed.buffer)), (error) => error.code));
	}
	engine.dispose();
	return out;
}

test("the engine takes them as it takes the same pixels in a PNG, and refuses what is none", async () => {
	const scene = readFileSync(`${folder}lossless.webp.rgb`);
	const at = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ c) => scene[3 * (24 * y + x) + c] ?? 0;
	const file = (/** @type {string} */ name) => readFileSync(folder + name);
	const whole = file("lossy.webp");
	const visit = await Visit.open(here.browser, here.url);
	await visit.modules();
	const [want, ...have] = await visit.page.evaluate(embed, [
		png(24, 16, (x, y) => [at(x, y, 0), at(x, y, 1), at(x, y, 2)]),
		file("lossless.webp"), file("rgb.bmp"), file("palette.gif"),
		Buffer.from("GIF89a\xff\xff\xff\xff\0\0\0", "latin1"), // 65,535 squared, it says
		whole.subarray(0, 20), whole.subarray(0, 60),
		Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), Buffer.from("BMW, a letter"), Buffer.from("Dear all"),
	].map(text));
	assert.match(want ?? "", /,/);
	assert.equal(have[0], want);
	assert.equal(have[1], want);
	assert.ok(have[2]?.includes(",") && have[2] !== want, "256 colours of it");
	assert.deepEqual(have.slice(3), ["picture_too_large", ...Array(5).fill("picture_format")]);
	visit.calm();
	await visit.close();
});
