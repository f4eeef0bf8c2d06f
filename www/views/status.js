import { byId, el } from "./element.js";
import { paced } from "../paced.js";
import { onLanguage, text } from "../strings.js";

/** @import { Progress } from "../engine.js" */
/** @import { Kept } from "../sw.js" */

/** The line of the engine's state, notices with undo, and errors. */
export class Status {
	#bar = byId("load-bar", HTMLProgressElement);
	#line = byId("load-line", HTMLParagraphElement);
	#offline = byId("offline-line", HTMLParagraphElement);
	#timing = byId("timing", HTMLSpanElement);
	#notices = byId("notices", HTMLDivElement);
	#alerts = byId("alerts", HTMLDivElement);
	/** @type {Map<Progress["part"], Progress>} */
	#parts = new Map();
	/** @type {HTMLElement | null} */
	#notice = null;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	#ending;
	/** what each element says, in the language in use @type {Map<Element, () => string>} */
	#said = new Map();

	constructor() {
		onLanguage(() => {
			for (const [element, sentence] of this.#said) {
				// What is closed is not said again, ever.
				if (element.isConnected) element.textContent = sentence();
				else this.#said.delete(element);
			}
		});
	}

	/** @template {Element} E @param {E} element @param {() => string} sentence */
	#say(element, sentence) {
		this.#said.set(element, sentence);
		element.textContent = sentence();
		return element;
	}

	loading() {
		this.#parts.clear();
		this.#bar.hidden = false;
		this.#bar.removeAttribute("value");
		this.#say(this.#line, () => text.loading);
	}

	/** @param {Progress} progress */
	progress(progress) {
		this.#parts.set(progress.part, progress);
		this.#advance();
	}

	#advance = paced(() => {
		if (this.#bar.hidden) return; // it has ended meanwhile
		const start = this.#parts.get("start");
		const shown = start ? [start] : [...this.#parts.values()];
		this.#say(this.#line, () => text.problem(text.loading, shown.map(text.progress).join(" · ")));
		// A part that is sent compressed has no known length; the bar then speaks of the other while that lasts.
		const known = [...this.#parts.values()].filter((p) => p.part !== "start" && p.total !== null);
		const total = known.reduce((sum, p) => sum + (p.total ?? 0), 0);
		const loaded = known.reduce((sum, p) => sum + p.loaded, 0);
		if (start || loaded >= total) this.#bar.removeAttribute("value");
		else this.#bar.value = loaded / total;
	});

	/** @param {string} bundle */
	ready(bundle) {
		this.#bar.hidden = true;
		this.#say(this.#line, () => text.ready(bundle));
	}

	stopped() {
		this.#bar.hidden = true;
		this.#say(this.#line, () => text.whyBroken);
	}

	/** Whether the page can be opened without a network; nothing is said where that cannot be. @param {Kept | null} kept */
	offline(kept) {
		if (kept?.kept) this.#say(this.#offline, () => text.offlineReady(kept.bytes));
		else if (kept?.why === "room") this.#say(this.#offline, () => text.offlineRoom);
	}

	/** @param {number} ms @param {string} [where] an endpoint; default: this tab */
	timing(ms, where) {
		this.#say(this.#timing, () => (where ? text.endpointTiming(ms, where) : text.timing(ms)));
	}

	/**
	 * A short notice; the next one takes its place. One that offers an undo stays until it is closed.
	 * @param {() => string} sentence
	 * @param {(() => void) | null} [undo]
	 */
	say(sentence, undo = null) {
		clearTimeout(this.#ending);
		this.#notice?.remove();
		const notice = el("div", { className: "notice" }, this.#say(el("p"), sentence));
		this.#notice = notice;
		const close = () => {
			notice.remove();
			if (this.#notice === notice) this.#notice = null;
		};
		if (undo) {
			const button = el("button", { type: "button", className: "strong", say: "undo" });
			button.addEventListener("click", () => {
				close();
				undo();
			});
			notice.append(button, closeButton(close));
		} else {
			this.#ending = setTimeout(close, 6000);
		}
		this.#notices.append(notice);
	}

	/**
	 * An error, until it is closed. One that can be tried again cannot be closed: there would be no way on.
	 * @param {() => string} sentence
	 * @param {{ list?: (() => string)[], retry?: () => void }} [more] lines below it; what "try again" does
	 */
	alert(sentence, { list = [], retry } = {}) {
		const alert = el("div", { className: "alert" }, this.#say(el("p"), sentence));
		if (list.length > 0) alert.append(el("ul", {}, ...list.map((line) => this.#say(el("li"), line))));
		if (retry) {
			const button = el("button", { type: "button", className: "strong", say: "retry" });
			button.addEventListener("click", () => {
				alert.remove();
				retry();
			});
			alert.append(button);
		} else {
			alert.append(closeButton(() => alert.remove()));
		}
		this.#alerts.append(alert);
		return alert;
	}
}

/** @param {() => void} close */
function closeButton(close) {
	const button = el("button", { type: "button", className: "icon", label: "dismiss" },
		el("span", { className: "cross", "aria-hidden": "true", textContent: "×" }));
	button.addEventListener("click", close);
	return button;
}
