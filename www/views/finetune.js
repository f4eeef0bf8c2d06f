import { el } from "./element.js";
import { onLanguage, text } from "../strings.js";
import { TimeLeft } from "../finetune.js";
import { setDisabled } from "./pad.js";
import { verdict } from "./versions.js";

/** @import { Outcome, Where } from "../finetune.js" */

/** What is said at the end, and whether it is of the version in use. @typedef {{ said: () => string, fades: boolean }} Ended */
/** Fine-tunes; never rejects. @typedef {(options: { onProgress: (where: Where) => void, signal: AbortSignal }) => Promise<Ended>} Run */

/** Fine-tuning, folded away at the end of the side: what it is for, a bar with steps and time left, and what came of it. */
export class FineTuneView {
	element;
	#hint = el("p", { id: "finetune-hint", say: "finetuneHint" });
	#start = el("button", { type: "button", say: "finetuneStart", "aria-describedby": "finetune-hint" });
	#stop = el("button", { type: "button", say: "finetuneStop", hidden: true });
	#bar = el("progress", { id: "finetune-bar", max: 1, hidden: true, "aria-labelledby": "finetune-title", "aria-describedby": "finetune-where" });
	/** told to who does not see the bar */
	#line = el("p", { id: "finetune-line", role: "status" });
	/** changes all the time, so it is not */
	#where = el("p", { id: "finetune-where", hidden: true });
	/** @type {() => string} */
	#said = () => "";
	/** @type {() => string} */
	#place = () => "";
	/** @type {AbortController | null} */
	#running = null;
	/** in use */
	#version = 0;
	/** what is said is of the version in use, and goes with it */
	#fades = true;

	/** @param {Run} run */
	constructor(run) {
		this.element = el("details", { id: "finetune", hidden: true }, el("summary", { id: "finetune-title", say: "finetuneTitle" }),
			el("div", {}, this.#hint, el("div", {}, this.#start, this.#stop), this.#bar, this.#where, this.#line));
		this.#start.addEventListener("click", () => {
			if (this.#start.getAttribute("aria-disabled") !== "true") void this.#run(run);
		});
		this.#stop.addEventListener("click", () => {
			this.#running?.abort();
			this.#end({ said: () => text.finetuneStopped, fades: true });
		});
		onLanguage(() => this.#say());
	}

	/** @param {number} version in use; 0: nothing that could be fine-tuned @param {boolean} ready no picture waits to be read */
	update(version, ready) {
		this.element.hidden = version === 0 && !this.#running;
		setDisabled(this.#start, !ready);
		if (version === this.#version) return;
		this.#version = version;
		if (this.#running || !this.#fades) return;
		this.#said = () => "";
		this.#say();
	}

	#say() {
		const said = this.#said();
		if (this.#line.textContent !== said) this.#line.textContent = said;
		this.#where.textContent = this.#place();
	}

	/** @param {Run} run */
	async #run(run) {
		const own = (this.#running = new AbortController());
		this.#toggle(true);
		this.#said = () => text.finetuneBusy;
		this.#place = () => "";
		this.#say();
		const left = new TimeLeft();
		const ended = await run({ signal: own.signal, onProgress: (where) => this.#running === own && this.#show(where, left) });
		if (this.#running === own) this.#end(ended);
	}

	/** @param {Ended} ended */
	#end({ said, fades }) {
		this.#running = null;
		this.#said = said;
		this.#fades = fades;
		this.#say();
		this.#toggle(false);
	}

	/** One of the two buttons is there; the focus goes along. @param {boolean} running */
	#toggle(running) {
		const [shown, gone] = running ? [this.#stop, this.#start] : [this.#start, this.#stop];
		const focused = document.activeElement === gone;
		shown.hidden = false;
		gone.hidden = true;
		if (focused) shown.focus();
		this.#bar.hidden = this.#where.hidden = !running;
		this.#hint.hidden = running;
		this.#bar.removeAttribute("value");
	}

	/** @param {Where} where @param {TimeLeft} left */
	#show(where, left) {
		const share = where.at === "engine" ? where.progress.part === "engine" && where.progress.total ? where.progress.loaded / where.progress.total : 0
			: where.at === "steps" ? where.done / Math.max(1, where.total) : 0;
		if (share > 0) this.#bar.value = share;
		else this.#bar.removeAttribute("value");
		const ms = where.at === "steps" ? left.at(where.done, where.total, performance.now()) : null;
		this.#place = () => words(where, ms);
		this.#say();
	}
}

/** @param {Where} where @param {number | null} ms that are left */
function words(where, ms) {
	if (where.at === "engine") return text.problem(text.finetuneEngine, text.progress(where.progress));
	if (where.at === "pictures") return text.finetunePictures(where.done + 1, where.total);
	if (where.done === 0) return text.finetuneReady;
	const steps = text.finetuneSteps(where.done, where.total);
	return ms === null ? steps : [steps, text.finetuneLeft(rounded(ms / 1000))].join(text.listComma);
}

/** As exactly as it is known. @param {number} seconds */
const rounded = (seconds) => (seconds > 10 ? 5 * Math.ceil(seconds / 5) : Math.max(1, Math.ceil(seconds)));

/** What is said of an outcome. @param {Outcome} out @returns {Ended} */
export function ended(out) {
	switch (out.outcome) {
		case "taken": {
			const { result } = out;
			return {
				said: () => text.sentences(text.finetuneTaken(text.version(result.version), text.percent(result.tuning?.changed ?? 0)), verdict(result)),
				fades: true,
			};
		}
		case "refused":
			return { said: () => text.finetuneRefused, fades: true };
		case "nothing":
			return { said: () => text.finetuneNothing, fades: true };
		case "stopped":
			return { said: () => text.finetuneStopped, fades: true };
		case "changed":
			return { said: () => text.finetuneChanged, fades: false };
	}
}
