// What was measured of the edge: docs/edge.json, and of that a part of docs/BENCHMARKS.md.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { load, machine, version } from "../bench/machine.mjs";
import { markdown } from "../bench/report.mjs";

/** @import { Edge, Where } from "../bench/edge.mjs" */

const at = (/** @type {string} */ name) => fileURLToPath(new URL(`../docs/${name}`, import.meta.url));

/** Asked before anything is measured, for the load. @returns {Where} */
export function where() {
	const { date, cpu, cores, node } = machine("");
	return { date, cpu, cores, node, miniflare: version("miniflare"), load: load() };
}

/** Takes a part into docs/edge.json and docs/BENCHMARKS.md. @template {keyof Edge} K @param {K} part @param {Edge[K]} figures */
export function keep(part, figures) {
	const edge = { ...JSON.parse(readFileSync(at("edge.json"), "utf8")), [part]: figures };
	const text = `${JSON.stringify(edge, (_, value) => (typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value), "\t")}\n`;
	writeFileSync(at("edge.json"), text);
	writeFileSync(at("BENCHMARKS.md"), markdown(JSON.parse(readFileSync(at("benchmarks.json"), "utf8")), JSON.parse(text)));
}
