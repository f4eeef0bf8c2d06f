import { byId, el } from "./element.js";
import { text } from "../strings.js";

/** @import { Choice } from "../engine.js" */

/** What the experts chose: a switch, a bar for each that is turned, and where in the model they change something. */
export class GearsView {
	#section = byId("gears", HTMLElement);
	#switch = byId("use-gears", HTMLInputElement);
	#line = byId("gears-line", HTMLParagraphElement);
	#bars = byId("gear-bars", HTMLUListElement);
	#where = byId("gears-where", HTMLDetailsElement);
	#parts = byId("gear-parts", HTMLUListElement);

	/** @param {(on: boolean) => void} onSwitch */
	constructor(onSwitch) {
		this.#switch.addEventListener("change", () => onSwitch(this.#switch.checked));
	}

	/** @param {boolean} there the model has gears */
	show(there) {
		this.#section.hidden = !there;
	}

	/**
	 * @param {"coming" | "ready" | "missing"} state
	 * @param {boolean} learnt something is in use
	 * @param {Choice | null} choice of what is in use
	 */
	update(state, learnt, choice) {
		this.#switch.disabled = state !== "ready";
		const turned = choice?.scores.flatMap((score, i) => (score > 0 ? [{ name: text.gear(i + 1), share: score }] : [])) ?? [];
		if (state === "coming") this.#line.textContent = text.gearsComing;
		else if (state === "missing") this.#line.textContent = text.gearsMissing;
		else if (choice) this.#line.textContent = text.gearsChosen(turned.length, choice.scores.length, text.percent(choice.changed));
		else this.#line.textContent = this.#switch.checked && !learnt ? text.gearsFirst : text.gearsOff;
		this.#bars.replaceChildren(...turned.map(bar));
		this.#where.hidden = !choice;
		const parts = choice?.parts.filter(({ changed }) => changed > 0) ?? [];
		this.#parts.replaceChildren(...parts.map(({ name, changed }) => bar({ name: text.part(name), share: changed })));
	}
}

/** @param {{ name: string, share: number }} row */
function bar({ name, share }) {
	const fill = el("span", { className: "bar-fill" });
	fill.style.setProperty("--share", String(share));
	return el("li", { className: "bar gear-bar" }, el("span", { className: "bar-name", textContent: name }),
		el("span", { className: "bar-track", "aria-hidden": "true" }, fill), el("span", { className: "bar-percent", textContent: text.percent(share) }));
}
