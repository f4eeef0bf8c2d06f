// Asking: what a picture is, by the version in use or by one on trial, and what it was in truth.

import { limits, pixels, readParts } from "./limits.js";
import { counters } from "./log.js";
import { work, workWith } from "./program.js";
import { Problem, ProgramError } from "./problem.js";
import { json, tag } from "./request.js";
import { askState, change, present, readAdapter, readTask, view } from "./task.js";

/** @import { Part } from "./limits.js" */
/** @import { Call } from "./request.js" */
/** @import { Program } from "./program.js" */
/** @import { Rollout, SeenState, State } from "./task.js" */

/** @typedef {{ class: string, probability: number, known: boolean, scores: { class: number, name: string, probability: number }[] }} Answer */

/** @param {State} state */
function answering({ current }) {
	if (current) return current;
	throw new Problem(409, "not_adapted", "version 0 is in use, the backbone alone: it knows no classes");
}

/** A number from 0, below 1. */
const chance = () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;

/** Lets the event loop turn: what was sent to R2 is on its way only then, for what computes holds all else up. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

/** What the program is asked about pictures by a state. @param {State} state @param {Part[]} parts */
function question(state, parts) {
	const { file } = answering(state);
	const second = state.rollout?.file ?? "";
	const header = { adapter: file, second, pictures: parts.map((part) => part.bytes.length), limits: pixels };
	return {
		files: second ? [file, second] : [file],
		run: (/** @type {Program} */ program) => {
			counters.passes++;
			return program.call("classify", header, parts.map((part) => part.bytes)).reply;
		},
	};
}

/**
 * Asks the program by the state that this isolate saw last, while R2 is asked whether it is still that one. What comes of it is worth nothing where it is not.
 * @param {Call} call
 * @param {SeenState} before
 * @param {Part[]} parts
 * @returns {Promise<{ by: SeenState, reply: Promise<any> } | null>} null: it cannot be asked yet
 */
async function ahead({ env }, before, parts) {
	if (before.value.removed || !before.value.current) return null;
	const reply = work(env, question(before.value, parts).run);
	const [{ reason }] = /** @type {[{ reason?: unknown }]} */ (await Promise.allSettled([reply]));
	return reason instanceof ProgramError && reason.code === "adapter_needed" ? null : { by: before, reply };
}

/** POST /v1/tasks/{id}/classify @param {Call} call */
export async function classify(call) {
	const { request, env, log, share, storage, id } = call;
	const asked = askState(storage, id);
	let answered = false;
	asked.answer.catch(() => {}).then(() => (answered = true)); // what it failed of is told below
	// The body first, whatever R2 says: an answer that leaves while its request still comes closes the connection on the sender, and the Worker's own drain
	// cannot read what is being read here.
	const parts = await log.time("body", () => readParts(request, { most: limits.questions, single: true }, share));
	await turn();
	const early = asked.before && !answered ? await ahead(call, asked.before, parts) : null;
	const seen = present(await log.time("wait", () => asked.answer));
	const { value: state, etag } = seen;
	const current = answering(state);
	const { rollout } = state;
	if (early && early.by !== seen) {
		counters.again++;
		log.note({ again: true });
	}
	const { files, run } = question(state, parts);
	const reply = await (early?.by === seen ? early.reply : workWith(env, files, (file) => readAdapter(storage, id, file), run));
	log.add(reply.stages);
	counters.pictures += parts.length;
	/** @type {Answer[]} */
	let answers = reply.answers;
	let version = current.version;
	if (rollout) {
		const candidate = chance() < rollout.share;
		const brief = (/** @type {Answer[]} */ list) => list.map((a) => ({ class: a.scores.find((s) => s.name === a.class)?.class, probability: a.probability, known: a.known }));
		log.note({ trial: { inUse: current.version, candidate: rollout.version, answered: candidate ? "candidate" : "inUse", inUseSaid: brief(reply.answers), candidateSaid: brief(reply.second) } });
		if (candidate) {
			answers = reply.second;
			version = rollout.version;
		}
	}
	log.note({ pictures: parts.length, version });
	return json({ version, results: answers.map((answer, i) => ({ name: parts[i]?.name ?? "", ...answer })) }, 200, { ...tag(etag), "x-version": String(version) });
}

/** POST /v1/tasks/{id}/feedback: pictures named by what they are. @param {Call} call */
export async function feedback(call) {
	const { request, log, share, storage, id } = call;
	const parts = await log.time("body", () => readParts(request, { most: limits.questions, single: false }, share));
	const { value, task } = await change(call, () => readTask(storage, id), null, async ({ state, step, note }) => {
		const current = answering(state);
		let rollout = state.rollout;
		if (!rollout) throw new Problem(409, "no_trial", "no version is on trial, so there is nothing to decide");
		/** @type {{ known: number, outcome: "open" | "promoted" | "rolled-back", reason: string }} */
		const told = { known: 0, outcome: "open", reason: "" };
		let verdict = null;
		for (const part of parts) {
			const said = await judge(call, id, current.file, rollout, part);
			if (said) verdict = said;
			else told.known++;
			if (rollout.seen.length >= rollout.need) break;
		}
		told.reason = verdict?.reason ?? "";
		const enough = rollout.seen.length >= rollout.need;
		const candidate = step.versions.find((v) => v.version === rollout?.version);
		/** @type {[string, unknown][]} */
		const details = [["version", rollout.version], ["compared", rollout.seen.length], ["verdict", told.reason]];
		if (verdict?.worse && (enough || rollout.seen.length >= early)) {
			told.outcome = "rolled-back";
			state.rollout = null;
			await note({ kind: "refused", adapter: candidate?.content ?? "", details });
		} else if (enough) {
			told.outcome = "promoted";
			state.current = { version: rollout.version, file: rollout.file };
			state.rollout = null;
			await note({ kind: "taken", adapter: candidate?.content ?? "", details });
		} else {
			await note({ kind: "feedback", details: [["version", rollout.version], ["pictures", parts.length - told.known], ["compared", rollout.seen.length]] });
		}
		return told;
	});
	log.note({ trial: value.outcome, pictures: parts.length });
	return json({ outcome: value.outcome, reason: value.reason, repeated: value.known, task: view(task) }, 200, tag(task.etag));
}

/** Pictures after which a version on trial may be taken back before all that it needs are there. */
const early = 8;

/**
 * Has both versions answer one picture, which counts once.
 * @param {Call} call
 * @param {string} id
 * @param {string} inUse
 * @param {Rollout} rollout
 * @param {Part} part
 * @returns {Promise<{ worse: boolean, reason: string } | null>} what all pictures so far come to; null: it was counted before
 */
async function judge({ env, log, storage }, id, inUse, rollout, { field, bytes }) {
	const header = { adapter: inUse, second: rollout.file, class: field, pictures: [bytes.length], limits: pixels, ...(rollout.pairs ? { pairs: rollout.pairs } : {}) };
	const { reply } = await workWith(env, [inUse, rollout.file], (file) => readAdapter(storage, id, file), (p) => p.call("feedback", header, [bytes]));
	log.add(reply.stages);
	const sum = reply.picture.slice(0, 16);
	if (rollout.seen.includes(sum)) return null;
	rollout.seen.push(sum);
	rollout.pairs = reply.pairs;
	return reply;
}
