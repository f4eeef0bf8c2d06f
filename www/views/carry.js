// A finger moves pictures to other classes: it rests on one until that lifts, and carries it over a class; or it lets go where it was, and touches the
// class. A finger that moves at once scrolls, as everywhere.

import { el, paint } from "./element.js";

/** @import { Tile } from "./tile.js" */

/** So long a finger rests on a picture before it lifts, ms; shorter than the browser's own long press. */
const rest = 400;

/** A finger that has moved further than this has not rested, pixels. */
const slack = 10;

/** So near to the upper or lower end of the window what is carried scrolls the page, pixels. */
const edge = 80;

/** As far as that in each frame, pixels. */
const stride = 14;

/** Told to the card that a picture is brought to; its detail is the key of the example. */
export const brought = "haguruma-brought";

/** What the cards have pictures in. */
const cardOf = (/** @type {unknown} */ element) => (element instanceof Element ? element.closest(".card") : null);

/** Of the tiles of one class. */
export class Carrier {
	#find;
	#onHeld;
	/** where the finger came down, and on what @type {{ id: number, x: number, y: number, tile: Tile } | null} */
	#press = null;
	/** what follows the finger @type {HTMLElement | null} */
	#ghost = null;
	/** where the finger is */
	#at = { x: 0, y: 0 };
	#moved = false;
	/** the card below the finger @type {Element | null} */
	#over = null;
	/** ends what listens for the rest of the touch */
	#listening = new AbortController();

	/**
	 * @param {HTMLElement} list of the tiles
	 * @param {(element: Element) => Tile | undefined} find the tile that an element is in
	 * @param {(tile: Tile) => void} onHeld a picture was lifted and waits for the touch of a class
	 */
	constructor(list, find, onHeld) {
		this.#find = find;
		this.#onHeld = onHeld;
		list.addEventListener("pointerdown", (event) => this.#down(event));
		// A finger that carries does not scroll. Whether it does is known when it moves, so this must be able to say no.
		list.addEventListener("touchmove", (event) => void (this.#ghost && event.cancelable && event.preventDefault()), { passive: false });
		list.addEventListener("contextmenu", (event) => void (this.#press && event.preventDefault()));
	}

	/** @param {PointerEvent} event */
	#down(event) {
		this.#end();
		if (event.pointerType !== "touch" || !event.isPrimary || !(event.target instanceof Element) || event.target.closest("button")) return;
		const tile = this.#find(event.target);
		if (!tile) return;
		this.#press = { id: event.pointerId, x: event.clientX, y: event.clientY, tile };
		this.#at = { x: event.clientX, y: event.clientY };
		tile.element.draggable = false; // browsers that drag by touch would take it away
		const { signal } = (this.#listening = new AbortController());
		const timer = setTimeout(() => this.#lift(), rest);
		signal.addEventListener("abort", () => clearTimeout(timer));
		document.addEventListener("pointermove", (e) => this.#move(e), { signal });
		document.addEventListener("pointerup", (e) => this.#up(e), { signal });
		document.addEventListener("pointercancel", () => this.#end(), { signal });
		document.addEventListener("pointerdown", (e) => void (e.pointerId !== event.pointerId && this.#end()), { signal, capture: true }); // a second finger
	}

	#lift() {
		const tile = this.#press?.tile;
		if (!tile?.element.isConnected) return this.#end();
		const canvas = el("canvas", { width: 1, height: 1, className: "carried", "aria-hidden": "true" });
		if (tile.pixels) paint(canvas, tile.pixels);
		tile.element.classList.add("lifted");
		document.body.append(canvas);
		this.#ghost = canvas;
		this.#moved = false;
		this.#follow();
		this.#scroll();
	}

	/** @param {PointerEvent} event */
	#move({ pointerId, clientX, clientY }) {
		const press = this.#press;
		if (!press || pointerId !== press.id) return;
		this.#at = { x: clientX, y: clientY };
		const far = Math.hypot(clientX - press.x, clientY - press.y) > slack;
		if (!this.#ghost) return far ? this.#end() : undefined;
		this.#moved ||= far;
		this.#follow();
	}

	/** Puts what is carried where the finger is, and shows which class would have it. */
	#follow() {
		const { x, y } = this.#at;
		if (this.#ghost) this.#ghost.style.translate = `${x}px ${y}px`;
		const over = cardOf(document.elementFromPoint(x, y));
		if (over === this.#over) return;
		this.#over?.classList.remove("dropping");
		this.#over = over;
		over?.classList.add("dropping");
	}

	/** Other classes may be out of sight: the page scrolls to them while the finger is at its ends. */
	#scroll() {
		if (!this.#ghost) return;
		const { y } = this.#at;
		const by = y < edge ? y - edge : Math.max(0, y - innerHeight + edge);
		if (this.#moved && by !== 0) {
			window.scrollBy(0, (stride * by) / edge);
			this.#follow();
		}
		requestAnimationFrame(() => this.#scroll());
	}

	/** @param {PointerEvent} event */
	#up({ pointerId }) {
		const press = this.#press;
		if (!press || pointerId !== press.id) return;
		const [over, carried, moved] = [this.#over, this.#ghost !== null, this.#moved];
		this.#end();
		if (!carried) return;
		if (!moved) this.#hold(press.tile);
		else bring(press.tile, over);
	}

	/** The next touch says where to. @param {Tile} tile */
	#hold(tile) {
		tile.element.classList.add("lifted");
		const { signal } = (this.#listening = new AbortController());
		signal.addEventListener("abort", () => tile.element.classList.remove("lifted"));
		document.addEventListener("click", (event) => {
			if (event.target instanceof Node && tile.element.contains(event.target)) return; // of the touch that lifted it
			const to = cardOf(event.target);
			if (to && to !== cardOf(tile.element)) {
				event.preventDefault(); // what is below the finger is not meant
				event.stopPropagation();
			}
			this.#listening.abort();
			bring(tile, to);
		}, { signal, capture: true });
		document.addEventListener("keydown", () => this.#listening.abort(), { signal, capture: true });
		this.#onHeld(tile);
	}

	/** Nothing is lifted any more. */
	#end() {
		this.#listening.abort();
		this.#ghost?.remove();
		this.#ghost = null;
		this.#over?.classList.remove("dropping");
		this.#over = null;
		const tile = this.#press?.tile;
		this.#press = null;
		if (!tile) return;
		tile.element.draggable = true;
		tile.element.classList.remove("lifted");
	}
}

/** Gives a picture to a card that is not its own. @param {Tile} tile @param {Element | null} to */
function bring(tile, to) {
	if (to && tile.element.isConnected && to !== cardOf(tile.element)) to.dispatchEvent(new CustomEvent(brought, { detail: tile.example.key }));
}
