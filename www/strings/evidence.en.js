// Words about what was learnt, and how sure it is, in English.

import { formats } from "./format.js";

const { number } = formats("en");

/** @param {number} n */
const pictures = (n) => (n === 1 ? "1 picture" : `${number(n)} pictures`);

export const evidence = {
	evidenceTitle: "How sure is it?",
	/** @param {number} n */
	count: (n) => number(n),
	/** @param {number} n @param {number} all */
	ofAll: (n, all) => `${number(n)} of ${number(all)}`,
	/** @param {number} hits @param {number} total @param {string} share @param {string} low @param {string} high */
	leftOut: (hits, total, share, low, high) =>
		`Judged by the other pictures, ${number(hits)} of ${pictures(total)} ${hits === 1 ? "was" : "were"} right (${share}): of new pictures like these, expect between ${low} and ${high} to be right.`,
	leftOutNone: "Once each class has two pictures, this says how many new ones will be right.",
	beforeAfter: "Without and with the gears",
	withoutGears: "Without the gears",
	withGears: "With the gears",

	confusionTitle: "What is taken for what",
	confusionHint: "Press a number to see its pictures.",
	confusionCaption: "Each picture judged by the others: its class (rows), and what it is taken for (columns)",
	confusionCorner: "Class",
	/** @param {string} count @param {string} of */
	cellRight: (count, of) => `${count} of ${of} taken for ${of}`,
	/** @param {string} count @param {string} of @param {string} said */
	cellWrong: (count, of, said) => `${count} of ${of} taken for ${said}`,
	/** @param {string} name @param {string} share */
	takenRight: (name, share) => `Taken for ${name}, ${share}.`,
	/** @param {string} name @param {string} said @param {string} share */
	takenFor: (name, said, share) => `Is in ${name}; the others say ${said}, ${share}.`,
	/** @param {string} name */
	sameAs: (name) => `The same picture is in ${name}.`,
	/** @param {string} name */
	moveTo: (name) => `Move to ${name}`,
	/** @param {string} picture @param {string} name */
	moveNamed: (picture, name) => `Move to ${name}: ${picture}`,
	removeIt: "Remove",
	/** @param {string} picture @param {string} name */
	moved: (picture, name) => `Moved ${picture} to ${name}.`,
	/** @param {string} picture @param {string} name */
	movedBack: (picture, name) => `${picture} is in ${name} again.`,
	evidenceMore: "Show more",
	doubtsTitle: "Pictures to look at",
	doubtsNone: "No picture contradicts its class.",

	mapTitle: "What the gears change in the model",
	mapChoice: "Which gears the map shows",
	mapAll: "All gears in use",
	/** @param {string} gear @param {string} share */
	mapOne: (gear, share) => `${gear} (${share})`,
	mapCaption: "Share of the weights that is changed",
	mapCorner: "Part of the model",
	/** @param {string} part @param {string} kind @param {string} share */
	mapLabel: (part, kind, share) => `Map of what is changed, most of all ${part}, ${kind}: ${share}. The table below has all numbers.`,
	asTable: "The numbers as a table",
	kindNone: "whole",
	/** Kinds of tensors in a block. */
	kinds: { norm1: "norm 1", "attn.qkv": "qkv", "attn.proj": "proj", norm2: "norm 2", "mlp.fc1": "fc1", "mlp.fc2": "fc2" },

	okngTitle: "OK or NG",
	okngHint: "From when on is a part NG? The numbers are of your pictures, each judged by the others. “Try it” uses the same line.",
	okngWhich: "NG is",
	okngSlider: "NG from",
	okngCaption: "What other lines would miss and take wrongly",
	okngCorner: "NG from",
	missedHead: "Missed",
	alarmsHead: "False alarms",
	/** @param {number} n @param {number} all @param {string} share */
	missed: (n, all, share) => `Missed: ${number(n)} of ${number(all)} NG (${share}).`,
	/** @param {number} n @param {number} all @param {string} share */
	falseAlarms: (n, all, share) => `False alarms: ${number(n)} of ${number(all)} OK (${share}).`,

	reportPrint: "Print the report",
	reportCsv: "Save it as CSV",
	/** @param {string} date @param {string} model */
	reportMade: (date, model) => `Made on ${date} with the model ${model}, on this device.`,
	reportClasses: "What it was taught",
	reportPictures: "Pictures",
	reportRight: "Right when left out",
	/** @param {string} name @param {string} share */
	reportThreshold: (name, share) => `NG is ${name}, from ${share} on.`,
	csvPicture: "picture",
	csvClass: "class",
	csvSaid: "taken for",
	csvProbability: "probability",
	/** @param {string} name */
	csvNg: (name) => `probability of ${name}`,
	/** @param {string} share */
	csvFrom: (share) => `at the line of ${share}`,

	heatShow: "Show where",
	/** @param {string} name @param {string} place */
	heatLabel: (name, place) => `What speaks for ${name}: most of all ${place}.`,
	/** @param {string} name */
	heatLegend: (name) => `Orange speaks for ${name}, blue against it.`,
	/** Ninths of a picture, row by row. */
	places: { 0: "the upper left", 1: "the upper middle", 2: "the upper right", 3: "the left", 4: "the middle", 5: "the right", 6: "the lower left", 7: "the lower middle", 8: "the lower right" },
	heatNone: "This model does not say where it looks.",

	testFolder: "Test with a folder",
	testTitle: "Test with a folder",
	/** @param {number} done @param {number} total */
	testing: (done, total) => `Judging ${number(done)} of ${pictures(total)}…`,
	testStop: "Stop",
	/** @param {number} hits @param {number} total @param {string} share @param {string} low @param {string} high */
	testRight: (hits, total, share, low, high) => `${number(hits)} of ${pictures(total)} ${hits === 1 ? "is" : "are"} right (${share}; with 95% certainty between ${low} and ${high}).`,
	/** @param {number} n */
	testOnly: (n) => `${pictures(n)} judged. The folder has no folder with the name of a class, so nobody knows how many are right.`,
	/** @param {number} n */
	testOther: (n) => `${pictures(n)} in folders of other names: judged, but not counted.`,
	/** @param {number} n */
	testFailed: (n) => `${n === 1 ? "1 file" : `${number(n)} files`} could not be read as pictures.`,
	testStopped: "Stopped before the end.",
	testCaption: "Pictures of the folder: their class (rows), and what they are taken for (columns)",
	testCsv: "Save as CSV",
	testClose: "Close",
	csvFile: "file",
	csvUnknown: "unknown",
	csvError: "error",

	undoLast: "Undo the last change",
	touchHint: "Keep a finger on a picture to move it to another class.",
	/** @param {string} picture */
	held: (picture) => `${picture} is lifted: touch the class it belongs to.`,
	keysHint: "Arrow keys lead to other pictures, 1 to 9 move one to that class, Delete removes it.",
	/** @param {number} n */
	pasted: (n) => `pasted ${number(n)}`,
	/** @param {string} count @param {string} name */
	pastedInto: (count, name) => `Pasted ${count} into ${name}.`,
};
