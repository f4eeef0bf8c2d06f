import { byId } from "./element.js";
import { Undo } from "../undo.js";

/** @import { Status } from "./status.js" */
/** @import { Step } from "../undo.js" */

/** Undoing what was done last: in its notice, by a button that stays, and by the key for it. */
export class UndoView {
	#status;
	#button = byId("undo", HTMLButtonElement);
	#undo = new Undo(() => (this.#button.hidden = !this.#undo.last));

	/** @param {Status} status @param {HTMLElement} next has the focus when there is nothing more to undo */
	constructor(status, next) {
		this.#status = status;
		this.#button.addEventListener("click", () => {
			this.#back();
			if (!this.#undo.last) next.focus();
		});
		document.addEventListener("keydown", (event) => {
			if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
			if (event.target instanceof HTMLInputElement && event.target.type === "text") return; // what is typed has its own
			event.preventDefault();
			this.#back();
		});
	}

	/** @param {Step} [step] */
	#back(step) {
		const undone = this.#undo.undo(step);
		if (undone) this.#status.say(undone.done);
	}

	/** Says what was done, and offers to undo it. @param {Step} step */
	offer(step) {
		this.#undo.add(step);
		this.#status.say(step.what, () => this.#back(step));
	}
}
