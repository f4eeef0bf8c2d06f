// Tables for spreadsheets.

import { save } from "./kept/files.js";

/**
 * CSV after RFC 4180, with the mark that tells a spreadsheet that it is UTF-8. A text that a spreadsheet would take for a formula is put
 * in quotes of its own, because names of files and classes come from anywhere.
 * @param {(string | number)[][]} rows
 */
export function csv(rows) {
	return `\ufeff${rows.map((row) => `${row.map(field).join(",")}\r\n`).join("")}`;
}

/** @param {string | number} value */
function field(value) {
	if (typeof value === "number") return String(value);
	const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
	return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Gives a text to the user as a file. @param {string} name @param {string} content */
export function saveCsv(name, content) {
	save(new Blob([content], { type: "text/csv;charset=utf-8" }), name);
}
