// The report: what stands above the evidence on paper, and all of it as rows of a spreadsheet.

import { el } from "../element.js";
import { table } from "./parts.js";
import { likeness, rates } from "../../threshold.js";
import { text } from "../../strings.js";

/** @import { Evidence } from "../../evidence.js" */
/** @import { Threshold } from "../../threshold.js" */

/**
 * When, with which model, of how many pictures.
 * @param {Evidence} evidence
 * @param {string} model
 * @param {Threshold} threshold
 */
export function reportHead({ classes, judged }, model, threshold) {
	const line = el("p", { textContent: text.reportMade(new Intl.DateTimeFormat(text.lang, { dateStyle: "long", timeStyle: "short" }).format(new Date()), model) });
	const rows = table(text.reportClasses, [text.confusionCorner, text.reportPictures, text.reportRight], classes.map((c) => {
		const own = judged.filter(({ of }) => of === c);
		return [c.name, text.count(c.examples.length), own.length > 0 ? text.ofAll(own.filter(({ said }) => said === c).length, own.length) : ""];
	}));
	if (classes.length !== 2) return [line, rows];
	const [ng, at] = [threshold.ng(classes), threshold.at(classes)];
	return [line, rows, el("p", { textContent: text.reportThreshold(ng.name, text.percent(at)) })];
}

/**
 * Each example with its class and what the others say; of two classes the probability of NG and what the threshold makes of it.
 * @param {Evidence} evidence
 * @param {Threshold} threshold
 * @returns {(string | number)[][]}
 */
export function reportRows({ classes, judged }, threshold) {
	const two = classes.length === 2;
	const head = [text.csvPicture, text.csvClass, text.csvSaid, text.csvProbability];
	if (!two) return [head, ...judged.map(({ example, of, said, saying }) => [example.name, of.name, said.name, round(saying)])];
	const [ng, at] = [threshold.ng(classes), threshold.at(classes)];
	const { missed, ng: bad, alarms, ok } = rates(judged, ng, at);
	return [
		[...head, text.csvNg(ng.name), text.csvFrom(text.percent(at))],
		...judged.map((j) => [j.example.name, j.of.name, j.said.name, round(j.saying), round(likeness(j, ng)), likeness(j, ng) >= at ? ng.name : (classes.find((c) => c !== ng)?.name ?? "")]),
		[text.missedHead, text.ofAll(missed, bad)],
		[text.alarmsHead, text.ofAll(alarms, ok)],
	];
}

/** Four digits. @param {number} p */
export const round = (p) => Math.round(p * 1e4) / 1e4;
