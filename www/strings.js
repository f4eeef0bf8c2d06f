// Every word the page says: a table for each language, of the same shape, and the one in use.

import { chosen, keepChoice } from "./choice.js";
import { en } from "./strings/en.js";
import { ja } from "./strings/ja.js";

/** @typedef {typeof en} Text */
/** @typedef {keyof typeof languages} Language */

/** @satisfies {Record<string, Text>} */
export const languages = { en, ja };

/** Where the choice of the user is kept. */
const choiceKey = "haguruma.language";

/** The table in use. It changes with useLanguage: read it when something is said, and keep no copy. @type {Text} */
export let text = languages[preferred()];

/** @type {(() => void)[]} */
const listeners = [];

/** Calls listener after each change of the language. @param {() => void} listener */
export function onLanguage(listener) {
	listeners.push(listener);
}

/** Says everything in a language from now on, and in the visits to come. @param {Language} language */
export function useLanguage(language) {
	text = languages[language];
	keepChoice(choiceKey, language);
	for (const listener of listeners) listener();
}

/** What the user chose, else the first language of the browser that there is a table for. Outside a page: English. @returns {Language} */
function preferred() {
	if (typeof document === "undefined") return "en";
	return pick(chosen(choiceKey), navigator.languages);
}

/**
 * @param {string | null} chosen
 * @param {readonly string[]} wanted tags of BCP 47, the dearest first
 * @returns {Language}
 */
export function pick(chosen, wanted) {
	for (const tag of chosen === null ? wanted : [chosen, ...wanted]) {
		const primary = tag.toLowerCase().split("-")[0] ?? "";
		if (Object.hasOwn(languages, primary)) return /** @type {Language} */ (primary);
	}
	return "en";
}

/** Keys of `text` that data-text and data-label name: plain words only. */
export function staticText(/** @type {string} */ key) {
	const value = /** @type {Record<string, unknown>} */ (/** @type {unknown} */ (text))[key];
	if (typeof value !== "string") throw new Error(`strings: no plain text ${JSON.stringify(key)}`);
	return value;
}
