// The camera of the device: one stream for every place of the page that shows it, and sentences' codes for when there is none.

import { chosen, keepChoice } from "./choice.js";

/** Why there are no pictures. @typedef {"denied" | "none" | "busy" | "gone" | "insecure"} Trouble */

/**
 * A place that shows the camera.
 * @typedef {object} CameraUser
 * @property {(stream: MediaStream | null, trouble: Trouble | null) => void} onStream the pictures, or why there are none
 * @property {(devices: { id: string, label: string }[], current: string) => void} onDevices the cameras to choose from; label "" where the
 *   browser keeps it to itself
 */

/** Where the choice of the user is kept. */
const choiceKey = "haguruma.camera";

/** What getUserMedia rejects with. @type {Record<string, Trouble>} */
const troubles = {
	NotAllowedError: "denied", SecurityError: "denied", NotFoundError: "none", OverconstrainedError: "none", NotReadableError: "busy", AbortError: "busy",
};

export class Camera {
	/** @type {Set<CameraUser>} */
	#users = new Set();
	/** @type {MediaStream | null} */
	#stream = null;
	/** counts openings: only the last one counts */
	#turn = 0;
	#opening = false;

	/** Shows the camera at one more place; the browser asks its user for leave. @param {CameraUser} user */
	open(user) {
		this.#users.add(user);
		if (this.#stream) this.#tell(this.#stream, null, [user]);
		else if (!this.#opening) void this.#start(null);
	}

	/** The last place to be closed switches the camera off. @param {CameraUser} user */
	close(user) {
		this.#users.delete(user);
		if (this.#users.size === 0) this.#stop();
	}

	/** Another camera, at every place. @param {string} id */
	choose(id) {
		keepChoice(choiceKey, id);
		this.#stop();
		void this.#start(id);
	}

	#stop() {
		this.#turn++;
		this.#opening = false;
		for (const track of this.#stream?.getTracks() ?? []) track.stop();
		this.#stream = null;
	}

	/** @param {string | null} id a camera that was asked for, or the one of the last time */
	async #start(id) {
		const turn = ++this.#turn;
		if (!navigator.mediaDevices) return this.#tell(null, "insecure");
		this.#opening = true;
		try {
			const stream = await pictures(id ?? chosen(choiceKey));
			if (turn !== this.#turn) {
				for (const track of stream.getTracks()) track.stop();
				return;
			}
			this.#stream = stream;
			stream.getVideoTracks()[0]?.addEventListener("ended", () => {
				if (this.#stream !== stream) return;
				this.#stop();
				this.#tell(null, "gone");
			});
			this.#opening = false;
			this.#tell(stream, null);
		} catch (cause) {
			if (turn !== this.#turn) return;
			this.#opening = false;
			this.#tell(null, troubles[/** @type {Error} */ (cause).name] ?? "busy");
		}
	}

	/** @param {MediaStream | null} stream @param {Trouble | null} trouble @param {Iterable<CameraUser>} [users] */
	async #tell(stream, trouble, users = this.#users) {
		for (const user of users) user.onStream(stream, trouble);
		if (!stream) return;
		const all = await navigator.mediaDevices.enumerateDevices();
		if (this.#stream !== stream) return;
		const devices = all.filter(({ kind }) => kind === "videoinput").map(({ deviceId, label }) => ({ id: deviceId, label }));
		const current = stream.getVideoTracks()[0]?.getSettings().deviceId ?? "";
		for (const user of users) if (this.#users.has(user)) user.onDevices(devices, current);
	}
}

/**
 * The pictures of a camera; of another when that one is not there, on a phone one that looks away from its user.
 * @param {string | null} id
 */
async function pictures(id) {
	const ask = (/** @type {MediaTrackConstraints} */ video) => navigator.mediaDevices.getUserMedia({ video, audio: false });
	if (id) {
		try {
			return await ask({ deviceId: { exact: id } }); // Chromium may give another for one that is only ideal
		} catch (cause) {
			if (troubles[/** @type {Error} */ (cause).name] !== "none") throw cause;
		}
	}
	return ask({ facingMode: "environment" });
}

/** The one of the page. */
export const camera = new Camera();
