import { el, labelIt, sayIt } from "./element.js";
import { languages, onLanguage, text, useLanguage } from "../strings.js";

/** @import { Language } from "../strings.js" */

/** Says every plain word of the document in the language in use, and which it is. */
export function sayAll() {
	document.documentElement.lang = text.lang;
	document.title = text.title;
	for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-text]"))) {
		sayIt(element, element.dataset["text"] ?? "");
	}
	for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-label]"))) {
		labelIt(element, element.dataset["label"] ?? "");
	}
}

/** Makes a select the choice of language: each is called what those who read it call it. @param {HTMLSelectElement} select */
export function languageChoice(select) {
	select.replaceChildren(...Object.entries(languages).map(([value, { lang, languageName }]) =>
		el("option", { value, lang, textContent: languageName })));
	select.value = text.lang;
	select.addEventListener("change", () => useLanguage(/** @type {Language} */ (select.value)));
	onLanguage(sayAll);
}
