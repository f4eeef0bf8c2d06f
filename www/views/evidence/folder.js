import { el } from "../element.js";
import { ConfusionTable } from "./confusion.js";
import { csv, saveCsv } from "../../csv.js";
import { share } from "../../evidence.js";
import { counted, folderRows } from "../../folder.js";
import { onLanguage, text } from "../../strings.js";

/** @import { Judged, Outcome } from "../../folder.js" */
/** @import { Class } from "../../task.js" */

/** Pictures of a cell that are shown. */
const atOnce = 24;

/** What came of a folder: how many are right, what is taken for what, and the whole as CSV. */
export class FolderView {
	element = el("section", { className: "folder", "aria-labelledby": "folder-title", hidden: true });
	#bar = el("progress", { "aria-labelledby": "folder-line" });
	#line = el("p", { id: "folder-line", role: "status" });
	#stop = el("button", { type: "button", say: "testStop" });
	#notes = el("p", { className: "soft" });
	/** @type {ConfusionTable<Judged & { of: Class }>} */
	#table;
	#cell = el("ul", { className: "pictures", hidden: true });
	#save = el("button", { type: "button", className: "strong", say: "testCsv" });
	#close = el("button", { type: "button", say: "testClose" });
	/** @type {Outcome | null} */
	#outcome = null;
	/** pictures of files that are shown @type {string[]} */
	#urls = [];

	/** @param {() => void} onStop @param {() => void} onClose */
	constructor(onStop, onClose) {
		this.#table = new ConfusionTable((cell) => this.#open(cell?.answers ?? []));
		this.#stop.addEventListener("click", onStop);
		this.#close.addEventListener("click", () => {
			this.element.hidden = true;
			this.#open([]);
			onClose();
		});
		this.#save.addEventListener("click", () => this.#outcome && saveCsv("haguruma-test.csv", csv(folderRows(this.#outcome))));
		this.element.append(el("h3", { id: "folder-title", say: "testTitle" }), this.#line, this.#bar, this.#stop, this.#notes, this.#table.element, this.#cell,
			el("div", { className: "tools" }, this.#save, this.#close));
		onLanguage(() => this.#outcome && this.done(this.#outcome));
	}

	/** @param {number} done @param {number} total */
	progress(done, total) {
		this.#outcome = null;
		this.element.hidden = false;
		this.#bar.max = Math.max(1, total);
		this.#bar.value = done;
		this.#line.textContent = text.testing(done, total);
		this.#bar.hidden = this.#stop.hidden = false;
		this.#notes.hidden = this.#table.element.hidden = this.#save.hidden = this.#close.hidden = true;
		this.#open([]);
	}

	/** @param {Outcome} outcome */
	done(outcome) {
		this.#outcome = outcome;
		const { classes, judged, failed, stopped } = outcome;
		const right = counted(outcome);
		this.#bar.hidden = this.#stop.hidden = true;
		if (right.length > 0) {
			const { hits, total, low, high } = share(right);
			this.#line.textContent = text.testRight(hits, total, text.percent(hits / total), text.percent(low), text.percent(high));
		} else {
			this.#line.textContent = text.testOnly(judged.length);
		}
		const other = judged.length - right.length;
		this.#notes.textContent = [stopped && text.testStopped, right.length > 0 && other > 0 && text.testOther(other), failed.length > 0 && text.testFailed(failed.length)].filter(Boolean).join(" ");
		this.#notes.hidden = this.#notes.textContent === "";
		this.#table.element.hidden = right.length === 0;
		this.#save.hidden = this.#close.hidden = false;
		this.#table.show(classes, right, text.testCaption);
	}

	/** @param {Judged[]} answers of a cell */
	#open(answers) {
		for (const url of this.#urls) URL.revokeObjectURL(url);
		this.#urls = [];
		this.#cell.hidden = answers.length === 0;
		this.#cell.replaceChildren(...answers.slice(0, atOnce).map(({ file, path, said, probabilities }) => {
			const url = URL.createObjectURL(file);
			this.#urls.push(url);
			return el("li", {}, el("img", { src: url, alt: "", width: 72, height: 72, loading: "lazy" }),
				el("div", {}, el("p", { className: "file", textContent: path }), el("p", { textContent: text.takenRight(said.name, text.percent(Math.max(...probabilities))) })));
		}));
	}
}
