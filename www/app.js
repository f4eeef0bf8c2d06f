// The page: task, engine and views put together. Read task.js and runner.js for what happens, views/ for how it looks.

import { Endpoint } from "./endpoint.js";
import { Engine } from "./engine.js";
import { typed } from "./error.js";
import { dropZone, fromFolderInput } from "./files.js";
import { openShelf, Work } from "./kept/work.js";
import { keepForOffline } from "./offline.js";
import { OwnModel } from "./ownmodel.js";
import { breath, paced } from "./paced.js";
import { listenForPaste } from "./paste.js";
import { Proof } from "./proof.js";
import { Runner } from "./runner.js";
import { part } from "./sample.js";
import { languages, onLanguage, text } from "./strings.js";
import { Task } from "./task.js";
import { Threshold } from "./threshold.js";
import { original, Trial } from "./trial.js";
import { Card } from "./views/card.js";
import { byId } from "./views/element.js";
import { GearsView } from "./views/gears.js";
import { languageChoice, sayAll } from "./views/language.js";
import { setDisabled } from "./views/pad.js";
import { Status } from "./views/status.js";
import { UndoView } from "./views/undo.js";

/** @import { EngineError } from "./error.js" */
/** @import { Found } from "./files.js" */
/** @import { Class, Example } from "./task.js" */

/** Colours that style.css has for classes. */
const colors = 8;

/** A class keeps its colour when others go. @type {WeakMap<Class, number>} */
const colorOf = new WeakMap();

/** @param {Class} of */
function color(of) {
	let n = colorOf.get(of);
	if (n === undefined) {
		const uses = Array.from({ length: colors }, (_, i) => task.classes.filter((c) => colorOf.get(c) === i).length);
		n = uses.indexOf(Math.min(...uses));
		colorOf.set(of, n);
	}
	return n;
}

const opening = openShelf();
sayAll();
languageChoice(byId("language", HTMLSelectElement));
await breath(); // the words are there; the rest is a task of its own

/** what is kept of it; null until the storage has answered @type {Work | null} */
let work = null;

const task = new Task();
const status = new Status();
const undo = new UndoView(status, byId("add-class", HTMLButtonElement));
const classList = byId("classes", HTMLUListElement);
const learnButton = byId("learn", HTMLButtonElement);
const learnReason = byId("learn-reason", HTMLParagraphElement);
/** by key @type {Map<number, Card>} */
const cards = new Map();
let drawings = 0, photos = 0, bundleName = "";

/** Brings the page up to date, once for all changes of a moment. */
const render = paced(() => {
	const more = renderClasses();
	renderLearn();
	sampleButton.hidden = task.exampleCount > 0;
	work?.update();
	gears.update(gearsState, runner.adapted !== null, runner.adapted?.experts ?? null);
	return more;
});

const runner = new Runner(task, {
	onState: render,
	onAdapted: (result) => {
		render();
		void proof.refresh();
		trial.soon(0);
		if (result) void work?.persist();
	},
	onBadExample: refuse,
	onError: (error) => {
		console.error(error);
		const died = error.code === "died";
		if (died) status.stopped();
		status.alert(() => text.errors[error.code], died ? { retry: () => void runner.restart() } : {});
	},
	onRestart: (again) => {
		status.say(() => (again ? text.restarted : text.restarting));
		if (!again) return;
		status.ready(bundleName);
		trial.soon(0);
	},
});

// --- step 1: classes and their examples ---

/** @type {import("./views/card.js").CardActions} */
const actions = {
	rename(of, name) {
		const problem = task.checkName(of, name);
		if (problem === "nameTaken") status.say(() => text.nameTaken(name.trim()));
		else if (problem) status.say(() => text[problem]);
		else task.renameClass(of, name);
	},
	remove(of) {
		const index = task.classes.indexOf(of);
		const back = task.removeClass(of);
		offerUndo(() => text.classWith(of.name, of.examples.length), back);
		const next = task.classes[index] ?? task.classes[index - 1];
		(next ? cards.get(next.key)?.name : byId("add-class", HTMLButtonElement))?.focus();
	},
	onPaper: () => render(),
	addDrawing(to, drawing) {
		task.addExample(to, text.drawing(++drawings), drawing);
	},
	addPhoto(to, photo) {
		task.addExample(to, text.photo(++photos), photo);
	},
	addFiles(to, files) {
		void addFiles([[to, files]]);
	},
	removeExample(from, example) {
		offerUndo(() => text.pictureFrom(example.name, from.name), task.removeExample(from, example));
	},
	moveExample: (from, example, number) => move(from, example, task.classes[number - 1]),
	dropExample(key, to) {
		const from = task.classes.find((c) => c.examples.some((x) => x.key === key));
		const example = from?.examples.find((x) => x.key === key);
		if (from && example) move(from, example, to);
	},
	holdExample: ({ name }) => status.say(() => text.held(name)),
};

/** Gives an example another class. @param {Class} from @param {Example} example @param {Class | undefined} to */
function move(from, example, to) {
	if (!to || to === from || !task.has(from, example) || !task.classes.includes(to)) return false;
	const back = task.moveExample(from, example, to);
	undo.offer({ what: () => text.moved(example.name, to.name), back, done: () => text.movedBack(example.name, from.name) });
	return true;
}

/** @param {() => string} what @param {() => void} back */
function offerUndo(what, back) {
	undo.offer({ what: () => text.removed(what()), back, done: () => text.restored(what()) });
}

/** What new classes are called by. */
const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

function addClass() {
	const free = letters.map(text.newClass).find((name) => !task.checkName(null, name));
	return task.addClass(free ?? task.freeName(text.newClass("")));
}

/**
 * Files that were given together: what cannot be taken is told in one list.
 * @typedef {{ total: number, refused: (() => string)[], alert: HTMLElement | null }} Batch
 */

/** @returns {Batch} */
const newBatch = (total = 1) => ({ total, refused: [], alert: null });

/** The batch that an example came in. @type {WeakMap<Example, Batch>} */
const batches = new WeakMap();

/** @param {[Class, File[]][]} groups */
async function addFiles(groups) {
	const batch = newBatch(groups.reduce((n, [, files]) => n + files.length, 0));
	if (batch.total === 0) status.say(() => text.noFiles);
	for (const [to, files] of groups) {
		for (const file of files) {
			try {
				const example = task.addExample(to, file.name, await original(file));
				batches.set(example, batch);
			} catch (cause) {
				tellRefused(batch, file.name, /** @type {EngineError} */ (cause));
			}
		}
	}
}

/** @param {Found} found folders become classes, loose files have nowhere to go */
function addFolders({ files, folders }) {
	if (folders.size === 0) {
		status.say(() => (files.length > 0 ? text.dropOnClass : text.noFiles));
		return;
	}
	/** @type {[Class, File[]][]} */
	const groups = [];
	for (const [name, inside] of folders) groups.push([classCalled(name), inside]);
	void addFiles(groups);
}

/** The class of a name: there already, one that nobody has touched, or a new one. @param {string} name */
function classCalled(name) {
	const same = task.classes.find((c) => c.name === name);
	if (same) return same;
	const unused = task.classes.find((c) => c.examples.length === 0 && untouched.has(c));
	if (!unused) return task.addClass(task.freeName(name));
	task.renameClass(unused, task.freeName(name));
	return unused;
}

const sampleButton = byId("sample", HTMLButtonElement);

/** Pictures of each class of the sample, and the one that is tried: the 6th is one that the default bundle takes for unknown. */
const [samples, tried] = [5, 7];

/** The sample is learnt without Learn, as soon as there is an engine. */
let learnAtOnce = false;

sampleButton.addEventListener("click", async () => {
	learnButton.focus(); // this button goes once there are pictures
	for (const [name, scratched] of /** @type {[string, boolean][]} */ ([[text.sampleGood, false], [text.sampleBad, true]])) {
		const to = classCalled(name);
		for (let n = 1; n <= samples; n++) {
			task.addExample(to, text.samplePart(n), part(scratched, n));
			await breath(); // drawing all of them at once would be a long task
		}
	}
	learnAtOnce = true;
	runner.learn();
	trial.setPicture(part(true, tried), text.samplePart(tried));
});

/** Classes the page made and nobody named: the first folders take their place. @type {WeakSet<Class>} */
const untouched = new WeakSet();
task.onChange((change) => {
	if (change.kind === "renameClass") untouched.delete(change.class);
});

/** @param {string} name @param {EngineError} error */
function sentence(name, error) {
	if (error.code === "picture_format" && /\.hei[cf]$/i.test(name)) return text.heic;
	if (error.code === "died") return text.broke;
	return text.errors[error.code];
}

/** @param {Batch} batch @param {string} name @param {EngineError} error */
function tellRefused(batch, name, error) {
	batch.refused.push(() => text.problem(name, sentence(name, error)));
	batch.alert?.remove();
	batch.alert = status.alert(() => text.notTaken(batch.refused.length, batch.total), { list: batch.refused });
}

/** @param {Example} example @param {EngineError} error */
function refuse(example, error) {
	console.info(`${example.name}: ${error.code}: ${error.message}`);
	tellRefused(batches.get(example) ?? newBatch(), example.name, error);
}

// --- step 2: learn ---

/** The engine is on its way; false once it came, or did not. */
let loading = true;

/** Why Learn cannot be pressed, as a sentence; null when it can. @returns {string | null} */
function whyNot() {
	const lack = task.lack();
	if (lack?.code === "empty_class") {
		// Who has drawn and not added takes "add a picture" for a fault of the page.
		const { key, name } = lack.class;
		return cards.get(key)?.drawn ? text.whyNotAdded(name) : text.whyEmptyClass(name);
	}
	if (lack) return text.whyFewClasses;
	if (runner.state === "loading") return loading ? text.whyLoading : text.whyBroken;
	if (runner.state === "broken") return text.whyBroken;
	return null;
}

learnButton.addEventListener("click", () => {
	const lack = task.lack();
	if (lack?.code === "empty_class") cards.get(lack.class.key)?.element.scrollIntoView({ block: "nearest" });
	if (whyNot()) return;
	runner.learn();
	render();
	trial.soon(0);
});

function renderLearn() {
	const why = whyNot();
	const { adapted, learning } = runner;
	setDisabled(learnButton, why !== null || learning);
	learnButton.textContent = learning && adapted ? text.learnt : text.learn;
	learnButton.classList.toggle("done", learning && adapted !== null);
	if (learning && adapted) {
		const lack = task.lack();
		const left = runner.refused ? text.refused : lack?.code === "empty_class" ? text.notYetLearnt(lack.class.name) : lack ? text.whyFewClasses : text.learntLive;
		learnReason.textContent = text.sentences(text.learntFrom(adapted.way, adapted.examples, adapted.ms), left);
	} else if (why) {
		learnReason.textContent = why;
	} else {
		learnReason.textContent = task.waiting > 0 ? text.whyReading(task.waiting) : text.readyToLearn;
	}
}

// --- the experts: gears, as the page calls them ---

/** @type {"coming" | "ready" | "missing"} */
let gearsState = "coming";
const gears = new GearsView((on) => runner.useExperts(on));

/** Opens what the model has of them, while all else goes on. @param {Engine} engine */
async function loadGears(engine) {
	gears.show(engine.hasExperts);
	if (!engine.hasExperts) return;
	try {
		await engine.openExperts();
		gearsState = "ready";
		runner.expertsCame();
	} catch (cause) {
		console.error(cause);
		gearsState = "missing";
		runner.expertsMissing();
	}
	render();
}

// --- step 3: try it ---

const threshold = new Threshold();
const trial = new Trial({ task, runner, status, threshold, color, whyNot, refused: (name, error) => tellRefused(newBatch(), name, error), classifyAll: (pictures, signal) => endpoint.classifyAll(pictures, signal) });

// --- how sure it is ---

const proof = new Proof(task, runner, threshold, {
	color, move: (from, example, to) => void move(from, example, to),
	remove: (from, example) => {
		if (task.has(from, example)) actions.removeExample(from, example);
	},
}, { onThreshold: () => trial.soon(0), model: () => bundleName });

// --- the whole ---

/** @returns {boolean} there are more pictures than one task puts on the page */
function renderClasses() {
	let room = 40;
	for (const [key, card] of cards) {
		if (task.classes.some((c) => c.key === key)) continue;
		card.remove();
		cards.delete(key);
	}
	for (const [i, c] of task.classes.entries()) {
		let card = cards.get(c.key);
		if (!card) {
			card = new Card(c, actions);
			cards.set(c.key, card);
		}
		room -= card.update(color(c), room);
		if (classList.children[i] !== card.element) classList.insertBefore(card.element, classList.children[i] ?? null);
	}
	return room === 0;
}

task.onChange(render);
onLanguage(() => {
	// What the page itself named and nobody touched is called what the language calls it.
	for (const c of task.classes) {
		const letter = letters.find((l) => untouched.has(c) && Object.values(languages).some((table) => table.newClass(l) === c.name));
		const name = letter && text.newClass(letter);
		if (!name || task.checkName(c, name)) continue;
		task.renameClass(c, name);
		untouched.add(c);
	}
	render();
	trial.soon(0);
});

byId("add-class", HTMLButtonElement).addEventListener("click", () => {
	const added = addClass();
	renderClasses();
	const name = cards.get(added.key)?.name;
	name?.focus();
	name?.select();
});
const folderInput = byId("folder-input", HTMLInputElement);
byId("add-folders", HTMLButtonElement).addEventListener("click", () => folderInput.click());
folderInput.addEventListener("change", () => {
	const found = fromFolderInput(folderInput.files ?? []);
	folderInput.value = "";
	addFolders(found);
});
dropZone(document.body, addFolders);

let pasted = 0;
listenForPaste((files, place) => {
	if (place?.id === "try") return void trial.take(files);
	const key = [...cards].find(([, card]) => card.element === place)?.[0];
	const to = task.classes.find((c) => c.key === key) ?? task.classes[0] ?? addClass();
	void addFiles([[to, files]]);
	status.say(() => text.pastedInto(text.pictures(files.length), to.name));
}, () => text.pasted(++pasted));

window.addEventListener("beforeunload", (event) => {
	if (work?.unsafe) event.preventDefault(); // "leave the page?": something is not kept
});

// --- what is kept of the work ---

const kept = opening.then((opened) => {
	work = new Work({ task, runner, status, untouched }, opened);
	if (!work.restore()) for (const added of [addClass(), addClass()]) untouched.add(added);
	render();
});
trial.soon(0);
renderClasses();
renderLearn();
performance.mark("haguruma:page"); // e2e/ready.mjs reads the marks

const model = new OwnModel(status);
const endpoint = new Endpoint({ task, runner, status, keeper: () => work?.keeper ?? null, onChange: () => trial.soon(0) });

async function load() {
	loading = true;
	status.loading();
	render();
	try {
		const engine = await Engine.load({
			...model.options,
			onProgress: (progress) => {
				if (runner.state === "loading") status.progress(progress);
				if (progress.part === "start" && progress.loaded === 1) performance.mark("haguruma:engine");
			},
			onDeath: () => void runner.restart(),
		});
		await kept;
		bundleName = engine.info.bundle;
		status.ready(bundleName);
		model.show(engine);
		work?.start(engine);
		runner.start(endpoint.around(engine));
		if (learnAtOnce) runner.learn();
		performance.mark("haguruma:ready");
		void loadGears(engine).then(keepForOffline).then((kept) => status.offline(kept)); // what the page needs now goes first
	} catch (cause) {
		const error = typed(cause);
		if (model.gaveWay(error)) return load();
		console.error(error, error.cause ?? "");
		loading = false;
		status.stopped();
		render();
		status.alert(() => text.errors[error.code], error.code === "unsupported" ? {} : { retry: () => void load() });
	}
}

void load();
