// What a user does with the page: draws with the mouse or a finger, chooses files, drops files, reads the answer.

import { text } from "../www/strings.js";
import { eventually } from "./browser.mjs";

/** @import { Text } from "../www/strings.js" */
/** @import { CDPSession, FileChooser, Locator, Page } from "playwright-core" */

/** Points of a stroke, 0..1 across the paper. @typedef {[number, number][]} Stroke */

/** @param {number} radius @param {number} [x] @param {number} [y] @returns {Stroke[]} */
export const circle = (radius, x = 0.5, y = 0.5) => [
	Array.from({ length: 13 }, (_, i) => [x + radius * Math.cos((i * Math.PI) / 6), y + radius * Math.sin((i * Math.PI) / 6)]),
];
/** @param {number} radius @param {number} [x] @param {number} [y] @returns {Stroke[]} */
export const cross = (radius, x = 0.5, y = 0.5) => [
	[[x - radius, y - radius], [x, y], [x + radius, y + radius]],
	[[x + radius, y - radius], [x, y], [x - radius, y + radius]],
];
/** @param {number} [shift] @returns {Stroke[]} */
export const bars = (shift = 0) => [0.2, 0.4, 0.6, 0.8].map((y) => [[0.15 + shift, y], [0.5, y], [0.85 + shift, y]]);

/** A picture file in memory. @typedef {{ name: string, mimeType: string, buffer: Buffer }} PictureFile */

/** @param {string} name @param {Uint8Array} bytes @param {string} [mimeType] @returns {PictureFile} */
export const fileOf = (name, bytes, mimeType = "image/png") => ({ name, mimeType, buffer: Buffer.from(bytes) });

export class User {
	/** @type {CDPSession | null} */
	#devtools = null;
	/** choosers that opened and wait for files @type {FileChooser[]} */
	#choosers = [];

	/** @param {Page} page @param {boolean} finger draws with a finger instead of a mouse */
	constructor(page, finger = false) {
		this.page = page;
		this.finger = finger;
		page.on("filechooser", (chooser) => this.#choosers.push(chooser));
	}

	async #cdp() {
		return (this.#devtools ??= await this.page.context().newCDPSession(this.page));
	}

	/** The card of class number i. @param {number} i */
	card(i) {
		return this.page.locator("#classes > li").nth(i);
	}

	/** @param {Locator} place @param {string} name */
	button(place, name) {
		return place.getByRole("button", { name, exact: true });
	}

	get tryIt() {
		return this.page.locator("#try");
	}

	/** Clicks or taps. @param {Locator} button */
	async press(button) {
		if (this.finger) await button.tap();
		else await button.click();
	}

	/** Draws on the paper inside a place. @param {Locator} place @param {Stroke[]} strokes */
	async draw(place, strokes) {
		const pen = await this.pen(place);
		for (const stroke of strokes) {
			await pen.stroke(stroke);
			await pen.up();
		}
	}

	/**
	 * A pen for the paper inside a place, which goes by where the paper is now, as a hand does.
	 * @param {Locator} place
	 * @returns {Promise<{ stroke: (points: Stroke) => Promise<void>, up: () => Promise<void> }>} begins a stroke or goes on with it; ends it
	 */
	async pen(place) {
		const paper = place.locator(".pad canvas");
		await paper.scrollIntoViewIfNeeded();
		const box = await paper.boundingBox();
		if (!box) throw new Error("the paper is not there");
		const { mouse } = this.page;
		const cdp = this.finger ? await this.#cdp() : null;
		let down = false;
		return {
			stroke: async (points) => {
				for (const point of points) {
					const [x, y] = [box.x + point[0] * box.width, box.y + point[1] * box.height];
					if (cdp) await cdp.send("Input.dispatchTouchEvent", { type: down ? "touchMove" : "touchStart", touchPoints: [{ x, y }] });
					else await mouse.move(x, y);
					if (!cdp && !down) await mouse.down();
					down = true;
				}
			},
			up: async () => {
				if (cdp) await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
				else await mouse.up();
				down = false;
			},
		};
	}

	/**
	 * Keeps a finger on an element until the page has lifted it.
	 * @param {Locator} element
	 * @returns {Promise<{ moveTo: (place: { x: number, y: number }) => Promise<void>, letGo: () => Promise<void> }>} by the window
	 */
	async lift(element) {
		await element.scrollIntoViewIfNeeded();
		const box = await element.boundingBox();
		if (!box) throw new Error("what is to be lifted is not there");
		const cdp = await this.#cdp();
		const touch = (/** @type {"touchStart" | "touchMove" | "touchEnd"} */ type, /** @type {{ x: number, y: number }[]} */ ...touchPoints) =>
			cdp.send("Input.dispatchTouchEvent", { type, touchPoints });
		let at = { x: box.x + box.width / 4, y: box.y + (box.height * 3) / 4 };
		await touch("touchStart", at);
		await eventually(() => this.page.locator(".carried").count(), 1, "it is lifted");
		return {
			moveTo: async (place) => {
				for (const part of [0.3, 0.6, 1]) await touch("touchMove", { x: at.x + (place.x - at.x) * part, y: at.y + (place.y - at.y) * part });
				at = place;
			},
			letGo: async () => {
				await touch("touchEnd");
				await eventually(() => this.page.locator(".carried").count(), 0);
			},
		};
	}

	/**
	 * Moves a finger over the page, without a rest, and waits until the page rests: a tap on one that still scrolls stops it and does nothing else.
	 * @param {{ x: number, y: number }[]} points
	 */
	async swipe(points) {
		const cdp = await this.#cdp();
		for (const [i, point] of points.entries()) {
			await cdp.send("Input.dispatchTouchEvent", { type: i === 0 ? "touchStart" : "touchMove", touchPoints: [point] });
		}
		await cdp.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
		await this.page.evaluate(async () => {
			for (let still = 0, last = NaN; still < 10; still = scrollY === last ? still + 1 : 0) {
				last = scrollY;
				await new Promise((frame) => requestAnimationFrame(frame));
			}
		});
	}

	/** @param {Locator} card @param {Stroke[]} strokes */
	async addDrawing(card, strokes) {
		await this.draw(card, strokes);
		await this.press(this.button(card, text.addDrawing));
	}

	/** Presses the button that opens the chooser, and chooses. @param {Locator} button @param {PictureFile[] | string[]} files in memory, or paths */
	async choose(button, files) {
		await this.press(button);
		await this.chosen(files);
	}

	/** Chooses in the chooser that is open or about to. @param {PictureFile[] | string[]} files */
	async chosen(files) {
		const [chooser] = await eventually(() => this.#choosers, (open) => open.length > 0, "a file chooser");
		this.#choosers = [];
		await chooser?.setFiles(files);
	}

	/** Drags files or folders from the desktop over a place and lets go. @param {Locator} place @param {string[]} paths */
	async drop(place, paths) {
		const cdp = await this.#cdp();
		const data = { items: [], files: paths, dragOperationsMask: 1 };
		let at = { x: NaN, y: NaN };
		// The hand goes after the place, which moves when something learnt comes.
		await eventually(async () => {
			await place.hover({ trial: true }); // in sight, and at rest
			const box = await place.boundingBox();
			if (!box) throw new Error("the place is not there");
			at = { x: box.x + box.width / 2, y: box.y + Math.min(40, box.height / 2) };
			for (const type of /** @type {const} */ (["dragEnter", "dragOver"])) await cdp.send("Input.dispatchDragEvent", { type, ...at, data });
			return place.evaluate((element, { x, y }) => element.contains(document.elementFromPoint(x, y)), at);
		}, true, "the files are over the place");
		await cdp.send("Input.dispatchDragEvent", { type: "drop", ...at, data });
	}

	/** @param {number} i @param {string} name */
	async rename(i, name) {
		const input = this.card(i).locator("input.name");
		await this.press(input);
		await input.fill(name);
		await input.press("Enter");
	}

	/** Waits until the class shows so many pictures, all of them read. @param {number} i @param {number} n @param {Text} [table] */
	async waitForPictures(i, n, table = text) {
		const card = this.card(i);
		const read = async () => ({
			count: await card.locator(".count").textContent(),
			tiles: await card.locator(".tile").count(),
			waiting: await card.locator(".tile.waiting").count(),
		});
		await eventually(read, { count: n === 0 ? table.noPictures : table.pictures(n), tiles: n, waiting: 0 });
	}

	/** Waits for a verdict that names a class. @param {string} name @param {Text} [table] */
	async waitForVerdict(name, table = text) {
		await eventually(async () => (await this.page.locator("#verdict").textContent()) ?? "", (v) => v.startsWith(table.verdict(name, "")), name);
	}

	/** What the bars say: names and percent. */
	results() {
		return this.page.locator("#bars > li").evaluateAll((rows) => rows.map((row) => ({
			name: row.querySelector(".bar-name")?.textContent ?? "",
			percent: Number.parseInt(row.querySelector(".bar-percent")?.textContent ?? "", 10),
		})));
	}

	/** Names of the classes, in the order of the page. @returns {Promise<string[]>} */
	classNames() {
		return this.page.locator("#classes input.name").evaluateAll((inputs) =>
			inputs.map((input) => /** @type {HTMLInputElement} */ (input).value));
	}

	/** Waits for a sentence among the errors, the notices or the reasons. @param {string} place selector @param {string} sentence */
	async waitFor(place, sentence) {
		await eventually(async () => (await this.page.locator(place).allTextContents()).join("\n"), (all) => all.includes(sentence), `${place}: ${sentence}`);
	}
}
