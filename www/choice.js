// What the user chose, kept for the visits to come.

/** @param {string} key @returns {string | null} null: nothing was chosen, or the browser keeps nothing */
export function chosen(key) {
	try {
		return localStorage.getItem(key);
	} catch {
		return null;
	}
}

/** @param {string} key @param {string} value */
export function keepChoice(key, value) {
	try {
		localStorage.setItem(key, value);
	} catch {
		// a browser that keeps nothing asks again at the next visit
	}
}
