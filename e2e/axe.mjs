// axe-core on a page of ours: what it finds against WCAG 2.2 A and AA and its own good practice.

import axe from "axe-core";

/** @import { AxeResults } from "axe-core" */
/** @import { Page } from "playwright-core" */

/**
 * Runs axe on the page as it is now. Its source goes in by DevTools, which the page's content security policy does not hold; it is put there once.
 * @param {Page} page
 * @returns {Promise<string[]>} a line for each fault: rule, place, what is wrong
 */
export async function faults(page) {
	const devtools = await page.context().newCDPSession(page);
	/** @param {string} expression @returns {Promise<any>} */
	const run = async (expression) => {
		const { result, exceptionDetails } = await devtools.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
		if (exceptionDetails) throw new Error(`axe: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
		return result.value;
	};
	try {
		if (!(await run("typeof axe === 'object'"))) await run(`${axe.source}; void 0`);
		/** @type {AxeResults} */
		const results = await run("axe.run(document, { resultTypes: ['violations'] })");
		if (results.passes.length < 20) throw new Error(`axe: only ${results.passes.length} rules had something to look at`);
		return results.violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary ?? help}`));
	} finally {
		await devtools.detach();
	}
}
