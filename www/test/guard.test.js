import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { FakeEngine } from "./fake.engine.js";
import { pageAround, settled, until } from "./fake.page.js";

/** @import { Engine } from "../engine.js" */
/** @import { Keeper } from "../kept/keeper.js" */
/** @import { Runner } from "../runner.js" */
/** @import { Class } from "../task.js" */

/** @type {FakeEngine} */
let engine;
/** @type {Runner} */
let runner;
/** @type {Keeper} */
let keeper;
/** @type {Class} */
let a;
/** @type {Class} */
let b;
/** @type {ReturnType<typeof pageAround>["add"]} */
let add;

const asEngine = () => /** @type {Engine} */ (/** @type {unknown} */ (engine));

beforeEach(() => {
	engine = new FakeEngine();
	({ runner, keeper, a, b, add } = pageAround(engine));
});

test("what the guard finds worse is not in use and says why, until the user takes it all the same", async () => {
	runner.start(asEngine());
	add(a, 1);
	add(b, 2);
	runner.learn();
	await until(() => runner.adapted !== null);
	const first = runner.adapted;
	engine.worse = true;
	engine.log = [];
	add(a, 3);
	await until(() => runner.refused !== null);
	assert.deepEqual(engine.log, ["example a 3", "adapt"]);
	assert.equal(runner.adapted, first);
	assert.equal(runner.refused?.verdict.before, 2);
	assert.deepEqual(keeper.versions.map((v) => v.number), [1]);
	runner.overrule();
	await until(() => keeper.current === 2 && runner.refused === null);
	assert.deepEqual(engine.log.slice(2), ["adapt, forced", "pack 2"]);
	assert.equal(runner.refused, null);
	assert.deepEqual([keeper.versions.map((v) => v.number), keeper.current], [[1, 2], 2]);
	runner.useVersion(1);
	await until(() => keeper.current === 1);
	await settled();
	assert.deepEqual(engine.log.slice(4), ["use 1"], "going back is not learnt away");
	assert.deepEqual([runner.adapted?.version, keeper.current], [1, 1]);
});

test("after a death the versions come back in their order, the one in use is in use, and nothing is learnt again", async () => {
	runner.start(asEngine());
	add(a, 1);
	add(b, 2);
	runner.learn();
	await until(() => keeper.current === 1);
	add(b, 3);
	await until(() => keeper.current === 2);
	runner.useVersion(1);
	await until(() => keeper.current === 1);
	engine.log = [];
	engine.die();
	await until(() => engine.log.includes("use 1"));
	await settled();
	assert.deepEqual(engine.log, ["restart", "class a", "example a 1", "class b", "example b 2", "example b 3", "recall 1 1 7", "recall 2 2 7", "use 1"]);
	assert.equal(runner.adapted?.version, 1);
	add(a, 4);
	await until(() => keeper.current === 3);
	assert.deepEqual(engine.log.slice(9), ["example a 4", "adapt", "pack 3"]);
});
