// The page's side of the service worker: has it keep what the page needs, once the page is ready, and says so.

import { chosen, keepChoice } from "./choice.js";
import { engineFile } from "./simd.js";

/** @import { Kept } from "./sw.js" */

/** That fine-tuning has been used. */
const tuningKey = "haguruma.tuning";

const workers = navigator.serviceWorker; // not over plain HTTP from another machine

/**
 * The server's list of the page's files, as it is when the page starts. "" where the host has none: the page then lives by the network.
 * And where there is a service worker from an earlier visit: it opened this page by a list, and knows which.
 */
const seen = !workers || workers.controller
	? Promise.resolve("")
	: fetch(new URL("files.json", document.baseURI), { cache: "no-cache" }).then((r) => (r.ok ? r.text() : ""), () => "");

/**
 * Keeps the page for when there is no network.
 * @returns {Promise<Kept | null>} null: this browser or this host cannot; never rejects
 */
export async function keepForOffline() {
	if (!workers || !globalThis.isSecureContext) return null;
	try {
		const text = await seen;
		// Without a network there may be one from an earlier visit.
		if (!workers.controller && !hasFiles(text)) return null;
		await workers.register(new URL("sw.js", document.baseURI), { updateViaCache: "none" }).catch((error) => {
			if (!workers.controller) throw error;
		});
		const { active } = await workers.ready;
		const { port1, port2 } = new MessageChannel();
		return await new Promise((resolve) => {
			port1.onmessage = ({ data }) => resolve(data);
			active?.postMessage({ engine: engineFile(), tuning: chosen(tuningKey) ? engineFile(true) : "", seen: text }, [port2]);
		});
	} catch (cause) {
		console.info(`not kept for use without a network: ${cause}`);
		return null;
	}
}

/** Keeps the engine that can fine-tune too, from now on: this user wants it. @returns {Promise<Kept | null>} as keepForOffline; null: it is kept already */
export async function keepTuning() {
	if (chosen(tuningKey)) return null;
	keepChoice(tuningKey, "yes");
	return keepForOffline();
}

/** @param {string} text */
function hasFiles(text) {
	try {
		return Object.keys(JSON.parse(text).files).length > 0;
	} catch {
		return false;
	}
}
