// The versions of a task: which there are, which is in use, the adapter of each, and the journal of how it came to be so.

import { sha256 } from "./access.js";
import { limits, readBody, readJSON } from "./limits.js";
import { work } from "./program.js";
import { Problem } from "./problem.js";
import { between, entityTag, integer, json, number, tag } from "./request.js";
import { adapterKey, change, newTask, readAdapter, readLines, readTask, stateKey, view } from "./task.js";

/** @import { Call } from "./request.js" */
/** @import { Step } from "./task.js" */

/** GET /v1/tasks/{id} @param {Call} call */
export async function look({ storage, id }) {
	const task = await readTask(storage, id);
	return json({ task: view(task) }, 200, tag(task.etag));
}

/** @param {Step} step @param {number} version */
function versionOf({ versions }, version) {
	const found = versions.find((v) => v.version === version);
	if (found) return found;
	throw new Problem(404, "no_version", `there is no version ${version}; the last is ${versions.length}`);
}

/** GET /v1/adapters/{id} @param {Call} call */
export async function download({ storage, id, url }) {
	const { state, step, etag } = await readTask(storage, id);
	const version = number(url, "version", 1, 1e9, state.current?.version ?? 0);
	if (version === 0) throw new Problem(409, "not_adapted", "version 0 is in use, the backbone alone: it has no adapter");
	const { file } = versionOf(step, version);
	const bytes = await readAdapter(storage, id, file);
	// It must be whole before it leaves. What has that name was held against the bundle before it was stored, so nothing is merged once more.
	if ((await sha256(bytes)) !== file) throw new Error(`tasks/${id}: adapter ${file} has other bytes`);
	return new Response(bytes, {
		headers: { "content-type": "application/octet-stream", "content-disposition": `attachment; filename="${id}-${version}.safetensors"`, "x-version": String(version), ...tag(etag) },
	});
}

/** PUT /v1/adapters/{id}: an adapter of another front becomes the next version, and begins the task where there is none. @param {Call} call */
export async function upload(call) {
	const { request, env, storage, share, id, log } = call;
	const bytes = await log.time("body", () => readBody(request, limits.adapter, share));
	const { reply: adapter, bundle } = await work(env, (p, b) => ({ ...p.call("inspect", {}, [bytes]), bundle: b.sha256 }));
	const only = entityTag(request, "if-none-match");
	const read = async () => {
		if (!(await storage.get(stateKey(id)))) return newTask(id, bundle);
		if (only === "*") throw new Problem(412, "changed", "there is a task of that name already");
		return readTask(storage, id);
	};
	const { value: version, task } = await change(call, read, entityTag(request, "if-match"), async ({ state, step, time, note }) => {
		if (state.step === "") await note({ kind: "begun", details: [["task", id]] });
		await storage.put(adapterKey(id, adapter.sha256), bytes);
		const number = step.versions.length + 1;
		const examples = adapter.classes.reduce((/** @type {number} */ sum, /** @type {{ examples: number }} */ c) => sum + c.examples, 0);
		step.versions.push({
			version: number, file: adapter.sha256, content: adapter.content, time, bytes: bytes.length, by: "imported",
			examples, classes: adapter.classes.length, hits: adapter.hits, total: adapter.total,
		});
		state.current = { version: number, file: adapter.sha256 };
		state.rollout = null;
		await note({ kind: "imported", adapter: adapter.content, details: [["version", number], ["bytes", bytes.length], ["signed-by", adapter.signedBy]] });
		return number;
	});
	return json({ version, adapter, task: view(task) }, version === 1 ? 201 : 200, { location: `/v1/tasks/${id}`, ...tag(task.etag) });
}

/** DELETE /v1/adapters/{id}: the journal stays, and the name is never given again. @param {Call} call */
export async function remove(call) {
	const { storage, id, request } = call;
	const { task } = await change(call, () => readTask(storage, id, true), entityTag(request, "if-match"), async ({ state, step, time, note }) => {
		if (state.removed) return;
		await note({ kind: "deleted", details: [["versions", step.versions.length]] });
		Object.assign(state, { current: null, rollout: null, removed: time });
		Object.assign(step, { classes: [], examples: [], made: 0, versions: [] });
	});
	await storage.removeAll(`tasks/${task.id}/adapters/`); // once more where that did not come to its end
	return new Response(null, { status: 204 });
}

/** POST /v1/tasks/{id}/rollback @param {Call} call */
export async function rollback(call) {
	const { request, share, storage, id } = call;
	const { version: asked } = await readJSON(request, share);
	const wanted = asked === undefined ? null : integer("version", asked, 0, 1e9);
	const { value, task } = await change(call, () => readTask(storage, id), entityTag(request, "if-match"), async ({ state, step, note }) => {
		const was = state.current?.version ?? 0;
		if (wanted === null && was === 0) throw new Problem(404, "no_version", "there is no version before the backbone alone");
		const to = wanted ?? was - 1;
		const version = to > 0 ? versionOf(step, to) : null;
		if (to === was && !state.rollout) return { was, to };
		if (version) await readAdapter(storage, id, version.file); // it must be there before it comes into use
		state.current = version && { version: to, file: version.file };
		state.rollout = null;
		await note({ kind: "rolled-back", adapter: version?.content ?? "", details: [["from", was], ["to", to]] });
		return { was, to };
	});
	return json({ version: value.to, was: value.was, task: view(task) }, 200, tag(task.etag));
}

/** POST /v1/tasks/{id}/rollout: puts a version on trial, or ends a trial with version 0. @param {Call} call */
export async function rollout(call) {
	const { request, share, storage, id } = call;
	const body = await readJSON(request, share);
	const version = integer("version", body.version, 0, 1e9);
	const part = version === 0 ? 0 : between("share", body.share, 0, 1);
	const need = body.need === undefined ? 20 : integer("need", body.need, 2, 1000);
	const { task } = await change(call, () => readTask(storage, id), entityTag(request, "if-match"), async ({ state, step, time, note }) => {
		if (version === 0) {
			if (!state.rollout) throw new Problem(409, "no_trial", "no version is on trial");
			await note({ kind: "refused", details: [["version", state.rollout.version], ["reason", "the trial was ended by hand"]] });
			state.rollout = null;
			return;
		}
		const { file, content } = versionOf(step, version);
		if (!state.current || state.current.version === version) throw new Problem(409, "no_trial", "a trial needs a version that is in use, and another one");
		state.rollout = { version, file, share: part, need, pairs: null, seen: [], since: time };
		await note({ kind: "on-trial", adapter: content, details: [["version", version], ["share", part], ["need", need]] });
	});
	return json({ task: view(task) }, 200, tag(task.etag));
}

/** GET /v1/journal/{id} @param {Call} call */
export async function journal({ storage, id, env, request }) {
	const task = await readTask(storage, id, true);
	const lines = new TextEncoder().encode(await readLines(storage, task));
	const csv = (request.headers.get("accept") ?? "").includes("text/csv");
	const { reply, bytes } = await work(env, (p) => p.call("journal", { chain: task.state.journal, csv }, [lines]));
	return new Response(csv ? bytes : lines, {
		headers: {
			"content-type": csv ? "text/csv; charset=utf-8" : "application/jsonl; charset=utf-8",
			"x-journal-head": `${task.state.journal.entries} ${task.state.journal.head}`, "x-journal-sound": reply.sound ? "yes" : `no, line ${reply.line}`, ...tag(task.etag),
		},
	});
}
