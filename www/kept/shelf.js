// Where the page keeps a task in the browser: IndexedDB, of which one tab has the lock. A write is one transaction, so what it
// says becomes true in one moment or not at all, and it is on the disk when the promise is fulfilled.

import { EngineError } from "../error.js";

/** @import { AdaptResult } from "../adaptation.js" */
/** @import { JournalEntry } from "../kept.js" */

/**
 * What is known of a task between two writes. Ids are those of task.js and of the engine.
 * @typedef {object} State
 * @property {1} format
 * @property {string} bundle sha256 of the bundle it was begun with, or last learnt with
 * @property {string} experts sha256 of the experts; "": none
 * @property {{ id: number, name: string, untouched: boolean }[]} classes untouched: the page named it
 * @property {{ id: number, class: number, picture: string, name: string, noted: boolean }[]} examples class by class; picture: sha256 of its file; noted: the journal has it
 * @property {number} lastKey the highest id that was ever given
 * @property {number} current version in use; 0: none
 * @property {boolean} learning Learn was pressed
 * @property {boolean} stale there are changes that are not learnt
 * @property {number} entries of the journal
 * @property {string} head
 * @property {JournalEntry[]} pending entries that are not chained yet
 */

/**
 * A version that was taken into use.
 * @typedef {object} KeptVersion
 * @property {number} number
 * @property {string} time
 * @property {AdaptResult | null} info null: of a task from the terminal, until the engine has read it
 * @property {string} bundle
 * @property {string} content
 * @property {string} sum sha256 of the file
 * @property {string} made sha256 of what it was made of, as in task.json; "" of an adapter from elsewhere
 * @property {Uint8Array<ArrayBuffer>} file the adapter
 * @property {Uint8Array<ArrayBuffer>} notes
 */

/**
 * @typedef {object} Writing
 * @property {State} state
 * @property {[string, Blob][]} [pictures]
 * @property {string[]} [gone] sums of pictures that nothing needs
 * @property {KeptVersion[]} [versions]
 * @property {[number, string][]} [lines] of the journal, by number
 */

/** @typedef {{ state: State, versions: KeptVersion[], pictures: Map<string, Blob> }} Kept */

const stores = ["state", "pictures", "versions", "journal"];

export class Shelf {
	#db;
	#release;

	/** Not for callers: see open. @param {IDBDatabase} db @param {() => void} release */
	constructor(db, release) {
		this.#db = db;
		this.#release = release;
		db.onversionchange = () => db.close(); // a page of a later version, or one that forgets all
	}

	/** @returns {Promise<Shelf>} rejects with an EngineError: storage_busy, storage_denied or storage_full */
	static async open(name = "haguruma") {
		const release = await lock(name);
		try {
			const request = indexedDB.open(name, 1);
			request.onupgradeneeded = () => {
				for (const store of stores) request.result.createObjectStore(store);
			};
			return new Shelf(await fulfilled(request), release);
		} catch (cause) {
			release();
			throw storageError(cause);
		}
	}

	/** @returns {Promise<Kept | null>} null: nothing has been kept */
	async read() {
		return this.#transact("readonly", async (store) => {
			const [state, versions, sums, files] = await Promise.all([
				fulfilled(store("state").get("task")), fulfilled(store("versions").getAll()),
				fulfilled(store("pictures").getAllKeys()), fulfilled(store("pictures").getAll()),
			]);
			return state ? { state, versions, pictures: new Map(sums.map((sum, i) => [String(sum), files[i]])) } : null;
		});
	}

	/** The lines of the journal, without line feeds. @returns {Promise<string[]>} */
	journal() {
		return this.#transact("readonly", (store) => fulfilled(store("journal").getAll()));
	}

	/** @param {Writing} writing @param {boolean} [anew] in the place of all there is */
	async write({ state, pictures = [], gone = [], versions = [], lines = [] }, anew = false) {
		await this.#transact("readwrite", async (store) => {
			if (anew) for (const name of stores) store(name).clear();
			for (const sum of gone) store("pictures").delete(sum);
			for (const [sum, blob] of pictures) store("pictures").put(blob, sum);
			for (const version of versions) store("versions").put(version, version.number);
			for (const [number, line] of lines) store("journal").put(line, number);
			store("state").put(state, "task");
		});
	}

	/** Forgets everything. */
	async clear() {
		await this.#transact("readwrite", async (store) => {
			for (const name of stores) store(name).clear();
		});
	}

	/** Another tab may have the task. */
	close() {
		this.#db.close();
		this.#release();
	}

	/**
	 * @template T
	 * @param {IDBTransactionMode} mode
	 * @param {(store: (name: string) => IDBObjectStore) => Promise<T>} act
	 * @returns {Promise<T>} fulfilled when what it wrote is on the disk
	 */
	async #transact(mode, act) {
		try {
			const transaction = this.#db.transaction(stores, mode, { durability: "strict" });
			/** @type {Promise<void>} */
			const done = new Promise((resolve, reject) => {
				transaction.oncomplete = () => resolve();
				transaction.onabort = () => reject(transaction.error ?? new DOMException("the storage gave up", "UnknownError"));
			});
			const [result] = await Promise.all([act((name) => transaction.objectStore(name)), done]);
			return result;
		} catch (cause) {
			throw storageError(cause);
		}
	}
}

/**
 * The lock that one tab has for as long as it lives. Where the browser has no locks (a page that is not from https), two tabs write
 * over each other's work as a whole: the last one's stays.
 * @param {string} name
 * @returns {Promise<() => void>} gives it back
 */
function lock(name) {
	const { locks } = navigator;
	if (!locks) return Promise.resolve(() => {});
	return new Promise((resolve, reject) => {
		locks.request(name, { ifAvailable: true }, (held) => {
			if (!held) throw new EngineError("storage_busy", "another tab has the task");
			return new Promise((release) => resolve(() => release(undefined)));
		}).catch((cause) => reject(storageError(cause)));
	});
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function fulfilled(request) {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

/** What a browser says of its storage, as one of three. @param {unknown} cause @returns {EngineError} */
export function storageError(cause) {
	if (cause instanceof EngineError) return cause;
	const name = cause instanceof DOMException ? cause.name : "";
	return new EngineError(name === "QuotaExceededError" ? "storage_full" : "storage_denied", `storage: ${cause}`, { cause });
}
