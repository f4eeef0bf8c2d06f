// A pad holds still in the window while somebody draws on it: what comes or grows above it (an alert, the sign of an endpoint, more
// lines) is scrolled past before it is painted, or the next stroke would go astray. Browsers do the like by themselves, but not at the
// top of a page, not for what is in sight above, and Safari not at all.

/** The pad in use, and where its top was in the window. @type {{ pad: HTMLElement, top: number } | null} */
let held = null;

/** Where this file has scrolled to: a scroll to elsewhere is the user's. @type {Map<Element, number>} */
const left = new Map();

/** Sees every size that can move the pad in use. */
const sizes = new ResizeObserver(() => settle());

/** A pad that keeps its place from the moment a pen comes over it. @param {HTMLElement} pad */
export function holdsStill(pad) {
	pad.addEventListener("pointerenter", () => hold(pad));
	pad.addEventListener("pointerleave", ({ pointerType, buttons }) => {
		// A finger is lifted between two strokes; a mouse that leaves goes elsewhere.
		if (pointerType !== "touch" && buttons === 0 && held?.pad === pad) release();
	});
}

/** @param {HTMLElement} pad */
function hold(pad) {
	if (held?.pad === pad) return;
	release();
	held = { pad, top: pad.getBoundingClientRect().top };
	document.documentElement.classList.add("held");
	for (let at = pad; at.parentElement && at !== document.body; at = at.parentElement) {
		for (const beside of at.parentElement.children) sizes.observe(beside);
	}
	document.addEventListener("pointerdown", elsewhere, true);
	document.addEventListener("scroll", scrolled, true);
}

function release() {
	if (!held) return;
	held = null;
	left.clear();
	sizes.disconnect();
	document.documentElement.classList.remove("held");
	document.removeEventListener("pointerdown", elsewhere, true);
	document.removeEventListener("scroll", scrolled, true);
}

/** @param {PointerEvent} event */
function elsewhere({ target }) {
	if (!(target instanceof Node && held?.pad.contains(target))) release();
}

/** The user's scrolling takes the pad along. @param {Event} event */
function scrolled({ target }) {
	const scroller = target instanceof Element ? target : document.scrollingElement;
	if (!held || !scroller || left.get(scroller) === scroller.scrollTop) return;
	held.top = held.pad.getBoundingClientRect().top;
}

/** Scrolls the pad in use to where it was: the page, and where that does not move it, what scrolls in it. */
export function settle() {
	if (!held) return;
	const { pad, top } = held;
	if (pad.getClientRects().length === 0) return release(); // a picture has its place
	const off = () => pad.getBoundingClientRect().top - top;
	for (const scroller of [document.scrollingElement, pad.closest(".side")]) {
		const by = off();
		if (!scroller || Math.abs(by) < 1) continue;
		const from = scroller.scrollTop;
		scroller.scrollTop = from + by;
		if (Math.abs(off()) >= Math.abs(by)) scroller.scrollTop = from;
		left.set(scroller, scroller.scrollTop);
	}
	if (Math.abs(off()) >= 1) held.top += off(); // there is no more to scroll
}
