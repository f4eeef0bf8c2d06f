/** What adapting makes: the nouns of engine.d.ts about versions, heads and doubts. */

import type { Choice } from "./engine.js";

/** A kind of head on the embeddings. */
export type Head = "prototypes" | "ridge" | "lda" | "logistic" | "blend";

export interface AdaptOptions {
	/** default: a blend of heads, weighted by leaving out each example in turn */
	head?: Head;
	/** take it even when it is worse than what is in use; default: false */
	force?: boolean;
	/**
	 * Takes gradient steps on the examples before a head is chosen, which takes seconds to minutes: of an engine that can (LoadOptions.tuning, TwinOptions.tuning),
	 * "usage" of others. Default: false.
	 */
	finetune?: boolean;
	/**
	 * Fits the head to eight views of each example, mirrored, nearer, wider and higher: seven passes more of each, once where the backbone alone is in use;
	 * fewer of more than 80 examples. Default: false.
	 */
	views?: boolean;
	onProgress?: (progress: AdaptProgress) => void;
	/** stops it without a trace: rejects with "aborted" */
	signal?: AbortSignal;
}

/** Where an adaptation is: `done` of `total` pieces of work of a step. */
export interface AdaptProgress {
	step: "route" | "merge" | "embed" | "tune" | "views" | "head" | "compare";
	done: number;
	total: number;
}

/** An adaptation that was made. Numbers of examples and classes are those it was made of. */
export interface Version {
	/** from 1; 0 when it was not taken */
	version: number;
	/** number of the version that was in use before; 0: the backbone without an adaptation */
	parent: number;
	classes: { id: number; name: string }[];
	examples: number;
	head: Head;
	/** regularisation of the head; 0 for prototypes and blends */
	strength: number;
	verdict: Verdict;
	/** what gradient steps could change: "sparse", or what else the terminal was told; "": none were asked for */
	finetuned: string;
	/** of each example, that the head was fitted to; 1: the example as it is */
	views: number;
	/** how the examples predict each other, with the 95% interval of the share of hits; null: a class has only one */
	leaveOneOut: LeaveOneOut | null;
}

/** How the examples predict each other: hits of total, the 95% interval of the share of hits, the mean log-loss in nats. */
export interface LeaveOneOut {
	hits: number;
	total: number;
	low: number;
	high: number;
	logLoss: number;
}

/** What gradient steps did. */
export interface Tuning {
	/** what could change */
	mode: "sparse";
	steps: number;
	/** learning rate that left-out examples voted for; 0: nothing changes */
	rate: number;
	/** share of what the steps changed that is taken, 0..1 */
	part: number;
	/** weights that change */
	moved: number;
	/** the same as a share of all, 0..1 */
	changed: number;
}

/** An adaptation beside the one that was in use, on examples that neither has seen. */
export interface Verdict {
	code: "first" | "better" | "worse" | "not_compared" | "class_removed" | "imported";
	/** in English */
	reason: string;
	/** examples that both were judged on; the figures below are of them, and 0 without any */
	compared: number;
	hits: number;
	before: number;
	logLoss: number;
	logBefore: number;
}

export interface AdaptResult extends Version {
	/** false: it is worse than what is in use, which stays */
	taken: boolean;
	/** classes it tells apart */
	way: number;
	/** what the experts chose for what is in use now; null: the backbone alone is in use */
	experts: Choice | null;
	/** what is in use now was fine-tuned */
	tuned: boolean;
	/** of an adapt with `finetune` */
	tuning?: Tuning;
	/** how long each step took */
	steps: { step: AdaptProgress["step"]; ms: number }[];
	ms: number;
	/** address of the endpoint that made it, in the page; absent: it was made here */
	where?: string;
	/** each example as the others see it, of what an endpoint made: the engine here has not left them out */
	judged?: Judged[];
}

export interface History {
	/** number of the version in use; 0: the backbone without an adaptation */
	inUse: number;
	/** number 1 first */
	versions: Version[];
}

/** An example whose label is in doubt. */
export interface Doubt {
	example: number;
	/** its class */
	class: number;
	/** of that class, by the other examples */
	probability: number;
	/** the class that the others say */
	said: number;
	/** probability of that one */
	saying: number;
	/** an example of another class with the same picture; 0: none */
	twin: number;
}

/** How what is in use came about. */
export interface Explanation {
	head: Head;
	strength: number;
	/** one over the temperature */
	scale: number;
	/** heads that were tried, each judged by leaving out each example in turn, with their weight in a blend */
	trials: { head: Head; strength: number; weight: number; hits: number; logLoss: number }[];
	/** likeness below which a picture is of none of the classes; -1: never */
	unknownBelow: number;
	/** left-out examples by class and class said, in the order of the version's classes; null: a class has only one example */
	confusion: number[][] | null;
	/** ids of the examples that were taken for another class */
	misses: number[] | null;
	/** each example as the others see it, by class; null as confusion */
	judged: Judged[] | null;
	/** the same examples by the backbone alone; null as confusion */
	plain: LeaveOneOut | null;
	/** what the experts in use change, by part of the backbone and kind of tensor; null: the backbone alone is in use */
	places: Place[] | null;
}

/** A left-out example. */
export interface Judged {
	example: number;
	/** its class */
	class: number;
	/** of that class, by the other examples */
	probability: number;
	/** the class that the others say */
	said: number;
	/** probability of that one */
	saying: number;
}

/** Weights of one kind in one part of the backbone. */
export interface Place {
	/** as Choice.parts names it */
	part: string;
	/** as Choice.kinds names it; "" outside the blocks */
	kind: string;
	/** share of the weights that are changed, 0..1 */
	changed: number;
	/** share that each expert opens, 0..1, of those without a score too */
	experts: number[];
}

/** Where a picture speaks for a class: a grid (side*side), row by row, of the square that the backbone sees; above 0 is for the class. */
export interface Heat {
	grid: number[];
	side: number;
}
