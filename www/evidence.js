// What the engine says of what it has learnt, in the page's own classes and examples. No DOM and no engine here.

/** @import { Doubt, Explanation, Judged, LeaveOneOut, Place } from "./adaptation.js" */
/** @import { Class, Example, Task } from "./task.js" */

/**
 * An example as the others see it.
 * @typedef {object} Judgement
 * @property {Example} example
 * @property {Class} of its class
 * @property {Class} said the class that the others say
 * @property {number} probability of its class, 0..1
 * @property {number} saying probability of the class said
 * @property {boolean} twin the same picture is in the class said
 */

/** Hits of total with the 95% interval of their share, 0..1. @typedef {{ hits: number, total: number, low: number, high: number }} Share */

/**
 * @typedef {object} Evidence
 * @property {Class[]} classes that are told apart, in the page's order
 * @property {Share | null} leftOut of what is in use; null: a class has one example only
 * @property {LeaveOneOut | null} plain of the backbone alone, on the same examples; null: it is what is in use
 * @property {Judgement[]} judged every example, left out
 * @property {Judgement[]} doubts whose class the others contradict, the worst first
 * @property {Place[]} places that the experts in use change
 * @property {number[]} scores of the experts; none: they are not in use
 */

/**
 * What Runner.explain gives: ids of the engine, and what the page calls them.
 * @typedef {object} Told
 * @property {Explanation | null} explanation
 * @property {Doubt[]} doubts
 * @property {Map<number, number>} examples keys by id
 * @property {Map<number, number>} classes keys by id
 */

/**
 * Puts into the page's words what the engine says. What has gone or moved meanwhile is left out.
 * @param {Task} task
 * @param {{ experts: { scores: number[] } | null }} adapted
 * @param {Told} told
 * @returns {Evidence | null} null: nothing is in use
 */
export function gather(task, adapted, { explanation, doubts, examples, classes }) {
	if (!explanation) return null;
	/** @type {Map<number, Class>} */
	const byKey = new Map(task.classes.map((c) => [c.key, c]));
	/** @type {Map<number, [Class, Example]>} */
	const home = new Map(task.classes.flatMap((c) => c.examples.map((x) => [x.key, [c, x]])));
	const classOf = (/** @type {number} */ id) => byKey.get(classes.get(id) ?? -1);
	/** @param {Omit<Doubt, "twin"> & { twin?: number }} j @returns {Judgement[]} */
	const judgement = (j) => {
		const [of, example] = home.get(examples.get(j.example) ?? -1) ?? [];
		const said = classOf(j.said);
		if (!of || !example || !said || classOf(j.class) !== of) return [];
		return [{ example, of, said, probability: j.probability, saying: j.saying, twin: Boolean(j.twin) }];
	};
	const judged = (explanation.judged ?? []).flatMap(judgement);
	const known = new Set([...classes.values()]);
	return {
		classes: task.classes.filter((c) => known.has(c.key)),
		leftOut: judged.length > 0 ? share(judged) : null,
		plain: adapted.experts ? explanation.plain : null,
		judged,
		doubts: doubts.flatMap(judgement),
		places: explanation.places ?? [],
		scores: adapted.experts?.scores ?? [],
	};
}

/**
 * What the engine says of what it was given, with what was found out where that was made.
 * @param {Explanation | null} explanation
 * @param {Judged[] | undefined} judged
 * @returns {Explanation | null}
 */
export const explainedBy = (explanation, judged) => (explanation && judged && !explanation.judged ? { ...explanation, judged } : explanation);

/**
 * The same of doubts, in the order of Engine.review: pictures in two classes, then examples that the others take for another class.
 * @param {Doubt[]} doubts
 * @param {Judged[] | undefined} judged
 * @returns {Doubt[]}
 */
export function doubtsBy(doubts, judged) {
	if (!judged) return doubts;
	const twins = doubts.filter(({ twin }) => twin > 0);
	const misses = judged.filter((j) => j.said !== j.class && !twins.some(({ example }) => example === j.example));
	return [...twins, ...misses.sort((a, b) => b.saying - b.probability - (a.saying - a.probability)).map((j) => ({ ...j, twin: 0 }))];
}

/** How many answers are right. @param {{ of: Class, said: Class }[]} answers one at least @returns {Share} */
export function share(answers) {
	const hits = answers.filter(({ of, said }) => of === said).length;
	return { hits, total: answers.length, ...interval(hits, answers.length) };
}

/**
 * Answers by class and class said, in the order of the classes.
 * @template {{ of: Class, said: Class }} T
 * @param {Class[]} classes
 * @param {T[]} answers
 * @returns {T[][][]} (way, way) lists
 */
export function confusion(classes, answers) {
	const at = new Map(classes.map((c, i) => [c, i]));
	const cells = classes.map(() => classes.map(() => /** @type {T[]} */ ([])));
	for (const answer of answers) cells[at.get(answer.of) ?? -1]?.[at.get(answer.said) ?? -1]?.push(answer);
	return cells;
}

/**
 * The 95% interval of a share after Wilson, wide for few: what fewshot.Wilson computes.
 * @param {number} hits
 * @param {number} total more than 0
 * @returns {{ low: number, high: number }} 0..1
 */
export function interval(hits, total) {
	const z = 1.959963984540054;
	const share = hits / total;
	const shift = (z * z) / total;
	const centre = (share + shift / 2) / (1 + shift);
	const half = (z * Math.sqrt((share * (1 - share)) / total + shift / total / 4)) / (1 + shift);
	return { low: hits === 0 ? 0 : centre - half, high: hits === total ? 1 : centre + half };
}
