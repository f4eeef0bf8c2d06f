// Every word the page says, in English.

import { endpoint } from "./endpoint.en.js";
import { evidence } from "./evidence.en.js";
import { exporting } from "./export.en.js";
import { finetune } from "./finetune.en.js";
import { formats } from "./format.js";

/** @import { Trouble } from "../camera.js" */
/** @import { ErrorCode, Progress } from "../engine.js" */

const { number, tenth, percent, megabytes, tenths } = formats("en");

/** @param {number} n */
const pictures = (n) => (n === 1 ? "1 picture" : `${number(n)} pictures`);

export const en = {
	lang: "en",
	languageName: "English",
	language: "Language",
	title: "haguruma: teach by example",
	tagline: "Teach it with a few examples. Everything stays on this device.",
	skip: "Skip to the classes",

	// step 1
	teach: "Show examples",
	teachHint: "Draw, film or add pictures: three to ten for each class are a good start.",
	addClass: "Add a class",
	addFolders: "Add folders as classes",
	sample: "Start with a sample",
	sampleGood: "good part",
	sampleBad: "scratched part",
	/** @param {number} n */
	samplePart: (n) => `sample ${number(n)}`,
	addFoldersHint: "You can also drop folders here: each becomes a class with its name.",
	/** @param {string} letter */
	newClass: (letter) => `Class ${letter}`,
	className: "Name of the class",
	/** @param {string} name */
	removeClass: (name) => `Remove ${name}`,
	pictures,
	noPictures: "no pictures yet",
	/** @param {string} name */
	padLabel: (name) => `Drawing area of ${name}`,
	addDrawing: "Add drawing",
	undoStroke: "Undo",
	undoStrokeLabel: "Undo the last stroke",
	clear: "Clear",
	chooseFiles: "Choose pictures",
	dropHere: "or drop or paste them here",
	drawHere: "draw here",
	/** @param {string} name @param {string} of */
	removeExample: (name, of) => `Remove ${name} from ${of}`,
	/** @param {number} n */
	drawing: (n) => `drawing ${number(n)}`,
	/** @param {string} name */
	examplesOf: (name) => `Pictures of ${name}`,
	waiting: "being read",

	// the camera
	cameraOpen: "Camera",
	cameraClose: "Close the camera",
	cameraHold: "Hold to record",
	cameraPicture: "What the camera sees",
	cameraChoice: "Choice of camera",
	/** @param {number} n */
	cameraNumber: (n) => `Camera ${number(n)}`,
	/** @param {number} n */
	photo: (n) => `photo ${number(n)}`,
	/** @type {Record<Trouble, string>} why there is no picture, and what to do */
	camera: {
		denied: "The camera may not be used. Allow it for this page at the address bar or in the browser’s settings, then try again. Files and drawings work without it.",
		none: "No camera was found. Connect one and try again, or choose pictures from files.",
		busy: "The camera does not answer. Another program may be using it: close that one and try again.",
		gone: "The camera was disconnected or switched off. Connect it and try again.",
		insecure: "The browser gives the camera only to pages from https or from this device. Open the page that way, or choose pictures from files.",
	},

	// step 2
	learn: "Learn",
	learnTitle: "Learn",
	learnt: "Learnt",
	/** @param {number} way @param {number} examples @param {number} ms */
	learntFrom: (way, examples, ms) => `Learnt ${number(way)} classes from ${pictures(examples)} in ${ms < 1 ? "under 1" : number(Math.round(ms))} ms.`,
	/** @param {string} first @param {string} second */
	sentences: (first, second) => `${first} ${second}`,
	learntLive: "New pictures are learnt at once.",
	readyToLearn: "Ready when you are.",
	whyLoading: "Wait a moment: the engine is still loading.",
	whyBroken: "The engine is not running.",
	whyFewClasses: "Add a second class first.",
	/** @param {string} name */
	whyEmptyClass: (name) => `Add at least one picture to ${name}.`,
	/** @param {string} name */
	whyNotAdded: (name) => `Press “Add drawing” at ${name} to keep what you drew.`,
	/** @param {number} n */
	whyReading: (n) => `Reading ${pictures(n)}…`,
	/** @param {string} name */
	notYetLearnt: (name) => `${name} has no picture yet and is left out until it has.`,

	// gears
	useGears: "Adapt the model to this task",
	gearsTitle: "Gears in use",
	gearsComing: "The model’s gears are on their way.",
	gearsFirst: "Once it learns, the model picks the gears that help with your pictures.",
	gearsOff: "The model is used as it is.",
	/** @param {number} n of @param {number} all @param {string} percent */
	gearsChosen: (n, all, percent) => `${number(n)} of ${number(all)} gears are turned, which change ${percent} of the model.`,
	/** @param {number} n */
	gear: (n) => `Gear ${number(n)}`,
	gearsWhere: "Where in the model",
	/** @param {string} name @returns {string} */
	part: (name) => {
		const block = /^blocks\.(\d+)$/.exec(name);
		if (block) return `block ${Number(block[1]) + 1}`;
		return { patch_embed: "reading the picture", pos_embed: "places", cls_token: "class token", register_tokens: "registers", norm: "last norm" }[name] ?? name;
	},
	gearsMissing: "The model’s gears could not be loaded. Everything works without them.",

	// views
	closerTitle: "Views of each picture",
	useViews: "Look at each picture eight ways",
	closerHint: "Mirrored, nearer, wider and higher too: surer with few pictures, above all of things unlike photos. Learning takes eight times as long, a second or so.",
	closerBusy: "Looking at each picture again.",
	/** @param {number} n */
	closerUsed: (n) => `Learnt from ${number(n)} views of each picture.`,
	closerWorse: "No better on pictures left out, so all stays as it was.",

	// step 3
	tryTitle: "Try it",
	tryPad: "Drawing area for trying",
	tryChoose: "Choose a picture",
	tryBack: "Draw instead",
	/** @param {string} name */
	tryOne: (name) => `One picture at a time here: ${name} was taken.`,
	tryHint: "Draw, choose or film something new, and see what it is taken for.",
	tryFirst: "Press Learn first.",
	/** @param {string} name @param {string} percent */
	verdict: (name, percent) => `${name}, ${percent}`,
	percent,
	mostLike: "Most like this example:",
	/** @param {string} name @param {string} percent */
	noneOf: (name, percent) => `None of these. Nearest is ${name}, ${percent}.`,
	/** @param {string} name */
	pictureOf: (name) => `the picture ${name}`,

	...evidence,
	...finetune,
	...exporting,
	...endpoint,

	// status
	/** @param {Progress} p */
	progress: ({ part, loaded, total }) =>
		part === "start"
			? "Starting"
			: `${{ engine: "Engine", bundle: "Model", experts: "Gears" }[part]} ${total === null ? megabytes(loaded) : `${tenths(loaded)} of ${megabytes(total)}`}`,
	loading: "Loading",
	/** @param {string} bundle */
	ready: (bundle) => `Ready. Model: ${bundle}.`,
	/** @param {number} bytes */
	offlineReady: (bytes) => `Works without a network: ${megabytes(bytes)} kept on this device.`,
	offlineRoom: "There is not enough room on this device to keep the page for use without a network.",
	/** @param {number} ms */
	timing: (ms) => `${ms < 10 ? tenth(ms) : number(Math.round(ms))} ms a picture, all in this tab`,
	restarting: "The engine stopped and is being started again. Your pictures are kept.",
	restarted: "The engine is running again. Nothing was lost.",
	retry: "Try again",
	undo: "Undo",
	dismiss: "Close",
	/** @param {string} what */
	removed: (what) => `Removed ${what}.`,
	/** @param {string} name @param {number} n */
	classWith: (name, n) => (n === 0 ? name : `${name} with ${pictures(n)}`),
	/** @param {string} name @param {string} of */
	pictureFrom: (name, of) => `${name} from ${of}`,
	/** @param {string} what */
	restored: (what) => `${what} is back.`,
	/** @param {number} n @param {number} total */
	notTaken: (n, total) => (total === 1 ? "This file was not taken:" : `Not taken, ${number(n)} of ${number(total)} files:`),
	/** @param {string} name @param {string} sentence */
	problem: (name, sentence) => `${name}: ${sentence}`,
	dropOnClass: "Drop pictures on a class, or on “Try it”. Folders can be dropped anywhere.",
	noFiles: "There were no files in that.",
	nameEmpty: "A class needs a name, so the old one stays.",
	nameLong: "That name is too long, so the old one stays.",
	/** @param {string} name */
	nameTaken: (name) => `Another class is already called ${name}, so the old name stays.`,
	heic: "this looks like a HEIC photo. Set the phone’s camera to “most compatible”, or convert it to JPEG.",
	broke: "the engine could not cope with this picture and had to be started again.",

	// what is kept
	keptTitle: "Your work",
	keptYet: "What you do is saved on this device as you go.",
	keptHere: "Saved on this device.",
	keptBusy: "Saving…",
	saveTask: "Save the task as a file",
	openTask: "Open a task’s file",
	openTaskSure: "The task in the file takes the place of all that is here. Go on?",
	saveAdapter: "Save the classifier",
	openAdapter: "Open a classifier",
	forget: "Forget everything",
	forgetSure: "This removes all classes, pictures, versions and the journal from this device. There is no way back. Forget everything?",

	// versions
	/** @param {number} n */
	versions: (n) => `Versions (${number(n)})`,
	/** @param {number} n */
	version: (n) => `Version ${number(n)}`,
	versionNone: "Nothing learnt",
	versionUnread: "This version was made with another model, or its gears are missing.",
	inUse: "in use",
	useVersion: "Use this one",
	/** @param {string} title */
	useVersionOf: (title) => `Use this one: ${title}`,
	/** @param {number} way @param {number} examples @param {string} head */
	versionOf: (way, examples, head) => `${number(way)} classes, ${pictures(examples)}, told apart by ${head}.`,
	/** @param {number} hits @param {number} total @param {string} share */
	versionLeftOut: (hits, total, share) => `Each picture left out in turn: ${number(hits)} of ${number(total)} right, ${share}.`,
	versionLeftOutNone: "A class has a single picture, so none can be left out to try it.",
	/** @param {string} low @param {string} high */
	interval: (low, high) => `95% interval ${low} to ${high}`,
	heads: {
		prototypes: "the mean of each class",
		ridge: "ridge regression",
		lda: "linear discriminants",
		logistic: "logistic regression",
		blend: "a blend of several ways",
	},
	verdicts: {
		first: "There was none before it.",
		better: "No worse than the one before.",
		worse: "Worse than the one before, and taken all the same.",
		not_compared: "It could not be compared with the one before.",
		class_removed: "The one before, less a class.",
		imported: "It was made elsewhere.",
	},
	/** @param {number} hits @param {number} compared @param {number} before */
	guard: (hits, compared, before) => `Of ${number(compared)} pictures that neither had seen, it gets ${number(hits)} right, the one before ${number(before)}.`,
	refused: "What was learnt last is worse than what is in use, which stays.",
	overrule: "Take it all the same",
	compare: "Side by side:",
	compareFirst: "First version to compare",
	compareSecond: "Second version to compare",
	compareMade: "made",
	compareClasses: "classes",
	comparePictures: "pictures",
	compareHead: "told apart by",
	compareRight: "right when left out",
	compareInterval: "how sure that is",
	compareLoss: "log-loss",
	/** @param {number} hits @param {number} total @param {string} share */
	share: (hits, total, share) => `${number(hits)} of ${number(total)}, ${share}`,
	notKnown: "not known",
	listComma: ", ",
	/** @param {string} time RFC 3339 @returns {string} */
	when: (time) => (Number.isNaN(Date.parse(time)) ? time : new Date(time).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })),

	// the journal
	journal: "Journal",
	journalHint: "What was done, each line chained to the one before, so that a later change is found.",
	journalSave: "Save the journal for a spreadsheet",
	/** @param {number} n */
	journalWhole: (n) => `${number(n)} entries, none changed since they were written.`,
	/** @param {string} where */
	journalBroken: (where) => `The journal was changed after it was written: ${where}`,
	journalNumber: "No.",
	journalTime: "time",
	journalKind: "what",
	journalDetails: "details",
	entryKinds: {
		begun: "task begun",
		"class-added": "class added",
		renamed: "class renamed",
		"class-removed": "class removed",
		added: "picture added",
		removed: "picture removed",
		relabelled: "picture moved",
		chosen: "chosen",
		measured: "measured",
		taken: "taken into use",
		refused: "not taken",
		"rolled-back": "version changed",
		exported: "saved to a file",
		sent: "sent to an endpoint",
		imported: "opened from a file",
		"bundle-changed": "model changed",
		repaired: "repaired",
	},

	// the model
	modelTitle: "Model",
	modelHint: "What turns pictures into numbers. In its place, this page takes one that haguruma import or metatune made: its file, or its .json with all files it names.",
	modelName: "name",
	modelBytes: "size",
	modelHash: "SHA-256",
	modelChoose: "Choose the files of another model",
	modelAddress: "Or its .json on this site:",
	modelOpen: "Open",
	modelReset: "Back to the page’s own model",
	megabytes,
	/** @param {string} why */
	modelFailed: (why) => `The other model cannot be used, so the page’s own is. ${why}`,

	/** @type {Record<ErrorCode, string>} what an error means to a person */
	errors: {
		unsupported: "This browser is too old to run the engine. Any Chrome, Edge or Firefox since 2021, or Safari 16.4, can.",
		aborted: "The loading was stopped.",
		disposed: "The engine was switched off. Load the page again.",
		died: "The engine stopped. Your pictures are kept.",
		download: "A part of the program could not be loaded. Check the connection and try again.",
		model_files: "Choose one model file, or its .json together with the files that it names.",
		model_address: "Only a model’s .json on this very site can be opened by its address. Download others, and choose the files.",
		manifest: "The model’s description on this server is damaged.",
		hash: "The model arrived damaged. Try again; if it stays so, the server’s copy is damaged.",
		bundle: "The model on this server cannot be read by this version.",
		experts: "The gears on this server do not belong to its model.",
		picture_format: "this is not a picture we can read. JPEG, PNG, GIF, WebP and BMP work.",
		picture_truncated: "the file ends in the middle of the picture. Perhaps the copy broke off.",
		picture_too_large: "this picture is too large: at most 64 MB and 67 megapixels.",
		picture_empty: "the file is empty.",
		bad_name: "This is not a name for a class.",
		duplicate_class: "Another class has this name.",
		unknown_class: "This class is gone.",
		unknown_example: "This picture is gone.",
		too_few_classes: "Add a second class first.",
		empty_class: "Each class needs at least one picture.",
		not_adapted: "Press Learn first.",
		bad_embedding: "the model could make nothing of this picture.",
		other_weights: "The model has changed meanwhile. Try again.",
		no_patches: "This backbone does not say where in a picture it sees something.",
		no_picture: "A picture is missing that the gears need.",
		contradiction: "this picture is in another class already. Remove it there first.",
		unknown_version: "There is no such version.",
		taken_id: "Something went wrong inside the page. Loading it again helps.",
		bad_version: "This version does not belong to this task.",
		adapter: "This is not a classifier that was saved here or at the terminal, or the file is damaged.",
		adapter_bundle: "This classifier was made with another model, so it cannot be used here.",
		task_file: "This is not a task that was saved here or at the terminal, or the file is damaged.",
		storage_full: "There is no room left on this device, so the last changes are not saved. What was saved before is still there. Make room: the next change tries again.",
		storage_denied: "This browser keeps nothing for this page, as in a private window. Everything works, but is gone when the page is closed: save the task as a file before.",
		storage_busy: "The task is open in another tab, which saves it. What you do here is not saved: use that tab, or close it and load this page again.",
		usage: "Something went wrong inside the page. Loading it again helps.",
		internal: "Something went wrong inside the engine. Nothing was lost.",
	},
};
