// The Worker for a test file: started before its first test, stopped after its last, with a bundle of random weights and pictures to tell apart.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { deflateSync } from "node:zlib";
import { randomModels } from "../../e2e/bundle.mjs";
import { startEdge } from "../dev.mjs";

/** @typedef {Awaited<ReturnType<typeof startEdge>>} Edge */

/** Requests as a tenant. */
export class Caller {
	/** @param {Edge} edge @param {string} token */
	constructor(edge, token) {
		this.edge = edge;
		this.token = token;
	}

	/** @param {string} path @param {RequestInit} [init] */
	fetch(path, init = {}) {
		return this.edge.fetch(path, { ...init, headers: { authorization: `Bearer ${this.token}`, .../** @type {Record<string, string>} */ (init.headers) } });
	}

	/** The body of an answer with this status. @param {string} path @param {RequestInit} [init] @param {number} [status] @returns {Promise<any>} */
	async json(path, init, status = 200) {
		const response = await this.fetch(path, init);
		const text = await response.text();
		assert.equal(response.status, status, `${init?.method ?? "GET"} ${path}: ${text.slice(0, 400)}`);
		return text === "" ? null : JSON.parse(text);
	}

	/** The code of a problem with this status. @param {string} path @param {RequestInit | undefined} init @param {number} status */
	async problem(path, init, status) {
		const body = await this.json(path, init, status);
		assert.equal(body.status, status);
		return body.code;
	}
}

/**
 * Called at the top of a test file.
 * @param {Omit<Parameters<typeof startEdge>[0], "models">} [options]
 * @param {{ experts?: boolean }} [bundle]
 */
export function site(options = {}, { experts = false } = {}) {
	/** @type {ReturnType<typeof randomModels>} */
	let models;
	/** @type {Edge} */
	let edge;
	/** @type {Caller} */
	let caller;
	/** @type {any[]} */
	const lines = [];
	before(async () => {
		models = randomModels(experts);
		edge = await startEdge({
			...options, models: models.folder,
			onLog: (line) => {
				if (line.startsWith("{")) lines.push(JSON.parse(line));
				else console.error(line);
			},
		});
		caller = new Caller(edge, await edge.tenant("acme"));
	});
	after(async () => {
		await edge?.stop();
		models?.remove();
	});
	return {
		/** What the Worker has logged. */
		lines,
		get models() {
			return models;
		},
		get manifest() {
			return JSON.parse(readFileSync(join(models.folder, "default.json"), "utf8"));
		},
		get edge() {
			return edge;
		},
		get caller() {
			return caller;
		},
	};
}

/** @param {string} type @param {Uint8Array} data */
function chunk(type, data) {
	const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
	const out = Buffer.alloc(body.length + 8);
	out.writeUInt32BE(data.length);
	body.copy(out, 4);
	out.writeUInt32BE(crc(body), body.length + 4);
	return out;
}

/** @param {Uint8Array} data */
function crc(data) {
	let c = ~0;
	for (const byte of data) {
		c ^= byte;
		for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0);
	}
	return ~c >>> 0;
}

/** A PNG of grey pixels. @param {number} width @param {number} height @param {(x: number, y: number) => number} at @returns {Uint8Array<ArrayBuffer>} */
export function png(width, height, at) {
	const rows = Buffer.alloc(height * (width + 1));
	for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = at(x, y);
	return wrapped(width, height, rows);
}

/** A PNG around rows of grey pixels. @param {number} width @param {number} height @param {Uint8Array} rows */
export function wrapped(width, height, rows) {
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head[8] = 8;
	return new Uint8Array(Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", new Uint8Array(0))]));
}

/** A circle or a cross, a little different for each number. @param {string} what @param {number} number */
export function picture(what, number) {
	const middle = 28 + (number * 7) % 9;
	const size = 12 + (number * 5) % 8;
	return png(64, 64, (x, y) => {
		const [dx, dy] = [x - middle, y - middle];
		const on = what === "circle" ? Math.abs(Math.hypot(dx, dy) - size) < 3 : Math.min(Math.abs(dx - dy), Math.abs(dx + dy)) < 3 && Math.max(Math.abs(dx), Math.abs(dy)) < size;
		return (on ? 20 : 230) + ((x * 31 + y * 17 + number * 13) % 20);
	});
}

/** A form of pictures by class: their numbers, or their bytes. @param {Record<string, (number | Uint8Array<ArrayBuffer>)[]>} classes */
export function form(classes) {
	const out = new FormData();
	for (const [name, list] of Object.entries(classes)) {
		for (const one of list) out.append(name, new Blob([typeof one === "number" ? picture(name, one) : one], { type: "image/png" }), "p.png");
	}
	return out;
}
