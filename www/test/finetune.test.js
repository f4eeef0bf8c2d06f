import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FineTuning, TimeLeft } from "../finetune.js";
import { FakeEngine } from "./fake.engine.js";
import { pageAround, settled, until } from "./fake.page.js";

/** @import { Engine } from "../engine.js" */
/** @import { Where } from "../finetune.js" */
/** @import { Keeper } from "../kept/keeper.js" */
/** @import { Runner } from "../runner.js" */
/** @import { Class, Task } from "../task.js" */

/** @type {FakeEngine} */
let engine;
/** @type {Task} */
let task;
/** @type {Runner} */
let runner;
/** @type {Keeper} */
let keeper;
/** @type {FineTuning} */
let tuning;
/** @type {Class} */
let a;
/** @type {Class} */
let b;
/** what the journal is told @type {string[]} */
let refused;

/** @type {ReturnType<typeof pageAround>["add"]} */
let add;

/** Two classes, learnt. */
beforeEach(async () => {
	engine = new FakeEngine();
	({ task, runner, keeper, a, b, add } = pageAround(engine));
	refused = [];
	const note = keeper.refused.bind(keeper);
	keeper.refused = (of) => (refused.push(of.verdict.reason), note(of));
	tuning = new FineTuning(runner, keeper);
	add(a, 1);
	add(b, 2);
	add(a, 3);
	runner.start(/** @type {Engine} */ (/** @type {unknown} */ (engine)));
	runner.learn();
	await until(() => runner.adapted !== null && keeper.current === 1);
	engine.log = [];
});

const start = (signal = new AbortController().signal, onProgress = (/** @type {Where} */ _) => {}) => tuning.start({ signal, onProgress });

test("another engine learns the same, judges it beside what is in use, and what it made is taken and kept", async () => {
	/** @type {Where[]} */
	const seen = [];
	const out = await start(undefined, (where) => seen.push(where));
	const twin = /** @type {FakeEngine} */ (engine.twins[0]);
	assert.deepEqual(twin.log, [
		"class a", "example a 1", "example a 3", "class b", "example b 2", "recall 1 1 7", "use 1", "adapt, fine-tuned, views, forced", "tuned", "pack 2",
	]);
	assert.ok(twin.disposed);
	assert.deepEqual(seen.map((w) => (w.at === "engine" ? w.at : `${w.at} ${w.done}/${w.total}`)), ["pictures 0/3", "pictures 1/3", "pictures 2/3", "steps 1/2"]);
	assert.equal(out.outcome, "taken");
	assert.deepEqual(engine.log, ["pack 1", "twin", "recall 0 2 7", "use 2", "pack 2"]);
	assert.deepEqual([runner.adapted?.version, runner.adapted?.parent, runner.adapted?.tuning?.rate, keeper.current], [2, 1, 0.003, 2]);
	runner.useVersion(1);
	await until(() => keeper.current === 1);
	await settled();
	assert.equal(engine.log.at(-1), "use 1", "nothing is learnt again");
});

test("the engine answers meanwhile", async () => {
	engine.during = async () => void (await runner.classify({ width: 1, height: 1, data: new Uint8ClampedArray(4) }, 0));
	assert.equal((await start()).outcome, "taken");
	assert.ok(engine.log.indexOf("classify") < engine.log.indexOf("recall 0 2 7"));
});

test("no rate that does better: nothing is taken, and the journal says so", async () => {
	engine.rate = 0;
	assert.equal((await start()).outcome, "nothing");
	assert.deepEqual(engine.log, ["pack 1", "twin"]);
	assert.deepEqual([runner.adapted?.version, runner.refused, keeper.current, refused.length], [1, null, 1, 1]);
});

test("what is worse is refused until the user takes it all the same, and is not made again for that", async () => {
	engine.worse = true;
	assert.equal((await start()).outcome, "refused");
	assert.deepEqual([runner.adapted?.version, runner.refused?.verdict.code, keeper.current, refused], [1, "worse", 1, ["so it is"]]);
	assert.equal(tuning.overrule(), true);
	await until(() => keeper.current === 2);
	assert.deepEqual(engine.log, ["pack 1", "twin", "recall 0 2 7", "use 2", "pack 2"]);
	assert.deepEqual([runner.adapted?.version, runner.refused], [2, null]);
	assert.equal(tuning.overrule(), false, "there is nothing more to take");
	add(b, 4);
	await until(() => runner.refused !== null);
	assert.equal(tuning.overrule(), false, "this one the runner takes");
});

test("a stop in the middle of a step ends the other Worker at once, and all is as it was", async () => {
	const stop = new AbortController();
	engine.during = async () => {
		stop.abort();
		await settled();
	};
	assert.deepEqual(await start(stop.signal), { outcome: "stopped" });
	assert.ok(engine.twins[0]?.disposed);
	assert.deepEqual([engine.log, runner.adapted?.version], [["pack 1", "twin"], 1]);
	assert.deepEqual(await start(AbortSignal.abort()), { outcome: "stopped" });
	assert.deepEqual((await start()).outcome, "taken");
});

/** @type {[string, () => void][]} */
const changes = [
	["a picture more", () => void add(b, 9)], ["a picture less", () => void task.removeExample(a, /** @type {any} */ (a.examples[0]))],
	["a class less", () => void task.removeClass(b)], ["another version", () => runner.useVersion(0)], ["experts off", () => runner.useExperts(false)],
	["a death", () => void engine.die()],
];
for (const [what, change] of changes) {
	test(`${what} meanwhile: what is made is of no use any more`, async () => {
		engine.during = async () => {
			change();
			for (let n = 0; n < 20; n++) await settled();
		};
		assert.deepEqual(await start(), { outcome: "changed" });
		assert.ok(engine.twins[0]?.disposed);
		assert.ok(!engine.log.some((line) => line.startsWith("recall 0")));
	});
}

test("a change that was not learnt yet is learnt before it starts; a name is no change", async () => {
	const added = add(b, 5);
	engine.during = async () => task.renameClass(a, "c");
	assert.equal((await start()).outcome, "taken");
	assert.ok(engine.twins[0]?.log.includes("example b 5") && added.state === "ready");
	assert.equal(keeper.current, 3);
});

test("a Worker that dies is an error, and the page's engine lives", async () => {
	engine.during = async () => void engine.twins[0]?.die();
	await assert.rejects(start(), { code: "died" });
	assert.deepEqual([runner.state, runner.adapted?.version], ["ready", 1]);
	runner.useVersion(0);
	await until(() => keeper.current === 0);
	engine.version = 0;
	engine.pack = async () => { throw Object.assign(new Error("no"), { code: "not_adapted" }); };
	await assert.rejects(start());
});

test("time left: known after two steps, from the steps alone", () => {
	const left = new TimeLeft();
	assert.equal(left.at(0, 50, 0), null);
	assert.equal(left.at(0, 50, 9000), null);
	assert.equal(left.at(1, 50, 20_000), null);
	assert.equal(left.at(1, 50, 20_500), null, "the same step again");
	assert.equal(left.at(2, 50, 21_000), 48_000);
	assert.equal(left.at(5, 50, 28_000), 90_000);
	assert.equal(left.at(50, 50, 99_000), 0);
});
