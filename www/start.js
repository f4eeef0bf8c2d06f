// The page's program is asked for when its style sheets are there, by a script that waits for them: else, on a phone, ninety modules would share line
// and processor with them and with the first layout. The modules are asked for together; one after the other, as each import is found, would cost
// a round trip each, as an import of this one would.

/** So many requests are begun in one task; all of them where nobody sees the page, for its timers are slow. */
const batch = document.hidden ? Infinity : 10;

/** The button that was pressed before the program was there to hear it. @type {HTMLButtonElement | null} */
let pressed = null;
const heard = new AbortController();
document.addEventListener("click", ({ target }) => {
	if (target instanceof Element) pressed = target.closest("button");
}, { signal: heard.signal });

const links = [.../** @type {HTMLTemplateElement} */ (document.getElementById("modules")).content.children];
while (links.length > 0) {
	document.head.append(...links.splice(0, batch));
	await new Promise((done) => setTimeout(done));
}
await import("./app.js");
heard.abort();
/** @type {HTMLButtonElement | null} */ (pressed)?.click();
