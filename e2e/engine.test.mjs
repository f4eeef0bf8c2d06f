// engine.wasm under node, through the verbs that the Web Worker calls: what they answer and what they refuse.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { valueOf } from "../www/engine.host.js";
import { brotli } from "./brotli.mjs";
import { pageModels, randomModels } from "./bundle.mjs";
import { allowRelaxed, openBundle, relaxedTuningUrl, relaxedUrl, start, tuningUrl, wasmUrl } from "./host.mjs";
import { animatedGif, png, pngOf, rgba, stripes, stripesInAnyLight } from "./pictures.mjs";

/** @import { Verbs } from "../www/engine.js" */

const models = randomModels();
after(() => models.remove());
// The Go programs wait for calls for ever.
after(() => setImmediate(() => process.exit()));

/** @type {Awaited<ReturnType<typeof openBundle>>} */
let engine;
/** @type {Verbs} */
let verbs;
before(async () => {
	engine = await openBundle(models.file);
	verbs = engine.verbs;
});

/** The code of an error, or "" of a success. @param {{ value: unknown } | { code: string, message: string }} outcome */
const codeOf = (outcome) => ("code" in outcome ? outcome.code : "");

const circle = (/** @type {number} */ r) =>
	rgba(64, 64, (x, y) => (Math.abs(Math.hypot(x - 32, y - 32) - r) < 3 ? [0, 0, 0] : [255, 255, 255]));
const cross = (/** @type {number} */ shift) =>
	rgba(64, 64, (x, y) => (Math.abs(x - y - shift) < 4 || Math.abs(x + y - 63 + shift) < 4 ? [0, 0, 0] : [255, 255, 255]));

/** A third of ort-wasm-simd-threaded.wasm of onnxruntime-web 1.30.0, which is 2300583 bytes with brotli: ./build.sh bench compares them. */
const wire = 766_861;

test("either engine is at most a third of onnxruntime-web's on the wire", async () => {
	await Promise.all([wasmUrl, relaxedUrl].map(async (url) => {
		const wasm = readFileSync(url);
		const { length } = await brotli(wasm);
		assert.ok(length <= wire, `${url}: ${wasm.length} bytes, ${length} with brotli`);
	}));
});

test("the engines that can fine-tune are at most a tenth larger", async () => {
	await Promise.all([tuningUrl, relaxedTuningUrl].map(async (url) => {
		const { length } = await brotli(readFileSync(url));
		assert.ok(length <= 1.1 * wire, `${url}: ${length} bytes with brotli`);
	}));
});

test("the relaxed engine runs on relaxed SIMD and gives the bits of the other", async () => {
	allowRelaxed();
	const relaxed = await openBundle(models.file, relaxedUrl);
	assert.equal(relaxed.info.kernel, "wasm-relaxed");
	for (const size of [5, 20, 60]) {
		const [want, have] = [verbs, relaxed.verbs].map((v) => valueOf(() => v.embed(circle(size), 64, 64, 0)).embed);
		assert.deepEqual(have, want);
	}
});

test("open: says what it opened, and runs on SIMD", () => {
	assert.deepEqual(engine.info, { dim: 96, imageSize: 64, kernel: "wasm-simd", card: "" });
});

test("open: a bundle that is cut, changed or something else is refused, and a good one opens after it", async () => {
	const { verbs } = await start();
	const good = readFileSync(models.file);
	assert.equal(codeOf(verbs.embed(cross(0), 64, 64, 0)), "usage");
	assert.equal(codeOf(verbs.open(good.subarray(0, good.length >> 1), "")), "bundle");
	const changed = Buffer.from(good);
	changed[good.length >> 1] ^= 0xff;
	assert.equal(codeOf(verbs.open(changed, "")), "bundle");
	assert.equal(codeOf(verbs.open(png(8, 8, stripes), "")), "bundle");
	assert.equal(codeOf(verbs.open(new Uint8Array(0), "")), "bundle");
	assert.equal(codeOf(verbs.open(good, "00".repeat(32))), "hash");
	const manifest = JSON.parse(readFileSync(`${models.folder}/default.json`, "utf8"));
	assert.equal(codeOf(verbs.open(good, manifest.sha256)), "");
	assert.equal(codeOf(verbs.embed(cross(0), 64, 64, 0)), "");
});

test("a file and a canvas of the same pixels have the same embedding, bit for bit", () => {
	const file = valueOf(() => verbs.embed(png(90, 70, stripes), 0, 0, 0)).embed;
	const canvas = valueOf(() => verbs.embed(rgba(90, 70, stripes), 90, 70, 0)).embed;
	assert.equal(file.length, 4 * 96);
	assert.deepEqual(file, canvas);
	assert.notDeepEqual(file, valueOf(() => verbs.embed(png(90, 70, (x, y) => stripes(y, x)), 0, 0, 0)).embed);
});

test("a task: two classes, learnt, and each kind found again", () => {
	const circles = valueOf(() => verbs.addClass("circles"));
	assert.equal(codeOf(verbs.adapt()), "too_few_classes");
	const crosses = valueOf(() => verbs.addClass("crosses"));
	assert.equal(codeOf(verbs.addClass(" circles ")), "duplicate_class");
	assert.equal(codeOf(verbs.addClass("")), "bad_name");
	const first = valueOf(() => verbs.addExample(circles, circle(20), 64, 64, 0));
	assert.deepEqual({ ...first, id: 0 }, { id: 0, width: 64, height: 64, thumbnail: null });
	assert.equal(codeOf(verbs.adapt()), "empty_class");
	assert.equal(codeOf(verbs.classify(circle(20), 64, 64, 0)), "not_adapted");
	const second = valueOf(() => verbs.addExample(crosses, cross(0), 64, 64, 0));
	const learnt = valueOf(() => verbs.adapt());
	assert.deepEqual({ ...learnt, steps: [], verdict: learnt.verdict.code }, {
		version: 1, parent: 0, taken: true, way: 2, examples: 2, experts: null, tuned: false, finetuned: "", views: 1, steps: [], head: "prototypes", strength: 0, verdict: "first",
		classes: [{ id: circles, name: "circles" }, { id: crosses, name: "crosses" }], leaveOneOut: null,
	});

	for (const [picture, best, nearest] of /** @type {const} */ ([[circle(21), circles, first.id], [cross(1), crosses, second.id]])) {
		const { scores } = valueOf(() => verbs.classify(picture, 64, 64, 0));
		assert.deepEqual(scores.map((s) => s.name), ["circles", "crosses"]);
		assert.ok(Math.abs(scores.reduce((sum, s) => sum + s.probability, 0) - 1) < 1e-6);
		const winner = scores.reduce((a, b) => (b.probability > a.probability ? b : a));
		assert.deepEqual([winner.class, winner.nearest], [best, nearest]);
	}

	assert.equal(codeOf(verbs.renameClass(crosses, "x")), "");
	assert.equal(valueOf(() => verbs.classify(cross(0), 64, 64, 0)).scores[1]?.name, "x");
	assert.equal(codeOf(verbs.removeExample(first.id)), "");
	assert.equal(codeOf(verbs.removeExample(first.id)), "unknown_example");
	assert.equal(codeOf(verbs.removeClass(crosses)), "");
	assert.equal(codeOf(verbs.removeClass(crosses)), "unknown_class");
	assert.equal(codeOf(verbs.renameClass(crosses, "y")), "unknown_class");
	assert.equal(codeOf(verbs.addExample(crosses, cross(0), 64, 64, 0)), "unknown_class");
	assert.equal(codeOf(verbs.removeClass(circles)), "");
});

test("versions: adapted step by step, stopped, refused, gone back to; doubts and reasons", () => {
	const [one = 0, two = 0] = ["one", "two"].map((name) => valueOf(() => verbs.addClass(name)));
	for (let i = 0; i < 3; i++) {
		valueOf(() => verbs.addExample(one, circle(15 + 3 * i), 64, 64, 0));
		valueOf(() => verbs.addExample(two, cross(2 * i), 64, 64, 0));
	}
	const { inUse: before } = valueOf(() => verbs.history());
	assert.equal(codeOf(verbs.adaptNext(false)), "usage");
	assert.equal(codeOf(verbs.adapt(/** @type {any} */ ("nobody"))), "usage");

	/** @param {number} stopAt @returns {{ steps: string[], code: string, version: number }} */
	const steps = (stopAt) => {
		const told = [];
		let out = verbs.adapt("", false, true);
		for (let i = 0; "value" in out && "step" in out.value; i++) {
			told.push(out.value.step);
			out = verbs.adaptNext(i === stopAt);
		}
		return { steps: told, code: codeOf(out), version: "value" in out && !("step" in out.value) ? out.value.version : -1 };
	};
	assert.deepEqual(steps(0), { steps: ["head"], code: "aborted", version: -1 });
	assert.equal(valueOf(() => verbs.history()).inUse, before);
	valueOf(() => verbs.adapt("", false, true)); // and never gone on with
	const first = steps(-1);
	assert.deepEqual(first.steps, ["head"]);
	const ask = () => valueOf(() => verbs.classify(circle(19), 64, 64, 0));
	const answer = ask();
	assert.deepEqual([answer.version, answer.unknown, answer.scores.length], [first.version, false, 2]);

	assert.equal(codeOf(verbs.addExample(two, circle(15), 64, 64, 0)), "contradiction");
	const odd = valueOf(() => verbs.addExample(two, circle(17), 64, 64, 0)).id;
	const doubts = valueOf(() => verbs.review());
	assert.deepEqual([doubts[0]?.example, doubts[0]?.class, doubts[0]?.said, doubts[0]?.twin], [odd, two, one, 0]);
	valueOf(() => verbs.relabel(odd, one));
	const second = valueOf(() => verbs.adapt("ridge", true));
	assert.ok(second.head === "ridge" && second.taken && second.verdict.compared === 7);
	const reasons = valueOf(() => verbs.explain());
	assert.ok(reasons && reasons.head === "ridge" && reasons.trials.length === 3 && reasons.confusion?.flat().reduce((a, b) => a + b) === 7);
	assert.deepEqual([reasons.judged?.length, reasons.plain?.total, reasons.places], [7, 7, null]);
	assert.deepEqual(reasons.judged?.filter((j) => j.said !== j.class).map((j) => j.example), reasons.misses);
	assert.ok(reasons.judged?.every((j) => j.probability <= j.saying && (j.said !== j.class || j.probability === j.saying)));
	const [forOne, forTwo] = [one, two].map((id) => valueOf(() => verbs.heat(id, circle(19), 64, 64)));
	assert.ok(forOne && forOne.grid.length === forOne.side ** 2 && forOne.side > 1 && new Set(forOne.grid).size > 4);
	assert.deepEqual(forTwo?.grid, forOne.grid.map((v) => -v), "of two classes what speaks for one speaks against the other");
	assert.equal(codeOf(verbs.heat(99, circle(19), 64, 64)), "unknown_class");

	const { versions, inUse } = valueOf(() => verbs.history());
	assert.deepEqual([inUse, versions.at(-1)?.parent], [second.version, first.version]);
	assert.deepEqual(valueOf(() => verbs.useVersion(first.version)), { experts: null, tuned: false, stale: true });
	assert.deepEqual(ask(), answer);
	assert.equal(codeOf(verbs.useVersion(99)), "unknown_version");
	valueOf(() => verbs.useVersion(0));
	assert.equal(codeOf(verbs.classify(circle(19), 64, 64, 0)), "not_adapted");
	assert.equal(valueOf(() => verbs.explain()), null);
	assert.equal(codeOf(verbs.heat(one, circle(19), 64, 64)), "not_adapted");
	for (const id of [one, two]) valueOf(() => verbs.removeClass(id));
});

/** Two classes, learnt, as an adapter. @param {Verbs} go @param {string} bundle its sha256 */
function packed(go, bundle) {
	for (const [name, draw] of /** @type {const} */ ([["circles", circle], ["crosses", cross]])) {
		const id = valueOf(() => go.addClass(name));
		for (const size of [14, 18]) valueOf(() => go.addExample(id, draw(size), 64, 64, 0));
	}
	valueOf(() => go.adapt());
	return valueOf(() => go.pack(bundle, "", "2026-01-01T00:00:00Z", 0, "")).file;
}

/** sha256 of the bundle in a folder. @param {{ folder: string }} from */
const sumOf = ({ folder }) => /** @type {string} */ (JSON.parse(readFileSync(`${folder}/default.json`, "utf8")).sha256);

test("a model for other programs: by the engines that can fine-tune, of an adapter of this bundle; what is refused leaves all as it was", async () => {
	assert.equal(verbs.exportModel, undefined);
	const { verbs: { exportModel = () => assert.fail(), ...tuner } } = await openBundle(models.file, tuningUrl);
	const sum = sumOf(models);
	const file = packed(tuner, sum);
	const [asked, version] = [valueOf(() => tuner.classify(cross(1), 64, 64, 0)), valueOf(() => tuner.history())];
	for (const format of /** @type {const} */ (["onnx", "safetensors"])) {
		const bytes = valueOf(() => exportModel(sum, "", file, format));
		assert.ok(Buffer.from(bytes).includes('["circles","crosses"]') || Buffer.from(bytes).includes('[\\"circles\\",\\"crosses\\"]'), format);
		assert.deepEqual(valueOf(() => exportModel(sum, "", file, format)), bytes, "the same twice");
	}
	assert.equal(codeOf(exportModel(sum, "", file, /** @type {any} */ ("pickle"))), "usage");
	assert.equal(codeOf(exportModel("0".repeat(64), "", file, "onnx")), "adapter_bundle");
	assert.equal(codeOf(exportModel(sum, "", file.subarray(0, file.length >> 1), "onnx")), "adapter");
	assert.equal(codeOf(/** @type {any} */ (exportModel)(sum, "")), "usage");
	assert.deepEqual([valueOf(() => tuner.classify(cross(1), 64, 64, 0)), valueOf(() => tuner.history())], [asked, version]);
});

test("a model for other programs takes memory of at most four times its file", async () => {
	const own = pageModels();
	for (const format of /** @type {const} */ (["onnx", "safetensors"])) {
		const { verbs, memory } = await openBundle(own.file, tuningUrl);
		const file = packed(verbs, sumOf(own));
		const before = memory().wasmBytes;
		const { length } = valueOf(() => (verbs.exportModel ?? assert.fail())(sumOf(own), "", file, format));
		const taken = memory().wasmBytes - before;
		console.log(`${format}: ${length} bytes, memory of ${taken}, after ${before}`);
		assert.ok(length > 1e5 && taken < 4 * length, `${format}: ${taken}`);
	}
	own.remove();
});

test("fine-tuning: step by step, with rests within a step; stopped; in a version that carries over; and refused by an engine that cannot", async () => {
	const bars = (/** @type {number} */ n, /** @type {boolean} */ upright) => rgba(64, 64, stripesInAnyLight(upright, n));
	const teach = (/** @type {Verbs} */ go) => {
		const [one = 0, two = 0] = ["one", "two"].map((name) => valueOf(() => go.addClass(name)));
		for (let n = 0; n < 5; n++) {
			valueOf(() => go.addExample(one, bars(n, false), 64, 64, 0));
			valueOf(() => go.addExample(two, bars(n, true), 64, 64, 0));
		}
		return [one, two];
	};
	const { verbs: tuner } = await openBundle(models.file, tuningUrl);
	teach(tuner);
	valueOf(() => tuner.adapt());
	const plain = valueOf(() => tuner.classify(bars(8, true), 64, 64, 0)).scores;
	/** @param {number} stopAt @returns {{ told: number[], rests: number, out: ReturnType<Verbs["adaptNext"]> }} */
	const run = (stopAt) => {
		/** @type {Set<number>} */
		const told = new Set();
		let rests = 0;
		let out = tuner.adapt("", true, true, true);
		for (; "value" in out && "step" in out.value; rests++) {
			if (out.value.step === "tune") told.add(out.value.done);
			out = tuner.adaptNext(rests === stopAt);
		}
		return { told: [...told], rests, out };
	};
	assert.equal(codeOf(run(3).out), "aborted");
	assert.deepEqual(valueOf(() => tuner.classify(bars(8, true), 64, 64, 0)).scores, plain);
	const { told, rests, out } = run(-1);
	assert.ok("value" in out && !("step" in out.value));
	const { tuning, tuned, finetuned, version } = out.value;
	assert.deepEqual([told[0], told.at(-1), finetuned, version, tuned, tuning?.mode, tuning?.steps], [0, 30, "sparse", 2, tuning?.rate !== 0, "sparse", 10]);
	assert.ok(rests > told.length, `${rests} rests in ${told.length} steps`);
	assert.ok(tuning && tuning.rate > 0 && tuning.changed > 0.09 && tuning.changed <= 0.1 && tuning.moved > 0, JSON.stringify(tuning));

	// Another engine, which cannot fine-tune, answers by it to the bit, and by no embedding of the backbone alone.
	const [one = 0, two = 0] = teach(verbs);
	assert.equal(codeOf(verbs.adapt("", false, false, true)), "usage");
	const { file, notes } = valueOf(() => tuner.pack("b".repeat(64), "", "2026-01-01T00:00:00Z", 0, ""));
	const recalled = valueOf(() => verbs.recall("b".repeat(64), "", file, notes, 0, `${one} ${two}`));
	assert.equal(recalled.finetuned, "sparse");
	assert.equal(valueOf(() => verbs.useVersion(recalled.version)).tuned, true);
	const [here, there] = [verbs, tuner].map((v) => valueOf(() => v.classify(bars(8, true), 64, 64, 0)).scores.map((s) => s.probability));
	assert.deepEqual(here, there);
	assert.notDeepEqual(here, plain.map((s) => s.probability));
	assert.equal(codeOf(verbs.classifyEmbedding(valueOf(() => verbs.embed(bars(8, true), 64, 64, 0)).embed)), "other_weights");
	for (const id of [one, two]) valueOf(() => verbs.removeClass(id));
	valueOf(() => verbs.useVersion(0));
});

test("an embedding stands for its picture, wherever it was made", () => {
	const classes = ["one", "two"].map((name) => valueOf(() => verbs.addClass(name)));
	const [one = 0, two = 0] = classes;
	const embedOf = (/** @type {Uint8Array} */ picture) => valueOf(() => verbs.embed(picture, 64, 64, 0)).embed;
	const id = valueOf(() => verbs.addEmbedding(one, embedOf(circle(20))));
	valueOf(() => verbs.addExample(two, cross(0), 64, 64, 0));
	assert.equal(codeOf(verbs.classifyEmbedding(embedOf(circle(20)))), "not_adapted");
	valueOf(() => verbs.adapt());
	const direct = valueOf(() => verbs.classify(circle(21), 64, 64, 0));
	assert.deepEqual(valueOf(() => verbs.classifyEmbedding(embedOf(circle(21)))), direct);
	assert.equal(direct.scores[0]?.nearest, id);
	assert.equal(codeOf(verbs.addEmbedding(one, new Uint8Array(4 * 96 - 1))), "usage");
	assert.equal(codeOf(verbs.classifyEmbedding(new Uint8Array(0))), "usage");
	assert.equal(codeOf(verbs.addEmbedding(one, new Uint8Array(4 * 96).fill(0xff))), "bad_embedding");
	assert.equal(codeOf(verbs.addEmbedding(0, embedOf(circle(20)))), "unknown_class");
	for (const c of classes) valueOf(() => verbs.removeClass(c));
});

test("pictures that are none, or too much, have their codes; odd ones are read", () => {
	const whole = png(40, 30, stripes);
	/** @type {[string, Uint8Array, string][]} */
	const cases = [
		["text", Buffer.from("a letter, renamed"), "picture_format"],
		["nothing", new Uint8Array(0), "picture_empty"],
		["cut in the pixels", whole.subarray(0, whole.length - 30), "picture_truncated"],
		["cut in the header", whole.subarray(0, 20), "picture_truncated"],
		["10,000 x 10,000 pixels, says the header", pngOf(10_000, 10_000, Buffer.alloc(200_000)), "picture_too_large"],
		["65 MiB", new Uint8Array(65 << 20), "picture_too_large"],
		["1 x 1", png(1, 1, stripes), ""],
		["1 x 500", png(1, 500, stripes), ""],
		["an animated GIF, which the Worker has the browser decode", animatedGif(), "picture_format"],
	];
	for (const [name, bytes, code] of cases) assert.equal(codeOf(verbs.embed(bytes, 0, 0, 0)), code, name);
	const pixels = rgba(4, 4, stripes);
	assert.equal(codeOf(verbs.embed(pixels, 4, 5, 0)), "picture_truncated");
	assert.equal(codeOf(verbs.embed(pixels, -4, -4, 0)), "picture_empty");
	assert.equal(codeOf(verbs.embed(pixels, 4, 0, 0)), "picture_empty");
});

test("a thumbnail is the picture as the backbone sees it", () => {
	const red = png(30, 10, (x) => (x >= 10 && x < 20 ? [200, 0, 0] : [0, 0, 255])); // the middle square is red
	const { thumbnail } = valueOf(() => verbs.embed(red, 0, 0, 10));
	assert.deepEqual(thumbnail, new Uint8Array(rgba(10, 10, () => [200, 0, 0])));
	assert.equal(codeOf(verbs.embed(red, 0, 0, 513)), "usage");
	assert.equal(codeOf(verbs.embed(red, 0, 0, -1)), "usage");
});

test("a call that is wrong altogether is an error, and the engine goes on", () => {
	const wrong = /** @type {any} */ (verbs);
	for (const call of [
		() => wrong.embed(), () => wrong.embed("x", 0, 0, 0), () => wrong.embed({}, 0, 0, 0), () => wrong.embed({ length: 3 }, 0, 0, 0),
		() => wrong.embed(null, 0, 0, 0), () => wrong.embed(new Float32Array(4), 1, 1, 0), () => wrong.addClass(7), () => wrong.addClass(),
		() => wrong.removeClass("1"), () => wrong.embed(cross(0), "64", 64, 0), () => wrong.open("x", 1), () => wrong.open(),
	]) {
		assert.equal(codeOf(call()), "usage", `${call}`);
	}
	assert.equal(codeOf(verbs.embed(cross(0), 64, 64, 0)), "");
});
