// OK or NG: of two classes one is looked for, and what looks like it by more than a threshold is taken for it.

import { chosen, keepChoice } from "./choice.js";

/** @import { Judgement } from "./evidence.js" */
/** @import { Class } from "./task.js" */

/** What is kept: name of the class that is looked for, and the threshold. @typedef {{ ng: string, at: number }} Kept */

/** Missed parts and false alarms at a threshold. @typedef {{ missed: number, ng: number, alarms: number, ok: number }} Rates */

const key = "haguruma.threshold";

/** How a class of bad parts may be called. */
const bad = /\bNG\b|\bbad\b|defect|scratch|faulty|不良|異常|欠陥|傷|キズ/i;

/** The threshold of a task of two classes, kept for the visits to come. */
export class Threshold {
	/** @type {Kept | null} */
	#kept = read();

	/** The class that is looked for: as chosen, else the one whose name says so, else the second. @param {Class[]} classes two @returns {Class} */
	ng(classes) {
		const [first, second] = classes;
		const named = classes.find((c) => c.name === this.#kept?.ng) ?? (first && second && bad.test(first.name) && !bad.test(second.name) ? first : second);
		return /** @type {Class} */ (named);
	}

	/** 0..1: probability of the class from which on a part is NG. @param {Class[]} classes two */
	at(classes) {
		return this.#kept && classes.some((c) => c.name === this.#kept?.ng) ? this.#kept.at : 0.5;
	}

	/** @param {Class} ng @param {number} at */
	keep(ng, at) {
		this.#kept = { ng: ng.name, at };
		keepChoice(key, JSON.stringify(this.#kept));
	}

	/** The name of the class looked for has changed. @param {string} before @param {string} now */
	renamed(before, now) {
		if (this.#kept?.ng === before) this.keep(/** @type {Class} */ ({ name: now }), this.#kept.at);
	}

	/**
	 * Which class is taken, of answers in the order of the classes: the most probable one, but of two the one that the threshold says.
	 * @template {{ probability: number }} T
	 * @param {Class[]} classes
	 * @param {T[]} answers as many, at least one
	 * @returns {T}
	 */
	decide(classes, answers) {
		const [first, second] = answers;
		if (classes.length === 2 && first && second) {
			const [ng, ok] = this.ng(classes) === classes[0] ? [first, second] : [second, first];
			return ng.probability >= this.at(classes) ? ng : ok;
		}
		return answers.reduce((a, b) => (b.probability > a.probability ? b : a));
	}
}

/** @returns {Kept | null} */
function read() {
	try {
		const { ng, at } = JSON.parse(chosen(key) ?? "null");
		return typeof ng === "string" && at >= 0 && at <= 1 ? { ng, at } : null;
	} catch {
		return null; // nothing yet, or of another version
	}
}

/** How much a left-out example looks like the class that is looked for. @param {Judgement} judgement of two classes @param {Class} ng */
export const likeness = ({ of, probability }, ng) => (of === ng ? probability : 1 - probability);

/**
 * @param {Judgement[]} judged of two classes
 * @param {Class} ng
 * @param {number} at
 * @returns {Rates}
 */
export function rates(judged, ng, at) {
	const sum = { missed: 0, ng: 0, alarms: 0, ok: 0 };
	for (const judgement of judged) {
		const taken = likeness(judgement, ng) >= at;
		if (judgement.of === ng) {
			sum.ng++;
			if (!taken) sum.missed++;
		} else {
			sum.ok++;
			if (taken) sum.alarms++;
		}
	}
	return sum;
}
