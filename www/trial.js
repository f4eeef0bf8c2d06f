// Step 3 of the page: what is drawn, chosen or filmed is classified, one at a time and the newest last; and a folder is tested with.

import { EngineError, typed } from "./error.js";
import { keep } from "./files.js";
import { itemsOf, judgeFolder } from "./folder.js";
import { Live } from "./live.js";
import { text } from "./strings.js";
import { byId } from "./views/element.js";
import { FolderView } from "./views/evidence/folder.js";
import { previewSide, TryView } from "./views/try.js";

/** @import { ClassifyResult, Pixels } from "./engine.js" */
/** @import { Found } from "./files.js" */
/** @import { Runner } from "./runner.js" */
/** @import { Class, Task } from "./task.js" */
/** @import { Threshold } from "./threshold.js" */
/** @import { Status } from "./views/status.js" */
/** @import { Row } from "./views/result.js" */
/** @import { Subject } from "./views/try.js" */

/** Files larger than this are not even read; picture.DefaultLimits.MaxBytes. */
const maxFileBytes = 64 << 20;

/** Pause after the last piece of a stroke before it is classified, ms. */
const rest = 60;

/**
 * The bytes of a file, kept.
 * @param {File} file
 * @returns {Promise<Blob>} rejects with an EngineError: too large, or the disk does not give it
 */
export async function original(file) {
	if (file.size > maxFileBytes) throw new EngineError("picture_too_large", `${file.size} bytes`);
	try {
		return await keep(file);
	} catch (cause) {
		throw new EngineError("download", "unreadable file", { cause });
	}
}

/**
 * @typedef {object} TrialParts
 * @property {Task} task
 * @property {Runner} runner
 * @property {Status} status
 * @property {Threshold} threshold
 * @property {(of: Class) => number} color
 * @property {() => string | null} whyNot why nothing can be learnt
 * @property {(name: string, error: EngineError) => void} refused a file was not taken
 * @property {Runner["classifyAll"]} classifyAll wherever that is done
 */

export class Trial {
	#parts;
	#view;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	#resting;
	#classifying = false;
	#again = false;
	#live;
	/** the newest answer of the camera, until it is drawn @type {ClassifyResult | null} */
	#newest = null;
	/** of the last pictures, ms @type {number[]} */
	#times = [];
	/** where they were answered @type {string | undefined} */
	#where;
	/** ends the test of a folder */
	#stop = new AbortController();
	#tested = new FolderView(() => this.#stop.abort(), () => this.#view.focusFolder());

	/** @param {TrialParts} parts */
	constructor(parts) {
		this.#parts = parts;
		this.#view = new TryView(() => this.soon(rest), (files) => void this.take(files), (found) => void this.#folder(found));
		this.#live = new Live({
			next: () => this.#view.nextPicture(),
			goes: () => this.#view.live && parts.runner.state === "ready" && parts.runner.adapted !== null,
			answer: (picture) => this.#answer(picture),
			ended: () => this.soon(0),
		});
		byId("try", HTMLElement).append(this.#tested.element);
		parts.task.onChange((change) => {
			if (change.kind === "renameClass" && parts.runner.adapted) this.soon(0);
		});
	}

	/** The first of some files is what is classified. @param {File[]} files */
	async take(files) {
		const { status, refused } = this.#parts;
		const file = files[0];
		if (!file) return status.say(() => text.noFiles);
		if (files.length > 1) status.say(() => text.tryOne(file.name));
		try {
			this.#view.setPicture(await original(file), file.name);
		} catch (cause) {
			refused(file.name, /** @type {EngineError} */ (cause));
		}
	}

	/** Tests with a folder. @param {Found} found */
	async #folder(found) {
		const { task, runner, threshold, status, classifyAll } = this.#parts;
		if (!runner.adapted) return status.say(() => text.tryFirst);
		const classes = task.classes.filter((c) => runner.knows(c));
		const items = itemsOf(found, classes);
		if (items.length === 0) return status.say(() => text.noFiles);
		this.#stop.abort();
		const { signal } = (this.#stop = new AbortController());
		const show = (/** @type {number} */ done) => this.#tested.progress(done, items.length);
		show(0);
		const outcome = await judgeFolder(items, {
			classes, classifyAll, classKey: (id) => runner.classKey(id),
			decide: (of, answers) => threshold.decide(of, answers),
		}, show, signal);
		if (signal === this.#stop.signal) this.#tested.done(outcome);
	}

	/** @param {Blob | Pixels} source @param {string} name */
	setPicture(source, name) {
		this.#view.setPicture(source, name);
	}

	/** Classifies what is there after a pause; one at a time, and the newest last. @param {number} pause ms */
	soon(pause) {
		// While one is under way the hand need not rest: the next starts when it is done.
		if (this.#classifying) {
			this.#again = true;
			return;
		}
		clearTimeout(this.#resting);
		this.#resting = setTimeout(() => void this.#classify(), pause);
	}

	async #classify() {
		const { runner } = this.#parts;
		const view = this.#view;
		if (view.live && this.#live.again()) return;
		const subject = view.subject;
		if (!runner.adapted) view.setHint(this.#later());
		else if (!subject) view.setHint(text.tryHint);
		if (!subject || runner.state !== "ready" || (!runner.adapted && subject.name === null)) return;
		if (view.live) return void this.#live.run(/** @type {Pixels} */ (subject.source));
		this.#classifying = true;
		this.#again = false;
		try {
			const { source, name } = subject;
			const thumbnail = name === null ? 0 : previewSide;
			// Before anything is learnt, a file is read all the same: to be seen, or to be told that it is none.
			const result = runner.adapted ? await runner.classify(source, thumbnail) : await runner.look(source, thumbnail);
			if (result.thumbnail) view.setPreview(source, result.thumbnail);
			const best = "scores" in result ? this.#show(result) : null;
			if (best) await this.#explain(subject, best);
		} catch (cause) {
			this.#failed(typed(cause), subject);
		}
		this.#classifying = false;
		if (this.#again && runner.state === "ready") this.soon(0);
	}

	/** @param {EngineError} error @param {Subject} subject that was not answered */
	#failed(error, subject) {
		const { status, refused } = this.#parts;
		const view = this.#view;
		if (error.code === "not_adapted") view.setHint(this.#later());
		else if (error.code === "died") this.#again = true;
		else if (subject.name !== null) {
			view.dropPicture(subject.source);
			this.#again = true; // for what was there before
			refused(subject.name, error);
		} else {
			console.error(error);
			status.alert(() => text.errors[error.code]);
		}
	}

	/** Answers a picture of the camera. @param {Pixels} source */
	async #answer(source) {
		try {
			const result = await this.#parts.runner.classify(source, 0, true);
			if (!this.#view.live) return null;
			// More than the display shows are not drawn.
			if (!this.#newest) requestAnimationFrame(() => this.#draw());
			this.#newest = result;
			return result;
		} catch (cause) {
			this.#failed(typed(cause), { source, name: null });
			return null;
		}
	}

	/** Shows the camera's newest answer, if it is still wanted. */
	#draw() {
		const [result, { runner }] = [this.#newest, this.#parts];
		this.#newest = null;
		if (result && this.#view.live && runner.adapted) this.#show(result);
	}

	/** Why there is no answer yet. */
	#later() {
		const { runner, task, whyNot } = this.#parts;
		if (!runner.learning) return text.tryFirst;
		return whyNot() ?? (task.waiting > 0 ? text.whyReading(task.waiting) : "");
	}

	/** Shows which patches speak for the answer, when that is wanted. @param {Subject} subject @param {Row} best */
	async #explain({ source }, best) {
		const { runner } = this.#parts;
		const { heat, live } = this.#view;
		if (!heat.on || live) return;
		try {
			heat.show(await runner.heat(best.class, source), best.name);
		} catch (cause) {
			if (typed(cause).code !== "no_patches") throw cause;
			heat.none();
		}
	}

	/** @param {ClassifyResult} result @returns {Row | null} what it is taken for */
	#show(result) {
		const { task, runner, threshold, status, color } = this.#parts;
		const times = this.#times;
		if (result.where !== this.#where) times.length = 0;
		this.#where = result.where;
		times.push(result.ms);
		if (times.length > 9) times.shift();
		// The page's names and order, which may be newer than the answer.
		const rows = task.classes.flatMap((c) => {
			const score = result.scores.find((s) => runner.classKey(s.class) === c.key);
			return score ? [{ ...score, name: c.name, color: color(c) }] : [];
		});
		const [first] = rows;
		if (!first) {
			this.#view.setHint(this.#later()); // all of them were removed meanwhile
			return null;
		}
		const best = threshold.decide(task.classes.filter((c) => rows.some((row) => runner.classKey(row.class) === c.key)), rows);
		const key = runner.exampleKey(best.nearest);
		/** @type {Pixels | null} */
		let like = null;
		for (const { examples } of task.classes) like ??= examples.find((x) => x.key === key)?.thumbnail ?? null;
		const worded = this.#view.setResult({ rows, best, like, unknown: result.unknown });
		if (worded) status.timing(/** @type {number} */ ([...times].sort((a, b) => a - b)[times.length >> 1]), result.where);
		return best;
	}
}
