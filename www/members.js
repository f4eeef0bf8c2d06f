// What the engine has of the task: its ids for the page's keys, and the pictures of each class it knows. A class is there from its first
// picture to its last.

import { EngineError } from "./error.js";

/** @import { Engine } from "./engine.js" */
/** @import { Class, Example, Task } from "./task.js" */

/** What an engine is told of a task. @typedef {{ id: number, name: string, examples: { id: number, source: Example["source"] }[] }[]} Support */

export class Members {
	/** @type {Map<number, number>} */
	#classIds = new Map();
	/** @type {Map<number, number>} */
	#exampleIds = new Map();
	/** keys of the pictures of each class, by its key @type {Map<number, Set<number>>} */
	#pictures = new Map();

	/** A new engine knows nothing. */
	clear() {
		this.#classIds.clear();
		this.#exampleIds.clear();
		this.#pictures.clear();
	}

	/** Classes that the engine knows. */
	get size() {
		return this.#pictures.size;
	}

	/** @param {Class} of */
	knows(of) {
		return this.#classIds.has(of.key);
	}

	/** @param {Example} example */
	has(example) {
		return this.#exampleIds.has(example.key);
	}

	/** The engine has the class and no picture of it. @param {Class} of */
	isEmpty(of) {
		return this.#pictures.get(of.key)?.size === 0;
	}

	/** @param {Engine} engine @param {Class} of @param {string} name should the engine not know it */
	async addClass(engine, of, name) {
		if (this.knows(of)) return;
		this.#classIds.set(of.key, await engine.addClass(name, of.key));
		this.#pictures.set(of.key, new Set());
	}

	/** The engine's id of a class that it knows. @param {Class} of */
	classId(of) {
		const id = this.#classIds.get(of.key);
		if (id === undefined) throw new EngineError("internal", `the engine does not know ${of.key}`);
		return id;
	}

	/** The engine has taken a picture. @param {Class} to @param {Example} example @param {number} id */
	took(to, example, id) {
		this.#exampleIds.set(example.key, id);
		this.#pictures.get(to.key)?.add(example.key);
	}

	/** @param {Engine} engine @param {Class} of @param {string} name */
	async rename(engine, of, name) {
		const id = this.#classIds.get(of.key);
		if (id !== undefined) await engine.renameClass(id, name);
	}

	/** @param {Engine} engine @param {Class} from @param {Example} example */
	async remove(engine, from, example) {
		const id = this.#exampleIds.get(example.key);
		if (id === undefined) return; // never taken
		await engine.removeExample(id);
		this.#exampleIds.delete(example.key);
		this.#pictures.get(from.key)?.delete(example.key);
	}

	/** @param {Engine} engine @param {Class} of @returns {Promise<boolean>} the engine knew it */
	async removeClass(engine, of) {
		const id = this.#classIds.get(of.key);
		if (id === undefined) return false; // it had no picture
		await engine.removeClass(id);
		for (const key of this.#pictures.get(of.key) ?? []) this.#exampleIds.delete(key);
		this.#pictures.delete(of.key);
		this.#classIds.delete(of.key);
		return true;
	}

	/**
	 * The same for another engine: classes and pictures in their order, by their ids.
	 * @param {Task} task
	 * @returns {Support}
	 */
	support(task) {
		return [...this.#pictures].flatMap(([key, pictures]) => {
			const of = task.classes.find((c) => c.key === key);
			const id = this.#classIds.get(key);
			if (!of || id === undefined) return [];
			const examples = [...pictures].flatMap((picture) => {
				const example = of.examples.find((x) => x.key === picture);
				const at = this.#exampleIds.get(picture);
				return example && at !== undefined ? [{ id: at, source: example.source }] : [];
			});
			return [{ id, name: of.name, examples }];
		});
	}

	/** The page's keys, by the engine's ids. */
	get keys() {
		return { examples: inverse(this.#exampleIds), classes: inverse(this.#classIds) };
	}

	/** @param {number} id @returns {number | null} */
	exampleKey(id) {
		return keyOf(this.#exampleIds, id);
	}

	/** @param {number} id @returns {number | null} */
	classKey(id) {
		return keyOf(this.#classIds, id);
	}
}

/** @param {Map<number, number>} ids by key @param {number} id @returns {number | null} */
function keyOf(ids, id) {
	for (const [key, value] of ids) if (value === id) return key;
	return null;
}

/** @param {Map<number, number>} map @returns {Map<number, number>} */
const inverse = (map) => new Map([...map].map(([key, id]) => [id, key]));
