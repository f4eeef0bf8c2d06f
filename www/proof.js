// Below the three steps: how sure the answers are, kept in step with what is in use.

import { gather } from "./evidence.js";
import { EvidenceView } from "./views/evidence/evidence.js";

/** @import { Runner } from "./runner.js" */
/** @import { Task } from "./task.js" */
/** @import { Threshold } from "./threshold.js" */
/** @import { EvidenceActions } from "./views/evidence/pictures.js" */

export class Proof {
	#task;
	#runner;
	#view;
	#asking = false;
	#again = false;

	/**
	 * @param {Task} task
	 * @param {Runner} runner
	 * @param {Threshold} threshold
	 * @param {EvidenceActions} actions
	 * @param {{ onThreshold: () => void, model: () => string }} page what a new threshold concerns; the name of the model
	 */
	constructor(task, runner, threshold, actions, page) {
		this.#task = task;
		this.#runner = runner;
		this.#view = new EvidenceView(actions, threshold, page);
		task.onChange((change) => {
			if (change.kind === "renameClass") void this.refresh();
		});
	}

	/** Brings it up to date with what is in use; one at a time, and the newest last. */
	async refresh() {
		this.#again = this.#asking;
		if (this.#asking) return;
		this.#asking = true;
		const { adapted } = this.#runner;
		try {
			this.#view.show(adapted && gather(this.#task, adapted, await this.#runner.explain()));
		} catch (cause) {
			console.info(cause); // the engine has stopped, which is told elsewhere
			this.#view.show(null);
		}
		this.#asking = false;
		if (this.#again) void this.refresh();
	}
}
