import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { EngineError } from "../error.js";
import { Keeper } from "../kept/keeper.js";
import { Runner } from "../runner.js";
import { Task } from "../task.js";

/** @import { Engine } from "../engine.js" */
/** @import { Class, Example } from "../task.js" */

/** An engine that keeps a diary and what it was told. Names of examples are their only pixels. */
class FakeEngine {
	/** @type {string[]} */
	log = [];
	/** @type {Map<number, string>} */
	classes = new Map();
	/** @type {Map<number, string>} */
	examples = new Map();
	dead = false;
	#lastId = 0;
	/** what addExample does with a picture of this first byte @type {Map<number, () => void>} */
	traps = new Map();
	onDeath = () => {};

	/** @param {string} entry */
	async #do(entry) {
		await null;
		if (this.dead) throw new EngineError("died", "dead");
		this.log.push(entry);
	}

	/** @returns {EngineError} what it was busy with rejects with */
	die() {
		this.dead = true;
		this.onDeath();
		return new EngineError("died", "dead");
	}

	/** @param {string} name */
	async addClass(name) {
		await this.#do(`class ${name}`);
		if ([...this.classes.values()].includes(name)) throw new EngineError("duplicate_class", name);
		this.classes.set(++this.#lastId, name);
		return this.#lastId;
	}

	/** @param {number} id @param {string} name */
	async renameClass(id, name) {
		await this.#do(`rename ${this.classes.get(id)} ${name}`);
		if ([...this.classes.values()].includes(name)) throw new EngineError("duplicate_class", name);
		this.classes.set(id, name);
	}

	/** @param {number} id */
	async removeClass(id) {
		await this.#do(`remove class ${this.classes.get(id)}`);
		if (!this.classes.delete(id)) throw new EngineError("unknown_class", `${id}`);
	}

	/** @param {number} classId @param {import("../engine.js").Pixels} picture */
	async addExample(classId, picture) {
		const byte = picture.data[0] ?? 0;
		await this.#do(`example ${this.classes.get(classId)} ${byte}`);
		this.traps.get(byte)?.();
		this.examples.set(++this.#lastId, String(byte));
		return { id: this.#lastId, width: 1, height: 1, thumbnail: picture, ms: 1 };
	}

	/** @param {number} id */
	async removeExample(id) {
		await this.#do(`remove example ${this.examples.get(id)}`);
		if (!this.examples.delete(id)) throw new EngineError("unknown_example", `${id}`);
	}

	/** there are experts */
	experts = false;
	on = true;

	get #choice() {
		return this.experts && this.on ? { scores: [1], changed: 0.1, parts: [], kinds: [] } : null;
	}

	/** the guard finds what is adapted worse than what is in use */
	worse = false;
	/** the last version */
	version = 0;

	/** @param {{ force?: boolean }} options */
	async adapt({ force = false } = {}) {
		await this.#do(force ? "adapt, forced" : "adapt");
		const verdict = { code: this.worse ? "worse" : "better", reason: "so it is", compared: 2, hits: 1, before: 2, logLoss: 1, logBefore: 0 };
		if (this.worse && !force) return { taken: false, version: 0, verdict };
		this.mergedAt = this.on && this.experts;
		return { taken: true, version: ++this.version, verdict, head: "blend", strength: 0, leaveOneOut: null, classes: [], way: this.classes.size, examples: this.examples.size, experts: this.#choice, ms: 1 };
	}

	/** the last adapt merged experts */
	mergedAt = false;

	/** @param {boolean} on */
	async useExperts(on) {
		await this.#do(`experts ${on}`);
		this.on = on;
		return { experts: this.mergedAt ? this.#choice : null, stale: on && this.experts && !this.mergedAt };
	}

	hashes = { bundle: "", experts: "" };

	async pack() {
		await this.#do(`pack ${this.version}`);
		return { file: Uint8Array.of(this.version), content: "", notes: Uint8Array.of(7) };
	}

	/** @param {Uint8Array} file @param {Uint8Array} notes @param {number} version */
	async recall(file, notes, version) {
		await this.#do(`recall ${version} ${file} ${notes}`);
		this.version = version;
		return { version, classes: [] };
	}

	/** @param {number} version */
	async useVersion(version) {
		await this.#do(`use ${version}`);
		return { experts: null, stale: false };
	}

	async remember() {
		return 0;
	}

	async history() {
		return { inUse: this.version, versions: [] };
	}

	async classify() {
		await this.#do("classify");
		return { scores: [], thumbnail: null, ms: 1 };
	}

	async restart() {
		await null;
		this.dead = false;
		this.classes.clear();
		this.examples.clear();
		this.log.push("restart");
	}
}

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
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));
const source = (/** @type {number} */ byte) => ({ width: 1, height: 1, data: new Uint8ClampedArray([byte, 0, 0, 0]) });
/** @param {Class} to @param {number} byte @returns {Example} */
const add = (to, byte) => task.addExample(to, `picture ${byte}`, source(byte));
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
	assert.equal((await runner.classify(source(1), 0)).ms, 1);
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

/** Keeping takes sums of files, which take their time. @param {() => boolean} holds */
async function until(holds) {
	for (let n = 0; n < 2000 && !holds(); n++) await settled();
	assert.ok(holds(), String(holds));
}

test("what the guard finds worse is not in use and says why, until the user takes it all the same", async () => {
	const keeper = new Keeper(task, { shelf: null, encode: async () => new Blob([]) });
	runner.keep(keeper);
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
	const keeper = new Keeper(task, { shelf: null, encode: async () => new Blob([]) });
	runner.keep(keeper);
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
