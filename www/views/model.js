import { byId, el } from "./element.js";
import { onLanguage, text } from "../strings.js";

/** @import { EngineInfo } from "../engine.js" */

/**
 * @typedef {object} ModelActions
 * @property {(files: File[]) => void} choose
 * @property {(address: string) => void} open
 * @property {() => void} reset
 */

/** At the end of the page: which model it is, and another one in its place. */
export class ModelView {
	#facts = el("dl", { className: "facts" });
	#card = el("pre", { className: "card-text" });
	#reset = el("button", { type: "button", say: "modelReset", hidden: true });
	/** @type {{ info: EngineInfo, hash: string } | null} */
	#model = null;

	/** @param {ModelActions} actions */
	constructor(actions) {
		const input = el("input", { type: "file", multiple: true, accept: ".json,.zst,.safetensors", className: "hidden", tabIndex: -1, "aria-hidden": "true" });
		const choose = el("button", { type: "button", say: "modelChoose" });
		choose.addEventListener("click", () => input.click());
		input.addEventListener("change", () => {
			const files = [...(input.files ?? [])];
			input.value = "";
			if (files.length > 0) actions.choose(files);
		});
		const address = el("input", { type: "text", id: "model-address", inputMode: "url", autocomplete: "off", spellcheck: false });
		const form = el("form", { className: "tools" }, el("label", { htmlFor: "model-address", say: "modelAddress" }), address, el("button", { type: "submit", say: "modelOpen" }));
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			if (address.value.trim() !== "") actions.open(address.value);
		});
		this.#reset.addEventListener("click", () => actions.reset());
		byId("main", HTMLElement).append(el("details", { id: "model" }, el("summary", { say: "modelTitle" }), el("p", { className: "soft", say: "modelHint" }),
			this.#facts, this.#card, el("div", { className: "tools" }, choose, input, this.#reset), form));
		onLanguage(() => this.#draw());
	}

	/** @param {EngineInfo} info @param {string} hash of the bundle @param {boolean} own it is not the page's */
	show(info, hash, own) {
		this.#model = { info, hash };
		this.#reset.hidden = !own;
		this.#draw();
	}

	#draw() {
		if (!this.#model) return;
		const { info, hash } = this.#model;
		const rows = [[text.modelName, info.bundle], [text.modelBytes, text.megabytes(info.bytes)], [text.modelHash, hash]];
		this.#facts.replaceChildren(...rows.flatMap(([term, said]) => [el("dt", { textContent: term ?? "" }), el("dd", { textContent: said ?? "" })]));
		this.#card.textContent = info.card;
		this.#card.hidden = info.card === "";
	}
}
