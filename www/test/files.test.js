import assert from "node:assert/strict";
import { test } from "node:test";
import { flat, fromDrop, fromFolderInput, keep } from "../files.js";

/** @param {string} path */
function fileAt(path) {
	const file = new File(["x"], path.split("/").at(-1) ?? "");
	return Object.defineProperty(file, "webkitRelativePath", { value: path });
}

/** A file system entry of a drop. @param {string} name @param {unknown[]} [children] @returns {any} */
function entry(name, children) {
	return {
		name, isFile: !children,
		file: (/** @type {(file: File) => void} */ done) => done(new File(["x"], name)),
		createReader: () => {
			const batches = [children?.slice(0, 2), children?.slice(2), []]; // as browsers do: in portions
			return { readEntries: (/** @type {(c: unknown) => void} */ done) => done(batches.shift() ?? []) };
		},
	};
}

/** @param {unknown[]} entries @returns {any} */
const transfer = (entries) => ({ items: entries.map((e) => ({ webkitGetAsEntry: () => e })), files: [] });

/** @param {import("../files.js").Found} found */
const names = ({ files, folders }) => ({
	files: files.map((f) => f.name),
	folders: Object.fromEntries([...folders].map(([name, inside]) => [name, inside.map((f) => f.name)])),
});

test("a chosen folder: classes are the folders that the files lie in, litter is left out", () => {
	const found = fromFolderInput(
		["set/good/1.png", "set/good/2.png", "set/bad/1.png", "set/.DS_Store", "set/bad/Thumbs.db", "set/__MACOSX/x.png"].map(fileAt));
	assert.deepEqual(names(found), { files: [], folders: { good: ["1.png", "2.png"], bad: ["1.png"] } });
});

test("a drop: folders in portions, loose files beside them", async () => {
	const found = await fromDrop(transfer([
		entry("good", [entry("1.png"), entry("2.png"), entry("3.png")]),
		entry("set", [entry("bad", [entry("4.png")]), entry(".hidden")]),
		entry("loose.png"),
	]));
	assert.deepEqual(names(found), { files: ["loose.png"], folders: { good: ["1.png", "2.png", "3.png"], bad: ["4.png"] } });
	assert.equal(flat(found).length, 5);
});

test("a drop from a program without entries still has its files", async () => {
	const files = [new File(["x"], "a.png")];
	const found = await fromDrop(/** @type {any} */ ({ items: [{ webkitGetAsEntry: () => null }], files }));
	assert.deepEqual(names(found), { files: ["a.png"], folders: {} });
});

test("keep: the bytes as they are now", async () => {
	const kept = await keep(new File([new Uint8Array([1, 2])], "a.png", { type: "image/png" }));
	assert.deepEqual([kept.type, ...new Uint8Array(await kept.arrayBuffer())], ["image/png", 1, 2]);
});
