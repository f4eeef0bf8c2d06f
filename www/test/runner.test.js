import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { EngineError } from "../error.js";
import { Runner } from "../runner.js";
import { Task } from "../task.js";
import { FakeEngine } from "./fake.engine.js";
import { picture, settled } from "./fake.page.js";

/** @import { Engine } from "../engine.js" */
/** @import { Class, Example } from "../task.js" */

/** @type {FakeEngine} */
let engine;
/** @type {Task} */
let task;
/** @type {Runner} */
let runner;
/** @type {string[]} */
let told;
/** @type {Class} */
let a;
/** @type {Class} */
let b;

const asEngine = () => /** @type {Engine} */ (/** @type {unknown} */ (engine));
/** @param {Class} to @param {number} byte @returns {Example} */
const add = (to, byte) => task.addExample(to, `picture ${byte}`, picture(byte));
const take = () => engine.log.splice(0);

beforeEach(() => {
	engine = new FakeEngine();
	engine.onDeath = () => void runner.restart();
	task = new Task();
	told = [];
	runner = new Runner(task, {
		onState: () => {},
		onAdapted: (result) => told.push(result ? `adapted ${result.way} ${result.examples}` : "nothing to tell apart"),
		onBadExample: (example, error) => told.push(`bad ${example.name} ${error.code}`),
		onError: (error) => told.push(`error ${error.code}`),
		onRestart: (again) => told.push(again ? "again" : "stopped"),
	});
	[a, b] = [task.addClass("a"), task.addClass("b")];
});

test("what was entered while the engine loads is told to it at the start", async () => {
	add(a, 1);
	task.renameClass(b, "c");
	runner.learn();
	assert.equal(runner.learning, false, "not before there is an engine");
	runner.start(asEngine());
	await settled();
	assert.deepEqual(take(), ["class a", "example a 1"], "a class without pictures is the page's business");
	assert.deepEqual([task.waiting, a.examples[0]?.thumbnail?.data[0]], [0, 1]);
});

test("learn adapts; afterwards every change is learnt, once for changes made together", async () => {
	runner.start(asEngine());
	add(a, 1);
	add(b, 2);
	await settled();
	assert.ok(!engine.log.includes("adapt"), "not before Learn");
	runner.learn();
	await settled();
	take();
	add(a, 3);
	add(b, 4);
	task.renameClass(a, "x");
	await settled();
	assert.deepEqual(take(), ["example a 3", "example b 4", "rename a x", "adapt"]);
	assert.deepEqual(told, ["adapted 2 2", "adapted 2 4"]);
	task.renameClass(a, "y");
	await settled();
	assert.deepEqual(take(), ["rename x y"], "a name is nothing to learn");
});

test("after Learn, a class without pictures is left out, and the others go on learning", async () => {
	runner.start(asEngine());
	const one = add(a, 1);
	add(b, 2);
	const c = task.addClass("c");
	add(c, 3);
	runner.learn();
	await settled();
	take();
	const back = task.removeExample(a, one);
	task.addClass("d");
	add(b, 4);
	await settled();
	assert.deepEqual(take(), ["remove example 1", "remove class a", "example b 4", "adapt"]);
	task.renameClass(a, "x");
	back();
	await settled();
	assert.deepEqual(take(), ["class x", "example x 1", "adapt"]);
	assert.deepEqual(told, ["adapted 3 3", "adapted 2 3", "adapted 3 4"]);
});

test("after Learn, one class with pictures is nothing to tell apart, and two are again", async () => {
	runner.start(asEngine());
	const one = add(a, 1);
	add(b, 2);
	runner.learn();
	await settled();
	take();
	const back = task.removeExample(a, one);
	await settled();
	assert.equal(runner.adapted, null);
	back();
	await settled();
	assert.deepEqual(take(), ["remove example 1", "remove class a", "class a", "example a 1", "adapt"]);
	assert.deepEqual(told, ["adapted 2 2", "nothing to tell apart", "adapted 2 2"]);
});

test("a class whose only picture is bad is not left behind in the engine", async () => {
	engine.traps.set(2, () => { throw new EngineError("picture_format", "no"); });
	runner.start(asEngine());
	add(a, 1);
	add(b, 2);
	runner.learn();
	await settled();
	assert.deepEqual([...engine.classes.values()], ["a"]);
	add(b, 3);
	await settled();
	assert.deepEqual(told, ["bad picture 2 picture_format", "adapted 2 2"]);
});

test("names may change places", async () => {
	runner.start(asEngine());
	add(a, 1);
	add(b, 2);
	task.renameClass(a, "c");
	task.renameClass(b, "a");
	task.renameClass(a, "b");
	await settled();
	assert.deepEqual([...engine.classes.values()], ["b", "a"]);
	assert.deepEqual(told, []);
});

test("a bad picture is taken out and told, the others stay", async () => {
	engine.traps.set(2, () => { throw new EngineError("picture_format", "no"); });
	runner.start(asEngine());
	for (const byte of [1, 2, 3]) add(a, byte);
	await settled();
	assert.deepEqual(a.examples.map((x) => x.name), ["picture 1", "picture 3"]);
	assert.deepEqual(told, ["bad picture 2 picture_format"]);
	assert.deepEqual([...engine.examples.values()], ["1", "3"]);
});

test("removing and bringing back before the engine comes to it ends as the task is", async () => {
	runner.start(asEngine());
	const one = add(a, 1);
	task.removeExample(a, one)();
	task.removeExample(a, one)();
	const two = add(b, 2);
	const backClass = task.removeClass(b);
	backClass();
	task.removeExample(b, two);
	await settled();
	assert.deepEqual([...engine.classes.values()], ["a"]);
	assert.deepEqual([...engine.examples.values()], ["1"]);
	assert.equal(runner.exampleKey(Number([...engine.examples.keys()][0])), one.key);
	assert.deepEqual(told, []);
});

test("a class removed and brought back has its pictures in the engine again", async () => {
	runner.start(asEngine());
	add(a, 1);
	add(a, 2);
	await settled();
	const back = task.removeClass(a);
	await settled();
	engine.examples.clear(); // as the engine does with a class's examples
	back();
	await settled();
	assert.deepEqual([...engine.examples.values()], ["1", "2"]);
	assert.equal(task.waiting, 0);
});

test("death: the engine is started again and told everything, and learns it", async () => {
	runner.start(asEngine());
	add(a, 1);
	add(b, 2);
	runner.learn();
	await settled();
	take();
	told = [];
	engine.dead = true;
	engine.onDeath();
	add(a, 3); // while it starts
	await settled();
	assert.deepEqual(take(), ["restart", "class a", "example a 1", "example a 3", "class b", "example b 2", "adapt"]);
	assert.deepEqual(told, ["stopped", "again", "adapted 2 3"]);
	assert.equal(runner.state, "ready");
});

test("death: a picture that kills twice is taken out, the rest goes on", async () => {
	engine.traps.set(2, () => { throw engine.die(); });
	runner.start(asEngine());
	for (const byte of [1, 2, 3]) add(a, byte);
	await settled();
	assert.deepEqual(a.examples.map((x) => x.name), ["picture 1", "picture 3"]);
	assert.deepEqual([...engine.examples.values()], ["1", "3"]);
	assert.deepEqual(told, ["stopped", "again", "stopped", "bad picture 2 died", "again"]);
});

test("death: a picture that was there when it died of something else has its second chance", async () => {
	let first = true;
	engine.traps.set(1, () => {
		if (first) {
			first = false;
			throw engine.die();
		}
	});
	runner.start(asEngine());
	add(a, 1);
	await settled();
	assert.deepEqual(a.examples.map((x) => x.state), ["ready"]);
});

test("death without end: it is told, nothing of the task is lost, and trying again works", async () => {
	runner.start(asEngine());
	add(a, 1);
	await settled();
	engine.addClass = async () => { throw engine.die(); };
	engine.dead = true;
	engine.onDeath();
	await settled();
	assert.equal(runner.state, "broken");
	assert.equal(told.at(-1), "error died");
	assert.equal(a.examples.length, 1);
	engine.addClass = FakeEngine.prototype.addClass;
	await runner.restart();
	await settled();
	assert.equal(runner.state, "ready");
	assert.deepEqual([...engine.examples.values()], ["1"]);
});

test("classify waits for a restart under way", async () => {
	runner.start(asEngine());
	await settled();
	engine.dead = true;
	engine.onDeath();
	assert.equal((await runner.classify(picture(1), 0)).ms, 1);
});

/** What the experts chose, of what is in use. */
const choice = () => /** @type {Runner} */ (runner).adapted?.experts ?? null;

test("experts that come are learnt with at once; off and on are told without learning again, or with where it must be", async () => {
	add(a, 1);
	add(b, 2);
	runner.start(asEngine());
	runner.learn();
	await settled();
	assert.equal(choice(), null);
	engine.experts = true;
	engine.log = [];
	runner.expertsCame();
	await settled();
	assert.deepEqual(engine.log, ["adapt"]);
	assert.equal(choice()?.scores[0], 1);
	engine.log = [];
	runner.useExperts(false);
	await settled();
	assert.equal(choice(), null);
	runner.useExperts(true);
	await settled();
	assert.equal(choice()?.scores[0], 1);
	assert.deepEqual(engine.log, ["experts false", "experts true"], "nothing is learnt again");
	// While they are off something is learnt: on again, it is learnt again.
	runner.useExperts(false);
	add(a, 3);
	await settled();
	engine.log = [];
	runner.useExperts(true);
	await settled();
	assert.deepEqual(engine.log, ["experts true", "adapt"]);
	assert.equal(choice()?.scores[0], 1);
});

test("experts that come before Learn is pressed wait for it", async () => {
	add(a, 1);
	add(b, 2);
	runner.start(asEngine());
	await settled();
	engine.experts = true;
	engine.log = [];
	runner.expertsCame();
	runner.useExperts(false);
	await settled();
	assert.deepEqual(engine.log, ["experts false"]);
	assert.equal(runner.adapted, null);
});

test("views: learnt on request and from then on, also when what was refused is taken; not any more when turned off, whatever the guard says", async () => {
	runner.start(asEngine());
	add(a, 1);
	add(b, 2);
	runner.learn();
	await settled();
	take();
	await runner.useViews(true);
	assert.deepEqual([take(), runner.adapted?.views], [["adapt, views"], 8]);
	add(a, 3);
	await settled();
	assert.deepEqual(take(), ["example a 3", "adapt, views"]);
	await runner.useViews(false);
	assert.deepEqual([take(), runner.adapted?.views], [["adapt, forced"], 1]);

	engine.worse = true;
	await runner.useViews(true);
	assert.deepEqual([take(), runner.adapted?.views, runner.refused?.views], [["adapt, views"], 1, 8]);
	runner.overrule();
	await settled();
	assert.deepEqual([take(), runner.adapted?.views, runner.refused], [["adapt, views, forced"], 8, null]);
});
