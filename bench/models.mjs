// The same weights in every form that is compared, made by the verbs of haguruma:
//
//   model.safetensors.zst, model.json   our int8 bundle and its manifest
//   model.float32.safetensors           our float32 checkpoint
//   model.onnx, model.s8.onnx, model.u8.onnx   onnxruntime's float32 and its two dynamically quantized forms

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkpoint } from "./weights.mjs";

/** @import { Shape } from "./weights.mjs" */

const program = fileURLToPath(new URL("../build/haguruma", import.meta.url));

/** @typedef {Record<"bundle" | "float32" | "onnx" | "s8" | "u8", { file: string, bytes: number }>} Files */
/** @typedef {{ folder: string, files: Files, parameters: number, mean: number[], std: number[] } & Shape} Models */

/** @param {string} folder @param {Shape} shape @returns {Models} */
export function makeModels(folder, shape) {
	mkdirSync(folder, { recursive: true });
	const at = (/** @type {string} */ name) => join(folder, name);
	const haguruma = (/** @type {string[]} */ ...args) =>
		execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], maxBuffer: 1 << 24 });
	const [mean, std] = [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]];
	writeFileSync(at("weights.safetensors"), checkpoint(shape));
	/** @type {{ parameters: number }} */
	const { parameters } = JSON.parse(haguruma(
		"import", at("weights.safetensors"), "--out", folder, "--name", "model", "--layout", "timm", "--float32", "--json",
		"--heads", String(shape.heads), "--eps", "1e-6", "--mean", mean.join(), "--std", std.join(),
	));
	const float32 = at("model.float32.safetensors");
	haguruma("export", float32, "--onnx", at("model.onnx"), "--batch", "1");
	for (const codes of ["s8", "u8"]) haguruma("export", float32, "--onnx", at(`model.${codes}.onnx`), "--batch", "1", "--int8", codes);
	const manifest = JSON.parse(readFileSync(at("model.json"), "utf8"));
	const entry = (/** @type {string} */ file) => ({ file, bytes: statSync(at(file)).size });
	const files = {
		bundle: entry(manifest.file), float32: entry("model.float32.safetensors"), onnx: entry("model.onnx"),
		s8: entry("model.s8.onnx"), u8: entry("model.u8.onnx"),
	};
	return { folder, files, parameters, mean, std, ...shape };
}
