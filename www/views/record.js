import { CameraView } from "./camera.js";
import { el } from "./element.js";
import { setDisabled } from "./pad.js";

/** Time between two pictures while the button is held, ms. */
const pace = 250;

/** The camera in a class: as long as a button is held, pictures are taken. */
export class Recorder {
	element;
	/** opens and closes it */
	toggle = el("button", { type: "button", say: "cameraOpen", "aria-expanded": false });

	#view = new CameraView(() => setDisabled(this.#hold, !this.#view.runs));
	#hold = el("button", { type: "button", className: "strong hold", say: "cameraHold" });
	#onPhoto;
	/** @type {ReturnType<typeof setInterval> | undefined} */
	#holding;
	/** a picture is being made into a file: a slow device leaves some out */
	#busy = false;

	/** @param {(photo: Blob) => void} onPhoto */
	constructor(onPhoto) {
		this.#onPhoto = onPhoto;
		const close = el("button", { type: "button", className: "quiet", say: "cameraClose" });
		this.element = el("div", { className: "recorder", hidden: true }, this.#view.element, el("div", { className: "tools" }, this.#hold, close));
		this.toggle.addEventListener("click", () => (this.element.hidden ? this.open() : this.close()));
		close.addEventListener("click", () => {
			this.close();
			this.toggle.focus();
		});
		this.#listen();
		setDisabled(this.#hold, true);
	}

	#listen() {
		const hold = this.#hold;
		hold.addEventListener("pointerdown", (event) => {
			if (event.button !== 0) return;
			hold.setPointerCapture(event.pointerId);
			this.#start();
		});
		for (const end of ["pointerup", "pointercancel", "lostpointercapture", "blur", "keyup"]) hold.addEventListener(end, () => this.#end());
		hold.addEventListener("contextmenu", (event) => event.preventDefault()); // a long touch
		hold.addEventListener("keydown", (event) => {
			if (event.key !== " " && event.key !== "Enter") return;
			event.preventDefault();
			if (!event.repeat) this.#start();
		});
		hold.addEventListener("click", (event) => {
			if (event.detail === 0) void this.#take(); // a screen reader or a voice: there is nothing to hold
		});
	}

	open() {
		this.element.hidden = false;
		this.toggle.setAttribute("aria-expanded", "true");
		this.#view.open();
	}

	/** Switches the camera off here; also for what is taken away from the page. */
	close() {
		this.#end();
		this.element.hidden = true;
		this.toggle.setAttribute("aria-expanded", "false");
		this.#view.close();
	}

	#start() {
		if (this.#holding !== undefined || !this.#view.runs) return;
		this.#hold.classList.add("recording");
		void this.#take();
		this.#holding = setInterval(() => void this.#take(), pace);
	}

	#end() {
		clearInterval(this.#holding);
		this.#holding = undefined;
		this.#hold.classList.remove("recording");
	}

	async #take() {
		if (this.#busy) return;
		this.#busy = true;
		const photo = await this.#view.photo();
		this.#busy = false;
		if (photo) this.#onPhoto(photo);
	}
}
