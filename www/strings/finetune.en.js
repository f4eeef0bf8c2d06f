// Words about fine-tuning, in English.

import { formats } from "./format.js";

const { number } = formats("en");

/** @param {number} n @param {string} unit */
const count = (n, unit) => `${number(n)} ${unit}${n === 1 ? "" : "s"}`;

export const finetune = {
	finetuneTitle: "Fine-tune the model",
	finetuneHint: "When classes are still mixed up: the model itself takes small steps towards your pictures, and as much of them is kept as does best on pictures left out, or nothing. Takes seconds to minutes; you can go on meanwhile. The first time, a part of the program is loaded for it.",
	finetuneStart: "Start fine-tuning",
	finetuneStop: "Stop",
	finetuneBusy: "Fine-tuning, in this tab. You can go on trying meanwhile; a change of the pictures ends it.",
	finetuneEngine: "Loading what fine-tunes",
	/** @param {number} done @param {number} total */
	finetunePictures: (done, total) => `Picture ${number(done)} of ${number(total)} is read`,
	finetuneReady: "Making views of the pictures; how long it takes is known after two steps",
	/** @param {number} done @param {number} total */
	finetuneSteps: (done, total) => `Step ${number(done)} of ${number(total)}`,
	/** @param {number} seconds */
	finetuneLeft: (seconds) => (seconds < 60 ? `about ${count(seconds, "second")} left` : `about ${count(Math.round(seconds / 60), "minute")} left`),
	/** @param {string} title @param {string} share */
	finetuneTaken: (title, share) => `${title} is in use: ${share} of the model’s weights have moved.`,
	finetuneNothing: "Nothing to gain here: steps do no good on pictures left out. All stays as it was.",
	finetuneRefused: "What came of it is worse on pictures left out, so all stays as it was.",
	finetuneStopped: "Stopped. All stays as it was.",
	finetuneChanged: "Ended, because pictures, gears or the version in use have changed. All else stays as it was.",
	/** @param {string} share empty: not known */
	versionTuned: (share) => (share ? `Fine-tuned: ${share} of the weights have moved.` : "Fine-tuned."),
};
