// Runs ONNX models of core/onnx with onnxruntime's wasm under node:
//
//   node e2e/onnx.mjs MODEL IMAGES SIZE OUTPUT [MODEL IMAGES SIZE OUTPUT ...]
//
// IMAGES is a file of float32 (N, 3, SIZE, SIZE), OUTPUT becomes one of float32 (N, D), and, where the model has a head,
// OUTPUT.probabilities one of (N, classes); all little-endian.

import { readFile, writeFile } from "node:fs/promises";
import * as ort from "onnxruntime-web";

const jobs = process.argv.slice(2);
if (jobs.length === 0 || jobs.length % 4 !== 0) {
	console.error("usage: node e2e/onnx.mjs MODEL IMAGES SIZE OUTPUT [MODEL IMAGES SIZE OUTPUT ...]");
	process.exit(2);
}
ort.env.wasm.numThreads = 1;
ort.env.logLevel = "error";
for (let i = 0; i < jobs.length; i += 4) {
	const [model, images, size, output] = jobs.slice(i);
	const session = await ort.InferenceSession.create(await readFile(model), { executionProviders: ["wasm"] });
	const bytes = await readFile(images);
	const pixels = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
	const side = Number(size);
	const input = new ort.Tensor("float32", pixels, [pixels.length / (3 * side * side), 3, side, side]);
	const { embedding, probabilities } = await session.run({ pixel_values: input });
	for (const [tensor, file] of /** @type {const} */ ([[embedding, output], [probabilities, `${output}.probabilities`]])) {
		if (tensor === undefined) {
			continue;
		}
		const data = /** @type {Float32Array} */ (tensor.data);
		await writeFile(file, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
	}
	await session.release();
}
