// A version that was made elsewhere of the page's own examples: with notes of them, the guard judges it by what it has not seen.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { valueOf } from "../www/engine.host.js";
import { notesOf } from "../www/kept/notes.js";
import { randomModels } from "./bundle.mjs";
import { openBundle } from "./host.mjs";
import { rgba, stripesInAnyLight } from "./pictures.mjs";

/** @import { Verbs } from "../www/engine.js" */

const models = randomModels();
after(() => models.remove());
after(() => setImmediate(() => process.exit())); // the Go program waits for calls for ever

const { sha256 } = JSON.parse(readFileSync(`${models.folder}/default.json`, "utf8"));

/** An engine with two classes of five pictures. */
async function taught() {
	const { verbs } = await openBundle(models.file);
	const classes = [false, true].map((upright) => {
		const key = valueOf(() => verbs.addClass(`${upright}`));
		return { key, examples: [0, 1, 2, 3, 4].map((n) => valueOf(() => verbs.addExample(key, rgba(64, 64, stripesInAnyLight(upright, n)), 64, 64, 0))).map(({ id }) => ({ key: id })) };
	});
	return { verbs, classes };
}

/** @param {Verbs} verbs */
function adapted(verbs) {
	const out = valueOf(() => verbs.adapt("", true));
	return "step" in out ? assert.fail() : out;
}

test("with notes: as where it was made; of the examples alone: not compared; without: its own examples speak for it", async () => {
	const elsewhere = await taught();
	const { leaveOneOut } = adapted(elsewhere.verbs);
	const { file } = valueOf(() => elsewhere.verbs.pack(sha256, "", "2026-01-01T00:00:00Z", 0, ""));
	const [explanation, doubts] = [valueOf(() => elsewhere.verbs.explain()), valueOf(() => elsewhere.verbs.review())];
	const judged = explanation?.judged ?? assert.fail();
	const hits = leaveOneOut?.hits ?? 0;
	assert.ok(judged.length === 10 && hits < 10, `${hits}: some are taken for the other class`);

	/** @param {(classes: Parameters<typeof notesOf>[0]) => Uint8Array} notes */
	const recalled = async (notes) => {
		const { verbs, classes } = await taught();
		const { version } = valueOf(() => verbs.recall(sha256, "", file, notes(classes), 0, classes.map(({ key }) => key).join(" ")));
		const stale = valueOf(() => verbs.useVersion(version)).stale;
		const said = { stale, explained: valueOf(() => verbs.explain()), doubts: valueOf(() => verbs.review()) };
		return { ...said, verdict: adapted(verbs).verdict };
	};
	const whole = await recalled((classes) => notesOf(classes, judged));
	assert.deepEqual([whole.verdict.compared, whole.verdict.before, whole.verdict.hits, whole.stale], [10, hits, hits, false]);
	assert.ok(Math.abs(whole.verdict.logBefore - whole.verdict.logLoss) < 1e-6, "the same by the same");
	assert.deepEqual([whole.explained?.judged, whole.doubts], [judged, doubts]);
	const known = await recalled((classes) => notesOf(classes));
	assert.deepEqual([known.verdict.code, known.verdict.compared], ["not_compared", 0]);
	const less = await recalled((classes) => notesOf(classes, judged.slice(1)));
	assert.deepEqual(less.verdict.code, "not_compared");
	const without = await recalled(() => new Uint8Array(0));
	assert.ok(without.verdict.before > hits && without.stale, `${without.verdict.before} of 10`);
});
