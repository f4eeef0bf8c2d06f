// What can be undone: every removal and every move, the last one first.

/** @typedef {{ what: () => string, back: () => void, done: () => string }} Step what was done, its undoing, and what is said then */

/** Steps that are kept: each holds the pictures that it took away. */
const most = 200;

export class Undo {
	/** @type {Step[]} */
	#steps = [];
	#onChange;

	/** @param {() => void} onChange there is another last step */
	constructor(onChange) {
		this.#onChange = onChange;
	}

	/** The step that would be undone next; null: none. */
	get last() {
		return this.#steps.at(-1) ?? null;
	}

	/** @param {Step} step */
	add(step) {
		this.#steps.push(step);
		if (this.#steps.length > most) this.#steps.shift();
		this.#onChange();
	}

	/**
	 * Undoes a step, and before it those that came after: each finds things as it left them.
	 * @param {Step | null} [step] default: the last
	 * @returns {Step | null} null: there is none, or it has been undone
	 */
	undo(step = this.last) {
		if (!step || !this.#steps.includes(step)) return null;
		for (let last = this.#steps.pop(); last; last = this.#steps.pop()) {
			last.back();
			if (last === step) break;
		}
		this.#onChange();
		return step;
	}
}
