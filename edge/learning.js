// Learning: pictures named by class become an adapter, and the adapter a version of a task.

import { limits, pixels, readParts } from "./limits.js";
import { counters } from "./log.js";
import { work, workWith } from "./program.js";
import { Problem } from "./problem.js";
import { entityTag, json, number, tag } from "./request.js";
import { adapterKey, change, newTask, readAdapter, readTask, stateKey, sync, view } from "./task.js";
import { sha256 } from "./access.js";

/** @import { Bytes } from "./env.js" */
/** @import { Part } from "./limits.js" */
/** @import { Call } from "./request.js" */
/** @import { Draft, Task } from "./task.js" */

/**
 * What the program made of the pictures.
 * @typedef {object} Learned
 * @property {{ class: string, picture: string }[]} pictures
 * @property {{ head: string, strength: number, leaveOneOut: { hits: number, total: number } | null, experts: { scores: number[], changed: number } | null }} explanation
 * @property {{ code: string, reason: string }} verdict
 * @property {Record<string, number>} stages
 */

/** Parts by class, in the order of the first of each. @param {Part[]} parts */
export function byClass(parts) {
	/** @type {Map<string, Bytes[]>} */
	const classes = new Map();
	for (const { field, bytes } of parts) {
		const list = classes.get(field);
		if (list) list.push(bytes);
		else if (classes.size === limits.classes) throw new Problem(413, "too_many_classes", `at most ${limits.classes} classes are taken`);
		else classes.set(field, [bytes]);
	}
	return classes;
}

/** @param {Call} call @param {Task} task that it is for */
async function learn({ request, url, env, log, share, storage }, { id, state, step }) {
	const classes = byClass(await log.time("body", () => readParts(request, { most: limits.examples, single: false }, share)));
	const lists = [...classes.values()];
	const current = state.current;
	const header = {
		classes: [...classes].map(([name, list]) => ({ name, pictures: list.map((bytes) => bytes.length) })),
		head: url.searchParams.get("head") ?? "", experts: url.searchParams.get("experts") !== "off",
		against: current?.file ?? "", seen: current && step.made === current.version ? step.examples.map((x) => x.picture) : null,
		limits: pixels,
	};
	const { reply, bytes } = await workWith(env, current ? [current.file] : [], (file) => readAdapter(storage, id, file), (p) => p.call("adapt", header, lists.flat()));
	/** @type {Learned} */
	const learned = reply;
	log.add(learned.stages);
	log.note({ pictures: learned.pictures.length, classes: classes.size });
	counters.adaptations++;
	counters.pictures += learned.pictures.length;
	return { learned, adapter: bytes };
}

/**
 * Makes what was learned the next version, in use or on trial.
 * @param {Call} call
 * @param {Draft} draft
 * @param {string} id
 * @param {{ learned: Learned, adapter: Bytes }} made
 * @param {{ share: number, need: number }} trial share 0: into use at once
 */
async function take({ env, storage }, draft, id, { learned, adapter }, { share, need }) {
	const { state, step, note, time } = draft;
	const { explanation: why, verdict } = learned;
	const ids = await sync(draft, learned.pictures);
	const { hits, total } = why.leaveOneOut ?? { hits: 0, total: 0 };
	const header = { classes: ids, time, tool: `edge ${env.VERSION ?? "dev"}`, hits, total, journal: state.journal };
	const { reply, bytes } = await work(env, (p) => p.call("seal", header, [adapter]));
	await storage.put(adapterKey(id, reply.sha256), bytes);
	const version = step.versions.length + 1;
	step.versions.push({
		version, file: reply.sha256, content: reply.content, time, bytes: bytes.length, by: "adapted",
		examples: step.examples.length, classes: step.classes.length, hits, total,
	});
	/** @type {[string, unknown][]} */
	const chosen = [["head", why.head], ["strength", why.strength]];
	if (why.experts) chosen.push(["scores", why.experts.scores], ["changed", why.experts.changed]);
	await note({ kind: "chosen", details: chosen });
	if (total) await note({ kind: "measured", details: [["by", "leave-one-out"], ["hits", hits], ["total", total]] });
	step.made = version;
	if (share === 0) {
		state.current = { version, file: reply.sha256 };
		state.rollout = null;
		await note({ kind: "taken", adapter: reply.content, details: [["version", version], ["verdict", verdict.reason]] });
	} else {
		state.rollout = { version, file: reply.sha256, share, need, pairs: null, seen: [], since: time };
		await note({ kind: "on-trial", adapter: reply.content, details: [["version", version], ["share", share], ["need", need], ["verdict", verdict.reason]] });
	}
	return version;
}

/** POST /v1/tasks @param {Call} call */
export async function begin(call) {
	const { env, storage, request } = call;
	const key = request.headers.get("idempotency-key");
	if (key !== null && !/^[\x21-\x7e]{8,200}$/.test(key)) throw new Problem(400, "parameter", "idempotency-key is to have 8 to 200 printable characters");
	const id = (key === null ? crypto.randomUUID().replaceAll("-", "") : await sha256(`${storage.prefix}\n${key}`)).slice(0, 32);
	call.log.note({ task: id });
	if (key !== null && (await storage.get(stateKey(id)))) {
		const task = await readTask(storage, id);
		return json({ task: view(task), repeated: true }, 200, { location: `/v1/tasks/${id}`, ...tag(task.etag) });
	}
	const bundle = await work(env, (_, b) => b.sha256);
	const fresh = newTask(id, bundle);
	const made = await learn(call, fresh);
	let again = false;
	const { task } = await change(call, async () => {
		const there = again ? await storage.get(stateKey(id)) : null; // of the same key, at the same time
		again = true;
		if (there) throw new Problem(409, "conflict", "the same task was begun at the same time; ask again", { headers: { "retry-after": "1" } });
		return fresh;
	}, null, async (draft) => {
		await draft.note({ kind: "begun", details: [["task", id]] });
		return take(call, draft, id, made, { share: 0, need: 0 });
	});
	return json({ task: view(task), version: 1, taken: true, ...told(made.learned) }, 201, { location: `/v1/tasks/${id}`, ...tag(task.etag) });
}

/** POST /v1/tasks/{id}/versions @param {Call} call */
export async function goOn(call) {
	const { url, storage, id, request } = call;
	const share = number(url, "share", 0, 1, 0);
	const need = number(url, "need", 2, 1000, 20);
	const force = url.searchParams.get("force") === "true";
	const match = entityTag(request, "if-match");
	const first = await readTask(storage, id);
	if (share > 0 && !first.state.current) throw new Problem(409, "not_adapted", "a trial needs a version that is in use");
	const made = await learn(call, first);
	const { verdict } = made.learned;
	const taken = verdict.code !== "worse" || force || share > 0;
	const { value: version, task } = await change(call, () => readTask(storage, id), match, async (draft) => {
		if (draft.state.current?.file !== first.state.current?.file) throw new Problem(409, "conflict", "another version was taken into use while this one was made; try again", { headers: { "retry-after": "1" } });
		if (taken) return take(call, draft, id, made, { share, need });
		await draft.note({ kind: "refused", details: [["reason", verdict.reason]] });
		return 0;
	});
	return json({ task: view(task), version, taken: taken && share === 0, ...told(made.learned) }, 200, tag(task.etag));
}

/** @param {Learned} learned */
const told = ({ pictures, explanation, verdict }) => ({ pictures, explanation, verdict });
