// What stands around a fake engine in a test: a task of two classes, the runner that tells the engine of it, and the keeper of its versions.

import assert from "node:assert/strict";
import { Keeper } from "../kept/keeper.js";
import { Runner } from "../runner.js";
import { Task } from "../task.js";

/** @import { Class } from "../task.js" */
/** @import { FakeEngine } from "./fake.engine.js" */

export const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Keeping takes sums of files, which take their time. @param {() => boolean} holds */
export async function until(holds) {
	for (let n = 0; n < 2000 && !holds(); n++) await settled();
	assert.ok(holds(), String(holds));
}

/** A picture of one pixel. @param {number} byte */
export const picture = (byte) => ({ width: 1, height: 1, data: new Uint8ClampedArray([byte, 0, 0, 0]) });

/** Nothing is learnt yet, and no error is expected. @param {FakeEngine} engine */
export function pageAround(engine) {
	const task = new Task();
	const nothing = () => {};
	const runner = new Runner(task, { onState: nothing, onAdapted: nothing, onBadExample: nothing, onError: (error) => assert.fail(error), onRestart: nothing });
	engine.onDeath = () => void runner.restart();
	const keeper = new Keeper(task, { shelf: null, encode: async () => new Blob([]) });
	runner.keep(keeper);
	return { task, runner, keeper, a: task.addClass("a"), b: task.addClass("b"), add: (/** @type {Class} */ to, /** @type {number} */ byte) => task.addExample(to, `picture ${byte}`, picture(byte)) };
}
