import { el } from "./element.js";
import { onLanguage, text } from "../strings.js";
import { setDisabled } from "./pad.js";

/** @import { ModelFormat } from "../engine.js" */
/** @import { Where } from "../export.js" */

/** Saves a file and says what came of it; never rejects. @typedef {(format: ModelFormat, options: { onProgress: (where: Where) => void, signal: AbortSignal }) => Promise<() => string>} Run */

/** The model for other programs, folded away among what is kept: a button for each format, a bar while a file is made, and what came of it. */
export class ExportView {
	element;
	#run;
	#save = { onnx: el("button", { type: "button", say: "exportOnnx" }), safetensors: el("button", { type: "button", say: "exportSafetensors" }) };
	#stop = el("button", { type: "button", say: "exportStop", hidden: true });
	#bar = el("progress", { id: "export-bar", max: 1, hidden: true, "aria-labelledby": "export-title", "aria-describedby": "export-where" });
	/** changes all the time, so it is not told to who does not see the bar; the line is */
	#where = el("p", { id: "export-where", hidden: true });
	#line = el("p", { id: "export-line", role: "status" });
	/** @type {() => string} */
	#said = () => "";
	/** @type {() => string} */
	#place = () => "";
	/** @type {AbortController | null} */
	#running = null;
	/** in use */
	#version = 0;

	/** @param {Run} run */
	constructor(run) {
		this.#run = run;
		this.element = el("details", { id: "export", hidden: true }, el("summary", { id: "export-title", say: "exportTitle" }), el("p", { id: "export-hint", className: "soft", say: "exportHint" }),
			el("div", { className: "tools" }, this.#save.onnx, this.#save.safetensors, this.#stop), this.#bar, this.#where, this.#line);
		for (const format of /** @type {const} */ (["onnx", "safetensors"])) {
			this.#save[format].setAttribute("aria-describedby", "export-hint");
			this.#save[format].addEventListener("click", () => void (this.#running || this.#start(format)));
		}
		this.#stop.addEventListener("click", () => this.#running?.abort());
		onLanguage(() => this.#draw());
	}

	/** @param {number} version in use; 0: nothing that could be saved */
	update(version) {
		this.element.hidden = version === 0 && !this.#running;
		if (version !== this.#version && !this.#running) this.#said = () => ""; // it was of another one
		this.#version = version;
		this.#draw();
	}

	/** @param {ModelFormat} format */
	async #start(format) {
		const own = (this.#running = new AbortController());
		this.#said = () => text.exportBusy;
		this.#place = () => "";
		this.#bar.removeAttribute("value");
		this.#draw();
		this.#said = await this.#run(format, { signal: own.signal, onProgress: (where) => this.#show(where) });
		this.#running = null;
		if (document.activeElement === this.#stop) this.#save[format].focus(); // that button goes
		this.#draw();
	}

	/** @param {Where} where */
	#show(where) {
		const share = where.at === "engine" && where.progress.part === "engine" && where.progress.total ? where.progress.loaded / where.progress.total : 0;
		if (share > 0) this.#bar.value = share;
		else this.#bar.removeAttribute("value");
		this.#place = () => (where.at === "file" ? text.exportWriting : text.problem(text.exportEngine, text.progress(where.progress)));
		this.#draw();
	}

	#draw() {
		const busy = this.#running !== null;
		for (const button of Object.values(this.#save)) setDisabled(button, busy);
		this.#stop.hidden = this.#bar.hidden = this.#where.hidden = !busy;
		for (const [line, said] of /** @type {const} */ ([[this.#line, this.#said()], [this.#where, this.#place()]])) if (line.textContent !== said) line.textContent = said;
	}
}
