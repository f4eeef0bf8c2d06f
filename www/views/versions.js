import { el } from "./element.js";
import { text } from "../strings.js";

/** @import { AdaptResult } from "../adaptation.js" */
/** @import { KeptVersion } from "../kept/shelf.js" */

/** The versions of the task: what each is, which is in use, going to any of them, and two side by side. */
export class VersionsView {
	element = el("details", { id: "versions" });
	#count = el("summary");
	#list = el("ol", { id: "version-list" });
	#compare = el("div", { className: "compare", hidden: true });
	#first = el("select", { label: "compareFirst" });
	#second = el("select", { label: "compareSecond" });
	#table = el("table");
	#onUse;
	/** @type {KeptVersion[]} */
	#versions = [];
	#current = 0;
	/** the user has said which to compare */
	#chosen = false;
	/** what is shown, so that nothing is built twice */
	#shown = "";

	/** @param {(number: number) => void} onUse */
	constructor(onUse) {
		this.#onUse = onUse;
		this.#compare.append(el("p", { className: "tools" }, el("span", { say: "compare" }), this.#first, this.#second), el("div", { className: "scroll" }, this.#table));
		this.element.append(this.#count, this.#list, this.#compare);
		for (const select of [this.#first, this.#second]) {
			select.addEventListener("change", () => {
				this.#chosen = true;
				this.#drawTable();
			});
		}
	}

	/** @param {KeptVersion[]} versions @param {number} current */
	update(versions, current) {
		const shown = JSON.stringify([text.lang, current, versions.map((v) => [v.number, v.info !== null])]);
		if (shown === this.#shown) return;
		this.#shown = shown;
		this.#versions = versions;
		this.#current = current;
		this.#count.textContent = text.versions(versions.length);
		this.#list.replaceChildren(...(versions.length > 0 ? [...versions].reverse().map((v) => this.#item(v)) : []), this.#none());
		this.#choices();
		this.#drawTable();
	}

	/** @param {KeptVersion} version */
	#item({ number, time, info }) {
		const lines = info
			? [text.versionOf(info.way, info.examples, text.heads[info.head]), ...tuned(info), leftOut(info), verdict(info), ...(info.where ? [text.endpointMade(info.where)] : [])]
			: [text.versionUnread];
		return this.#row(number, text.version(number), text.when(time), lines);
	}

	/** What there is without any version. */
	#none() {
		return this.#row(0, text.versionNone, "", []);
	}

	/** @param {number} number @param {string} title @param {string} when @param {string[]} lines */
	#row(number, title, when, lines) {
		const inUse = number === this.#current;
		const head = el("p", { className: "version-head" }, el("strong", { textContent: title }), el("span", { className: "soft", textContent: when }));
		if (inUse) head.append(el("span", { className: "badge", say: "inUse" }));
		const row = el("li", { className: inUse ? "in-use" : "" }, head, ...lines.map((line) => el("p", { textContent: line })));
		row.dataset["version"] = String(number);
		if (!inUse) {
			const button = el("button", { type: "button", say: "useVersion", "aria-label": text.useVersionOf(title) });
			button.addEventListener("click", () => {
				this.#onUse(number);
				this.#count.focus(); // the button goes
			});
			row.append(button);
		}
		return row;
	}

	#choices() {
		const known = this.#versions.filter((v) => v.info);
		this.#compare.hidden = known.length < 2;
		const before = [this.#first.value, this.#second.value];
		const had = this.#chosen && before.every((value) => known.some((v) => String(v.number) === value));
		for (const select of [this.#first, this.#second]) {
			select.replaceChildren(...known.map((v) => el("option", { value: String(v.number), textContent: text.version(v.number) })));
		}
		const last = known.at(-1)?.number ?? 0;
		const now = known.some((v) => v.number === this.#current) ? this.#current : last;
		const other = [...known].reverse().find((v) => v.number !== now)?.number ?? 0;
		this.#first.value = had ? String(before[0]) : String(other);
		this.#second.value = had ? String(before[1]) : String(now);
	}

	#drawTable() {
		const two = [this.#first, this.#second].map((select) => this.#versions.find((v) => String(v.number) === select.value));
		/** @type {[string, (v: KeptVersion & { info: AdaptResult }) => string][]} */
		const rows = [
			[text.compareMade, (v) => text.when(v.time)],
			[text.compareClasses, (v) => v.info.classes.map((c) => c.name).join(text.listComma)],
			[text.comparePictures, (v) => String(v.info.examples)],
			[text.compareHead, (v) => text.heads[v.info.head]],
			[text.compareRight, ({ info: { leaveOneOut: l } }) => (l ? text.share(l.hits, l.total, text.percent(l.hits / l.total)) : text.notKnown)],
			[text.compareInterval, ({ info: { leaveOneOut: l } }) => (l ? text.interval(text.percent(l.low), text.percent(l.high)) : text.notKnown)],
			[text.compareLoss, ({ info: { leaveOneOut: l } }) => (l ? l.logLoss.toFixed(3) : text.notKnown)],
		];
		const shown = /** @type {(KeptVersion & { info: AdaptResult })[]} */ (two.filter((v) => v?.info));
		this.#table.replaceChildren(
			el("thead", {}, el("tr", {}, el("td"), ...shown.map((v) => el("th", { scope: "col", textContent: text.version(v.number) })))),
			el("tbody", {}, ...rows.map(([name, cell]) => el("tr", {}, el("th", { scope: "row", textContent: name }), ...shown.map((v) => el("td", { textContent: cell(v) }))))),
		);
	}
}

/** @param {AdaptResult} info */
function tuned({ finetuned, tuning, views }) {
	return [...(views > 1 ? [text.closerUsed(views)] : []), ...(finetuned ? [text.versionTuned(tuning ? text.percent(tuning.changed) : "")] : [])];
}

/** @param {AdaptResult} info */
function leftOut({ leaveOneOut: l }) {
	return l ? text.versionLeftOut(l.hits, l.total, [text.percent(l.hits / l.total), text.interval(text.percent(l.low), text.percent(l.high))].join(text.listComma)) : text.versionLeftOutNone;
}

/** What the guard said, in words. @param {AdaptResult} info */
export function verdict({ verdict: v }) {
	return v.compared > 0 ? text.sentences(text.verdicts[v.code], text.guard(v.hits, v.compared, v.before)) : text.verdicts[v.code];
}

/** What was learnt last is worse than what is in use: why, and a way to take it all the same. */
export class RefusedView {
	element = el("div", { id: "refused", className: "alert", role: "status", hidden: true });
	#line = el("p");

	/** @param {() => void} onOverrule */
	constructor(onOverrule) {
		const button = el("button", { type: "button", className: "strong", say: "overrule" });
		button.addEventListener("click", onOverrule);
		this.element.append(this.#line, button);
	}

	/** @param {AdaptResult | null} refused */
	update(refused) {
		this.element.hidden = refused === null;
		if (refused) this.#line.textContent = text.sentences(text.refused, text.guard(refused.verdict.hits, refused.verdict.compared, refused.verdict.before));
	}
}
