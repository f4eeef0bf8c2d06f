import assert from "node:assert/strict";
import { test } from "node:test";
import { csv } from "../csv.js";
import { confusion, doubtsBy, explainedBy, gather, interval, share } from "../evidence.js";
import { counted, folderRows, itemsOf, judgeFolder } from "../folder.js";
import { EngineError } from "../error.js";
import { Task } from "../task.js";
import { likeness, rates, Threshold } from "../threshold.js";
import { place } from "../views/heat.js";

/** @import { Judgement } from "../evidence.js" */
/** @import { Class } from "../task.js" */

const drawing = { width: 1, height: 1, data: new Uint8ClampedArray(4) };

/** Two classes of two examples each; the engine's ids are the keys plus 100. */
function taught() {
	const task = new Task();
	const [ok, ng] = [task.addClass("ok"), task.addClass("ng")];
	for (const name of ["a", "b"]) task.addExample(ok, name, drawing);
	for (const name of ["c", "d"]) task.addExample(ng, name, drawing);
	const ids = (/** @type {number[]} */ keys) => new Map(keys.map((key) => [key + 100, key]));
	const judged = [ok, ng].flatMap((c) => c.examples.map((x) => ({ example: x.key + 100, class: c.key + 100, probability: 0.9, said: c.key + 100, saying: 0.9 })));
	Object.assign(judged[1] ?? {}, { said: ng.key + 100, probability: 0.2, saying: 0.8 });
	/** @type {import("../evidence.js").Told} */
	const told = {
		explanation: {
			head: "blend", strength: 0, scale: 1, trials: [], unknownBelow: -1, confusion: null, misses: null, judged,
			plain: { hits: 2, total: 4, low: 0, high: 1, logLoss: 1 }, places: null,
		},
		doubts: [{ ...judged[1] ?? /** @type {any} */ ({}), twin: 0 }],
		examples: ids(task.classes.flatMap((c) => c.examples.map((x) => x.key))), classes: ids(task.classes.map((c) => c.key)),
	};
	return { task, ok, ng, told };
}

test("evidence: in the page's classes and examples, and what has moved or gone is left out", () => {
	const { task, ok, ng, told } = taught();
	const all = gather(task, { experts: null }, told);
	assert.ok(all);
	assert.deepEqual(all.judged.map((j) => [j.example.name, j.of.name, j.said.name]), [["a", "ok", "ok"], ["b", "ok", "ng"], ["c", "ng", "ng"], ["d", "ng", "ng"]]);
	assert.deepEqual([all.leftOut?.hits, all.leftOut?.total, all.plain, all.doubts.length], [3, 4, null, 1]);
	assert.deepEqual(confusion(all.classes, all.judged).map((row) => row.map((cell) => cell.length)), [[1, 1], [0, 2]]);
	assert.deepEqual(gather(task, { experts: { scores: [1, 0] } }, told)?.plain?.hits, 2);
	const [, b] = ok.examples;
	assert.ok(b);
	const back = task.moveExample(ok, b, ng);
	assert.deepEqual(gather(task, { experts: null }, told)?.doubts, []);
	back();
	assert.deepEqual(ok.examples.map((x) => x.name), ["a", "b"]);
	task.removeClass(ng);
	assert.deepEqual(gather(task, { experts: null }, told)?.judged.map((j) => j.example.name), ["a"]);
	assert.equal(gather(task, { experts: null }, { ...told, explanation: null }), null);
});

test("what an endpoint found out of the examples stands in for what the engine here does not know", () => {
	const { told } = taught();
	const { explanation, doubts } = told;
	assert.ok(explanation);
	const judged = explanation.judged ?? [];
	assert.equal(explainedBy(explanation, undefined), explanation);
	assert.equal(explainedBy(explanation, []), explanation, "what the engine knows itself is better");
	assert.equal(explainedBy(null, judged), null);
	assert.deepEqual(explainedBy({ ...explanation, judged: null }, judged)?.judged, judged);
	assert.equal(doubtsBy(doubts, undefined), doubts);
	// Twins first, as the engine found them; then the misses, the surest first, and no example twice.
	const [a, b, c, d] = judged;
	assert.ok(a && b && c && d);
	const twin = { ...c, twin: d.example };
	const surer = { ...d, said: a.class, probability: 0.05, saying: 0.95 };
	assert.deepEqual(doubtsBy([twin, { ...a, twin: 0 }], [a, b, { ...c, said: a.class }, surer]), [twin, { ...surer, twin: 0 }, { ...b, twin: 0 }]);
});

test("moving an example: the engine is told to forget it and to read it again, and undo brings it to its place", () => {
	const { task, ok, ng } = taught();
	/** @type {string[]} */
	const changes = [];
	task.onChange((c) => changes.push(`${c.kind} ${c.class.name}`));
	const [a] = ok.examples;
	assert.ok(a);
	const back = task.moveExample(ok, a, ng);
	assert.deepEqual([ok.examples.map((x) => x.name), ng.examples.map((x) => x.name)], [["b"], ["c", "d", "a"]]);
	back();
	assert.deepEqual([ok.examples.map((x) => x.name), ng.examples.map((x) => x.name)], [["a", "b"], ["c", "d"]]);
	assert.deepEqual(changes, ["removeExample ok", "addExample ng", "removeExample ng", "addExample ok"]);
});

test("the interval is Wilson's: by hand, and at both ends", () => {
	const { low, high } = interval(9, 10);
	assert.ok(Math.abs(low - 0.5958) < 1e-4 && Math.abs(high - 0.9821) < 1e-4, `${low} ${high}`);
	assert.equal(interval(0, 5).low, 0);
	assert.equal(interval(5, 5).high, 1);
	const c = /** @type {Class} */ ({ name: "c" });
	assert.equal(share([{ of: c, said: c }]).total, 1);
});

/** @param {Class} of @param {Class} said @param {number} probability @returns {Judgement} */
const judgement = (of, said, probability) => ({ example: /** @type {any} */ ({ name: "x" }), of, said, probability, saying: Math.max(probability, 1 - probability), twin: false });

test("threshold: missed and false alarms by hand; the line itself is NG", () => {
	const [ok, ng] = [{ key: 1, name: "fine", examples: [] }, { key: 2, name: "bad", examples: [] }];
	const judged = [judgement(ng, ng, 0.75), judgement(ng, ok, 0.25), judgement(ok, ok, 1), judgement(ok, ng, 0.5)];
	assert.deepEqual(judged.map((j) => likeness(j, ng)), [0.75, 0.25, 0, 0.5]);
	assert.deepEqual(rates(judged, ng, 0.5), { missed: 1, ng: 2, alarms: 1, ok: 2 });
	assert.deepEqual(rates(judged, ng, 0.25), { missed: 0, ng: 2, alarms: 1, ok: 2 });
	assert.deepEqual(rates(judged, ng, 0.51), { missed: 1, ng: 2, alarms: 0, ok: 2 });
	assert.deepEqual(rates(judged, ng, 0), { missed: 0, ng: 2, alarms: 2, ok: 2 });
	assert.deepEqual(rates(judged, ok, 0.5), { missed: 0, ng: 2, alarms: 1, ok: 2 }, "from the other side");
});

test("threshold: kept for the next visit, for the classes it was made for, and of two classes only", () => {
	/** @type {Map<string, string>} */
	const kept = new Map();
	Object.assign(globalThis, { localStorage: { getItem: (/** @type {string} */ k) => kept.get(k) ?? null, setItem: (/** @type {string} */ k, /** @type {string} */ v) => kept.set(k, v) } });
	const [ok, ng, third] = ["不良品", "良品", "c"].map((name, key) => ({ key, name, examples: [] }));
	assert.ok(ok && ng && third);
	const first = new Threshold();
	assert.equal(first.ng([ok, ng]), ok, "by its name");
	assert.equal(first.ng([ng, third]), third, "else the second");
	first.keep(ng, 0.8);
	const next = new Threshold();
	assert.deepEqual([next.ng([ok, ng]), next.at([ok, ng]), next.at([ok, third])], [ng, 0.8, 0.5]);
	const answers = [{ probability: 0.3 }, { probability: 0.7 }];
	assert.equal(next.decide([ok, ng], answers), answers[0]);
	assert.equal(next.decide([ok, third], answers), answers[1]);
	const three = [...answers, { probability: 0.9 }];
	assert.equal(next.decide([ok, ng, third], three), three[2]);
	for (const spoilt of ["{", "null", '{"ng":1,"at":0.5}', '{"ng":"x","at":7}']) {
		kept.set("haguruma.threshold", spoilt);
		assert.equal(new Threshold().at([ok, ng]), 0.5);
	}
	Object.assign(globalThis, { localStorage: undefined });
});

test("CSV: quotes, commas and line ends; no formulas; a mark for spreadsheets", () => {
	assert.equal(csv([["a", 0.5], ['he said "x", then', "two\nlines"], ["=1+1", "-3"]]), '\ufeffa,0.5\r\n"he said ""x"", then","two\nlines"\r\n\'=1+1,\'-3\r\n');
});

test("heat: the ninth of the picture where most speaks for the class", () => {
	const grid = new Array(64).fill(0);
	grid[7 * 8 + 6] = 3;
	grid[0] = -9;
	assert.equal(place(grid, 8), 8);
	grid[3 * 8 + 3] = 4;
	assert.equal(place(grid, 8), 4);
});

test("a folder: classes by name, what is of none, what is no picture, and a stop in the middle", async () => {
	const [ok, ng] = ["ok", "ng"].map((name, i) => ({ key: i + 1, name, examples: [] }));
	assert.ok(ok && ng);
	const file = (/** @type {string} */ name) => new File([name], name);
	const found = { files: [file("loose")], folders: new Map([[" ok ", [file("1"), file("2")]], ["ng", [file("3"), file("bad")]], ["new", [file("4")]]]) };
	const items = itemsOf(found, [ok, ng]);
	assert.deepEqual(items.map(({ path, of }) => [path, of?.name ?? ""]), [["loose", ""], [" ok /1", "ok"], [" ok /2", "ok"], ["ng/3", "ng"], ["ng/bad", "ng"], ["new/4", ""]]);
	const answer = (/** @type {number} */ p) => ({ scores: [{ class: 11, probability: 1 - p }, { class: 12, probability: p }], unknown: p === 0.5 });
	const judge = {
		classes: [ok, ng], classKey: (/** @type {number} */ id) => id - 10,
		classifyAll: async (/** @type {any[]} */ files) => files.map(({ name }) => (name === "bad" ? new EngineError("picture_format", "") : answer(/** @type {any} */ ({ 1: 0.1, 2: 0.9, 3: 0.7, 4: 0.5 })[name] ?? 0.2))),
		decide: (/** @type {Class[]} */ _, /** @type {any[]} */ answers) => answers.reduce((a, b) => (b.probability > a.probability ? b : a)),
	};
	/** @type {number[]} */
	const told = [];
	const outcome = await judgeFolder(items, /** @type {any} */ (judge), (n) => told.push(n), new AbortController().signal);
	assert.deepEqual([told, outcome.judged.length, outcome.failed, outcome.stopped], [[6], 5, [{ path: "ng/bad", code: "picture_format" }], false]);
	assert.deepEqual([share(counted(outcome)).hits, share(counted(outcome)).total], [2, 3]);
	const rows = folderRows(outcome);
	assert.deepEqual(rows[2], [" ok /1", "ok", "ok", 0, 0.9, 0.1, ""]);
	assert.deepEqual(rows.at(-1), ["ng/bad", "", "", "", "", "", "picture_format"]);

	const many = Array.from({ length: 100 }, (_, i) => ({ file: file(String(i)), path: String(i), of: null }));
	const stop = new AbortController();
	const half = await judgeFolder(many, /** @type {any} */ (judge), (n) => n >= 64 && stop.abort(), stop.signal);
	assert.deepEqual([half.judged.length, half.stopped], [64, true]);
});
