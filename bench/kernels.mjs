// Tables of what lies below a forward pass: its functions, and the products against the peak.

/** @typedef {import("./report.mjs").Table} Table */

/** What a Go function does in a forward pass, by its name. @type {[RegExp, string][]} */
const parts = [
	[/kernel\.(int8|dot|matmulInt8|tileInt8)/i, "int8 products"],
	[/kernel\..*(int8TilesWasm|int8Band|attentionTiles)/i, "packing and glue of products"],
	[/kernel\.(spread|gather|widen|packRows|packColumns|sumInt8|matmulWasm)/i, "packing and glue of products"],
	[/kernel\.(f32|float|matmul|madd|tile|muladd|mulAdd)/i, "float32 products"],
	[/kernel\..*(quantize|spanBlocks|spanWasm|codeBlocks|codesWasm|headQueries|headKeys|headValues)/i, "quantize rows"],
	[/kernel\..*(gelu|erf)/i, "GELU"],
	[/kernel\..*(softmax|exp|power)/i, "softmax"],
	[/kernel\..*(layernorm|moments|normalize)/i, "LayerNorm"],
	[/kernel\..*(im2col)/i, "im2col"],
	[/^runtime\.|^gc|memmove|memclr|memequal/i, "Go runtime"],
];

/** Parts that multiply matrices; the int8 forward has none of the float32 ones. */
const products = ["int8 products", "float32 products"];

/** What is not a product of matrices, of all that a profile saw. @param {{ name: string, share: number }[]} profile */
export const besideProducts = (profile) =>
	profile.reduce((sum, { name, share }) => sum + (products.includes(partOf(name)) ? 0 : share), 0);

/** @param {string} name */
const partOf = (name) => parts.find(([pattern]) => pattern.test(name))?.[1] ?? "other";

/** @param {string} of @param {{ name: string, share: number }[]} profile @returns {Table} */
export function rowsOfProfile(of, profile) {
	/** @type {Map<string, { share: number, names: string[] }>} */
	const sums = new Map();
	for (const { name, share } of profile) {
		const part = partOf(name);
		const sum = sums.get(part) ?? { share: 0, names: [] };
		sum.share += share;
		if (share >= 0.005) sum.names.push(name.replace(/^haguruma_core_|^haguruma\/core\//, ""));
		sums.set(part, sum);
	}
	const percent = (/** @type {number} */ share) => `${(100 * share).toFixed(1)}%`;
	const title = of === "float32" ? "float32, relaxed SIMD" : `int8, ${of} SIMD`;
	return {
		title: `Where the time of one picture goes: ${title}`,
		head: ["", "share", "functions of half a percent and more"],
		rows: [...sums].sort(([, a], [, b]) => b.share - a.share).map(([part, { share, names }]) => [part, percent(share), names.join(", ")]),
	};
}

/** The least share of the peak that a body reaches at any of the shapes, percent. @param {string} output @param {string} body its kind and name */
export function leastShare(output, body) {
	const shares = parseKernels(output).rows.filter(([name = ""]) => {
		const [kind, , of] = name.split(" ");
		return `${kind} ${of}` === body;
	}).map(([, , share]) => Number(share || NaN));
	return shares.length ? Math.min(...shares) : NaN;
}

/** Lines of a Go benchmark: BenchmarkViTS/int8/197x384x1152/wasm-relaxed 5 35.1 GOP/s 88.0 %peak. @param {string} output @returns {Table} */
export function parseKernels(output) {
	/** @type {string[][]} */
	const rows = [];
	for (const line of output.split("\n")) {
		const [name = "", , ...metrics] = line.trim().split(/\s+/);
		const [, ...path] = name.split("/");
		if (!name.startsWith("BenchmarkViTS/") || metrics.length < 2) continue;
		/** @type {Record<string, string>} */
		const value = {};
		for (let i = 0; i + 1 < metrics.length; i += 2) value[metrics[i + 1] ?? ""] = metrics[i] ?? "";
		rows.push([path.join(" ").replace(/-\d+$/, ""), value["GOP/s"] ?? "", value["%peak"] ?? ""]);
	}
	return { title: "Kernels at the shapes of ViT-S/16, one thread", head: ["", "GOP/s", "% of the register-only peak"], rows };
}
