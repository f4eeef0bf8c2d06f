// The model in use as a file for other programs, with all that was learnt in it. It is made in this tab, by an engine that is fetched for it; nothing is sent.

import { EngineError, typed } from "./error.js";
import { withTuner } from "./tuner.js";

/** @import { Engine, ModelFormat, Progress } from "./engine.js" */
/** @import { KeptVersion } from "./kept/shelf.js" */

/** Where it is: fetching and starting its engine, or writing the file. @typedef {{ at: "engine", progress: Progress } | { at: "file" }} Where */

/** What the end of a name is. */
export const endings = { onnx: ".onnx", safetensors: "-timm.safetensors" };

/**
 * Makes the file of a version.
 * @param {Engine} engine the page's
 * @param {Pick<KeptVersion, "file">} version
 * @param {ModelFormat} format
 * @param {{ onProgress: (where: Where) => void, signal: AbortSignal }} options
 * @returns {Promise<Blob>} rejects with an EngineError: "aborted" by the signal, or what load and exportModel may say
 */
export async function modelFile(engine, { file }, format, { onProgress, signal }) {
	try {
		const bytes = await withTuner(engine, { signal, onProgress: (progress) => onProgress({ at: "engine", progress }) }, (tuner) => {
			onProgress({ at: "file" });
			return tuner.exportModel(file, format);
		});
		return new Blob([bytes], { type: "application/octet-stream" });
	} catch (cause) {
		throw signal.aborted ? new EngineError("aborted", "the export was stopped", { cause }) : typed(cause);
	}
}
