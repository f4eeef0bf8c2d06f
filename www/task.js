// The user's task as the page keeps it: classes, their examples with the original bytes, and what was removed. No DOM
// and no engine here: views draw it, runner.js keeps the engine in step with it.

/** @import { Pixels } from "./engine.js" */

/**
 * @typedef {object} Example
 * @property {number} key
 * @property {string} name file name, or what the drawing is called
 * @property {Blob | Pixels} source the original bytes or pixels; never changed
 * @property {Pixels | null} thumbnail once the engine has read it
 * @property {"waiting" | "ready"} state
 */

/**
 * @typedef {object} Class
 * @property {number} key
 * @property {string} name
 * @property {Example[]} examples
 */

/**
 * @typedef {{ kind: "addClass", class: Class } | { kind: "renameClass", class: Class } | { kind: "removeClass", class: Class }
 *   | { kind: "addExample", class: Class, example: Example } | { kind: "removeExample", class: Class, example: Example }
 *   | { kind: "readExample", class: Class, example: Example }} Change
 */

/** Why the task cannot be learnt yet. @typedef {{ code: "too_few_classes" } | { code: "empty_class", class: Class }} Lack */

/** The longest name of a class, in characters; adapt.MaxNameRunes. */
export const maxName = 100;

export class Task {
	/** @type {Class[]} */
	classes = [];

	/** @type {((change: Change) => void)[]} */
	#listeners = [];
	#lastKey = 0;

	/** Calls listener after each change. @param {(change: Change) => void} listener */
	onChange(listener) {
		this.#listeners.push(listener);
	}

	/** @param {Change} change */
	#tell(change) {
		for (const listener of this.#listeners) listener(change);
	}

	/** The highest key that was ever given. */
	get lastKey() {
		return this.#lastKey;
	}

	/**
	 * Puts classes that were kept, with their keys, in the place of those there are.
	 * @param {Class[]} classes
	 * @param {number} lastKey the highest key that was ever given
	 */
	restore(classes, lastKey) {
		for (const c of [...this.classes]) this.removeClass(c);
		this.#lastKey = Math.max(this.#lastKey, lastKey);
		this.classes = classes;
		for (const c of classes) {
			this.#tell({ kind: "addClass", class: c });
			for (const example of c.examples) this.#tell({ kind: "addExample", class: c, example });
		}
	}

	/** @param {string} name @returns {Class} */
	addClass(name) {
		/** @type {Class} */
		const added = { key: ++this.#lastKey, name, examples: [] };
		this.classes.push(added);
		this.#tell({ kind: "addClass", class: added });
		return added;
	}

	/**
	 * What is wrong with a new name of a class; null when nothing is.
	 * @param {Class | null} of the class that would have it
	 * @param {string} name
	 * @returns {"nameEmpty" | "nameLong" | "nameTaken" | null}
	 */
	checkName(of, name) {
		const trimmed = cleanName(name);
		if (trimmed === "") return "nameEmpty";
		if ([...trimmed].length > maxName) return "nameLong";
		if (this.classes.some((c) => c !== of && c.name === trimmed)) return "nameTaken";
		return null;
	}

	/** name has passed checkName. @param {Class} of @param {string} name */
	renameClass(of, name) {
		const trimmed = cleanName(name);
		if (of.name === trimmed) return;
		of.name = trimmed;
		this.#tell({ kind: "renameClass", class: of });
	}

	/**
	 * Removes a class with its examples; the function returned brings all of it back to its place.
	 * @param {Class} removed
	 * @returns {() => void}
	 */
	removeClass(removed) {
		const index = this.classes.indexOf(removed);
		this.classes.splice(index, 1);
		this.#tell({ kind: "removeClass", class: removed });
		return () => {
			if (this.checkName(removed, removed.name) === "nameTaken") removed.name = this.freeName(removed.name);
			this.classes.splice(Math.min(index, this.classes.length), 0, removed);
			this.#tell({ kind: "addClass", class: removed });
			for (const example of removed.examples) {
				example.state = "waiting";
				this.#tell({ kind: "addExample", class: removed, example });
			}
		};
	}

	/**
	 * @param {Class} to
	 * @param {string} name
	 * @param {Blob | Pixels} source
	 * @returns {Example}
	 */
	addExample(to, name, source) {
		/** @type {Example} */
		const example = { key: ++this.#lastKey, name, source, thumbnail: null, state: "waiting" };
		to.examples.push(example);
		this.#tell({ kind: "addExample", class: to, example });
		return example;
	}

	/**
	 * Removes an example; the function returned brings it back to its place, or to the end of a class that has shrunk.
	 * @param {Class} from
	 * @param {Example} example
	 * @returns {() => void}
	 */
	removeExample(from, example) {
		const index = from.examples.indexOf(example);
		from.examples.splice(index, 1);
		this.#tell({ kind: "removeExample", class: from, example });
		return () => {
			from.examples.splice(Math.min(index, from.examples.length), 0, example);
			// While its class is removed too, the class brings its examples with it.
			if (!this.classes.includes(from)) return;
			example.state = "waiting";
			this.#tell({ kind: "addExample", class: from, example });
		};
	}

	/**
	 * Moves an example to the end of another class; the function returned brings it back to its place.
	 * @param {Class} from
	 * @param {Example} example
	 * @param {Class} to
	 * @returns {() => void}
	 */
	moveExample(from, example, to) {
		const back = this.removeExample(from, example);
		to.examples.push(example);
		example.state = "waiting";
		this.#tell({ kind: "addExample", class: to, example });
		return () => {
			if (to.examples.includes(example)) this.removeExample(to, example);
			back();
		};
	}

	/**
	 * The engine has taken the example.
	 * @param {Class} of
	 * @param {Example} example
	 * @param {Pixels | null} thumbnail
	 */
	exampleRead(of, example, thumbnail) {
		example.state = "ready";
		example.thumbnail = thumbnail;
		this.#tell({ kind: "readExample", class: of, example });
	}

	/** @param {Class} of @param {Example} example */
	has(of, example) {
		return this.classes.includes(of) && of.examples.includes(example);
	}

	/** What learning still wants, or null. @returns {Lack | null} */
	lack() {
		const empty = this.classes.find((c) => c.examples.length === 0);
		if (this.classes.length < 2) return { code: "too_few_classes" };
		return empty ? { code: "empty_class", class: empty } : null;
	}

	/** Examples that the engine has not read yet. */
	get waiting() {
		return this.classes.reduce((n, c) => n + c.examples.filter((x) => x.state === "waiting").length, 0);
	}

	get exampleCount() {
		return this.classes.reduce((n, c) => n + c.examples.length, 0);
	}

	/** name, or name 2, name 3 ... @param {string} name */
	freeName(name) {
		const stem = cleanName(name).slice(0, maxName - 6) || "?";
		for (let n = 1; ; n++) {
			const candidate = n === 1 ? stem : `${stem} ${n}`;
			if (!this.classes.some((c) => c.name === candidate)) return candidate;
		}
	}
}

/** Without control characters and outer white space. @param {string} name */
function cleanName(name) {
	return name.replace(/\p{Cc}+/gu, " ").trim();
}
