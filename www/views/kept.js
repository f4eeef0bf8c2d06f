import { byId, el } from "./element.js";
import { onLanguage, text } from "../strings.js";

/** @import { ErrorCode } from "../engine.js" */

/**
 * @typedef {object} KeptActions
 * @property {() => void} saveTask
 * @property {(file: File) => void} openTask
 * @property {() => void} saveAdapter
 * @property {(file: File) => void} openAdapter
 * @property {() => void} forget
 */

/** Below the steps: whether the work is kept, files in and out, and what hangs below, such as versions and the journal. */
export class KeptView {
	element;
	#line = el("p", { id: "kept-line", role: "status" });
	#saveTask = el("button", { type: "button", say: "saveTask" });
	#saveAdapter = el("button", { type: "button", say: "saveAdapter" });
	/** @type {() => string} */
	#sentence = () => text.keptYet;

	/** @param {KeptActions} actions @param {...HTMLElement} below */
	constructor(actions, ...below) {
		const forget = el("button", { type: "button", className: "quiet", say: "forget" });
		this.element = el("section", { id: "kept", "aria-labelledby": "kept-title" }, el("h2", { id: "kept-title", say: "keptTitle" }), this.#line,
			el("div", { className: "tools" }, this.#saveTask, ...opener("openTask", ".zip", actions.openTask),
				this.#saveAdapter, ...opener("openAdapter", ".safetensors", actions.openAdapter), forget),
			...below);
		byId("main", HTMLElement).append(this.element);
		this.#saveTask.addEventListener("click", () => !disabled(this.#saveTask) && actions.saveTask());
		this.#saveAdapter.addEventListener("click", () => !disabled(this.#saveAdapter) && actions.saveAdapter());
		forget.addEventListener("click", () => {
			if (confirm(text.forgetSure)) actions.forget();
		});
		onLanguage(() => (this.#line.textContent = this.#sentence()));
		this.#line.textContent = this.#sentence();
	}

	/**
	 * @param {object} now
	 * @param {ErrorCode | null} now.trouble why the last change is not kept
	 * @param {boolean} now.safe everything is kept
	 * @param {boolean} now.begun there is something to keep
	 * @param {boolean} now.version a version is in use
	 */
	update({ trouble, safe, begun, version }) {
		this.#sentence = () => (trouble ? text.errors[trouble] : !begun ? text.keptYet : safe ? text.keptHere : text.keptBusy);
		const sentence = this.#sentence();
		if (this.#line.textContent !== sentence) this.#line.textContent = sentence;
		this.#line.classList.toggle("bad", trouble !== null);
		this.#saveTask.setAttribute("aria-disabled", String(!begun));
		this.#saveAdapter.setAttribute("aria-disabled", String(!version));
	}
}

/** @param {HTMLElement} button */
const disabled = (button) => button.getAttribute("aria-disabled") === "true";

/** A button that lets a file be chosen. @param {string} say @param {string} accept @param {(file: File) => void} onFile */
function opener(say, accept, onFile) {
	const input = el("input", { type: "file", accept, className: "hidden", tabIndex: -1, "aria-hidden": "true" });
	const button = el("button", { type: "button", say });
	button.addEventListener("click", () => input.click());
	input.addEventListener("change", () => {
		const file = input.files?.[0];
		if (file) onFile(file);
		input.value = "";
	});
	return [button, input];
}
