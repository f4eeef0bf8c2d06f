/**
 * The contract of the engine: what the page may call, what crosses to the Web Worker, and what Go offers inside it.
 *
 *   page --(Engine, this file)--> engine.js --(Request / Reply)--> engine.worker.js --(Verbs)--> wasm/browser (Go)
 *
 * Pictures cross either as the bytes of a file (Go decodes JPEG and PNG, so that the pixels are the same in the page, at
 * the terminal and on the edge; the Worker has the browser decode GIF, WebP, BMP and what else it can show, foreign.js)
 * or as RGBA pixels of a canvas. All numbers named `ms` are milliseconds spent in the Worker.
 */

import type { JournalEnd, JournalEntry, JournalRead, JournalLine, ModelFormat, Packed } from "./kept.js";
import type { AdaptOptions, AdaptProgress, AdaptResult, Doubt, Explanation, Head, Heat, History, Version } from "./adaptation.js";

export type * from "./adaptation.js";
export type * from "./kept.js";

/** Stable names of everything that can go wrong. Sentences for people are made from them by strings.js. */
export type ErrorCode =
	| "unsupported" // the browser lacks WebAssembly SIMD
	| "aborted" // the caller's signal stopped the load, or adapt
	| "disposed" // a call after dispose()
	| "died" // the Worker or the Go program ended; restart() brings a new one
	| "download" // a file did not arrive: network, HTTP status, wrong length
	| "manifest" // the bundle's manifest is not what it should be
	| "hash" // the bundle's bytes are not those the manifest names
	| "model_files" // files that are not one bundle, nor a manifest with the bundle it names
	| "model_address" // an address that is not of a manifest on this site
	| "bundle" // the bundle arrived whole, and is still not one this engine reads
	| "experts" // the experts arrived whole, and are still not of this backbone, or not ones this engine reads
	| "picture_format" // not a JPEG, PNG, GIF, WebP or BMP picture
	| "picture_truncated" // the file ends in the middle of the picture
	| "picture_too_large" // more bytes or pixels than the limits allow
	| "picture_empty" // no bytes, or no pixels
	| "bad_name" // a class name that is empty, too long or not plain text
	| "duplicate_class" // a class name that another class has
	| "unknown_class"
	| "unknown_example"
	| "too_few_classes" // adapt needs two
	| "empty_class" // adapt needs an example in each class
	| "not_adapted" // classify before adapt
	| "bad_embedding" // the backbone gave numbers that are not finite
	| "other_weights" // an embedding by other weights than those in use
	| "contradiction" // one picture in two classes
	| "unknown_version"
	| "no_patches" // a heat map by an embedder that knows no patches
	| "no_picture" // adapt with experts to an example that was given as an embedding only
	| "taken_id" // a class or example has the id already
	| "bad_version" // what was kept is no version of this task
	| "adapter" // not an adapter file, or one that was cut short or edited
	| "adapter_bundle" // an adapter of another model, or of other experts
	| "task_file" // not a task that was saved here or at the terminal, or one that was cut short or edited
	| "storage_full" // the browser has no room for more
	| "storage_denied" // the browser keeps nothing for this page: a private window, or a setting
	| "storage_busy" // another tab has the task
	| "usage" // a call that no correct page makes
	| "internal"; // a fault of ours, caught; the engine goes on

export class EngineError extends Error {
	constructor(code: ErrorCode, message: string, options?: { cause?: unknown });
	readonly code: ErrorCode;
}

/** models/<name>.json beside the bundle it describes. */
export interface Manifest {
	/** shown to people */
	name: string;
	/** the bundle's file, relative to the manifest */
	file: string;
	/** length of the file */
	bytes: number;
	/** of the file, 64 lower-case hexadecimal digits */
	sha256: string;
	/** vit.Config of the backbone, for display; the bundle carries its own */
	config: Record<string, unknown>;
	/** sparse experts of the backbone, which may be opened later; null: there are none */
	experts: FilePart | null;
}

/** A file beside the manifest. */
export interface FilePart {
	file: string;
	bytes: number;
	sha256: string;
}

/** `engine`, `bundle` and `experts` count bytes, `start` counts steps in the Worker. */
export interface Progress {
	part: "engine" | "bundle" | "experts" | "start";
	loaded: number;
	/** null: the server did not say */
	total: number | null;
}

export interface LoadOptions {
	/** default: engine.relaxed.wasm beside engine.js where the browser has relaxed SIMD, else engine.wasm; with `tuning` that of tuningUrl */
	wasmUrl?: string | URL;
	/** the engine that can fine-tune; default: engine.tune.relaxed.wasm beside engine.js where the browser has relaxed SIMD, else engine.tune.wasm */
	tuningUrl?: string | URL;
	/** loads the engine that can fine-tune; default: false, and twin may bring one later */
	tuning?: boolean;
	/** the bundle's manifest; default: models/default.json beside engine.js */
	bundleUrl?: string | URL;
	onProgress?: (progress: Progress) => void;
	/** told once each time a working engine dies; pending calls have been rejected with the same error */
	onDeath?: (error: EngineError) => void;
	signal?: AbortSignal;
	/** makes the Web Worker; default: a module Worker of engine.worker.js */
	createWorker?: () => Worker;
	/** default: the global fetch; the chunks of an answer's body are the engine's from then on */
	fetch?: (url: URL, init?: RequestInit) => Promise<Response>;
}

export interface TwinOptions extends Pick<LoadOptions, "onProgress" | "signal"> {
	/** one that can fine-tune: its engine is fetched the first time, which onProgress is told of; default: false */
	tuning?: boolean;
}

/** RGBA, 4 bytes a pixel, rows from the top; ImageData is one. */
export interface Pixels {
	width: number;
	height: number;
	data: Uint8ClampedArray;
}

/** A picture file's bytes, or pixels. What the caller passes is copied, and detached only where it says so. */
export type PictureSource = Blob | Uint8Array | Pixels;

export interface EngineInfo {
	/** name of the bundle, from the manifest */
	bundle: string;
	/** its length */
	bytes: number;
	/** length of an embedding */
	dim: number;
	/** side of the square the backbone sees, pixels */
	imageSize: number;
	/** matmul body in use: "wasm-relaxed", "wasm-simd" or "generic" */
	kernel: string;
	/** what the makers of the bundle say of it; "" where they say nothing */
	card: string;
}

export interface EmbedResult {
	/** (dim) */
	embed: Float32Array;
	/** the scores of the weights that made it; null for the backbone alone */
	weights: Float32Array | null;
	/** the square that the backbone sees, RGB, for addEmbedding */
	square: Uint8Array;
	thumbnail: Pixels | null;
	ms: number;
}

export interface ExampleResult {
	/** the example's id, for removeExample */
	id: number;
	/** size of the decoded picture, pixels */
	width: number;
	height: number;
	/** the picture as the engine sees it: shorter side scaled, centre square; null when not asked for */
	thumbnail: Pixels | null;
	ms: number;
}

/** What the experts chose for a task. */
export interface Choice {
	/** of each expert, 0..1; they sum to 1 */
	scores: number[];
	/** share of the backbone's weights that are changed, 0..1 */
	changed: number;
	/** the same of each block, and of what is before and behind them */
	parts: { name: string; changed: number }[];
	/** the same of each kind of tensor in the blocks */
	kinds: { name: string; changed: number }[];
}

export interface UseExpertsResult {
	/** in use now */
	experts: Choice | null;
	/** what is in use was fine-tuned: embeddings of twins are none of it */
	tuned: boolean;
	/** adapt has to be called for what was asked, or for other changes */
	stale: boolean;
}

export interface EmbedOptions extends PictureOptions {
	/** weights to embed by: Engine.scores of an engine with the same experts; default and null: the backbone alone */
	scores?: Float32Array | null;
}

export interface Score {
	/** the class's id */
	class: number;
	name: string;
	/** 0..1; over all classes they sum to 1 */
	probability: number;
	/** id of the class's example most like the picture; 0 when all that were learnt from are gone */
	nearest: number;
	/** how alike, -1..1 */
	nearestCosine: number;
}

/** What is said of one picture. */
export interface Answer {
	/** one for each class, in the order of the classes */
	scores: Score[];
	/** the picture is of none of the classes: it is less like them than left-out examples are */
	unknown: boolean;
	/** largest cosine to a class, -1..1 */
	likeness: number;
	/** below it a picture is unknown; -1: never, there were too few examples to tell */
	unknownBelow: number;
	/** number of the version that answered */
	version: number;
}

export interface ClassifyResult extends Answer {
	thumbnail: Pixels | null;
	ms: number;
	/** address of the endpoint that answered, in the page; absent: it was answered here */
	where?: string;
}

export interface MemoryResult {
	/** bytes reachable in Go after a collection */
	heapBytes: number;
	/** live Go objects after a collection */
	heapObjects: number;
}

export interface PictureOptions {
	/** side of the thumbnail wanted, pixels, 1..512; default: none */
	thumbnail?: number;
}

/** give: pixels go to the Worker without being copied, and the caller's are empty from then on; default: false */
export type ClassifyOptions = PictureOptions & { give?: boolean };

export interface ExampleOptions extends PictureOptions {
	/** of an example that the page keeps; default: the next one */
	id?: number;
}

export class Engine {
	/** Fetches engine and bundle in parallel, starts the Worker, opens the bundle. Rejects with EngineError. */
	static load(options?: LoadOptions): Promise<Engine>;

	readonly info: EngineInfo;
	/** milliseconds that the last start took, from the Worker to the opened bundle */
	readonly startMs: number;

	/**
	 * Another engine in a Worker of its own, from the module and the bundle at hand: nothing is downloaded or compiled again, but for the first that
	 * can fine-tune. It has no classes, and its death is told to nobody. Rejects as restart does, and as load where something is fetched.
	 */
	twin(options?: TwinOptions): Promise<Engine>;

	/** The manifest names experts. */
	readonly hasExperts: boolean;
	/** (experts) of the adaptation in use, as adapt and useExperts last told them; null: the backbone alone */
	readonly scores: Float32Array | null;
	/** the adaptation in use was fine-tuned, so no scores name its weights: classifyEmbedding answers "other_weights" */
	readonly tuned: boolean;
	/**
	 * Fetches and opens the experts that the manifest names; the next adapt uses them. Everything goes on meanwhile. Returns how many there
	 * are, 0 when the manifest names none. A restarted engine and later twins have them too.
	 */
	openExperts(options?: Pick<LoadOptions, "onProgress" | "signal">): Promise<number>;
	/** Turns experts off, at once, or on again, at once where the adaptation in use was made with them. They are on at first. */
	useExperts(on: boolean): Promise<UseExpertsResult>;

	/** The embedding of one picture. */
	embed(picture: PictureSource, options?: EmbedOptions): Promise<EmbedResult>;

	/** id: of a class that the page keeps; default: the next one */
	addClass(name: string, id?: number): Promise<number>;
	renameClass(classId: number, name: string): Promise<void>;
	/** Removes the class with its examples. */
	removeClass(classId: number): Promise<void>;
	addExample(classId: number, picture: PictureSource, options?: ExampleOptions): Promise<ExampleResult>;
	/** addExample with what embed gave without scores, here or in a twin. Returns the example's id. Experts need the square. */
	addEmbedding(classId: number, embed: Float32Array, square?: Uint8Array, id?: number): Promise<number>;
	removeExample(exampleId: number): Promise<void>;
	/** Moves an example to the end of another class. */
	relabel(exampleId: number, classId: number): Promise<void>;
	/**
	 * Makes a version of the examples and takes it into use, unless it is worse than the one in use. Experts first choose what to change in the
	 * backbone; then a head is chosen. Gradient steps are taken only when asked for.
	 */
	adapt(options?: AdaptOptions): Promise<AdaptResult>;
	/** All versions that were taken or recalled since the last start. */
	history(): Promise<History>;
	/** Takes an earlier or later version into use, at once; 0: the backbone without an adaptation. Examples stay. */
	useVersion(version: number): Promise<UseExpertsResult>;
	/** Drops all versions but the one in use. */
	forgetHistory(): Promise<void>;
	/** Examples whose label the others contradict, the worst first. */
	review(): Promise<Doubt[]>;
	/** null before the first adapt, and at version 0 */
	explain(): Promise<Explanation | null>;
	/** Where a picture speaks for a class of the version in use. "no_patches" where the backbone does not tell. */
	heat(classId: number, picture: PictureSource): Promise<Heat>;
	classify(picture: PictureSource, options?: ClassifyOptions): Promise<ClassifyResult>;
	/** classify with what embed gave, here or in a twin, by the weights in use: "other_weights" when the scores are not Engine.scores, and where Engine.tuned. */
	classifyEmbedding(embed: Float32Array, scores?: Float32Array | null): Promise<ClassifyResult>;
	/** What is in use as an adapter, with what recall wants; end: of the journal so far; default: it goes without one. "not_adapted" when nothing is in use. */
	pack(end?: JournalEnd): Promise<Packed>;
	/**
	 * Puts a version that was packed back into the history, under its number, which must be above those that are there, or 0 for the next; useVersion takes it into use.
	 * "experts" files must be open where it was made with them: "adapter_bundle" else.
	 */
	recall(file: Uint8Array, notes: Uint8Array, version: number): Promise<Version>;
	/** The names of the classes of an adapter from elsewhere. */
	adapterClasses(file: Uint8Array): Promise<string[]>;
	/** Puts an adapter from elsewhere into the history, as a version of the classes whose ids stand for its own, in order; notes: of its examples, where it was made of these. */
	importAdapter(file: Uint8Array, classIds: number[], notes?: Uint8Array): Promise<Version>;
	/** The model with an adapter's experts and changes of weights merged and its head on top, for other programs: of an engine with LoadOptions.tuning, "usage" of others. */
	exportModel(file: Uint8Array, format: ModelFormat): Promise<Uint8Array<ArrayBuffer>>;
	/** Embeds one example of a recalled version by its weights, so that the nearest can be told; returns how many are left. */
	remember(): Promise<number>;
	/** The next line of a journal, chained to its end. */
	chain(end: JournalEnd, entry: JournalEntry): Promise<JournalLine>;
	/** Reads a journal, JSON lines, and holds it to its end. */
	journal(bytes: Uint8Array, end: JournalEnd): Promise<JournalRead>;
	/** sha256 of the bundle, and of the experts once they are open, else "" */
	readonly hashes: { bundle: string; experts: string };
	/** Forces a collection and says what is still in use. For tests and the diagnostics page. */
	memory(): Promise<MemoryResult>;

	/**
	 * Starts a fresh Worker from the engine and the bundle at hand; only the Worker's script may be asked of the server again.
	 * Rejects with "died" when that is gone; can be called again. Classes and examples are the caller's to add again.
	 */
	restart(): Promise<void>;
	/** Ends the Worker; every pending and later call rejects with code "disposed". */
	dispose(): void;
}

/** True when this browser runs WebAssembly SIMD. */
export function simdSupported(): boolean;

/** Relaxed SIMD validates: the engine is engine.relaxed.wasm. */
export function relaxedSupported(): boolean;

// ---------------------------------------------------------------------------------------------------------------------
// Page <-> Worker. Every request has an id; every reply carries it back. A reply with id 0 answers nothing: the Go
// program ended by itself.

/** A picture on the wire. width = height = 0: the bytes of a file. Else RGBA pixels. The buffer is transferred. */
export interface WirePicture {
	bytes: Uint8Array<ArrayBuffer>;
	width: number;
	height: number;
}

export type Request =
	| { id: number; verb: "compile"; name: string; chunks: Uint8Array<ArrayBuffer>[] }
	| { id: number; verb: "open"; module: WebAssembly.Module; bundle: Uint8Array<ArrayBuffer>; sha256: string }
	| { id: number; verb: "openExperts"; experts: Uint8Array<ArrayBuffer>; sha256: string; backbone: string }
	| { id: number; verb: "useExperts"; on: boolean }
	| { id: number; verb: "embed"; picture: WirePicture; thumbnail: number; scores: Uint8Array<ArrayBuffer> }
	| { id: number; verb: "addClass"; name: string; as: number }
	| { id: number; verb: "renameClass"; classId: number; name: string }
	| { id: number; verb: "removeClass"; classId: number }
	| { id: number; verb: "addExample"; classId: number; picture: WirePicture; thumbnail: number; as: number }
	| { id: number; verb: "addEmbedding"; classId: number; embed: Uint8Array<ArrayBuffer>; square?: Uint8Array | undefined; as: number }
	| { id: number; verb: "removeExample"; exampleId: number }
	| { id: number; verb: "relabel"; exampleId: number; classId: number }
	| { id: number; verb: "adapt"; head: Head | ""; force: boolean; finetune: boolean; views: boolean }
	| { id: number; verb: "history" }
	| { id: number; verb: "useVersion"; version: number }
	| { id: number; verb: "forgetHistory" }
	| { id: number; verb: "review" }
	| { id: number; verb: "explain" }
	| { id: number; verb: "heat"; classId: number; picture: WirePicture }
	| { id: number; verb: "classify"; picture: WirePicture; thumbnail: number }
	| { id: number; verb: "classifyEmbedding"; embed: Uint8Array<ArrayBuffer>; scores: Uint8Array<ArrayBuffer> }
	| { id: number; verb: "pack"; bundle: string; experts: string; time: string; end: JournalEnd }
	| { id: number; verb: "recall"; bundle: string; experts: string; file: Uint8Array; notes: Uint8Array; version: number; classIds: string }
	| { id: number; verb: "adapterClasses"; file: Uint8Array }
	| { id: number; verb: "exportModel"; bundle: string; experts: string; file: Uint8Array; format: ModelFormat }
	| { id: number; verb: "remember" }
	| { id: number; verb: "chain"; end: JournalEnd; entry: JournalEntry }
	| { id: number; verb: "journal"; bytes: Uint8Array; end: JournalEnd }
	| { id: number; verb: "memory" };

/** Ends an adapt that is on its way. No reply of its own. */
export interface Stop {
	stop: number;
}

export type Reply =
	| { id: number; kind: "progress"; progress: Progress }
	| { id: number; kind: "adapting"; progress: AdaptProgress }
	| { id: number; kind: "result"; value: unknown }
	| { id: number; kind: "error"; code: ErrorCode; message: string };

// ---------------------------------------------------------------------------------------------------------------------
// Worker <-> Go. Each verb returns at once; none keeps what it was given, none throws.

export type Outcome<T> = { value: T } | { code: ErrorCode; message: string };

export interface Verbs {
	/** sha256: what the bundle's bytes must hash to; "" when the page has checked that already */
	open(bundle: Uint8Array, sha256: string): Outcome<Omit<EngineInfo, "bundle">>;
	/** sha256: as for open; backbone: sha256 of the bundle that is open. Returns the number of experts */
	openExperts(experts: Uint8Array, sha256: string, backbone: string): Outcome<number>;
	useExperts(on: boolean): Outcome<UseExpertsResult>;
	/** embed, scores: little-endian float32; square: RGB; no scores: the backbone alone */
	embed(
		bytes: Uint8Array, width: number, height: number, thumbnail: number, scores?: Uint8Array,
	): Outcome<{ embed: Uint8Array<ArrayBuffer>; square: Uint8Array<ArrayBuffer>; thumbnail: Uint8Array<ArrayBuffer> | null }>;
	addClass(name: string, id?: number): Outcome<number>;
	renameClass(classId: number, name: string): Outcome<null>;
	removeClass(classId: number): Outcome<null>;
	addExample(
		classId: number, bytes: Uint8Array, width: number, height: number, thumbnail: number, id?: number,
	): Outcome<{ id: number; width: number; height: number; thumbnail: Uint8Array<ArrayBuffer> | null }>;
	/** embed: little-endian float32, (dim) */
	addEmbedding(classId: number, embed: Uint8Array, square?: Uint8Array, id?: number): Outcome<number>;
	removeExample(exampleId: number): Outcome<null>;
	relabel(exampleId: number, classId: number): Outcome<null>;
	/** stepwise: returns before the first piece of work, and adaptNext goes on; default: at the end */
	adapt(head?: Head | "", force?: boolean, stepwise?: false, finetune?: boolean, views?: boolean): Outcome<Omit<AdaptResult, "ms">>;
	adapt(head: Head | "", force: boolean, stepwise: true, finetune?: boolean, views?: boolean): Outcome<AdaptProgress | Omit<AdaptResult, "ms">>;
	/** does the next piece of work, or stops: "aborted" then */
	adaptNext(stop: boolean): Outcome<AdaptProgress | Omit<AdaptResult, "ms">>;
	history(): Outcome<History>;
	useVersion(version: number): Outcome<UseExpertsResult>;
	forgetHistory(): Outcome<null>;
	review(): Outcome<Doubt[]>;
	explain(): Outcome<Explanation | null>;
	heat(classId: number, bytes: Uint8Array, width: number, height: number): Outcome<Heat>;
	classify(
		bytes: Uint8Array, width: number, height: number, thumbnail: number,
	): Outcome<Answer & { thumbnail: Uint8Array<ArrayBuffer> | null }>;
	/** embed, scores: little-endian float32, (dim) and (experts) */
	classifyEmbedding(embed: Uint8Array, scores?: Uint8Array): Outcome<Answer & { thumbnail: null }>;
	/** bundle, experts: sha256 of the files that are open; entries, head: end of the journal */
	pack(bundle: string, experts: string, time: string, entries: number, head: string): Outcome<Packed>;
	/** version 0: the next one; classIds: ids between spaces, "" for those in the file; empty notes: from elsewhere */
	recall(bundle: string, experts: string, file: Uint8Array, notes: Uint8Array, version: number, classIds: string): Outcome<Version>;
	adapterClasses(file: Uint8Array): Outcome<string[]>;
	/** in the engines that can fine-tune only */
	exportModel?(bundle: string, experts: string, file: Uint8Array, format: ModelFormat): Outcome<Uint8Array<ArrayBuffer>>;
	remember(): Outcome<number>;
	chain(entries: number, head: string, time: string, kind: string, bundle: string, adapter: string, details: string): Outcome<JournalLine>;
	journal(bytes: Uint8Array, entries: number, head: string): Outcome<JournalRead>;
	memory(): Outcome<MemoryResult>;
}
