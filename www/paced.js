// Work that many small changes ask for: done once for all of a moment, and never so often that there is time for nothing else.

/** After work that took t ms, the next begins 4 t later at the earliest: a fifth of the thread at most. */
const rest = 4;

/** The longest rest, ms: a task that was held up by others is no reason to stand still. */
const longest = 200;

/**
 * Gives the function that asks for the work. It is done when the moment ends (a microtask) where nothing was done lately, and later, in a task
 * of its own, where something was.
 * @param {() => boolean | void} work true: there is more of it, for another task
 * @returns {() => void}
 */
export function paced(work) {
	let asked = false;
	let next = 0;
	const run = () => {
		asked = false;
		const begin = performance.now();
		const more = work();
		const end = performance.now();
		next = end + Math.min(longest, rest * (end - begin));
		if (more) ask();
	};
	const ask = () => {
		if (asked) return;
		asked = true;
		const wait = next - performance.now();
		if (wait > 0) setTimeout(run, wait);
		else queueMicrotask(run);
	};
	return ask;
}

/** Ends the task: what waits for the thread comes first. @returns {Promise<void>} */
export const breath = () => new Promise((resolve) => setTimeout(resolve));
