// Errors as RFC 9457 wants them: application/problem+json, with a code for programs and a sentence for people.

/** Statuses of the codes that the Go program gives (wasm/errcode and wasm/worker/codes.go); one that is not here is our own fault. @type {Record<string, number>} */
const statuses = {
	picture_format: 415, picture_truncated: 400, picture_too_large: 413, picture_empty: 400, too_many_pixels: 413,
	too_few_classes: 422, empty_class: 422, duplicate_class: 422, bad_name: 422, contradiction: 422, unknown_class: 422, unknown_head: 400,
	adapter: 422, adapter_bundle: 409, adapter_experts: 409, adapter_edited: 422, adapter_too_large: 413,
};

export class Problem extends Error {
	/**
	 * @param {number} status
	 * @param {string} code stable, for programs
	 * @param {string} detail a sentence for a person: what was wanted, and what there was
	 * @param {{ headers?: Record<string, string>, cause?: unknown }} [more]
	 */
	constructor(status, code, detail, { headers = {}, cause } = {}) {
		super(detail, { cause });
		this.name = "Problem";
		this.status = status;
		this.code = code;
		this.headers = headers;
	}

	/** @param {string} id of the request */
	response(id) {
		const body = { type: `urn:haguruma:problem:${this.code}`, title: this.code.replaceAll("_", " "), status: this.status, detail: this.message, code: this.code, instance: `urn:haguruma:request:${id}` };
		return new Response(JSON.stringify(body), { status: this.status, headers: { "content-type": "application/problem+json", ...this.headers } });
	}
}

/** An error of the Go program: a code of wasm/errcode or wasm/worker/codes.go, or "died". */
export class ProgramError extends Error {
	/** @param {string} code @param {string} message @param {unknown} [cause] */
	constructor(code, message, cause) {
		super(message, { cause });
		this.name = "ProgramError";
		this.code = code;
	}
}

/** What any error becomes. Only what is known to be the caller's is told in full. @param {unknown} error @returns {Problem} */
export function problemOf(error) {
	if (error instanceof Problem) return error;
	if (error instanceof ProgramError) {
		const status = statuses[error.code];
		if (status) return new Problem(status, error.code, error.message, { cause: error });
		if (error.code === "died") return new Problem(503, "engine_died", "the engine ended; it has been started anew, so try again", { headers: { "retry-after": "1" }, cause: error });
	}
	return new Problem(500, "internal", "an error of this server; the log has it under the id of the request", { cause: error });
}
