// What learning costs in Chromium with the default bundle, in forward passes: five classes of five pictures, and one picture classified, by the
// backbone alone and with its experts. Those learn again what the backbone has learnt: the pictures are embedded by merged weights.
// Passes and what is compared with them take turns, so that a busy machine slows both: node e2e/goals.mjs, after ./build.sh build.

import { desktop, launch, Visit } from "./browser.mjs";
import { pageModels } from "./bundle.mjs";
import { png } from "./pictures.mjs";
import { serve } from "./terminal.mjs";

/** Turns of each kind; medians are told. */
const rounds = 21;

/** Noise of five kinds. @param {number} kind @param {number} n */
const picture = (kind, n) => png(96, 96, (x, y) => {
	const wave = Math.sin(((x * (kind + 1) + y * (5 - kind)) * (8 + n)) / 60);
	return [128 + 100 * wave, 60 + 30 * kind, 200 - 35 * kind];
});

const models = pageModels();
const browser = await launch();
const server = await serve();
try {
	const visit = await Visit.open(browser, server.url, desktop);
	await visit.modules();
	const pictures = Array.from({ length: 25 }, (_, i) => [...picture(Math.floor(i / 5), i % 5)]);
	const measured = await visit.page.evaluate(async ({ pictures, rounds }) => {
		/** @type {import("./browser.mjs").Modules} */
		const { Engine } = /** @type {any} */ (globalThis).modules;
		const engine = await Engine.load();
		const files = pictures.map((bytes) => Uint8Array.from(bytes));
		const clock = async (/** @type {() => Promise<unknown>} */ act) => {
			const begin = performance.now();
			await act();
			return performance.now() - begin;
		};
		const passes = () => clock(async () => {
			for (const file of files) await engine.embed(file);
		});
		/** @type {number[]} */
		let classes = [];
		/** Everything from pictures to a version, and another of views; @returns {Promise<[number, number, number]>} ms, of it those of adapt, and of views */
		const learn = async () => {
			for (const id of classes) await engine.removeClass(id);
			await engine.forgetHistory();
			classes = [];
			const read = await clock(async () => {
				for (const [i, file] of files.entries()) {
					if (i % 5 === 0) classes.push(await engine.addClass(`class ${i}`));
					await engine.addExample(/** @type {number} */ (classes.at(-1)), file);
				}
			});
			const adapt = await clock(() => engine.adapt());
			return [read + adapt, adapt, await clock(() => engine.adapt({ views: true, force: true }))];
		};
		const classify = () => clock(async () => {
			for (const file of files) await engine.classify(file);
		});
		await passes(); // warm
		const measure = async () => {
			/** @type {Record<"passes" | "learn" | "adapt" | "views" | "again" | "classify", number[]>} */
			const times = { passes: [], learn: [], adapt: [], views: [], again: [], classify: [] };
			for (let round = 0; round < rounds; round++) {
				const [all, adapt, views] = await learn();
				times.learn.push(all);
				times.adapt.push(adapt);
				times.views.push(views);
				times.passes.push(await passes());
				times.classify.push(await classify());
				times.again.push(await passes());
			}
			return times;
		};
		const alone = await measure();
		await engine.openExperts();
		const tuned = await measure();
		engine.dispose();
		return { alone, tuned };
	}, { pictures, rounds });
	const median = (/** @type {number[]} */ x) => /** @type {number} */ ([...x].sort((a, b) => a - b)[x.length >> 1]);
	let good = true;
	for (const [name, times] of /** @type {const} */ ([["the backbone alone", measured.alone], ["with its experts", measured.tuned]])) {
		/** In passes, by the passes beside it. @param {number[]} x */
		const inPasses = (x) => median(x.map((ms, i) => (2 * ms) / (/** @type {number} */ (times.passes[i]) + /** @type {number} */ (times.again[i]))));
		const [learn, adapt, classify] = [25 * inPasses(times.learn), 25 * inPasses(times.adapt), inPasses(times.classify)];
		console.log(`${name}: one pass ${(median([...times.passes, ...times.again]) / 25).toFixed(1)} ms`);
		console.log(`  5 classes x 5 pictures learnt: ${learn.toFixed(1)} passes with their reading; of it adapt ${adapt.toFixed(1)} passes, ${median(times.adapt).toFixed(1)} ms`);
		console.log(`  adapted again, with views of each: ${(25 * inPasses(times.views)).toFixed(1)} passes, ${median(times.views).toFixed(0)} ms`);
		console.log(`  one picture classified: ${classify.toFixed(2)} passes, the goal is 1.2`);
		good &&= classify <= 1.2 && (name === "the backbone alone" ? learn : adapt) <= 27.5;
	}
	console.log("the goal is 27.5 passes, of learning by the backbone alone and of adapt with the experts, which begins when the pictures are there");
	process.exitCode = good ? 0 : 1;
	await visit.close();
} finally {
	await browser.close();
	await server.stop();
	models.remove();
}
