import { el } from "./element.js";
import { save } from "../kept/files.js";
import { text } from "../strings.js";

/** @import { JournalRead } from "../kept.js" */

/** Entries that are shown; the file has all. */
const most = 200;

/** What was done to the task, the newest first, and whether any of it was changed since. */
export class JournalView {
	element = el("details", { id: "journal" }, el("summary", { say: "journal" }));
	#line = el("p", { role: "status" });
	#save = el("button", { type: "button", say: "journalSave" });
	#body = el("tbody");
	#read;
	/** @type {JournalRead | null} */
	#last = null;

	/** @param {() => Promise<JournalRead>} read */
	constructor(read) {
		this.#read = read;
		const head = el("thead", {}, el("tr", {}, ...["journalNumber", "journalTime", "journalKind", "journalDetails"].map((say) => el("th", { scope: "col", say }))));
		this.element.append(el("p", { say: "journalHint" }), this.#line, el("p", { className: "tools" }, this.#save),
			el("div", { className: "scroll", tabIndex: 0, role: "region", label: "journal" }, el("table", {}, head, this.#body)));
		this.element.addEventListener("toggle", () => void this.update());
		this.#save.addEventListener("click", async () => {
			await this.update();
			if (this.#last) save(new Blob([this.#last.csv], { type: "text/csv" }), "journal.csv");
		});
	}

	/** Reads it again where it is open. */
	async update() {
		if (!this.element.open) return;
		try {
			this.#last = await this.#read();
		} catch (cause) {
			console.info(`journal: ${cause}`);
			this.#line.textContent = text.whyLoading;
			return;
		}
		const { entries, problem } = this.#last;
		this.#line.textContent = problem ? text.journalBroken(problem) : text.journalWhole(entries.length);
		this.#line.classList.toggle("bad", problem !== "");
		/** @type {Record<string, string>} */
		const kinds = text.entryKinds;
		this.#body.replaceChildren(...entries.slice(-most).reverse().map(({ number, time, kind, words }) => el("tr", {},
			el("td", { textContent: String(number) }), el("td", { textContent: text.when(time) }),
			el("td", { textContent: kinds[kind] ?? kind }), el("td", { textContent: words }))));
	}
}
