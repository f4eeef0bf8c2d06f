import { byId, el } from "./element.js";
import { text } from "../strings.js";

/** @import { Progress } from "../engine.js" */

/** The line of the engine's state, notices with undo, and errors. */
export class Status {
	#bar = byId("load-bar", HTMLProgressElement);
	#line = byId("load-line", HTMLParagraphElement);
	#timing = byId("timing", HTMLSpanElement);
	#notices = byId("notices", HTMLDivElement);
	#alerts = byId("alerts", HTMLDivElement);
	/** @type {Map<Progress["part"], Progress>} */
	#parts = new Map();
	/** @type {HTMLElement | null} */
	#notice = null;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	#ending;

	loading() {
		this.#parts.clear();
		this.#bar.hidden = false;
		this.#bar.removeAttribute("value");
		this.#line.textContent = text.loading;
	}

	/** @param {Progress} progress */
	progress(progress) {
		this.#parts.set(progress.part, progress);
		const start = this.#parts.get("start");
		const shown = start ? [start] : [...this.#parts.values()];
		this.#line.textContent = `${text.loading}: ${shown.map(text.progress).join(" · ")}`;
		// A part that is sent compressed has no known length; the bar then speaks of the other while that lasts.
		const known = [...this.#parts.values()].filter((p) => p.part !== "start" && p.total !== null);
		const total = known.reduce((sum, p) => sum + (p.total ?? 0), 0);
		const loaded = known.reduce((sum, p) => sum + p.loaded, 0);
		if (start || loaded >= total) this.#bar.removeAttribute("value");
		else this.#bar.value = loaded / total;
	}

	/** @param {string} bundle */
	ready(bundle) {
		this.#bar.hidden = true;
		this.#line.textContent = text.ready(bundle);
	}

	stopped() {
		this.#bar.hidden = true;
		this.#line.textContent = text.whyBroken;
	}

	/** @param {number} ms */
	timing(ms) {
		this.#timing.textContent = text.timing(ms);
	}

	/**
	 * A short notice; the next one takes its place. One that offers an undo stays until it is closed.
	 * @param {string} sentence
	 * @param {(() => void) | null} [undo]
	 */
	say(sentence, undo = null) {
		clearTimeout(this.#ending);
		this.#notice?.remove();
		const notice = el("div", { className: "notice" }, el("p", { textContent: sentence }));
		this.#notice = notice;
		const close = () => {
			notice.remove();
			if (this.#notice === notice) this.#notice = null;
		};
		if (undo) {
			const button = el("button", { type: "button", className: "strong", textContent: text.undo });
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
	 * @param {string} sentence
	 * @param {{ list?: string[], retry?: () => void }} [more] lines below it; what "try again" does
	 */
	alert(sentence, { list = [], retry } = {}) {
		const alert = el("div", { className: "alert" }, el("p", { textContent: sentence }));
		if (list.length > 0) alert.append(el("ul", {}, ...list.map((line) => el("li", { textContent: line }))));
		if (retry) {
			const button = el("button", { type: "button", className: "strong", textContent: text.retry });
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
	const button = el("button", { type: "button", className: "icon", "aria-label": text.dismiss },
		el("span", { className: "cross", "aria-hidden": "true", textContent: "×" }));
	button.addEventListener("click", close);
	return button;
}
