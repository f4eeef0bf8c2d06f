// Files out of drops and choosers, with the folders they came from.

/**
 * @typedef {object} Found
 * @property {File[]} files lying loose
 * @property {Map<string, File[]>} folders by the name of the folder that the files lie in directly
 */

/** What file managers leave in folders. @param {string} name */
const isLitter = (name) => name.startsWith(".") || name === "Thumbs.db" || name === "desktop.ini" || name === "__MACOSX";

/** Folders are looked into this deep. */
const depthLimit = 4;

/**
 * Files of a drop. Must be called from the event handler itself: the entries are gone afterwards.
 * @param {DataTransfer} transfer
 * @returns {Promise<Found>}
 */
export async function fromDrop(transfer) {
	const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
	/** @type {Found} */
	const found = { files: [], folders: new Map() };
	if (entries.every((entry) => entry === null)) {
		found.files = [...transfer.files];
		return found;
	}
	for (const entry of entries) if (entry) await walk(entry, null, 0, found);
	return found;
}

/**
 * Files of an <input webkitdirectory>, sorted by the folder they lie in directly.
 * @param {Iterable<File>} files
 * @returns {Found}
 */
export function fromFolderInput(files) {
	/** @type {Found} */
	const found = { files: [], folders: new Map() };
	for (const file of files) {
		const path = file.webkitRelativePath.split("/");
		if (path.some(isLitter)) continue;
		put(found, path.length > 1 ? path[path.length - 2] : null, file);
	}
	return found;
}

/**
 * @param {FileSystemEntry} entry
 * @param {string | null} folder
 * @param {number} depth
 * @param {Found} found
 */
async function walk(entry, folder, depth, found) {
	if (isLitter(entry.name)) return;
	if (entry.isFile) {
		const file = await new Promise((resolve) =>
			/** @type {FileSystemFileEntry} */ (entry).file(resolve, () => resolve(null)));
		if (file) put(found, folder, file);
		return;
	}
	if (depth >= depthLimit) return;
	const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
	for (;;) {
		// A reader hands out a hundred entries at a time, and none when it is done.
		/** @type {FileSystemEntry[]} */
		const batch = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
		if (batch.length === 0) return;
		for (const child of batch) await walk(child, entry.name, depth + 1, found);
	}
}

/** @param {Found} found @param {string | null} folder @param {File} file */
function put(found, folder, file) {
	if (folder === null) {
		found.files.push(file);
		return;
	}
	const files = found.folders.get(folder);
	if (files) files.push(file);
	else found.folders.set(folder, [file]);
}

/** All files, folders forgotten. @param {Found} found */
export function flat(found) {
	return [...found.files, ...[...found.folders.values()].flat()];
}

/**
 * Makes an element a place to drop files on.
 * @param {HTMLElement} element
 * @param {(found: Found) => void} onFiles
 */
export function dropZone(element, onFiles) {
	let inside = 0; // dragenter of a child comes before dragleave of its parent
	const show = () => element.classList.toggle("dropping", inside > 0);
	element.addEventListener("dragenter", (event) => {
		if (!hasFiles(event)) return;
		event.preventDefault();
		inside++;
		show();
	});
	element.addEventListener("dragleave", (event) => {
		if (!hasFiles(event)) return;
		inside = Math.max(0, inside - 1);
		show();
	});
	element.addEventListener("dragover", (event) => {
		if (!hasFiles(event)) return;
		event.preventDefault();
	});
	element.addEventListener("drop", (event) => {
		if (!hasFiles(event) || !event.dataTransfer) return;
		inside = 0;
		show();
		if (event.defaultPrevented) return; // a zone inside this one has taken it
		event.preventDefault(); // else the browser leaves the page for the picture
		void fromDrop(event.dataTransfer).then(onFiles);
	});
}

/** @param {DragEvent} event */
function hasFiles(event) {
	return event.dataTransfer?.types.includes("Files") ?? false;
}

/**
 * Originals are kept for a restart of the engine. A File points to a disk, where it may change or vanish: its bytes are
 * kept instead.
 * @param {File} file
 * @returns {Promise<Blob>}
 */
export async function keep(file) {
	return new Blob([await file.arrayBuffer()], { type: file.type });
}
