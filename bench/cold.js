// From the navigation to the first embedding, as simply as each engine's documentation does it. The page's address says which:
// cold.html?who=relaxed|baseline|ort&model=URL&size=N

import { normalized, picture } from "./picture.js";

const query = new URLSearchParams(location.search);
const size = Number(query.get("size"));
const model = query.get("model") ?? "";
const pixels = picture(1, size);
/** @type {Record<string, number>} */
const at = { script: performance.now() };

async function first() {
	if (query.get("who") === "ort") {
		const ort = await import("./ort.js");
		await ort.start(1);
		await ort.open(model);
		at["ready"] = performance.now();
		return ort.embed(model, normalized(pixels, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]), size);
	}
	const { Engine } = await import("../www/engine.js");
	const wasmUrl = query.get("who") === "relaxed" ? "/www/engine.relaxed.wasm" : "/www/engine.wasm";
	const engine = await Engine.load({ wasmUrl, bundleUrl: model });
	at["ready"] = performance.now();
	return engine.embed(pixels);
}

const { embed, ms } = await first();
if (embed.length === 0) throw new Error("no embedding");
/** @type {any} */ (globalThis).cold = { ...at, result: performance.now(), ms };
