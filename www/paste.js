// Pictures out of the clipboard go to what was touched last: a class, or step 3.

/** Names that browsers give to what has none. */
const nameless = /^image\.\w+$/;

/**
 * @param {(files: File[], place: Element | null) => void} onFiles the card or step that was touched last; null: none yet
 * @param {() => string} nextName what a picture without a name is called
 */
export function listenForPaste(onFiles, nextName) {
	/** @type {Element | null} */
	let touched = null;
	for (const kind of ["focusin", "pointerdown"]) {
		document.addEventListener(kind, (event) => {
			const place = event.target instanceof Element ? event.target.closest(".card, #try") : null;
			if (place) touched = place;
		});
	}
	document.addEventListener("paste", (event) => {
		const files = [...(event.clipboardData?.files ?? [])];
		if (files.length === 0) return; // text, for a name
		event.preventDefault();
		onFiles(files.map((file) => (nameless.test(file.name) ? new File([file], nextName(), { type: file.type }) : file)), touched?.isConnected ? touched : null);
	});
}
