// What is told of a request: one line of JSON, a Server-Timing header, and counters of this isolate. Tokens, names of classes and pictures are in none.

/** Of this isolate, since it began. passes: questions that the program was given; again: of those, thrown away, for the state had changed. */
export const counters = { requests: 0, failed: 0, pictures: 0, passes: 0, again: 0, adaptations: 0, conflicts: 0, programs: 0 };

/** Milliseconds. On Cloudflare's machines the clock stands still while a program computes: what is measured there is waiting. */
export const clock = () => performance.now();

export class Log {
	/** @param {Request} request */
	constructor(request) {
		this.id = request.headers.get("cf-ray") ?? crypto.randomUUID();
		this.began = clock();
		/** Milliseconds by stage. @type {Record<string, number>} */
		this.stages = {};
		/** @type {Record<string, unknown>} */
		this.facts = { method: request.method };
	}

	/** Adds facts to the line. @param {Record<string, unknown>} facts */
	note(facts) {
		Object.assign(this.facts, facts);
	}

	/** Adds stages that were timed elsewhere. @param {Record<string, number>} stages */
	add(stages) {
		for (const [stage, ms] of Object.entries(stages)) this.stages[stage] = (this.stages[stage] ?? 0) + ms;
	}

	/** Times a stage. @template T @param {string} stage @param {() => Promise<T>} run @returns {Promise<T>} */
	async time(stage, run) {
		const start = clock();
		try {
			return await run();
		} finally {
			this.add({ [stage]: clock() - start });
		}
	}

	/** The header's value. */
	timing() {
		const all = { ...this.stages, total: clock() - this.began };
		return Object.entries(all).map(([stage, ms]) => `${stage};dur=${ms.toFixed(2)}`).join(", ");
	}

	/** Writes the line. @param {number} status @param {unknown} [error] */
	end(status, error) {
		counters.requests++;
		if (status >= 500) counters.failed++;
		const ms = Object.fromEntries(Object.entries({ ...this.stages, total: clock() - this.began }).map(([stage, t]) => [stage, Math.round(t * 100) / 100]));
		const line = { request: this.id, status, ...this.facts, ms, ...(error ? { error: causes(error) } : {}) };
		console.log(JSON.stringify(line));
	}
}

/** @param {unknown} error */
function causes(error) {
	const all = [];
	for (let e = error; e && all.length < 5; e = e instanceof Error ? e.cause : null) all.push(e instanceof Error ? `${e.name}: ${e.message}` : String(e));
	return all;
}
