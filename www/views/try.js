import { CameraView } from "./camera.js";
import { byId, el, paint } from "./element.js";
import { HeatView } from "./heat.js";
import { Pad } from "./pad.js";
import { ResultView } from "./result.js";
import { dropZone, fromFolderInput } from "../files.js";
import { onLanguage, text } from "../strings.js";

/** @import { Pixels } from "../engine.js" */
/** @import { Found } from "../files.js" */
/** @import { Result } from "./result.js" */

/** What there is to classify: the drawing, or a picture file. @typedef {{ source: Blob | Pixels, name: string | null }} Subject */

/** Side of the preview of a file, pixels. */
export const previewSide = 256;

/** Step 3: paper or a picture, and bars. */
export class TryView {
	#onSubject;
	#onFile;
	#pad;
	#stage = byId("try-stage", HTMLDivElement);
	#preview = el("canvas", { className: "paper", role: "img", hidden: true });
	#back = el("button", { type: "button", className: "quiet", say: "tryBack", hidden: true });
	#result = new ResultView();
	#camera = new CameraView(() => this.#onSubject());
	#film = el("button", { type: "button", say: "cameraOpen" });
	#test = el("button", { type: "button", className: "folder-choice", say: "testFolder" });
	heat = new HeatView(() => this.#onSubject());
	/** @type {Subject | null} */
	#picture = null;
	/** what the picture took the place of; null: the paper @type {Subject | null} */
	#before = null;

	/**
	 * @param {() => void} onSubject there is something else to classify
	 * @param {(files: File[]) => void} onFile
	 * @param {(found: Found) => void} onFolder pictures in folders, to test with
	 */
	constructor(onSubject, onFile, onFolder) {
		this.#onSubject = onSubject;
		this.#onFile = onFile;
		this.#pad = new Pad(text.tryPad, () => this.#onSubject());
		const input = el("input", { type: "file", accept: "image/*", className: "hidden", tabIndex: -1, "aria-hidden": "true" });
		const choose = el("button", { type: "button", say: "tryChoose" });
		choose.addEventListener("click", () => input.click());
		input.addEventListener("change", () => {
			const files = [...(input.files ?? [])];
			input.value = "";
			if (files.length > 0) this.#onFile(files);
		});
		this.#film.addEventListener("click", () => {
			this.#show(null, true);
			this.#back.focus(); // the button itself is gone
			this.#onSubject();
		});
		this.#back.addEventListener("click", () => {
			const filmed = this.#camera.isOpen;
			this.#show(null);
			if (filmed) this.#film.focus();
			this.#onSubject();
		});
		const folder = el("input", { type: "file", className: "hidden", multiple: true, webkitdirectory: true, tabIndex: -1, "aria-hidden": "true" });
		this.#test.addEventListener("click", () => folder.click());
		folder.addEventListener("change", () => {
			const found = fromFolderInput(folder.files ?? []);
			folder.value = "";
			onFolder(found);
		});
		this.#stage.append(el("div", { className: "stage" }, this.#pad.element, this.#preview, this.#camera.element, this.heat.element),
			el("div", { className: "tools" }, this.#pad.undo, this.#pad.clear, this.#back, choose, input, this.#film, this.#test, folder, this.heat.toggle), this.heat.legend);
		onLanguage(() => {
			this.#pad.label = text.tryPad;
			this.#preview.setAttribute("aria-label", text.pictureOf(this.#picture?.name ?? ""));
		});
		dropZone(byId("try", HTMLElement), (found) => (found.folders.size > 0 ? onFolder(found) : this.#onFile(found.files)));
	}

	/** The keyboard goes on where a folder is chosen. */
	focusFolder() {
		this.#test.focus();
	}

	/** The camera's pictures are the subject, one after the other. */
	get live() {
		return this.#camera.runs;
	}

	/** The camera's next picture; null: there are no more. */
	nextPicture() {
		return this.#camera.next(previewSide);
	}

	/** @returns {Subject | null} null: the paper is empty, the camera shows nothing yet */
	get subject() {
		if (this.#camera.isOpen) {
			const source = this.#camera.pixels(previewSide);
			return source && { source, name: null };
		}
		if (this.#picture) return this.#picture;
		return this.#pad.empty ? null : { source: this.#pad.pixels(), name: null };
	}

	/** Puts a picture in the place of the paper or of another. @param {Blob | Pixels} source @param {string} name */
	setPicture(source, name) {
		this.#before = this.#picture;
		this.#show({ source, name });
		this.#onSubject();
	}

	/** Back to what was there before, if this picture is still there. @param {Blob | Pixels} source */
	dropPicture(source) {
		if (this.#picture?.source !== source) return;
		this.#show(this.#before);
		this.#before = null;
	}

	/** @param {Subject | null} picture @param {boolean} [film] the camera in its place */
	#show(picture, film = false) {
		this.#picture = picture;
		if (film) this.#camera.open();
		else if (this.#camera.isOpen) this.#camera.close();
		this.#film.hidden = film;
		this.#preview.hidden = picture === null;
		this.#back.hidden = picture === null && !film;
		this.#pad.element.hidden = this.#pad.undo.hidden = this.#pad.clear.hidden = picture !== null || film;
		if (picture) {
			this.#preview.width = this.#preview.height = previewSide; // empty until the engine has read it
			this.#preview.setAttribute("aria-label", text.pictureOf(picture.name ?? ""));
		}
	}

	/** @param {Blob | Pixels} source @param {Pixels} pixels */
	setPreview(source, pixels) {
		if (this.#picture?.source === source) paint(this.#preview, pixels);
	}

	/** Says a sentence where the result would be. @param {string} sentence */
	setHint(sentence) {
		this.heat.clear();
		this.heat.toggle.hidden = true;
		this.#result.hint(sentence);
	}

	/** @param {Result} result @returns {boolean} its digits are written, too: not all are, of a camera */
	setResult(result) {
		const { live } = this;
		if (this.heat.toggle.hidden !== live) this.heat.toggle.hidden = live;
		if (live) this.heat.clear();
		return this.#result.show(result, live);
	}
}
