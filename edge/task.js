// A task in storage, and the one way to change it.
//
//	tasks/ID/state.json        what is in use and where the journal ends: the one object that is ever replaced, by conditional put
//	tasks/ID/steps/N-HASH.json what else is known after the step that ended the journal with line N of that hash
//	tasks/ID/adapters/SHA256   the file of a version, by its hash
//
// A step is done when state.json has been replaced, and only then. What it names was stored before, under names that no other step has, so of two that
// come at once one finds that the state has another entity tag, and begins again from that. What a loser leaves behind belongs to no state.

import { counters } from "./log.js";
import { work } from "./program.js";
import { Problem } from "./problem.js";

/** @import { Bytes, Env } from "./env.js" */
/** @import { Seen, Storage } from "./storage.js" */

/** The end of a journal. @typedef {{ entries: number, head: string }} Chain */

/** An adapter that answers, by its number and the sha256 of its file. @typedef {{ version: number, file: string }} InUse */

/**
 * A version that is on trial: share of the questions are answered by it, and pictures whose class is known decide.
 * @typedef {InUse & { share: number, need: number, pairs: object | null, seen: string[], since: string }} Rollout
 */

/**
 * state.json.
 * @typedef {object} State
 * @property {"haguruma-edge/1"} format
 * @property {string} bundle sha256
 * @property {InUse | null} current null: the backbone alone, nothing is adapted
 * @property {Rollout | null} rollout
 * @property {Chain} journal
 * @property {string} step
 * @property {string} removed when; empty: it is there
 */

/** @typedef {{ version: number, file: string, content: string, time: string, bytes: number, by: "adapted" | "imported", examples: number, classes: number, hits: number, total: number }} Version */

/**
 * steps/*.json.
 * @typedef {object} Step
 * @property {{ id: number, name: string }[]} classes
 * @property {{ id: number, class: number, picture: string }[]} examples pictures by their sha256, in the order they came
 * @property {number} made the version that was made of these examples; 0: none
 * @property {number} lastClass highest id that was ever given
 * @property {number} lastExample
 * @property {Version[]} versions
 * @property {string[]} before steps whose lines come before these
 * @property {string} lines of the journal
 */

/** One line to be written. @typedef {{ kind: string, adapter?: string, details: [string, unknown][] }} Entry */

/** A task as it was read. @typedef {{ id: string, state: State, step: Step, etag: string | null }} Task */

/** Lines of the journal that a step carries on with, in characters; then the next one begins anew, and names it. */
const carried = 64 << 10;

const attempts = 6;

/** @param {string} id */
export const stateKey = (id) => `tasks/${id}/state.json`;
/** @param {string} id @param {string} file */
export const adapterKey = (id, file) => `tasks/${id}/adapters/${file}`;
/** @param {string} id @param {string} step */
const stepKey = (id, step) => `tasks/${id}/steps/${step}.json`;

/** @template T @param {Bytes} bytes @returns {T} */
const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

/** @type {(bytes: Bytes) => State} */
const parseState = parse;

/** A state as R2 has it. Others share it: it must not be changed. @typedef {Seen<State>} SeenState */

/** Asks for the state of a task. @param {Storage} storage @param {string} id */
export const askState = (storage, id) => storage.ask(stateKey(id), parseState);

/** The state that was asked for. @param {SeenState | null} seen @param {boolean} [removed] one of a task that was removed is wanted too */
export function present(seen, removed = false) {
	if (!seen) throw new Problem(404, "no_task", "there is no such task");
	if (seen.value.removed && !removed) throw new Problem(410, "removed", "the task was removed");
	return seen;
}

/** A task with its step. @param {Storage} storage @param {string} id @param {boolean} [removed] @returns {Promise<Task>} */
export async function readTask(storage, id, removed = false) {
	for (let attempt = 1; ; attempt++) {
		const { value: state, etag } = present(await askState(storage, id).answer, removed);
		const object = await storage.get(stepKey(id, state.step));
		if (object) return { id, state, step: parse(object.bytes), etag };
		if (attempt === attempts) throw new Error(`tasks/${id}: step ${state.step} is missing`); // else the next step has come in between
	}
}

/** The file of an adapter. @param {Storage} storage @param {string} id @param {string} file @returns {Promise<Bytes>} */
export async function readAdapter(storage, id, file) {
	const object = await storage.get(adapterKey(id, file));
	if (!object) throw new Error(`tasks/${id}: adapter ${file} is missing`);
	return object.bytes;
}

/** The lines of a task's journal. @param {Storage} storage @param {Task} task @returns {Promise<string>} */
export async function readLines(storage, { id, step }) {
	const pieces = [];
	for (const name of step.before) {
		const object = await storage.get(stepKey(id, name));
		if (!object) throw new Error(`tasks/${id}: step ${name} is missing`);
		pieces.push(/** @type {Step} */ (parse(object.bytes)).lines);
	}
	return [...pieces, step.lines].join("");
}

/** A task that is about to begin. @param {string} id @param {string} bundle @returns {Task} */
export function newTask(id, bundle) {
	return {
		id, etag: null,
		state: { format: "haguruma-edge/1", bundle, current: null, rollout: null, journal: { entries: 0, head: "" }, step: "", removed: "" },
		step: { classes: [], examples: [], made: 0, lastClass: 0, lastExample: 0, versions: [], before: [], lines: "" },
	};
}

export const now = () => `${new Date().toISOString().slice(0, 19)}Z`;

/**
 * What an edit may do with the task that it changes.
 * @typedef {object} Draft
 * @property {State} state
 * @property {Step} step
 * @property {string} time of all that is done
 * @property {(entry: Entry) => Promise<Chain>} note adds a line to the journal, and returns its end with it
 */

/**
 * Changes a task in one moment, or not at all. edit is called on a fresh copy until nobody else comes in between; what it throws ends the change. It is
 * to store what it names before it returns.
 * @template T
 * @param {{ env: Env, storage: Storage }} where
 * @param {() => Promise<Task>} read
 * @param {string | null} match the entity tag that the caller has seen; null: any
 * @param {(draft: Draft) => Promise<T>} edit
 * @returns {Promise<{ value: T, task: Task }>}
 */
export async function change({ env, storage }, read, match, edit) {
	for (let attempt = 1; ; attempt++) {
		const task = await read();
		if (match !== null && match !== "*" && match !== task.etag) throw new Problem(412, "changed", "somebody has changed the task since; read it again");
		const state = structuredClone(task.state);
		const step = structuredClone(task.step);
		const time = now();
		let lines = "";
		const value = await edit({
			state, step, time,
			note: async ({ kind, adapter = "", details }) => {
				const entry = { time, kind, bundle: state.bundle, adapter, details: details.map(([name, v]) => ({ name, value: v })) };
				const { reply, bytes } = await work(env, (p) => p.call("lines", { chain: state.journal, entries: [entry] }));
				lines += new TextDecoder().decode(bytes);
				state.journal = reply;
				return state.journal;
			},
		});
		if (lines === "") return { value, task };
		if (step.lines.length > carried) {
			step.before.push(state.step);
			step.lines = "";
		}
		step.lines += lines;
		state.step = `${state.journal.entries}-${state.journal.head.slice(0, 24)}`;
		await storage.put(stepKey(task.id, state.step), JSON.stringify(step));
		const etag = await swap(storage, task, state);
		if (etag !== null) {
			if (task.state.step && !step.before.includes(task.state.step)) await storage.remove(stepKey(task.id, task.state.step)).catch(() => {}); // garbage, or seen no more
			return { value, task: { id: task.id, state, step, etag } };
		}
		counters.conflicts++;
		if (match !== null && match !== "*") throw new Problem(412, "changed", "somebody has changed the task in the meantime; read it again");
		if (attempt === attempts) throw new Problem(409, "conflict", "others keep changing the task; try again", { headers: { "retry-after": "1" } });
		await new Promise((resolve) => setTimeout(resolve, Math.random() * 40 * attempt));
	}
}

/** Replaces the state; what says that it failed may have come to pass nevertheless. @param {Storage} storage @param {Task} task @param {State} state */
async function swap(storage, task, state) {
	const key = stateKey(task.id);
	try {
		return await storage.swap(key, JSON.stringify(state), task.etag);
	} catch (failed) {
		const there = await storage.get(key).catch(() => null);
		if (there && /** @type {State} */ (parse(there.bytes)).step === state.step) return there.etag;
		throw failed;
	}
}

/**
 * Brings classes and examples in line with what was taught, and says in the journal what changes: as haguruma adapt --task does with a folder.
 * @param {Draft} draft
 * @param {{ class: string, picture: string }[]} pictures
 * @returns {Promise<number[]>} ids of the classes in the order of pictures
 */
export async function sync(draft, pictures) {
	const { step, note } = draft;
	const names = [...new Set(pictures.map((p) => p.class))];
	for (const name of names) {
		if (step.classes.some((c) => c.name === name)) continue;
		step.classes.push({ id: ++step.lastClass, name });
		await note({ kind: "class-added", details: [["class", step.lastClass], ["name", name]] });
	}
	const id = (/** @type {string} */ name) => step.classes.find((c) => c.name === name)?.id ?? 0;
	const wanted = new Map(pictures.map((p) => [p.picture, id(p.class)]));
	const before = new Map(step.examples.map((x) => [x.picture, x]));
	for (const x of step.examples) {
		const to = wanted.get(x.picture);
		if (to === undefined) await note({ kind: "removed", details: [["example", x.id], ["class", x.class], ["picture", x.picture]] });
		else if (to !== x.class) await note({ kind: "relabelled", details: [["example", x.id], ["from", x.class], ["to", to], ["picture", x.picture]] });
	}
	step.examples = [];
	for (const [picture, to] of wanted) {
		const old = before.get(picture);
		step.examples.push({ id: old?.id ?? ++step.lastExample, class: to, picture });
		if (!old) await note({ kind: "added", details: [["example", step.lastExample], ["class", to], ["picture", picture]] });
	}
	for (const c of step.classes) {
		if (!names.includes(c.name)) await note({ kind: "class-removed", details: [["class", c.id], ["name", c.name]] });
	}
	step.classes = step.classes.filter((c) => names.includes(c.name));
	return names.map(id);
}

/** What a caller is told of a task. @param {Task} task */
export function view({ id, state, step }) {
	const { current, rollout } = state;
	return {
		id, bundle: state.bundle, version: current?.version ?? 0, classes: step.classes, examples: step.examples.length,
		versions: step.versions.map(({ file, ...rest }) => ({ ...rest, sha256: file })),
		rollout: rollout && { version: rollout.version, share: rollout.share, need: rollout.need, seen: rollout.seen.length, since: rollout.since },
		journal: state.journal,
	};
}
