import { byId, el, sayIt } from "./element.js";
import { onLanguage, text } from "../strings.js";

/** @import { Trouble } from "../endpoint.js" */

/**
 * @typedef {object} EndpointActions
 * @property {(address: string, token: string, keep: boolean) => void} use
 * @property {() => void} stop
 * @property {() => void} retry
 * @property {(name: string) => void} open a classifier that is there
 */

/** What is in use. @typedef {{ where: string, name: string, trouble: Trouble | null }} InUse name: of the page's classifier there; "": none yet */

/** At the end of the page: an endpoint to work with; and at its top, as long as it does, that pictures leave the device. */
export class EndpointView {
	#sign = el("div", { id: "endpoint-sign", hidden: true });
	#line = el("p", { role: "status" });
	#retry = el("button", { type: "button", say: "endpointRetry" });
	#address = el("input", { type: "text", id: "endpoint-address", inputMode: "url", autocomplete: "off", spellcheck: false, placeholder: location.origin });
	#token = el("input", { type: "password", id: "endpoint-token", autocomplete: "off", spellcheck: false, required: true });
	#keep = el("input", { type: "checkbox", id: "endpoint-keep" });
	#form;
	#there;
	#name = el("p", { className: "endpoint-name" });
	#details;
	/** @type {InUse | null} */
	#inUse = null;

	/** @param {EndpointActions} actions */
	constructor(actions) {
		const stop = el("button", { type: "button", say: "endpointStop" });
		stop.addEventListener("click", () => {
			actions.stop();
			this.#details.querySelector("summary")?.focus(); // the button goes
		});
		this.#retry.addEventListener("click", () => actions.retry());
		this.#sign.append(this.#line, el("div", { className: "tools" }, this.#retry, stop));
		byId("alerts", HTMLDivElement).before(this.#sign);

		const field = (/** @type {HTMLInputElement} */ input, /** @type {string} */ say) => el("div", { className: "field" }, el("label", { htmlFor: input.id, say }), input);
		this.#form = el("form", {}, field(this.#address, "endpointAddress"), field(this.#token, "endpointToken"),
			el("label", { className: "check" }, this.#keep, el("span", { say: "endpointKeep" })), el("p", {}, el("button", { type: "submit", className: "strong", say: "endpointUse" })));
		this.#form.addEventListener("submit", (event) => {
			event.preventDefault();
			actions.use(this.#address.value, this.#token.value, this.#keep.checked);
			this.#token.value = "";
		});
		const name = el("input", { type: "text", id: "endpoint-open", autocomplete: "off", spellcheck: false, required: true });
		const open = el("form", { className: "tools" }, el("label", { htmlFor: name.id, say: "endpointOpen" }), name, el("button", { type: "submit", say: "modelOpen" }));
		open.addEventListener("submit", (event) => {
			event.preventDefault();
			actions.open(name.value);
		});
		this.#there = el("div", { hidden: true }, this.#name, open);
		this.#details = el("details", { id: "endpoint" }, el("summary", { say: "endpointTitle" }), el("p", { className: "soft", say: "endpointHint" }),
			el("p", { className: "soft", say: "endpointLeaves" }), this.#form, this.#there);
		byId("main", HTMLElement).append(this.#details);
		onLanguage(() => this.#draw());
	}

	/** @param {string} address of the last visit */
	fill(address) {
		this.#address.value = address;
	}

	/** @param {InUse | null} inUse null: the tab does all */
	show(inUse) {
		this.#inUse = inUse;
		this.#draw();
	}

	#draw() {
		const inUse = this.#inUse;
		const { where = "", name = "", trouble = null } = inUse ?? {};
		this.#sign.hidden = this.#there.hidden = inUse === null;
		this.#form.hidden = inUse !== null;
		document.body.classList.toggle("elsewhere", inUse !== null);
		this.#sign.classList.toggle("bad", trouble !== null);
		this.#retry.hidden = trouble === null;
		const said = !inUse ? "" : trouble ? text.sentences(text.endpointPaused(where), text.endpointTroubles[trouble]) : text.endpointSign(where);
		if (this.#line.textContent !== said) this.#line.textContent = said;
		this.#name.textContent = name ? text.endpointName(name) : text.endpointNoName;
		const tagline = document.querySelector(".top [data-text^=tagline]");
		if (tagline instanceof HTMLElement) sayIt(tagline, inUse && !trouble ? "taglineEndpoint" : "tagline");
	}
}
