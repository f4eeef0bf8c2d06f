// Keeps the task as it goes: each change of task.js, each version and each step of the history is written at once, with its entry in
// the journal, and several that come together are written together. What cannot be written now is written with the next change;
// what was written before stays as it is.

import { hex, sha256 } from "../download.js";
import { EngineError, typed } from "../error.js";

/** @import { AdaptResult, ErrorCode, JournalEnd, JournalEntry, JournalLine, Pixels } from "../engine.js" */
/** @import { Change, Class, Example, Task } from "../task.js" */
/** @import { Kept, KeptVersion, Shelf, State } from "./shelf.js" */

/** @typedef {JournalEntry["details"]} Details */

/**
 * @typedef {object} KeeperParts
 * @property {Pick<Shelf, "write" | "journal"> | null} shelf null: nothing is kept
 * @property {ErrorCode | null} [why] there is no shelf
 * @property {Kept | null} [kept] what the shelf had
 * @property {(pixels: Pixels) => Promise<Blob>} encode makes a file of pixels
 * @property {(of: Class) => boolean} [untouched] the page named the class
 * @property {() => string} [now]
 * @property {() => void} [onChange] told when what `trouble` and `busy` say is another
 */

/** What the engine does for the keeper. @typedef {object} Chainer
 * @property {{ bundle: string, experts: string }} hashes
 * @property {(end: JournalEnd, entry: JournalEntry) => Promise<JournalLine>} chain */

export class Keeper {
	/** why the last change is not kept; null: it is, or will be in a moment @type {ErrorCode | null} */
	trouble;
	/** something is being written */
	busy = false;
	/** @type {KeptVersion[]} */
	versions;
	/** version in use */
	current;
	/** Learn has been pressed */
	learning;
	/** there are changes that are not learnt */
	stale;

	#parts;
	#task;
	/** @type {JournalEnd} */
	#end;
	/** @type {JournalEntry[]} */
	#pending;
	/** @type {Chainer | null} */
	#engine = null;
	#bundle;
	#experts;
	/** the file of each example that has been asked for @type {WeakMap<Example, Promise<{ sum: string, blob: Blob } | null>>} */
	#files = new WeakMap();
	/** the same, at hand @type {WeakMap<Example, { sum: string, blob: Blob } | null>} */
	#ready = new WeakMap();
	/** examples that the journal has @type {WeakSet<Example>} */
	#noted = new WeakSet();
	/** sums of pictures on the shelf @type {Set<string>} */
	#shelved;
	/** not on the shelf yet @type {KeptVersion[]} */
	#fresh = [];
	#begun;
	#dirty = false;
	/** what was kept is being put into the task */
	restoring = false;
	/** @type {Promise<void> | null} */
	#writing = null;

	/** @param {Task} task @param {KeeperParts} parts */
	constructor(task, parts) {
		this.#task = task;
		this.#parts = parts;
		const state = parts.kept?.state;
		this.trouble = parts.shelf ? null : parts.why ?? "storage_denied";
		this.versions = [...(parts.kept?.versions ?? [])].sort((a, b) => a.number - b.number);
		this.current = state?.current ?? 0;
		this.learning = state?.learning ?? false;
		this.stale = state?.stale ?? false;
		this.#end = { entries: state?.entries ?? 0, head: state?.head ?? "" };
		this.#pending = [...(state?.pending ?? [])];
		this.#bundle = state?.bundle ?? "";
		this.#experts = state?.experts ?? "";
		this.#shelved = new Set(parts.kept?.pictures.keys());
		this.#begun = Boolean(state);
		task.onChange((change) => this.#follow(change));
	}

	/**
	 * Puts what was kept into the task.
	 * @param {(of: Class) => void} [untouched] told of each class that the page named
	 */
	restore(untouched = () => {}) {
		const { kept } = this.#parts;
		if (!kept) return;
		const { state, pictures } = kept;
		/** @type {Class[]} */
		const classes = state.classes.map(({ id, name }) => ({ key: id, name, examples: [] }));
		for (const { id, class: of, picture, name, noted } of state.examples) {
			const blob = pictures.get(picture);
			const home = classes.find((c) => c.key === of);
			if (!blob || !home) continue;
			/** @type {Example} */
			const example = { key: id, name, source: blob, thumbnail: null, state: "waiting" };
			home.examples.push(example);
			this.#files.set(example, Promise.resolve({ sum: picture, blob }));
			this.#ready.set(example, { sum: picture, blob });
			if (noted) this.#noted.add(example);
		}
		this.restoring = true;
		this.#task.restore(classes, state.lastKey);
		this.restoring = false;
		for (const [i, c] of classes.entries()) if (state.classes[i]?.untouched) untouched(c);
	}

	/** The engine that chains entries of the journal from now on. @param {Chainer} engine */
	start(engine) {
		this.#engine = engine;
		const { bundle } = engine.hashes;
		if (this.#begun && this.#bundle && this.#bundle !== bundle) this.#note("bundle-changed", { from: this.#bundle });
		this.#bundle = bundle;
		if (this.#begun) this.#soon();
	}

	/** Everything is kept that was done. */
	get safe() {
		return this.trouble === null && !this.#dirty && !this.busy && !this.#waits();
	}

	#waits() {
		return this.#task.classes.some((c) => c.examples.some((x) => this.#ready.get(x) === undefined));
	}

	/** End of the journal, once all that is known is in it; entries 0 where it is not kept. @returns {Promise<JournalEnd>} */
	async end() {
		await this.flush();
		return this.#pending.length > 0 || this.trouble ? { entries: 0, head: "" } : this.#end;
	}

	/**
	 * The journal as it is on the shelf, as JSON lines, and its end.
	 * @returns {Promise<{ bytes: Uint8Array<ArrayBuffer>, end: JournalEnd }>}
	 */
	async journal() {
		await this.flush();
		const lines = (await this.#parts.shelf?.journal()) ?? [];
		return { bytes: journalBytes(lines), end: this.#end };
	}

	/**
	 * Keeps a version that was taken into use. Fulfilled when it is kept, or cannot be.
	 * @param {AdaptResult} info
	 * @param {import("../kept.js").Packed} packed
	 */
	async version(info, { file, content, notes }) {
		this.#begin();
		const elsewhere = info.verdict.code === "imported";
		const made = elsewhere ? "" : await this.#made();
		this.versions.push({
			number: info.version, time: this.#now(), info, bundle: this.#bundle, content, sum: await sumOf(file), made, file, notes,
		});
		this.#fresh.push(/** @type {KeptVersion} */ (this.versions.at(-1)));
		this.current = info.version;
		this.stale = false;
		if (elsewhere) {
			this.#note("imported", { version: info.version }, content);
		} else {
			const { experts, tuning: t, where } = info;
			if (experts) this.#experts = this.#engine?.hashes.experts ?? "";
			this.#note("chosen", {
				head: info.head, strength: info.strength, ...(info.views > 1 && { views: info.views }), ...(experts && { experts: this.#experts, scores: experts.scores, changed: experts.changed }),
				...(t && { finetune: t.mode, steps: t.steps, rate: t.rate, part: t.part, moved: t.moved, "moved-share": t.changed }), ...at(where),
			});
			const { leaveOneOut: l } = info;
			if (l) this.#note("measured", { by: "leave-one-out", hits: l.hits, total: l.total, accuracy: l.total ? l.hits / l.total : 0 });
			this.#note("taken", { version: info.version, verdict: info.verdict.reason, ...at(where) }, content);
		}
		await this.flush();
	}

	/** What the engine says of a version from the terminal. @param {number} number @param {AdaptResult} info */
	inform(number, info) {
		const version = this.versions.find((v) => v.number === number);
		if (!version || version.info) return;
		version.info = info;
		this.#fresh.push(version);
		this.#soon();
	}

	/** Notes that an adaptation was not taken. @param {Pick<AdaptResult, "verdict" | "where">} refused */
	refused({ verdict, where }) {
		this.stale = false;
		this.#note("refused", { reason: verdict.reason, ...at(where) });
	}

	/** Another version is in use. @param {number} number */
	async use(number) {
		if (number === this.current) return;
		const content = this.versions.find((v) => v.number === number)?.content ?? "";
		this.#note("rolled-back", { from: this.current, to: number }, content);
		this.current = number;
		this.stale = false;
		await this.flush();
	}

	/** An adapter, or the whole task, has left the page. @param {Details} details @param {string} [content] */
	exported(details, content = "") {
		this.#note("exported", details, content);
	}

	/** Pictures, or an adapter, have gone to an endpoint. @param {Details} details @param {string} [content] */
	sent(details, content = "") {
		this.#note("sent", details, content);
	}

	/** Learn was pressed, or changes are waiting to be learnt. @param {{ learning: boolean, stale: boolean }} now */
	learns({ learning, stale }) {
		if (learning === this.learning && stale === this.stale) return;
		this.learning = learning;
		this.stale = stale;
		if (this.#begun) this.#soon();
	}

	/** What belongs to the task as one file: see taskfile.js. @returns {Promise<{ state: State, versions: KeptVersion[], pictures: Map<string, Blob>, journal: string }>} */
	async whole() {
		await this.flush();
		/** @type {Map<string, Blob>} */
		const pictures = new Map();
		for (const x of this.#task.classes.flatMap((c) => c.examples)) {
			const file = await this.#file(x);
			if (file) pictures.set(file.sum, file.blob);
		}
		const { bytes } = await this.journal();
		return { state: this.#state(), versions: this.versions, pictures, journal: new TextDecoder().decode(bytes) };
	}

	/** @param {Change} change */
	#follow(change) {
		if (this.restoring) return;
		// Empty classes that nobody has put anything into are not worth keeping.
		if (!this.#begun && change.kind !== "addExample") return;
		this.#begin();
		const { class: { key, name } } = change;
		switch (change.kind) {
			case "addClass":
				this.#note("class-added", { class: key, name });
				return;
			case "renameClass":
				this.#note("renamed", { class: key, name });
				return;
			case "removeClass":
				for (const x of change.class.examples) this.#noted.delete(x);
				this.#note("class-removed", { class: key, name });
				return;
			case "addExample":
				void this.#file(change.example).then(() => this.#soon());
				return;
			case "readExample":
				void this.#read(change.class, change.example);
				return;
			case "removeExample":
				if (this.#noted.delete(change.example)) {
					this.#note("removed", { example: change.example.key, class: key, picture: this.#ready.get(change.example)?.sum ?? "" });
				}
				this.#soon();
		}
	}

	/** The engine has taken it: the journal says so once. @param {Class} of @param {Example} example */
	async #read(of, example) {
		if (this.#noted.has(example)) return;
		const file = await this.#file(example);
		if (!file || !this.#task.has(of, example) || this.#noted.has(example)) return;
		this.#noted.add(example);
		this.#note("added", { example: example.key, class: of.key, picture: file.sum, name: `${of.name}/${example.name}` });
	}

	/** The first entries, of a task that nobody has touched until now. */
	#begin() {
		if (this.#begun) return;
		this.#begun = true;
		this.#note("begun", { task: crypto.randomUUID?.() ?? String(Math.random()).slice(2) });
		for (const { key, name } of this.#task.classes) this.#note("class-added", { class: key, name });
	}

	#now() {
		return this.#parts.now?.() ?? new Date().toISOString();
	}

	/** @param {string} kind @param {Details} details @param {string} [adapter] */
	#note(kind, details, adapter = "") {
		this.#pending.push({ time: this.#now(), kind, bundle: this.#bundle, adapter, details });
		this.#soon();
	}

	/** The file of an example; null where its bytes cannot be had. @param {Example} example */
	#file(example) {
		let file = this.#files.get(example);
		if (!file) {
			file = this.#makeFile(example).catch(() => null).then((made) => (this.#ready.set(example, made), made));
			this.#files.set(example, file);
		}
		return file;
	}

	/** @param {Example} example */
	async #makeFile({ source }) {
		const blob = source instanceof Blob ? source : await this.#parts.encode(source);
		return { sum: await sumOf(new Uint8Array(await blob.arrayBuffer())), blob };
	}

	/** What a version is made of, as the terminal says it: classes, and pictures in order. */
	async #made() {
		const { classes } = this.#task;
		const inUse = classes.filter((c) => c.examples.length > 0);
		const lines = inUse.map((c) => `class ${c.key}\n`);
		for (const c of inUse) for (const x of c.examples) lines.push(`${c.key} ${(await this.#file(x))?.sum ?? ""}\n`);
		return sumOf(new TextEncoder().encode(lines.join("")));
	}

	/** @returns {State} */
	#state() {
		const { classes, lastKey } = this.#task;
		return {
			format: 1, bundle: this.#bundle, experts: this.#experts,
			classes: classes.map((c) => ({ id: c.key, name: c.name, untouched: this.#parts.untouched?.(c) ?? false })),
			examples: classes.flatMap((c) => c.examples.flatMap((x) => {
				const file = this.#ready.get(x);
				return file ? [{ id: x.key, class: c.key, picture: file.sum, name: x.name, noted: this.#noted.has(x) }] : [];
			})),
			lastKey, current: this.current, learning: this.learning, stale: this.stale, ...this.#end, pending: this.#pending,
		};
	}

	#soon() {
		this.#dirty = true;
		queueMicrotask(() => void this.flush());
	}

	/** From now on nothing is kept: the page is about to be opened anew. */
	stop() {
		this.#parts = { ...this.#parts, shelf: null };
		this.#dirty = false;
	}

	/** Writes what is not written yet. Fulfilled when it is kept, or cannot be: `trouble` says. */
	async flush() {
		while (this.#dirty && this.#parts.shelf) {
			this.#writing ??= this.#write().finally(() => (this.#writing = null));
			await this.#writing;
			if (this.trouble) return;
		}
	}

	async #write() {
		const { shelf, onChange } = this.#parts;
		if (!shelf) return;
		this.#dirty = false;
		this.busy = true;
		onChange?.();
		const before = this.#end;
		const pending = [...this.#pending];
		/** @type {[number, string][]} */
		const lines = [];
		let { entries, head } = this.#end;
		for (const entry of this.#engine ? pending : []) {
			try {
				const chained = await /** @type {Chainer} */ (this.#engine).chain({ entries, head }, { ...entry, bundle: entry.bundle || this.#bundle });
				lines.push([++entries, chained.line]);
				head = chained.head;
			} catch (cause) {
				const { code } = typed(cause);
				if (code !== "died" && code !== "disposed") console.error(cause);
				break; // the next engine goes on
			}
		}
		const fresh = [...this.#fresh];
		/** @type {Map<string, Blob>} */
		const wanted = new Map();
		for (const x of this.#task.classes.flatMap((c) => c.examples)) {
			const file = this.#ready.get(x);
			if (file) wanted.set(file.sum, file.blob);
		}
		const state = { ...this.#state(), entries, head, pending: this.#pending.slice(lines.length) };
		const gone = [...this.#shelved].filter((sum) => !wanted.has(sum));
		const pictures = [...wanted].filter(([sum]) => !this.#shelved.has(sum));
		try {
			await shelf.write({ state, pictures, gone, versions: fresh, lines });
			this.#end = { entries, head };
			this.#pending.splice(0, lines.length);
			this.#fresh = this.#fresh.filter((v) => !fresh.includes(v));
			this.#shelved = new Set(wanted.keys());
			this.trouble = null;
		} catch (cause) {
			const error = /** @type {EngineError} */ (cause);
			console.info(`not kept: ${error.message}`);
			this.#end = before;
			this.trouble = error.code;
			this.#dirty = true; // with the next change
		}
		this.busy = false;
		onChange?.();
	}
}

/** In which place a step was done; nothing: in this tab. @param {string | undefined} where @returns {Details} */
const at = (where) => (where ? { where } : {});

/** A journal of these lines. @param {string[]} lines without line feeds */
export const journalBytes = (lines) => new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));

/**
 * sha256 in lower-case hexadecimal. A page that is not from https has none, and another sum of the same length instead: it only tells
 * pictures apart there.
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>}
 */
export async function sumOf(bytes) {
	const sum = await sha256(bytes);
	if (sum !== null) return sum;
	const words = Uint32Array.from({ length: 8 }, (_, i) => 0x811c9dc5 + i);
	for (const [i, b] of bytes.entries()) words[i & 7] = Math.imul((words[i & 7] ?? 0) ^ b ^ i, 0x01000193);
	return hex(new Uint8Array(words.buffer));
}
