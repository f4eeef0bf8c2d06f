import assert from "node:assert/strict";
import { test } from "node:test";
import { Live } from "../live.js";

/** @import { Pixels } from "../engine.js" */

const settle = () => new Promise((resolve) => setImmediate(resolve));

/** A camera and an engine by hand: what the loop did is in `log`, and each picture waits to be answered. */
function stage() {
	/** @type {string[]} */
	const log = [];
	/** @type {((result: { ms: number, where?: string } | null) => void)[]} */
	const answers = [];
	/** @type {((picture: Pixels | null) => void)[]} */
	const asked = [];
	let goes = true;
	const live = new Live({
		next: () => new Promise((resolve) => {
			log.push("read");
			asked.push(resolve);
		}),
		goes: () => goes,
		answer: ({ width }) => new Promise((resolve) => {
			log.push(`engine ${width}`);
			answers.push((result) => {
				log.push(`answer ${width}`);
				resolve(result);
			});
		}),
		ended: () => void log.push("ended"),
	});
	return {
		live, log, stop: () => void (goes = false),
		/** the camera's next picture @param {number} n */
		picture: (n) => asked.shift()?.(n ? picture(n) : null),
		/** the engine's next answer @param {number} ms of the pass @param {string} [where] */
		answer: (ms, where) => answers.shift()?.(ms < 0 ? null : { ms, ...(where && { where }) }),
	};
}

/** @param {number} n @returns {Pixels} */
const picture = (n) => ({ width: n, height: 1, data: new Uint8ClampedArray(4 * n) });

test("of a short pass the engine has the next picture before it answers, and never more than one in a row", async () => {
	const { live, log, picture: film, answer } = stage();
	void live.run(picture(1));
	await settle();
	assert.deepEqual(log.splice(0), ["engine 1", "read"], "the next is read while the first is answered");
	film(2);
	await settle();
	assert.deepEqual(log.splice(0), [], "how long a pass is, nobody knows yet");
	answer(6);
	await settle();
	assert.deepEqual(log.splice(0), ["answer 1", "engine 2", "read"]);
	film(3);
	await settle();
	assert.deepEqual(log.splice(0), ["engine 3", "read"], "2 is not answered");
	film(4);
	await settle();
	assert.deepEqual(log.splice(0), [], "the engine has one, and one waits");
	answer(6);
	await settle();
	assert.deepEqual(log.splice(0), ["answer 2", "engine 4", "read"]);
});

test("of a long pass, or one that an endpoint makes, the picture that follows waits for its answer", async ({ mock }) => {
	mock.timers.enable({ apis: ["setTimeout"] });
	for (const [ms, where] of /** @type {[number, string?][]} */ ([[30], [6, "https://example"]])) {
		const { live, log, picture: film, answer } = stage();
		void live.run(picture(1));
		await settle();
		film(2);
		answer(ms, where);
		await settle();
		assert.deepEqual(log.splice(0), where ? ["engine 1", "read", "answer 1", "engine 2", "read"] : ["engine 1", "read", "answer 1", "engine 2"]);
		mock.timers.tick(13);
		await settle();
		assert.deepEqual(log.splice(0), []);
		mock.timers.tick(1);
		await settle();
		assert.deepEqual(log.splice(0), where ? [] : ["read"], "it is read when the answer is near");
		film(3);
		await settle();
		assert.deepEqual(log.splice(0), []);
		answer(ms, where);
		await settle();
		assert.equal(log[1], "engine 3");
	}
});

test("the loop ends without a picture or without an engine, and goes on after a picture that had no answer", async () => {
	const closed = stage();
	const end = closed.live.run(picture(1));
	await settle();
	closed.picture(0);
	closed.answer(6);
	await end;
	assert.deepEqual(closed.log, ["engine 1", "read", "answer 1"], "the camera is closed: nobody is told");
	assert.equal(closed.live.again(), false);

	const opened = stage();
	const again = opened.live.run(picture(1));
	await settle();
	assert.equal(opened.live.again(), true);
	opened.picture(0);
	opened.answer(-1);
	await again;
	assert.equal(opened.log.at(-1), "ended", "opened again meanwhile");

	const dead = stage();
	const death = dead.live.run(picture(1));
	await settle();
	dead.picture(2);
	dead.answer(-1);
	await settle();
	assert.equal(dead.log.at(-2), "engine 2");
	dead.stop();
	dead.picture(3);
	dead.answer(-1);
	await death;
	assert.deepEqual(dead.log.slice(-2), ["answer 2", "ended"]);
});
