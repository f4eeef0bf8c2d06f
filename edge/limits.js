// What a request may bring. All of it is looked at before anything is decoded.

import { Problem } from "./problem.js";

/** @import { Bytes } from "./env.js" */

const mebi = 1 << 20;

export const limits = {
	/** Bytes of a body with pictures. */
	body: 8 * mebi,
	/** Bytes of an adapter. */
	adapter: 4 * mebi,
	/** Bytes of a JSON body. */
	json: 64 << 10,
	/** Pictures to learn from, and to classify, in one request. */
	examples: 400,
	questions: 64,
	classes: 200,
	/** Pixels of one picture and of all in a request. One that is 4 Mi and progressive takes 70 MB to decode, of the 128 MB that an isolate has. */
	pixels: 4 * mebi,
	total: 64 * mebi,
	/** Bytes of bodies that this isolate holds at one time. Each is there up to three times: as it came, in parts, and in the program. */
	inFlight: 16 * mebi,
	/** Milliseconds that a body may take to come: who sends slowly, or nothing, holds a share of them until then. */
	upload: 60_000,
	/** Milliseconds that storage may take. */
	storage: 10_000,
	/** Bytes of the program's memory at which it is replaced. */
	program: 110e6,
};

/** Those of them that the program holds pictures to. */
export const pixels = { pixels: limits.pixels, total: limits.total };

/** Bytes of bodies that are held now. */
let held = 0;

/** What one request holds of them. */
export class Share {
	bytes = 0;

	/** @param {number} n */
	take(n) {
		if (held + n > limits.inFlight) throw new Problem(503, "busy", "too many large requests at one time; try again in a moment", { headers: { "retry-after": "1" } });
		held += n;
		this.bytes += n;
	}

	free() {
		held -= this.bytes;
		this.bytes = 0;
	}
}

/**
 * The body, held to what its header says of its length and to a limit.
 * @param {Request} request
 * @param {number} most
 * @param {Share} share
 * @returns {Promise<Bytes>}
 */
export async function readBody(request, most, share) {
	const header = request.headers.get("content-length");
	const said = header === null ? null : Number(header);
	const tooLarge = () => new Problem(413, "body_too_large", `a body of at most ${most} bytes is wanted here`);
	if (said !== null && !(Number.isSafeInteger(said) && said >= 0)) throw new Problem(400, "content_length", "content-length is not a number");
	if (said !== null && said > most) throw tooLarge();
	if (!request.body) return new Uint8Array(0);
	share.take(said ?? 0);
	/** @type {Bytes[]} */
	const chunks = [];
	let length = 0;
	await readOn(request.body, (chunk) => {
		length += chunk.length;
		if (length > most) throw tooLarge();
		if (said === null) share.take(chunk.length);
		else if (length > said) return false;
		chunks.push(chunk);
		return true;
	});
	if (said !== null && length !== said) throw new Problem(400, "content_length", `content-length says ${said} bytes, the body has another length`);
	const all = new Uint8Array(length);
	let at = 0;
	for (const chunk of chunks) {
		all.set(chunk, at);
		at += chunk.length;
	}
	return all;
}

/** Reads what is left of a body that nobody wanted, as far as that is little: a connection that is closed on a sender hides the answer. @param {Request} request */
export async function drain({ body, bodyUsed }) {
	if (!body || bodyUsed || body.locked) return;
	let length = 0;
	await readOn(body, (chunk) => (length += chunk.length) < limits.body).catch(() => {}); // the sender has gone away, or is too slow
}

/**
 * Reads a body until its end, or until take says so. Of a body that goes on then, workerd reads 64 KiB more, for a second at most, and closes the connection.
 * @param {ReadableStream<Uint8Array>} body
 * @param {(chunk: Bytes) => boolean} take whether there may be more
 */
async function readOn(body, take) {
	const reader = body.getReader();
	const stop = () => void reader.cancel().catch(() => {});
	let late = false;
	const timer = setTimeout(() => {
		late = true;
		stop(); // which ends the read that waits
	}, limits.upload);
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (late) break;
			if (done || !take(/** @type {Bytes} */ (value))) return;
		}
	} catch (cause) {
		if (cause instanceof Problem) throw cause;
		if (!late) throw new Problem(400, "body_cut_short", "the body ended before its time", { cause }); // workerd ends a read that was cancelled as one that failed
	} finally {
		clearTimeout(timer);
		stop();
	}
	throw new Problem(408, "body_late", `a body is to come within ${limits.upload / 1000} s`);
}

/**
 * The JSON object of a body; an empty body is an empty object.
 * @param {Request} request
 * @param {Share} share
 * @returns {Promise<Record<string, unknown>>}
 */
export async function readJSON(request, share) {
	const text = new TextDecoder().decode(await readBody(request, limits.json, share));
	if (text.trim() === "") return {};
	try {
		const value = JSON.parse(text);
		if (value && typeof value === "object" && !Array.isArray(value)) return value;
	} catch {}
	throw new Problem(400, "json", "the body is to be an object in JSON");
}

/**
 * A file of a form: its field, the name that it was sent under, and its bytes.
 * @typedef {{ field: string, name: string, bytes: Bytes }} Part
 */

/**
 * The files of a multipart body in their order, or the body itself as one file.
 * @param {Request} request
 * @param {{ most: number, single: boolean }} want files at most; single: a body that is one file is taken too
 * @param {Share} share
 * @returns {Promise<Part[]>}
 */
export async function readParts(request, { most, single }, share) {
	const type = request.headers.get("content-type") ?? "";
	const multipart = /^multipart\/form-data\b/i.test(type);
	if (!multipart && !(single && /^(image\/|application\/octet-stream\b)/i.test(type))) {
		throw new Problem(415, "content_type", `multipart/form-data is wanted here${single ? ", or one picture as image/*" : ""}`);
	}
	const bytes = await readBody(request, limits.body, share);
	if (!multipart) return [{ field: "", name: "", bytes }];
	/** @type {FormData} */
	let form;
	try {
		form = await new Response(bytes, { headers: { "content-type": type } }).formData();
	} catch (cause) {
		throw new Problem(400, "multipart", "the body is not well-formed multipart/form-data", { cause });
	}
	/** @type {Part[]} */
	const parts = [];
	for (const [field, value] of form) {
		if (typeof value === "string") throw new Problem(400, "multipart", "each part of the form is to be a file with a filename");
		if (parts.length === most) throw new Problem(413, "too_many_pictures", `at most ${most} pictures are taken in one request`);
		parts.push({ field: unescaped(field), name: unescaped(value.name), bytes: new Uint8Array(await value.arrayBuffer()) });
	}
	if (parts.length === 0) throw new Problem(400, "no_pictures", "there is no picture in the body");
	return parts;
}

/** Names as they were before the sender escaped what may not stand between quotes (HTML, multipart/form-data encoding); workerd leaves that. @param {string} name */
const unescaped = (name) => name.replace(/%22|%0D|%0A/gi, decodeURIComponent);
