// A folder to test with: its pictures are judged, and where they lie in folders of the classes' names, it is known how many are right.

import { round } from "./views/evidence/report.js";
import { typed } from "./error.js";
import { text } from "./strings.js";

/** @import { ClassifyResult, EngineError, PictureSource } from "./engine.js" */
/** @import { Found } from "./files.js" */
/** @import { Class } from "./task.js" */

/** A file and the class that its folder names; null: of no class. @typedef {{ file: File, path: string, of: Class | null }} Item */

/** An item that was judged. @typedef {Item & { said: Class, unknown: boolean, probabilities: number[] }} Judged probabilities: of each class */

/** @typedef {{ classes: Class[], judged: Judged[], failed: { path: string, code: EngineError["code"] }[], stopped: boolean }} Outcome */

/** How many are given to the engine at once. */
const batch = 32;

/** @param {Found} found @param {Class[]} classes @returns {Item[]} */
export function itemsOf({ files, folders }, classes) {
	const loose = files.map((file) => ({ file, path: file.name, of: null }));
	return [...loose, ...[...folders].flatMap(([name, inside]) => {
		const of = classes.find((c) => c.name === name.trim()) ?? null;
		return inside.map((file) => ({ file, path: `${name}/${file.name}`, of }));
	})];
}

/**
 * @typedef {object} Judge
 * @property {Class[]} classes that are told apart
 * @property {(pictures: PictureSource[], signal: AbortSignal) => Promise<(ClassifyResult | EngineError)[]>} classifyAll
 * @property {(id: number) => number | null} classKey
 * @property {<T extends { probability: number }>(classes: Class[], answers: T[]) => T} decide
 */

/**
 * Judges all items, a few at a time.
 * @param {Item[]} items
 * @param {Judge} judge
 * @param {(done: number) => void} onDone
 * @param {AbortSignal} signal ends it with what there is
 * @returns {Promise<Outcome>}
 */
export async function judgeFolder(items, { classes, classifyAll, classKey, decide }, onDone, signal) {
	/** @type {Outcome} */
	const outcome = { classes, judged: [], failed: [], stopped: false };
	for (let at = 0; at < items.length && !signal.aborted; at += batch) {
		const part = items.slice(at, at + batch);
		const results = await classifyAll(part.map(({ file }) => file), signal).catch((cause) => part.map(() => typed(cause)));
		if (signal.aborted) break;
		for (const [i, item] of part.entries()) {
			const result = results[i];
			if (!result || !("scores" in result)) {
				outcome.failed.push({ path: item.path, code: result?.code ?? "internal" });
				continue;
			}
			const answers = classes.flatMap((c) => {
				const score = result.scores.find((s) => classKey(s.class) === c.key);
				return score ? [{ class: c, probability: score.probability }] : [];
			});
			if (answers.length === 0) continue; // all classes have gone meanwhile
			outcome.judged.push({ ...item, said: decide(classes, answers).class, unknown: result.unknown, probabilities: classes.map((c) => answers.find((a) => a.class === c)?.probability ?? 0) });
		}
		onDone(Math.min(at + batch, items.length));
	}
	outcome.stopped = signal.aborted;
	return outcome;
}

/** The answers that count: those to files of which the class is known. @param {Outcome} outcome */
export const counted = ({ judged }) => judged.flatMap((j) => (j.of ? [{ ...j, of: j.of }] : []));

/** @param {Outcome} outcome @returns {(string | number)[][]} */
export function folderRows({ classes, judged, failed }) {
	return [
		[text.csvFile, text.csvClass, text.csvSaid, text.csvUnknown, ...classes.map((c) => text.csvNg(c.name)), text.csvError],
		...judged.map(({ path, of, said, unknown, probabilities }) => [path, of?.name ?? "", said.name, Number(unknown), ...probabilities.map(round), ""]),
		...failed.map(({ path, code }) => [path, "", "", "", ...classes.map(() => ""), code]),
	];
}
