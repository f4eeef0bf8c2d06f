// The addresses of the edge, as data: the router answers these and no others, and /openapi.json describes them.

import { limits } from "./limits.js";

/** @typedef {Record<string, any>} Schema */

/**
 * @typedef {object} Operation
 * @property {string} name by which the router knows it
 * @property {"GET" | "PUT" | "POST" | "DELETE"} method
 * @property {string} path {id} stands for the name of a task
 * @property {boolean} [open] no token is wanted
 * @property {string} summary
 * @property {string[]} [query] names of parameters
 * @property {string[]} [headers] names of request headers
 * @property {Record<string, Schema>} [body] by media type
 * @property {Record<number, { description: string, content?: Record<string, Schema> }>} answers
 */

const text = { type: "string" };
const count = { type: "integer", minimum: 0 };
const real = { type: "number" };
/** @param {Record<string, Schema>} properties @param {string[]} [optional] @returns {Schema} */
const object = (properties, optional = []) => ({ type: "object", properties, required: Object.keys(properties).filter((name) => !optional.includes(name)) });
/** @param {Schema} items @returns {Schema} */
const list = (items) => ({ type: "array", items });
/** @param {string} name @returns {Schema} */
const ref = (name) => ({ $ref: `#/components/schemas/${name}` });
/** @param {Schema} schema @returns {Schema} */
const orNull = (schema) => ({ anyOf: [schema, { type: "null" }] });

/** @type {Record<string, Schema>} */
export const schemas = {
	Problem: object({ type: text, title: text, status: count, detail: text, code: text, instance: text }),
	Bundle: object({ name: text, sha256: text, bytes: count, experts: text, dim: count, imageSize: count, kernel: text, card: text }),
	Version: object({
		version: count, sha256: text, content: text, time: text, bytes: count, by: { enum: ["adapted", "imported"] },
		examples: count, classes: count, hits: count, total: count,
	}),
	Task: object({
		id: text, bundle: text, version: { ...count, description: "in use; 0: the backbone alone" }, classes: list(object({ id: count, name: text })), examples: count,
		versions: list(ref("Version")), rollout: orNull(object({ version: count, share: real, need: count, seen: count, since: text })),
		journal: object({ entries: count, head: text }),
	}),
	Explanation: object({
		head: text, strength: real, trials: orNull(list(object({ head: text, strength: real, weight: real, hits: count, logLoss: real }))), unknownBelow: real,
		leaveOneOut: orNull(object({ hits: count, total: count, low: real, high: real, logLoss: real, confusion: list(list(count)) })),
		judged: orNull(list(object({ picture: text, class: text, probability: real, said: text, saying: real }))),
		doubts: list(object({ picture: text, class: text, said: text, probability: real })),
		experts: orNull(object({ scores: list(real), changed: real })),
	}),
	Learned: object({
		task: ref("Task"), version: count, taken: { type: "boolean" }, pictures: list(object({ class: text, picture: text })), explanation: ref("Explanation"),
		verdict: object({ code: text, reason: text }),
	}),
	Answers: object({
		version: count,
		results: list(object({ name: text, class: text, probability: real, known: { type: "boolean" }, scores: list(object({ class: count, name: text, probability: real })) })),
	}),
	Adapter: object({
		sha256: text, content: text, head: text, classes: list(object({ id: count, name: text, examples: count })), experts: { type: "boolean" }, tuned: text, time: text,
		hits: count, total: count, signedBy: text,
	}),
};

/** @param {string} name */
const json = (name) => ({ "application/json": ref(name) });
const pictures = { "multipart/form-data": { type: "object", description: `pictures, each a file; the field's name is its class. At most ${limits.body} bytes in all.`, additionalProperties: { type: "array", items: { type: "string", format: "binary" } } } };
const onePicture = { type: "string", format: "binary" };
const aTask = { "application/json": object({ task: ref("Task") }) };

/** @type {Operation[]} */
export const routes = [
	{ name: "health", method: "GET", path: "/healthz", open: true, summary: "Whether the Worker answers, and counters of its isolate.", answers: { 200: { description: "it does", content: { "application/json": object({ status: text }) } } } },
	{ name: "openapi", method: "GET", path: "/openapi.json", open: true, summary: "This description.", answers: { 200: { description: "OpenAPI 3.1", content: { "application/json": { type: "object" } } } } },
	{ name: "bundle", method: "GET", path: "/v1/bundle", summary: "The bundle that pictures are embedded by.", answers: { 200: { description: "name, hash and card", content: json("Bundle") } } },
	{
		name: "begin", method: "POST", path: "/v1/tasks", summary: "Learn from pictures named by class, as a new task.", query: ["head", "experts"], headers: ["idempotency-key"], body: pictures,
		answers: { 201: { description: "learnt, and in use", content: json("Learned") }, 200: { description: "the task of the same key", content: aTask } },
	},
	{ name: "look", method: "GET", path: "/v1/tasks/{id}", summary: "The versions of a task, and which is in use.", answers: { 200: { description: "the task", content: aTask } } },
	{
		name: "goOn", method: "POST", path: "/v1/tasks/{id}/versions", summary: "Learn from another set of pictures, as the next version: in use at once where it is no worse, or on trial with a share of the questions.",
		query: ["head", "experts", "force", "share", "need"], headers: ["if-match"], body: pictures, answers: { 200: { description: "taken says whether it is in use", content: json("Learned") } },
	},
	{
		name: "classify", method: "POST", path: "/v1/tasks/{id}/classify", summary: "What pictures are.", body: { ...pictures, "image/*": onePicture },
		answers: { 200: { description: "an answer for each picture, in their order", content: json("Answers") } },
	},
	{
		name: "feedback", method: "POST", path: "/v1/tasks/{id}/feedback", summary: "Pictures named by what they are, for a version on trial: it is promoted or taken back when enough was seen.", body: pictures,
		answers: { 200: { description: "what became of the trial", content: { "application/json": object({ outcome: { enum: ["open", "promoted", "rolled-back"] }, reason: text, repeated: count, task: ref("Task") }) } } },
	},
	{
		name: "rollback", method: "POST", path: "/v1/tasks/{id}/rollback", summary: "Take another version into use, bit for bit as it was.", headers: ["if-match"],
		body: { "application/json": object({ version: { ...count, description: "absent: the one before" } }, ["version"]) },
		answers: { 200: { description: "the version in use", content: { "application/json": object({ version: count, was: count, task: ref("Task") }) } } },
	},
	{
		name: "rollout", method: "POST", path: "/v1/tasks/{id}/rollout", summary: "Put a version on trial, or end a trial with version 0.", headers: ["if-match"],
		body: { "application/json": object({ version: count, share: real, need: count }, ["share", "need"]) }, answers: { 200: { description: "the task", content: aTask } },
	},
	{ name: "download", method: "GET", path: "/v1/adapters/{id}", summary: "The adapter in use, or of a version: the file that every front reads.", query: ["version"], answers: { 200: { description: "haguruma-adapter/1", content: { "application/octet-stream": onePicture } } } },
	{
		name: "upload", method: "PUT", path: "/v1/adapters/{id}", summary: "An adapter of another front becomes the next version, and begins a task where there is none.", headers: ["if-match", "if-none-match"],
		body: { "application/octet-stream": { ...onePicture, description: `at most ${limits.adapter} bytes` } },
		answers: { 200: { description: "the next version", content: { "application/json": object({ version: count, adapter: ref("Adapter"), task: ref("Task") }) } }, 201: { description: "a new task", content: { "application/json": object({ version: count, adapter: ref("Adapter"), task: ref("Task") }) } } },
	},
	{ name: "remove", method: "DELETE", path: "/v1/adapters/{id}", summary: "Remove a task with all its versions; the journal stays.", headers: ["if-match"], answers: { 204: { description: "it is gone" } } },
	{ name: "journal", method: "GET", path: "/v1/journal/{id}", summary: "What was done to a task, each line chained to the one before.", answers: { 200: { description: "its lines", content: { "application/jsonl": text, "text/csv": text } } } },
];

/** @type {Record<string, Schema>} */
const parameters = {
	head: { schema: { enum: ["prototypes", "ridge", "lda", "logistic", "blend"] }, description: "the only kind of head; absent: a blend, weighted by leave-one-out" },
	experts: { schema: { enum: ["on", "off"] }, description: "whether experts of the bundle are asked" },
	force: { schema: { type: "boolean" }, description: "take it even if it is worse than what is in use" },
	share: { schema: { type: "number", minimum: 0, maximum: 1 }, description: "above 0: on trial, answering this share of the questions" },
	need: { schema: { type: "integer", minimum: 2, maximum: 1000, default: 20 }, description: "pictures of known class that decide a trial" },
	version: { schema: { type: "integer", minimum: 1 }, description: "absent: the one in use" },
};

/** @param {Record<string, Schema>} content */
const media = (content) => Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }]));

/** @param {Operation} operation */
function describe({ name, path, open, summary, query = [], headers = [], body, answers }) {
	const id = path.includes("{id}") ? [{ name: "id", in: "path", required: true, schema: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,63}$" } }] : [];
	return {
		operationId: name, summary, ...(open ? { security: [] } : {}),
		parameters: [...id, ...query.map((q) => ({ name: q, in: "query", required: false, ...parameters[q] })), ...headers.map((h) => ({ name: h, in: "header", required: false, schema: text }))],
		...(body ? { requestBody: { required: name !== "rollback", content: media(body) } } : {}),
		responses: {
			...Object.fromEntries(Object.entries(answers).map(([status, { description, content }]) => [status, { description, ...(content ? { content: media(content) } : {}) }])),
			default: { description: "a problem", content: { "application/problem+json": { schema: ref("Problem") } } },
		},
	};
}

/** @param {string} version of the code */
export function openapi(version) {
	/** @type {Record<string, Record<string, object>>} */
	const paths = {};
	for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = describe(route);
	return {
		openapi: "3.1.0",
		info: { title: "haguruma", version, description: "A handful of labelled pictures becomes an image classifier. Pictures are not kept; adapters are." },
		security: [{ token: [] }],
		paths,
		components: { schemas, securitySchemes: { token: { type: "http", scheme: "bearer" } } },
	};
}
