/** What the page keeps: the nouns of engine.d.ts about packed versions and the journal. */

/** A version as a file and what the file does not say. */
export interface Packed {
	/** the adapter, .safetensors */
	file: Uint8Array<ArrayBuffer>;
	/** sha256 of what the adapter says */
	content: string;
	/** for recall, by the same program */
	notes: Uint8Array<ArrayBuffer>;
}

/** What a model is saved as for other programs: ONNX from pixels to probabilities, or safetensors under timm's names. */
export type ModelFormat = "onnx" | "safetensors";

/** The end of a journal, all that the next line needs. */
export interface JournalEnd {
	entries: number;
	/** sha256 of the last line; "": there is none */
	head: string;
}

export interface JournalEntry {
	/** RFC 3339, UTC */
	time: string;
	kind: string;
	/** sha256 of the bundle, or "" */
	bundle: string;
	/** sha256 of what an adapter says, or "" */
	adapter: string;
	details: Record<string, string | number | boolean | readonly (string | number)[]>;
}

export interface JournalLine {
	/** without its line feed */
	line: string;
	/** sha256 of the line */
	head: string;
}

export interface JournalRead {
	entries: { number: number; time: string; kind: string; words: string }[];
	/** UTF-8 with byte order mark, for spreadsheets */
	csv: Uint8Array<ArrayBuffer>;
	/** what was changed since it was written, in English; "": nothing */
	problem: string;
}
