// A ViT with random weights as timm would save it, the same bytes each time: matrices of variance 1/fan-in, as large as
// trained ones are, so that activations neither vanish nor grow.

/** @typedef {{ imageSize: number, patchSize: number, dim: number, depth: number, heads: number, mlpDim: number }} Shape */

/** ViT-S/16 at 224 pixels. @type {Shape} */
export const vitS = { imageSize: 224, patchSize: 16, dim: 384, depth: 12, heads: 6, mlpDim: 1536 };

/** As small as it may be, for a run that only has to come to its end. @type {Shape} */
export const tiny = { imageSize: 32, patchSize: 8, dim: 48, depth: 2, heads: 2, mlpDim: 96 };

/** Numbers of a normal distribution. @param {number} seed @returns {() => number} */
export function gauss(seed) {
	// mulberry32: all of its states are reached, and every engine computes the same.
	const uniform = () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
	};
	// Twelve uniform numbers: no logarithm, whose last bit is the engine's own.
	return () => {
		let sum = -6;
		for (let i = 0; i < 12; i++) sum += uniform();
		return sum;
	};
}

/** @param {Shape} shape @returns {Buffer} a safetensors file */
export function checkpoint({ imageSize, patchSize, dim, depth, mlpDim }) {
	const normal = gauss(12345);
	/** @type {{ name: string, shape: number[], mean: number, deviation: number }[]} */
	const tensors = [];
	const add = (/** @type {string} */ name, /** @type {number[]} */ shape, /** @type {number} */ deviation, mean = 0) =>
		tensors.push({ name, shape, mean, deviation });
	const linear = (/** @type {string} */ name, /** @type {number} */ out, /** @type {number} */ fanIn) => {
		add(`${name}.weight`, [out, fanIn], 1 / Math.sqrt(fanIn));
		add(`${name}.bias`, [out], 0.02);
	};
	const norm = (/** @type {string} */ name) => {
		add(`${name}.weight`, [dim], 0.1, 1);
		add(`${name}.bias`, [dim], 0.1);
	};
	const tokens = 1 + (imageSize / patchSize) ** 2;
	add("cls_token", [1, 1, dim], 0.1);
	add("pos_embed", [1, tokens, dim], 0.1);
	add("patch_embed.proj.weight", [dim, 3, patchSize, patchSize], 1 / Math.sqrt(3 * patchSize ** 2));
	add("patch_embed.proj.bias", [dim], 0.02);
	for (let i = 0; i < depth; i++) {
		norm(`blocks.${i}.norm1`);
		linear(`blocks.${i}.attn.qkv`, 3 * dim, dim);
		linear(`blocks.${i}.attn.proj`, dim, dim);
		norm(`blocks.${i}.norm2`);
		linear(`blocks.${i}.mlp.fc1`, mlpDim, dim);
		linear(`blocks.${i}.mlp.fc2`, dim, mlpDim);
	}
	norm("norm");

	/** @type {Record<string, { dtype: string, shape: number[], data_offsets: [number, number] }>} */
	const header = {};
	let end = 0;
	for (const { name, shape } of tensors) {
		const begin = end;
		end += 4 * shape.reduce((a, b) => a * b);
		header[name] = { dtype: "F32", shape, data_offsets: [begin, end] };
	}
	const data = new Float32Array(end / 4);
	let at = 0;
	for (const { shape, mean, deviation } of tensors) {
		for (const last = at + shape.reduce((a, b) => a * b); at < last; at++) data[at] = mean + deviation * normal();
	}
	let text = JSON.stringify(header);
	text += " ".repeat(-text.length & 7);
	const length = Buffer.alloc(8);
	length.writeBigUInt64LE(BigInt(text.length));
	return Buffer.concat([length, Buffer.from(text), new Uint8Array(data.buffer)]);
}
