// Which model the page loads: its own, or the one that the user chose in its place until that cannot be used.

import { typed } from "./error.js";
import { chooseModel, chosenModel, fetchModel, keepModel, modelAt } from "./model.js";
import { text } from "./strings.js";
import { ModelView } from "./views/model.js";

/** @import { Engine, EngineError } from "./engine.js" */
/** @import { Status } from "./views/status.js" */

/** What is wrong with a model itself; anything else may be over at the next try. @type {EngineError["code"][]} */
const unfit = ["manifest", "hash", "bundle", "download"];

export class OwnModel {
	#manifest = chosenModel();
	#status;
	#view;

	/** @param {Status} status */
	constructor(status) {
		this.#status = status;
		this.#view = new ModelView({
			choose: (files) => void this.#change(() => keepModel(files)),
			open: (address) => void this.#change(async () => modelAt(address)),
			reset: () => void this.#change(async () => null),
		});
	}

	/** What Engine.load is to know of it. */
	get options() {
		return this.#manifest ? { bundleUrl: this.#manifest, fetch: fetchModel } : {};
	}

	/** @param {Engine} engine that was loaded */
	show(engine) {
		this.#view.show(engine.info, engine.hashes.bundle, this.#manifest !== null);
	}

	/** Whether the page's own model is to be loaded, since the chosen one is not fit, which is told. @param {EngineError} error of a load */
	gaveWay(error) {
		if (!this.#manifest || !unfit.includes(error.code)) return false;
		console.info(error);
		this.#manifest = null;
		if (error.code !== "download") chooseModel(null); // which may come another time
		this.#status.alert(() => text.modelFailed(text.errors[error.code]));
		return true;
	}

	/** Another model from now on: the page is opened anew with it, and with what is kept of the work. @param {() => Promise<URL | null>} find its manifest */
	async #change(find) {
		try {
			chooseModel(await find());
			location.reload();
		} catch (cause) {
			const { code } = typed(cause);
			console.info(cause);
			this.#status.alert(() => text.errors[code]);
		}
	}
}
