/** @import { ErrorCode } from "./engine.js" */

/** An error with a stable code. The message is for the console; strings.js has the sentence for people. */
export class EngineError extends Error {
	/** @type {ErrorCode} */
	code;

	/**
	 * @param {ErrorCode} code
	 * @param {string} message
	 * @param {{ cause?: unknown }} [options]
	 */
	constructor(code, message, options) {
		super(message, options);
		this.name = "EngineError";
		this.code = code;
	}
}

/** What was thrown, as an EngineError: "internal" where it is none. @param {unknown} cause */
export function typed(cause) {
	return cause instanceof EngineError ? cause : new EngineError("internal", String(cause), { cause });
}
