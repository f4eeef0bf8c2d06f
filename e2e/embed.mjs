// Embeds one picture with www/engine.wasm under node and prints the numbers and the hash of their bits:
//
//   node e2e/embed.mjs BUNDLE PICTURE
//
// {"embed": [...], "bits": "sha256 of the little-endian float32 bytes"}

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { valueOf } from "../www/engine.host.js";
import { openBundle } from "./host.mjs";

const [bundle, picture] = process.argv.slice(2);
if (!bundle || !picture) {
	console.error("usage: node e2e/embed.mjs BUNDLE PICTURE");
	process.exit(2);
}
try {
	const { verbs } = await openBundle(bundle);
	const file = await readFile(picture);
	const { embed: bytes } = valueOf(() => verbs.embed(file, 0, 0, 0));
	const embed = Array.from(new Float32Array(bytes.buffer));
	const bits = createHash("sha256").update(bytes).digest("hex");
	console.log(JSON.stringify({ embed, bits }));
	process.exit(0); // the Go program waits for calls for ever
} catch (error) {
	console.error(`embed: ${error instanceof Error ? error.message : error}`);
	process.exit(1);
}
