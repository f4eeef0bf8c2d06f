import { el } from "./element.js";
import { onLanguage, text } from "../strings.js";
import { typed } from "../error.js";

/** @import { AdaptResult } from "../adaptation.js" */

/** A switch for learning from views of each picture, and what is in use: folded away, so that the answers above stay within reach. */
export class CloserView {
	element;
	#switch = el("input", { type: "checkbox", role: "switch", id: "use-views", "aria-describedby": "closer-line" });
	#line = el("p", { id: "closer-line", role: "status" });
	/** what it did not learn for, when the switch was turned last @type {() => string} */
	#failed = () => "";
	#busy = false;
	/** of each picture, in what is in use and in what was refused last */
	#views = [1, 1];

	/** @param {(on: boolean) => Promise<void>} onSwitch rejects with an EngineError */
	constructor(onSwitch) {
		this.element = el("details", { id: "closer", hidden: true }, el("summary", { id: "closer-title", say: "closerTitle" }),
			el("div", {}, el("label", { className: "switch" }, this.#switch, el("span", { say: "useViews" })), this.#line));
		this.#switch.addEventListener("change", () => void this.#turn(onSwitch));
		onLanguage(() => this.#say());
	}

	/** @param {(on: boolean) => Promise<void>} onSwitch */
	async #turn(onSwitch) {
		this.#busy = true;
		this.#failed = () => "";
		this.#say();
		try {
			await onSwitch(this.#switch.checked);
		} catch (cause) {
			const { code } = typed(cause);
			this.#failed = () => text.errors[code];
		}
		this.#busy = false;
		this.#say();
	}

	/** @param {AdaptResult | null} adapted what is in use @param {AdaptResult | null} refused what was worse than it */
	update(adapted, refused) {
		this.element.hidden = !adapted || Boolean(adapted.where); // an endpoint learns from the pictures as they are
		if (!adapted) this.#busy = false; // the engine was started again, and has forgotten what it was to do
		this.#views = [adapted?.views ?? 1, refused?.views ?? 1];
		this.#say();
	}

	#say() {
		const [inUse, refused] = this.#views;
		this.#switch.disabled = this.#busy;
		if (!this.#busy) this.#switch.checked = inUse > 1;
		const said = this.#busy ? text.closerBusy : this.#failed() || (inUse > 1 ? text.closerUsed(inUse) : refused > 1 ? text.closerWorse : text.closerHint);
		if (this.#line.textContent !== said) this.#line.textContent = said;
	}
}
