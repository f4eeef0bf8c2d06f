// Which address is whose.

import { classify, feedback } from "./asking.js";
import { begin, goOn } from "./learning.js";
import { counters } from "./log.js";
import { openapi, routes } from "./openapi.js";
import { current, work } from "./program.js";
import { Problem } from "./problem.js";
import { json } from "./request.js";
import { download, journal, look, remove, rollback, rollout, upload } from "./versions.js";

/** @import { Call } from "./request.js" */

/** By the names in openapi.js. @type {Record<string, (call: Call) => Promise<Response> | Response>} */
const answers = {
	health, bundle, begin, look, goOn, classify, feedback, rollback, rollout, download, upload, remove, journal,
	openapi: ({ env }) => json(openapi(env.VERSION ?? "dev")),
};

/** Names of tasks: those that the edge gives, and those that a PUT may choose. */
const name = "[a-z0-9][a-z0-9-]{0,63}";

const compiled = routes.map((route) => {
	const answer = answers[route.name];
	if (!answer) throw new Error(`nobody answers ${route.method} ${route.path}`);
	return { route, answer, pattern: new RegExp(`^${route.path.replaceAll(".", "\\.").replace("{id}", `(${name})`)}$`) };
});

/** The route of a request, who answers it, and the task that it names. @param {string} method @param {string} path */
export function find(method, path) {
	const here = compiled.flatMap((one) => {
		const match = one.pattern.exec(path);
		return match ? [{ ...one, id: match[1] ?? "" }] : [];
	});
	const found = here.find(({ route }) => route.method === method);
	if (found) return found;
	if (here.length === 0) throw new Problem(404, "no_route", "there is nothing at this address; /openapi.json says what there is");
	const allow = here.map(({ route }) => route.method).join(", ");
	throw new Problem(405, "method", `here are ${allow}`, { headers: { allow } });
}

function health() {
	const program = current();
	return json({
		status: "ok",
		program: program && { dead: program.dead, open: program.bundle !== null, bytes: program.memory.buffer.byteLength },
		counters,
	});
}

/** @param {Call} call */
async function bundle({ env }) {
	return json(await work(env, (_, b) => b), 200, { "cache-control": "private, max-age=60" });
}
