// Versions between the engine and what is kept of them.

import { typed } from "../error.js";

/** @import { AdaptResult, Version } from "../adaptation.js" */
/** @import { Choice, Engine } from "../engine.js" */
/** @import { Runner } from "../runner.js" */
/** @import { Class, Task } from "../task.js" */
/** @import { Keeper } from "./keeper.js" */

/** What adapt would have said of a version. @param {Version} version @param {Choice | null} experts @returns {AdaptResult} */
export function asResult(version, experts) {
	return { ...version, taken: true, way: version.classes.length, experts, tuned: version.finetuned !== "", steps: [], ms: 0 };
}

/**
 * Brings the versions that were kept back into the engine.
 * @param {Engine} engine
 * @param {Keeper} keeper
 * @returns {Promise<boolean>} the one that was in use is there; also where none was
 */
export async function recallAll(engine, keeper) {
	let there = keeper.current === 0;
	for (const { number, file, notes } of keeper.versions) {
		try {
			const version = await engine.recall(file, notes, number);
			keeper.inform(number, asResult(version, null));
			there ||= number === keeper.current;
		} catch (cause) {
			const error = typed(cause);
			if (error.code === "died") throw error;
			console.info(`version ${number}: ${error.message}`); // of another model, or of gears that did not come
		}
	}
	return there;
}

/**
 * The version that the engine made when a class went, as it is to be kept; null where it made none.
 * @param {Engine} engine
 * @param {Keeper} keeper
 * @param {Choice | null} experts
 * @returns {Promise<AdaptResult | null>}
 */
export async function lessOne(engine, keeper, experts) {
	const { inUse, versions } = await engine.history();
	if (inUse === 0) await keeper.use(0);
	const last = versions.find((v) => v.version === inUse);
	return last && !keeper.versions.some((v) => v.number === inUse) ? asResult(last, experts) : null;
}

/**
 * Takes an adapter from elsewhere into use. Its classes are those of the task by their names, which are made where they are missing.
 * @param {Runner} runner
 * @param {Task} task
 * @param {Uint8Array} file
 */
export function takeAdapter(runner, task, file) {
	return runner.take(async (engine) => {
		const { keys, made } = classesOf(task, await engine.adapterClasses(file));
		try {
			return asResult(await engine.importAdapter(file, keys), null);
		} catch (cause) {
			for (const of of made) task.removeClass(of);
			throw cause;
		}
	});
}

/**
 * The classes of the task that names stand for, made where they are missing.
 * @param {Task} task
 * @param {string[]} names
 * @returns {{ keys: number[], made: Class[] }}
 */
function classesOf(task, names) {
	/** @type {Class[]} */
	const made = [];
	const keys = names.map((name) => {
		const there = task.classes.find((c) => c.name === name);
		if (there) return there.key;
		const added = task.addClass(name);
		made.push(added);
		return added.key;
	});
	return { keys, made };
}
