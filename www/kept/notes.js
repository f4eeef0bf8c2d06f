// What the engine keeps of a version's examples, for one that was made elsewhere of the page's own: the guard would else judge it by pictures that it has seen.

/** @import { Judged } from "../engine.js" */

/**
 * The notes that carry.ReadNotes reads (adapt/carry/notes.go).
 * @param {{ key: number, examples: { key: number }[] }[]} classes of the version, in its order, with what it was made of
 * @param {Judged[]} [judged] what the others said of each example; of all of them, or it is as if there were none
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function notesOf(classes, judged = []) {
	const at = new Map(classes.map(({ key }, i) => [key, i]));
	const support = classes.flatMap(({ examples }, label) => examples.map(({ key }) => ({ key, label })));
	const byKey = new Map(judged.map((j) => [j.example, j]));
	const rows = support.map(({ key, label }) => {
		const j = byKey.get(key);
		const said = j && at.get(j.said);
		if (!j || said === undefined || at.get(j.class) !== label) return null;
		// Two of an example's probabilities are known: the largest, and that of its own class. The guard and the list of doubts ask for no others.
		const row = classes.map(() => 0);
		row[said] = j.saying;
		row[label] = j.probability;
		return row;
	});
	const leftOut = rows.every((row) => row !== null) ? rows.flat() : [];
	const nothing = [0, 0, 0, 0, 0, 0, 0, 0]; // no parent, nothing compared
	const parts = [
		whole(...nothing), ...said("imported"), ...said("it was made elsewhere"), whole(support.length, ...support.flatMap(({ key, label }) => [key, label])),
		new Uint8Array(Float32Array.from(/** @type {number[]} */ (leftOut)).buffer),
	];
	const notes = new Uint8Array(parts.reduce((n, { length }) => n + length, 0));
	let end = 0;
	for (const part of parts) notes.set(part, end), (end += part.length);
	return notes;
}

/** @param {...number} numbers */
const whole = (...numbers) => new Uint8Array(Uint32Array.from(numbers).buffer);

/** @param {string} text */
function said(text) {
	const bytes = new TextEncoder().encode(text);
	return [whole(bytes.length), bytes];
}
