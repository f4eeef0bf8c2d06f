// The whole task as one file: a zip of the folder that the terminal keeps a task in (docs/FORMAT.md), with page.json beside for what only
// the page knows. Unpacked, haguruma history, classify, adapt and journal work on it; a folder of the terminal, zipped, opens here.

import { EngineError } from "../error.js";
import { sumOf } from "./keeper.js";
import { readZip, writeZip } from "./zip.js";

/** @import { Kept, KeptVersion, State } from "./shelf.js" */

const taskFormat = "haguruma-task/1";
const pageFormat = "haguruma-page/1";

/** @param {number} number */
const versionName = (number) => `versions/${String(number).padStart(4, "0")}.safetensors`;

/**
 * @param {Kept & { journal: string }} task
 * @returns {Promise<Blob>}
 */
export function taskFile({ state, versions, pictures, journal }) {
	const json = (/** @type {unknown} */ value) => new Blob([`${JSON.stringify(value)}\n`]);
	const text = (/** @type {string} */ name) => name.replace(/\p{Cc}|\p{Cs}/gu, " ");
	const filled = new Set(state.examples.map((x) => x.class)); // the terminal has no class without a picture
	const { lastKey, entries, head } = state;
	const task = {
		format: taskFormat, bundle: state.bundle, experts: state.experts,
		classes: state.classes.filter((c) => filled.has(c.id)).map(({ id, name }) => ({ id, name })),
		examples: state.examples.map(({ id, class: of, picture, name }) => ({ id, class: of, picture, name: text(name) })),
		lastClass: lastKey, lastExample: lastKey,
		versions: versions.map(({ sum, content, time, made }) => ({ file: sum, content, time, made })),
		current: versions.findIndex((v) => v.number === state.current) + 1,
		journal: { entries, head, pending: [] },
	};
	const page = {
		format: pageFormat, classes: state.classes, learning: state.learning, stale: state.stale,
		versions: versions.map(({ info, bundle, notes }) => ({ info, bundle, notes: Array.from(notes) })),
	};
	return writeZip([
		{ name: "task.json", data: json(task) }, { name: "journal.jsonl", data: new Blob([journal]) }, { name: "page.json", data: json(page) },
		...versions.map(({ file }, i) => ({ name: versionName(i + 1), data: new Blob([file]) })),
		...[...pictures].map(([sum, data]) => ({ name: `pictures/${sum}`, data })),
	]);
}

/**
 * Reads a task's file, from here or the terminal. Pictures and versions are held to their sums; the journal is the engine's to judge.
 * @param {Blob} archive
 * @returns {Promise<Kept & { lines: string[] }>} rejects with an EngineError of code task_file
 */
export async function readTaskFile(archive) {
	const files = await readZip(archive);
	const home = [...files.keys()].filter((name) => /(^|\/)task\.json$/.test(name)).sort((a, b) => a.length - b.length)[0];
	if (home === undefined) throw new EngineError("task_file", "no task.json in it");
	const folder = home.slice(0, -"task.json".length);
	try {
		const task = JSON.parse(await read(files, home));
		check(task.format === taskFormat, `format ${task.format}`);
		const pageName = `${folder}page.json`;
		const page = files.has(pageName) ? JSON.parse(await read(files, pageName)) : null;
		check(!page || page.format === pageFormat, `format ${page?.format}`);
		const lines = (files.has(`${folder}journal.jsonl`) ? await read(files, `${folder}journal.jsonl`) : "").split("\n").filter(Boolean);
		for (const line of list(task.journal.pending)) if (lines.length < task.journal.entries + task.journal.pending.length) lines.push(String(line).trimEnd());

		/** @type {Map<string, Blob>} */
		const pictures = new Map();
		const examples = list(task.examples).map(({ id, class: of, picture, name }) => ({
			id: whole(id), class: whole(of), picture: String(picture), name: String(name).split("/").at(-1) ?? "", noted: true,
		}));
		for (const { picture } of examples) {
			const data = files.get(`${folder}pictures/${picture}`);
			check(data && (await sumOf(new Uint8Array(await data.arrayBuffer()))) === picture, `picture ${picture}`);
			pictures.set(picture, /** @type {Blob} */ (data));
		}
		/** @type {KeptVersion[]} */
		const versions = [];
		for (const [i, { file: sum, content, time, made }] of list(task.versions).entries()) {
			const data = files.get(folder + versionName(i + 1));
			const file = new Uint8Array((await data?.arrayBuffer()) ?? new ArrayBuffer(0));
			check((await sumOf(file)) === sum, `version ${i + 1}`);
			const own = page?.versions?.[i];
			versions.push({
				number: i + 1, time: String(time), info: own?.info ? { ...own.info, version: i + 1 } : null, bundle: String(own?.bundle ?? task.bundle),
				content: String(content), sum, made: String(made), file, notes: Uint8Array.from(own?.notes ?? []),
			});
		}
		const classes = list(page?.classes ?? task.classes).map(({ id, name, untouched }) => ({ id: whole(id), name: String(name), untouched: untouched === true }));
		check(examples.every((x) => classes.some((c) => c.id === x.class)), "an example of no class");
		/** @type {State} */
		const state = {
			format: 1, bundle: String(task.bundle), experts: String(task.experts), classes, examples,
			lastKey: Math.max(whole(task.lastClass), whole(task.lastExample), ...classes.map((c) => c.id), ...examples.map((x) => x.id)),
			current: whole(task.current), learning: page ? page.learning === true : versions.length > 0, stale: page?.stale === true,
			entries: lines.length, head: lines.length > 0 ? await sumOf(new TextEncoder().encode(/** @type {string} */ (lines.at(-1)))) : "", pending: [],
		};
		check(state.current <= versions.length, `version ${state.current} of ${versions.length}`);
		return { state, versions, pictures, lines };
	} catch (cause) {
		throw cause instanceof EngineError ? cause : new EngineError("task_file", String(cause), { cause });
	}
}

/** @param {Map<string, Blob>} files @param {string} name */
async function read(files, name) {
	return (await files.get(name)?.text()) ?? "";
}

/** @param {unknown} holds @param {string} what */
function check(holds, what) {
	if (!holds) throw new EngineError("task_file", `task: not as it was written: ${what}`);
}

/** @param {unknown} value @returns {any[]} */
function list(value) {
	check(Array.isArray(value), "a list is missing");
	return /** @type {any[]} */ (value);
}

/** @param {unknown} value @returns {number} */
function whole(value) {
	check(Number.isSafeInteger(value) && Number(value) >= 0, `a number: ${value}`);
	return Number(value);
}
