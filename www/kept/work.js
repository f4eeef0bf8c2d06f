// The user's work as the page keeps it, put together: the shelf, the keeper, the views of versions and journal, and files in and out.

import { chosen, keepChoice } from "../choice.js";
import { EngineError, typed } from "../error.js";
import { endings, modelFile } from "../export.js";
import { FineTuning } from "../finetune.js";
import { keepTuning } from "../offline.js";
import { text } from "../strings.js";
import { CloserView } from "../views/closer.js";
import { ExportView } from "../views/export.js";
import { ended, FineTuneView } from "../views/finetune.js";
import { JournalView } from "../views/journal.js";
import { KeptView } from "../views/kept.js";
import { RefusedView, VersionsView } from "../views/versions.js";
import { encodePixels, fileName, save } from "./files.js";
import { journalBytes, Keeper } from "./keeper.js";
import { takeAdapter } from "./recall.js";
import { Shelf } from "./shelf.js";
import { readTaskFile, taskFile } from "./taskfile.js";

/** @import { ErrorCode } from "../engine.js" */
/** @import { Engine } from "../engine.js" */
/** @import { Runner } from "../runner.js" */
/** @import { Class, Task } from "../task.js" */
/** @import { Status } from "../views/status.js" */
/** @import { Kept } from "./shelf.js" */

/** A storage that does not answer is one that may not be used, ms. */
const patience = 20_000;

/** That the browser was asked to keep the page's storage. */
const askedKey = "haguruma.persist";

/** What the browser has kept. @typedef {{ shelf: Shelf | null, kept: Kept | null, why: ErrorCode | null }} Opened */

/** @returns {Promise<Opened>} never rejects */
export async function openShelf() {
	/** @type {Shelf | null} */
	let shelf = null;
	try {
		const late = new Promise((_, reject) => setTimeout(() => reject(new EngineError("storage_denied", "the storage does not answer")), patience));
		shelf = await /** @type {Promise<Shelf>} */ (Promise.race([Shelf.open(), late]));
		return { shelf, kept: await shelf.read(), why: null };
	} catch (cause) {
		const { code, message } = typed(cause);
		console.info(`nothing is kept: ${message}`);
		shelf?.close();
		return { shelf: null, kept: null, why: code };
	}
}

/**
 * @typedef {object} WorkParts
 * @property {Task} task
 * @property {Runner} runner
 * @property {Status} status
 * @property {WeakSet<Class>} untouched classes that the page named
 */

export class Work {
	keeper;
	#parts;
	#shelf;
	/** @type {Engine | null} */
	#engine = null;
	#versions;
	#journal;
	#refused;
	#tuning;
	#finetune;
	#closer;
	#export;
	#view;
	/** the trouble that was told @type {ErrorCode | null} */
	#told = null;
	/** @type {HTMLElement | null} */
	#alert = null;

	/** @param {WorkParts} parts @param {Opened} opened */
	constructor(parts, { shelf, kept, why }) {
		const { task, runner, untouched } = parts;
		this.#parts = parts;
		this.#shelf = shelf;
		this.keeper = new Keeper(task, {
			shelf, kept, why, encode: encodePixels, untouched: (of) => untouched.has(of), onChange: () => this.update(),
		});
		this.#versions = new VersionsView((number) => runner.useVersion(number));
		this.#tuning = new FineTuning(runner, this.keeper);
		this.#finetune = new FineTuneView((options) => this.#tune(options));
		this.#closer = new CloserView((on) => runner.useViews(on));
		this.#refused = new RefusedView(() => void (this.#tuning.overrule() || runner.overrule()));
		this.#journal = new JournalView(async () => {
			const { bytes, end } = await this.keeper.journal();
			if (!this.#engine) throw new EngineError("died", "no engine yet");
			return this.#engine.journal(bytes, end);
		});
		this.#export = new ExportView((format, options) => this.#saveModel(format, options));
		this.#view = new KeptView({
			saveTask: () => void this.#try(() => this.#saveTask()),
			openTask: (file) => void this.#try(() => this.#openTask(file)),
			saveAdapter: () => void this.#try(() => this.#saveAdapter()),
			openAdapter: (file) => void this.#try(() => this.#openAdapter(file)),
			forget: () => void this.#try(() => this.#forget()),
		}, this.#versions.element, this.#export.element, this.#journal.element);
		// Below the pad, which they would push away while somebody draws.
		document.getElementById("try")?.after(this.#refused.element);
		document.getElementById("gears")?.after(this.#closer.element, this.#finetune.element);
		runner.keep(this.keeper);
	}

	/** Puts what was kept into the task; false: there was nothing. */
	restore() {
		this.keeper.restore((of) => this.#parts.untouched.add(of));
		this.update();
		return this.#parts.task.classes.length > 0;
	}

	/** @param {Engine} engine */
	start(engine) {
		this.#engine = engine;
	}

	/** Brings what is shown up to date. */
	update() {
		const { keeper } = this;
		const { task, runner, status } = this.#parts;
		this.#versions.update(keeper.versions, keeper.current);
		this.#refused.update(runner.refused);
		this.#closer.update(runner.adapted, runner.refused);
		const inUse = runner.adapted ? keeper.current : 0;
		this.#finetune.update(inUse, task.waiting === 0);
		this.#export.update(inUse);
		this.#view.update({
			trouble: keeper.trouble, safe: keeper.safe, begun: task.exampleCount > 0 || keeper.versions.length > 0, version: keeper.current > 0,
		});
		if (!keeper.busy) void this.#journal.update();
		const trouble = task.exampleCount > 0 ? keeper.trouble : null;
		if (trouble === this.#told) return;
		this.#told = trouble;
		this.#alert?.remove();
		this.#alert = trouble ? status.alert(() => text.errors[trouble]) : null;
	}

	/** Leaving the page would lose something. */
	get unsafe() {
		return this.#parts.task.exampleCount > 0 && !this.keeper.safe;
	}

	/** The browser is asked once not to make room at the cost of this page: when something has been learnt. */
	async persist() {
		if (!this.#shelf || !navigator.storage?.persist || chosen(askedKey)) return;
		keepChoice(askedKey, "yes");
		if (!(await navigator.storage.persisted())) await navigator.storage.persist();
	}

	/** @type {import("../views/finetune.js").Run} */
	async #tune({ onProgress, signal }) {
		const { runner, status } = this.#parts;
		try {
			const out = await this.#tuning.start({ signal, onProgress: this.#keepingEngine(onProgress) });
			if (out.outcome === "taken") status.say(() => text.versionTuned(""), () => runner.useVersion(out.result.parent));
			this.update();
			return ended(out);
		} catch (cause) {
			const { code, message } = typed(cause);
			console.info(`${code}: ${message}`);
			return { said: () => text.errors[code], fades: true };
		}
	}

	/**
	 * Keeps the engine that is fetched when it is asked for, once it has come.
	 * @template {{ at: string }} W
	 * @param {(where: W) => void} onProgress
	 * @returns {(where: W) => void}
	 */
	#keepingEngine(onProgress) {
		let fetched = false;
		return (where) => {
			if (where.at !== "engine" && !fetched) void keepTuning().then((kept) => this.#parts.status.offline(kept));
			fetched = where.at !== "engine";
			onProgress(where);
		};
	}

	/** @type {import("../views/export.js").Run} */
	async #saveModel(format, { onProgress, signal }) {
		try {
			const { version, name } = this.#inUse(endings[format]);
			if (!this.#engine) throw new EngineError("died", "no engine yet");
			const file = await modelFile(this.#engine, version, format, { signal, onProgress: this.#keepingEngine(onProgress) });
			save(file, name);
			this.keeper.exported({ file: name, version: version.number }, version.content);
			return () => text.exportDone(name, text.megabytes(file.size));
		} catch (cause) {
			const { code, message } = typed(cause);
			console.info(`${code}: ${message}`);
			return () => (code === "aborted" ? text.exportStopped : code === "download" ? text.exportOffline : text.errors[code]);
		}
	}

	/** The version in use, and what a file of it is called. @param {string} ending */
	#inUse(ending) {
		const version = this.keeper.versions.find((v) => v.number === this.keeper.current);
		if (!version) throw new EngineError("not_adapted", "nothing is in use");
		const names = version.info?.classes.map((c) => c.name) ?? [];
		return { version, name: `${fileName(names.slice(0, 3).join("-"))}${ending}` };
	}

	async #saveTask() {
		const whole = await this.keeper.whole();
		const names = whole.state.classes.map((c) => c.name);
		save(await taskFile(whole), `${fileName(names.slice(0, 3).join("-"))}.task.zip`);
		this.keeper.exported({ file: "task.zip" });
	}

	/** @param {File} file */
	async #openTask(file) {
		const { state, versions, pictures, lines } = await readTaskFile(file);
		if (this.#engine) {
			const { problem } = await this.#engine.journal(journalBytes(lines), { entries: state.entries, head: state.head });
			if (problem) throw new EngineError("task_file", `journal: ${problem}`);
		}
		if (!this.#shelf) throw new EngineError(this.keeper.trouble ?? "storage_denied", "a task's file is opened into the storage");
		if (this.#parts.task.exampleCount > 0 && !confirm(text.openTaskSure)) return;
		state.pending.push({ time: new Date().toISOString(), kind: "imported", bundle: state.bundle, adapter: "", details: { file: file.name } });
		await this.keeper.flush();
		await this.#shelf.write({ state, versions, pictures: [...pictures], lines: lines.map((line, i) => [i + 1, line]) }, true);
		this.keeper.stop();
		location.reload();
	}

	async #saveAdapter() {
		const { version, name } = this.#inUse(".safetensors");
		save(new Blob([version.file], { type: "application/octet-stream" }), name);
		this.keeper.exported({ file: name, version: version.number }, version.content);
	}

	/** @param {File} file */
	async #openAdapter(file) {
		const { runner, task } = this.#parts;
		await takeAdapter(runner, task, new Uint8Array(await file.arrayBuffer()));
		this.update();
	}

	async #forget() {
		this.keeper.stop();
		await this.keeper.flush();
		await this.#shelf?.clear();
		location.reload();
	}

	/** @param {() => Promise<void>} act */
	async #try(act) {
		try {
			await act();
		} catch (cause) {
			const { code, message } = typed(cause);
			console.info(`${code}: ${message}`);
			this.#parts.status.alert(() => text.errors[code]);
		}
	}
}
