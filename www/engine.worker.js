// The Web Worker: requests of engine.js in, replies out, one at a time and in order. The messages are in engine.d.ts.

import { EngineError, typed } from "./error.js";
import { startGo, valueOf } from "./engine.host.js";
import { readable } from "./foreign.js";
import { joined } from "./wire.js";

/** @import { AdaptProgress } from "./adaptation.js" */
/** @import { Reply, Request, Stop, Verbs } from "./engine.js" */

/** @type {Verbs | null} */
let verbs = null;

/** The previous request's work: `open` waits, and what follows it must not overtake. */
let queue = Promise.resolve();

/** Requests to be ended that may not have begun. @type {Set<number>} */
const stopped = new Set();

self.onmessage = (/** @type {MessageEvent<Request | Stop>} */ event) => {
	const request = event.data;
	if ("stop" in request) {
		stopped.add(request.stop);
		return;
	}
	queue = queue.then(async () => {
		try {
			const [value, transfer] = await handle(request);
			reply({ id: request.id, kind: "result", value }, transfer);
		} catch (error) {
			fail(request.id, error);
		} finally {
			stopped.delete(request.id);
		}
	});
};

/**
 * @param {Request} request
 * @returns {Promise<[unknown, Transferable[]]>} the result and the buffers that go with it
 */
async function handle(request) {
	if (request.verb === "compile") return [await compile(request), []];
	if (request.verb === "open") return [await open(request), []];
	if (!verbs) throw new EngineError("usage", `${request.verb} before open`);
	const go = verbs;
	const start = performance.now();
	const ms = () => performance.now() - start;
	if ("picture" in request) request.picture = await readable(request.picture);
	switch (request.verb) {
		case "embed": {
			const { bytes, width, height } = request.picture;
			const out = valueOf(() => go.embed(bytes, width, height, request.thumbnail, request.scores));
			const thumbnail = toPixels(out.thumbnail);
			const embed = new Float32Array(out.embed.buffer);
			const buffers = [embed.buffer, out.square.buffer];
			if (thumbnail) buffers.push(thumbnail.data.buffer);
			return [{ embed, square: out.square, thumbnail, ms: ms() }, buffers];
		}
		case "openExperts":
			return [valueOf(() => go.openExperts(request.experts, request.sha256, request.backbone)), []];
		case "useExperts":
			return [valueOf(() => go.useExperts(request.on)), []];
		case "addClass":
			return [valueOf(() => go.addClass(request.name, request.as)), []];
		case "renameClass":
			return [valueOf(() => go.renameClass(request.classId, request.name)), []];
		case "removeClass":
			return [valueOf(() => go.removeClass(request.classId)), []];
		case "addExample": {
			const { bytes, width, height } = request.picture;
			const out = valueOf(() => go.addExample(request.classId, bytes, width, height, request.thumbnail, request.as));
			const thumbnail = toPixels(out.thumbnail);
			return [{ ...out, thumbnail, ms: ms() }, thumbnail ? [thumbnail.data.buffer] : []];
		}
		case "addEmbedding":
			return [valueOf(() => go.addEmbedding(request.classId, request.embed, request.square, request.as)), []];
		case "removeExample":
			return [valueOf(() => go.removeExample(request.exampleId)), []];
		case "relabel":
			return [valueOf(() => go.relabel(request.exampleId, request.classId)), []];
		case "adapt":
			return [{ ...(await adapt(go, request)), ms: ms() }, []];
		case "history":
			return [valueOf(() => go.history()), []];
		case "useVersion":
			return [valueOf(() => go.useVersion(request.version)), []];
		case "forgetHistory":
			return [valueOf(() => go.forgetHistory()), []];
		case "review":
			return [valueOf(() => go.review()), []];
		case "explain":
			return [valueOf(() => go.explain()), []];
		case "heat": {
			const { bytes, width, height } = request.picture;
			return [valueOf(() => go.heat(request.classId, bytes, width, height)), []];
		}
		case "classify": {
			const { bytes, width, height } = request.picture;
			const out = valueOf(() => go.classify(bytes, width, height, request.thumbnail));
			const thumbnail = toPixels(out.thumbnail);
			return [{ ...out, thumbnail, ms: ms() }, thumbnail ? [thumbnail.data.buffer] : []];
		}
		case "classifyEmbedding":
			return [{ ...valueOf(() => go.classifyEmbedding(request.embed, request.scores)), ms: ms() }, []];
		case "pack":
			return [valueOf(() => go.pack(request.bundle, request.experts, request.time, request.end.entries, request.end.head)), []];
		case "recall": {
			const { bundle, experts, file, notes, version, classIds } = request;
			return [valueOf(() => go.recall(bundle, experts, file, notes, version, classIds)), []];
		}
		case "adapterClasses":
			return [valueOf(() => go.adapterClasses(request.file)), []];
		case "exportModel": {
			const { bundle, experts, file, format } = request;
			const { exportModel } = go;
			if (!exportModel) throw new EngineError("usage", "this engine cannot export a model: load one with tuning");
			const bytes = valueOf(() => exportModel(bundle, experts, file, format));
			return [bytes, [bytes.buffer]];
		}
		case "remember":
			return [valueOf(() => go.remember()), []];
		case "chain": {
			const { end: { entries, head }, entry: { time, kind, bundle, adapter, details } } = request;
			return [valueOf(() => go.chain(entries, head, time, kind, bundle, adapter, JSON.stringify(details))), []];
		}
		case "journal":
			return [valueOf(() => go.journal(request.bytes, request.end.entries, request.end.head)), []];
		case "memory":
			return [valueOf(() => go.memory()), []];
		default:
			throw new EngineError("usage", `unknown verb ${JSON.stringify(/** @type {any} */ (request).verb)}`);
	}
}

/** How long Go may work before messages are looked at, ms. */
const patience = 40;

/** @param {Verbs} go @param {Extract<Request, { verb: "adapt" }>} request */
async function adapt(go, { id, head, force, finetune, views }) {
	let looked = performance.now();
	let out = valueOf(() => go.adapt(head, force, true, finetune, views));
	while ("step" in out) {
		/** @type {AdaptProgress} */
		const progress = out;
		if (performance.now() - looked > patience) {
			reply({ id, kind: "adapting", progress });
			await messages();
			looked = performance.now();
		}
		out = valueOf(() => go.adaptNext(stopped.has(id)));
	}
	return out;
}

/** Lets the messages that have come be received. */
function messages() {
	return new Promise((resolve) => {
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = () => {
			port1.close();
			resolve(null);
		};
		port2.postMessage(null);
	});
}

/**
 * Here and not on the page, and when all is there and not as it comes: browsers take a stream of code apart on the thread that reads it, bit by bit,
 * and the whole aside, in a fraction of the time in which it came.
 * @param {Extract<Request, { verb: "compile" }>} request
 */
async function compile({ name, chunks }) {
	try {
		return await WebAssembly.compile(joined(chunks));
	} catch (cause) {
		throw new EngineError("download", `${name}: this is not a WebAssembly file`, { cause });
	}
}

/** @param {Extract<Request, { verb: "open" }>} request */
async function open({ id, module, bundle, sha256 }) {
	if (verbs) throw new EngineError("usage", "open twice");
	const step = (/** @type {number} */ loaded) =>
		reply({ id, kind: "progress", progress: { part: "start", loaded, total: 2 } });
	step(0);
	const host = await startGo(module, (error) => fail(0, error));
	step(1);
	const info = valueOf(() => host.verbs.open(bundle, sha256));
	verbs = host.verbs;
	step(2);
	return info;
}

/**
 * @param {Uint8Array<ArrayBuffer> | null} rgba a square
 * @returns {{ width: number, height: number, data: Uint8ClampedArray<ArrayBuffer> } | null}
 */
function toPixels(rgba) {
	if (!rgba) return null;
	const side = Math.sqrt(rgba.length / 4);
	return { width: side, height: side, data: new Uint8ClampedArray(rgba.buffer) };
}

/**
 * @param {number} id
 * @param {unknown} error
 */
function fail(id, error) {
	const { code, message } = typed(error);
	reply({ id, kind: "error", code, message });
}

/**
 * @param {Reply} message
 * @param {Transferable[]} [transfer]
 */
function reply(message, transfer = []) {
	self.postMessage(message, { transfer });
}
