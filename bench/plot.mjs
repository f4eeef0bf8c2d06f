// docs/benchmarks.svg: bars of the time of one picture and of the bytes that an engine takes to arrive.

import { names } from "./report.mjs";
import { median, quantile } from "./statistics.mjs";

/** @import { Id } from "./page.js" */
/** @import { Figures } from "./report.mjs" */

/** @typedef {{ label: string, value: number, low?: number, high?: number, ours: boolean, text: string }} Bar */

const width = 860;
const left = 250;
const right = 90;
const row = 26;

const escape = (/** @type {string} */ text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** @param {Bar[]} bars @param {string} title @param {number} top */
function panel(bars, title, top) {
	const most = Math.max(...bars.map(({ value, high = value }) => high)) || 1;
	const x = (/** @type {number} */ value) => Math.round(left + ((width - left - right) * value) / most);
	const lines = [`<text class="title" x="16" y="${top}">${escape(title)}</text>`];
	for (const [i, { label, value, low, high, ours, text }] of bars.entries()) {
		const y = top + 14 + i * row;
		lines.push(
			`<text class="label" x="${left - 8}" y="${y + 14}">${escape(label)}</text>`,
			`<rect class="${ours ? "ours" : "other"}" x="${left}" y="${y}" width="${x(value) - left}" height="18"/>`,
		);
		if (low !== undefined && high !== undefined) lines.push(`<path class="spread" d="M${x(low)} ${y + 9}H${x(high)}"/>`);
		lines.push(`<text class="value" x="${x(Math.max(value, high ?? value)) + 6}" y="${y + 14}">${escape(text)}</text>`);
	}
	return { svg: lines.join("\n"), bottom: top + 14 + bars.length * row };
}

/** @param {Figures} figures */
export function plot({ single: { ms }, sizes, model, machine }) {
	/** @type {Bar[]} */
	const time = (/** @type {Id[]} */ (Object.keys(names))).map((id) => ({
		label: names[id], value: median(ms[id]), low: quantile(ms[id], 0), high: quantile(ms[id], 1),
		ours: !id.includes("ort"), text: `${median(ms[id]).toFixed(0)} ms`,
	}));
	const engine = { relaxed: "haguruma, relaxed SIMD", baseline: "haguruma, baseline SIMD", ort: `onnxruntime-web ${machine.onnxruntime}` };
	/** @type {Bar[]} */
	const load = (/** @type {const} */ (["relaxed", "baseline", "ort"])).map((name) => ({
		label: engine[name], value: sizes[name].brotli, ours: name !== "ort", text: `${(sizes[name].brotli / 1e6).toFixed(2)} MB`,
	}));
	const one = panel(time, `One picture of ${model.imageSize} x ${model.imageSize}, one thread: median, and least to most. Shorter is better.`, 30);
	const two = panel(load, "WebAssembly to download, with brotli", one.bottom + 36);
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${two.bottom + 12}" font-family="system-ui, sans-serif" font-size="13" role="img">
<style>
svg { background: #fff }
.title { font-weight: 600; fill: #111 }
.label { text-anchor: end; fill: #333 }
.value { fill: #111 }
.ours { fill: #0b6e4f }
.other { fill: #9aa5b1 }
.spread { stroke: #111; stroke-width: 1.5 }
</style>
${one.svg}
${two.svg}
</svg>
`;
}
