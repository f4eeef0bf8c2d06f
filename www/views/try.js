import { CameraView } from "./camera.js";
import { byId, el, paint } from "./element.js";
import { HeatView } from "./heat.js";
import { Pad } from "./pad.js";
import { dropZone, fromFolderInput } from "../files.js";
import { onLanguage, text } from "../strings.js";

/** @import { Pixels, Score } from "../engine.js" */
/** @import { Found } from "../files.js" */

/** One row of the result. @typedef {Score & { color: number }} Row */

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
	#verdict = byId("verdict", HTMLParagraphElement);
	#bars = byId("bars", HTMLUListElement);
	#said = byId("verdict-said", HTMLParagraphElement);
	#like = byId("most-like", HTMLDivElement);
	#camera = new CameraView(() => this.#onSubject());
	#film = el("button", { type: "button", say: "cameraOpen" });
	#test = el("button", { type: "button", className: "folder-choice", say: "testFolder" });
	heat = new HeatView(() => this.#onSubject());
	/** @type {Subject | null} */
	#picture = null;
	/** what the picture took the place of; null: the paper @type {Subject | null} */
	#before = null;
	/** @type {ReturnType<typeof setTimeout> | undefined} */
	#saying;
	/** the class that will be said */
	#best = -1;
	/** by class id @type {Map<number, { row: HTMLElement, name: HTMLElement, fill: HTMLElement, percent: HTMLElement }>} */
	#rows = new Map();

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

	/** Waits for the camera's next picture. */
	nextPicture() {
		return this.#camera.next();
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
		clearTimeout(this.#saying);
		this.heat.clear();
		this.heat.toggle.hidden = true;
		this.#best = -1;
		this.#verdict.textContent = sentence;
		this.#verdict.classList.add("hint");
		this.#bars.replaceChildren();
		this.#rows.clear();
		this.#like.hidden = true;
	}

	/**
	 * Shows a result. Rows keep their places, so that the eye can rest on one while the bars move.
	 * @param {Row[]} rows
	 * @param {Row} best the one that is taken
	 * @param {Pixels | null} like the nearest example of the winner
	 * @param {boolean} unknown it is none of the classes
	 */
	setResult(rows, best, like, unknown = false) {
		this.heat.toggle.hidden = this.live;
		if (this.live) this.heat.clear();
		this.#verdict.classList.remove("hint");
		this.#verdict.textContent = unknown ? text.noneOf(best.name, text.percent(best.probability)) : text.verdict(best.name, text.percent(best.probability));
		this.#verdict.classList.toggle("unknown", unknown);
		this.#bars.classList.toggle("unknown", unknown);
		for (const [id, shown] of this.#rows) {
			if (rows.some((row) => row.class === id)) continue;
			shown.row.remove();
			this.#rows.delete(id);
		}
		for (const [i, row] of rows.entries()) {
			const shown = this.#rows.get(row.class) ?? this.#newRow(row.class);
			shown.row.dataset["color"] = String(row.color);
			shown.row.classList.toggle("best", row === best);
			shown.name.textContent = row.name;
			shown.percent.textContent = text.percent(row.probability);
			shown.fill.style.setProperty("--share", String(row.probability));
			if (this.#bars.children[i] !== shown.row) this.#bars.insertBefore(shown.row, this.#bars.children[i] ?? null);
		}
		this.#like.hidden = !like;
		if (like) paint(byId("most-like-picture", HTMLCanvasElement), like);
		// A screen reader hears the verdict once the hand rests or the camera has seen the same for a while, not at every step of the bars.
		const said = unknown ? -2 : best.class;
		if (this.#best === said && this.live) return;
		this.#best = said;
		clearTimeout(this.#saying);
		this.#saying = setTimeout(() => (this.#said.textContent = this.#verdict.textContent), 900);
	}

	/** @param {number} id */
	#newRow(id) {
		const name = el("span", { className: "bar-name" });
		const fill = el("span", { className: "bar-fill" });
		const percent = el("span", { className: "bar-percent" });
		const row = el("li", { className: "bar" }, name, el("span", { className: "bar-track", "aria-hidden": "true" }, fill), percent);
		const made = { row, name, fill, percent };
		this.#rows.set(id, made);
		return made;
	}
}
