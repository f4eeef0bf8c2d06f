// What a first visit downloads, until the page can answer: this page, and what else one would make such a page of.
//
//   npm run stacks [-- --json]
//
// Every file as brotli makes it at its smallest. Packages are fetched from npm into a temporary folder, by exact version. The weights of MobileNet are
// not in a package: their bytes are computed from the architecture, four a number, and not compressed. Needs ./build.sh build, and Chromium for our own row.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotli } from "../e2e/brotli.mjs";
import { mobilenet1, mobilenet2 } from "./mobilenet.mjs";
import { gauss } from "./weights.mjs";

const path = (/** @type {string} */ name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "haguruma-stacks-"));

/** A file of an npm package. @typedef {readonly [pack: string, file: string]} Part */

const tfjs = "4.22.0";
const mobilenet = /** @type {Part} */ (["@tensorflow-models/mobilenet@2.1.1", "dist/mobilenet.min.js"]);
const teachable = /** @type {Part} */ (["@teachablemachine/image@0.8.5", "dist/teachablemachine-image.min.js"]);
const whole = /** @type {Part} */ ([`@tensorflow/tfjs@${tfjs}`, "dist/tf.min.js"]);
/** The smallest official bundles: no training, no layers, one backend. */
const parts = /** @type {Part[]} */ (["core", "converter", "backend-webgl"].map((name) => [`@tensorflow/tfjs-${name}@${tfjs}`, `dist/tf-${name}.es2017.min.js`]));

/** Code in npm packages, and how many numbers the weights are. @type {{ name: string, code: Part[], numbers: number }[]} */
const others = [
	{ name: `tf.js ${tfjs}, MobileNet v1 1.0 (what @tensorflow-models/mobilenet loads unless told otherwise)`, code: [whole, mobilenet], numbers: mobilenet1({ alpha: 1, classes: 1001, folded: true }) },
	{ name: "the same, core, converter and WebGL backend alone", code: [...parts, mobilenet], numbers: mobilenet1({ alpha: 1, classes: 1001, folded: true }) },
	{ name: "the same, MobileNet v2 1.0", code: [...parts, mobilenet], numbers: mobilenet2({ alpha: 1, classes: 1001, folded: true }) },
	{ name: "Teachable Machine's library, tf.js 1.3.1 as it asks for, MobileNet v1 0.25 (its default)", code: [["@tensorflow/tfjs@1.3.1", "dist/tf.min.js"], teachable], numbers: mobilenet1({ alpha: 0.25, classes: 1000, folded: false }) },
	{ name: "the same, MobileNet v2 0.35 without its top", code: [["@tensorflow/tfjs@1.3.1", "dist/tf.min.js"], teachable], numbers: mobilenet2({ alpha: 0.35, classes: 0, folded: false }) },
	{ name: `the same, tf.js ${tfjs}`, code: [whole, teachable], numbers: mobilenet2({ alpha: 0.35, classes: 0, folded: false }) },
];

/** @param {Part} part @returns {Buffer} */
function fetchPart([pack, file]) {
	const folder = mkdtempSync(join(temporary, "package-"));
	const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder, pack], { encoding: "utf8" }).trim();
	execFileSync("tar", ["-xzf", join(folder, packed), "-C", folder, `package/${file}`]);
	return readFileSync(join(folder, "package", file));
}

const packed = async (/** @type {Uint8Array} */ bytes) => (await brotli(bytes)).length;
const sum = (/** @type {number[]} */ all) => all.reduce((a, b) => a + b, 0);

/** @typedef {{ name: string, page: number | null, code: number, weights: number, computed: boolean }} Row bytes */

/** A cold start of our page in Chromium, and what it asked for: until it answers, and with the experts that follow. @returns {Row[]} */
function ours() {
	const { experts } = JSON.parse(readFileSync(path("www/models/default.json"), "utf8"));
	const { bytes } = JSON.parse(execFileSync(process.execPath, [path("e2e/ready.mjs"), "--runs", "1", "--json"], { encoding: "utf8" }));
	const all = { name: "the same with its experts, which follow", page: bytes.page, code: bytes.engine, weights: bytes.bundle, computed: false };
	return [{ ...all, name: "**haguruma**, the page with its sample task, until it answers", weights: bytes.bundle - (experts?.bytes ?? 0) }, ...(experts ? [all] : [])];
}

/** The same ViT in onnxruntime-web, int8, which is its smallest form. @returns {Promise<Row>} */
async function onnx() {
	const dist = "node_modules/onnxruntime-web/dist";
	const { version } = JSON.parse(readFileSync(path("node_modules/onnxruntime-web/package.json"), "utf8"));
	const code = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"].map((name) => readFileSync(path(`${dist}/${name}`)));
	const model = join(temporary, "model.onnx");
	execFileSync(path("build/haguruma"), ["export", path("www/models/default.json"), "--onnx", model, "--int8", "s8", "--batch", "1"], { stdio: "ignore" });
	return {
		name: `onnxruntime-web ${version}, the same ViT, int8`, page: null,
		code: sum(await Promise.all(code.map(packed))), weights: await packed(readFileSync(model)), computed: false,
	};
}

/** The part of its bytes that brotli leaves of numbers as weights are. */
async function floatsLeft() {
	const normal = gauss(1);
	const numbers = Float32Array.from({ length: 1 << 18 }, normal);
	return (await packed(new Uint8Array(numbers.buffer))) / numbers.byteLength;
}

try {
	/** @type {Row[]} */
	const rows = [...ours(), await onnx()];
	for (const { name, code, numbers } of others) {
		rows.push({ name, page: null, code: sum(await Promise.all(code.map((part) => packed(fetchPart(part))))), weights: 4 * numbers, computed: true });
	}
	const left = await floatsLeft();
	const all = (/** @type {Row} */ { page, code, weights }) => (page ?? 0) + code + weights;
	if (process.argv.includes("--json")) {
		console.log(JSON.stringify({ rows: rows.map((row) => ({ ...row, all: all(row) })), floatsLeft: left }, null, 2));
	} else {
		const mb = (/** @type {number} */ n) => (n / 1e6).toFixed(2);
		console.log("| MB, brotli | page | engine or library | weights | all |\n|---|---:|---:|---:|---:|");
		for (const row of rows) {
			console.log(`| ${row.name} | ${row.page === null ? "not counted" : mb(row.page)} | ${mb(row.code)} | ${mb(row.weights)}${row.computed ? ", computed" : ""} | ${mb(all(row))} |`);
		}
		console.log(`\nbrotli leaves ${(100 * left).toFixed(0)}% of as many normally distributed float32 numbers.`);
	}
} finally {
	rmSync(temporary, { recursive: true });
}
