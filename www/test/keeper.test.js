import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { EngineError } from "../error.js";
import { Keeper, sumOf } from "../kept/keeper.js";
import { readTaskFile, taskFile } from "../kept/taskfile.js";
import { readZip, writeZip } from "../kept/zip.js";
import { Task } from "../task.js";

/** @import { AdaptResult } from "../adaptation.js" */
/** @import { Kept, KeptVersion, Writing } from "../kept/shelf.js" */

/** A shelf that forgets nothing but what it is told to, and says no when it is told to. */
class FakeShelf {
	/** @type {Writing["state"] | null} */
	state = null;
	/** @type {Map<string, Blob>} */
	pictures = new Map();
	/** @type {Map<number, KeptVersion>} */
	versions = new Map();
	/** @type {Map<number, string>} */
	lines = new Map();
	/** @type {EngineError | null} */
	no = null;
	writes = 0;

	/** @param {Writing} writing */
	async write({ state, pictures = [], gone = [], versions = [], lines = [] }) {
		await null;
		if (this.no) throw this.no;
		this.writes++;
		for (const sum of gone) this.pictures.delete(sum);
		for (const [sum, blob] of pictures) this.pictures.set(sum, blob);
		for (const version of versions) this.versions.set(version.number, version);
		for (const [number, line] of lines) this.lines.set(number, line);
		this.state = structuredClone(state);
	}

	async journal() {
		return [...this.lines.values()];
	}

	/** @returns {Kept | null} */
	get kept() {
		return this.state && { state: structuredClone(this.state), versions: [...this.versions.values()], pictures: new Map(this.pictures) };
	}
}

/** Chains as Go does, near enough: each line names the sum of the one before. */
const engine = {
	hashes: { bundle: "b".repeat(64), experts: "" },
	/** @param {{ entries: number, head: string }} end @param {import("../kept.js").JournalEntry} entry */
	async chain({ entries, head }, entry) {
		const line = JSON.stringify({ entry: entries + 1, kind: entry.kind, details: entry.details, before: head });
		return { line, head: createHash("sha256").update(line).digest("hex") };
	},
};

/** @param {FakeShelf | null} shelf */
function begin(shelf) {
	const task = new Task();
	const keeper = new Keeper(task, { shelf, kept: shelf?.kept ?? null, encode: async ({ data }) => new Blob([new Uint8Array(data)]), now: () => "2026-11-26T01:02:03.000Z" });
	keeper.restore();
	return { task, keeper };
}

/** @param {...number} bytes */
const blob = (...bytes) => new Blob([Uint8Array.from(bytes)]);

/** Until what the task has is written. @param {Keeper} keeper */
async function settled(keeper) {
	for (let n = 0; n < 20; n++) {
		await new Promise((resolve) => setTimeout(resolve));
		await keeper.flush();
	}
}

/** @param {FakeShelf} shelf */
const kinds = (shelf) => [...shelf.lines.values()].map((line) => JSON.parse(line).kind);

/** @type {AdaptResult} */
const result = {
	version: 1, parent: 0, taken: true, way: 2, classes: [{ id: 1, name: "a" }, { id: 2, name: "b" }], examples: 2, head: "blend", strength: 0, finetuned: "", views: 1, tuned: false, experts: null, steps: [], ms: 5,
	verdict: { code: "first", reason: "there was none", compared: 0, hits: 0, before: 0, logLoss: 0, logBefore: 0 },
	leaveOneOut: { hits: 1, total: 2, low: 0.1, high: 0.9, logLoss: 0.5 },
};
const packed = { file: Uint8Array.of(1, 2, 3), content: "c".repeat(64), notes: Uint8Array.of(9) };

/** A task of two classes with a picture each, and a version. */
async function taught() {
	const shelf = new FakeShelf();
	const { task, keeper } = begin(shelf);
	const [a, b] = [task.addClass("a"), task.addClass("b")];
	const [x, y] = [task.addExample(a, "x.png", blob(1)), task.addExample(b, "y", { width: 1, height: 1, data: Uint8ClampedArray.of(5, 5, 5, 255) })];
	keeper.start(engine);
	task.exampleRead(a, x, null);
	task.exampleRead(b, y, null);
	await settled(keeper);
	await keeper.version(result, packed);
	return { shelf, task, keeper, a, b, x, y };
}

test("empty classes are not worth keeping; with the first picture all is, and comes back with its keys", async () => {
	const shelf = new FakeShelf();
	const first = begin(shelf);
	first.task.addClass("a");
	await settled(first.keeper);
	assert.equal(shelf.state, null);

	const { shelf: full, keeper } = await taught();
	assert.ok(keeper.safe);
	assert.deepEqual(kinds(full), ["begun", "class-added", "class-added", "added", "added", "chosen", "measured", "taken"]);
	assert.equal(full.pictures.size, 2);
	const again = begin(full);
	assert.deepEqual(again.task.classes.map((c) => [c.key, c.name, c.examples.map((e) => [e.key, e.name])]), [[1, "a", [[3, "x.png"]]], [2, "b", [[4, "y"]]]]);
	assert.equal(again.task.addClass("c").key, 5, "a key was given twice");
	assert.deepEqual(again.keeper.versions.map((v) => [v.number, v.content]), [[1, packed.content]]);
	assert.equal(again.keeper.current, 1);
});

test("what an endpoint did says where; what was done here says nothing of a place", async () => {
	const { shelf, keeper } = await taught();
	const where = "https://edge.example";
	keeper.sent({ where, pictures: 2 });
	await keeper.version({ ...result, version: 2, where }, { ...packed, content: "d".repeat(64) });
	keeper.refused({ verdict: result.verdict, where });
	keeper.refused({ verdict: result.verdict });
	await settled(keeper);
	const entries = [...shelf.lines.values()].map((line) => JSON.parse(line)).filter(({ kind }) => ["chosen", "taken", "refused", "sent"].includes(kind));
	assert.deepEqual(entries.map(({ kind, details }) => [kind, details.where]), [
		["chosen", undefined], ["taken", undefined], ["sent", where], ["chosen", where], ["taken", where], ["refused", where], ["refused", undefined],
	]);
	assert.equal(keeper.versions.at(-1)?.info?.where, where, "and the version knows it");
});

test("what is restored is not in the journal twice", async () => {
	const { shelf } = await taught();
	const { task, keeper } = begin(shelf);
	keeper.start(engine);
	for (const c of task.classes) for (const x of c.examples) task.exampleRead(c, x, null);
	await settled(keeper);
	assert.equal(kinds(shelf).filter((kind) => kind === "added").length, 2);
	assert.equal(shelf.state?.entries, 8);
	assert.equal(shelf.state?.head, await sumOf(new TextEncoder().encode(shelf.lines.get(8))));
});

test("a picture that goes leaves the shelf, and comes back with undo; removed and added are in the journal", async () => {
	const { shelf, task, keeper, a, x } = await taught();
	const undo = task.removeExample(a, x);
	await settled(keeper);
	assert.equal(shelf.pictures.size, 1);
	undo();
	task.exampleRead(a, x, null);
	await settled(keeper);
	assert.equal(shelf.pictures.size, 2);
	assert.deepEqual(kinds(shelf).slice(-2), ["removed", "added"]);
});

test("a shelf that says no: what it has stays, and the next change brings all of it", async () => {
	const { shelf, task, keeper, a } = await taught();
	const before = structuredClone(shelf.state);
	shelf.no = new EngineError("storage_full", "full");
	task.addExample(a, "z", blob(3));
	await settled(keeper);
	assert.equal(keeper.trouble, "storage_full");
	assert.ok(!keeper.safe);
	assert.deepEqual(shelf.state, before);
	shelf.no = null;
	await keeper.use(0);
	await settled(keeper);
	assert.equal(keeper.trouble, null);
	assert.equal(shelf.state?.examples.length, 3);
	assert.equal(shelf.state?.current, 0);
	assert.deepEqual(kinds(shelf).slice(-1), ["rolled-back"]);
	assert.deepEqual([...shelf.lines.keys()], Array.from({ length: shelf.lines.size }, (_, i) => i + 1), "a hole in the journal");
});

test("without an engine entries wait, across visits too, and are chained once in their order", async () => {
	const shelf = new FakeShelf();
	const { task, keeper } = begin(shelf);
	task.addExample(task.addClass("a"), "x", blob(1));
	await settled(keeper);
	assert.equal(shelf.lines.size, 0);
	assert.deepEqual(shelf.state?.pending.map((e) => e.kind), ["begun", "class-added"]);
	const again = begin(shelf);
	again.keeper.start(engine);
	await settled(again.keeper);
	assert.deepEqual(kinds(shelf), ["begun", "class-added"]);
	assert.deepEqual(shelf.state?.pending, []);
});

test("without a shelf nothing is said to be kept", async () => {
	const { task, keeper } = begin(null);
	task.addExample(task.addClass("a"), "x", blob(1));
	await settled(keeper);
	assert.equal(keeper.trouble, "storage_denied");
	assert.ok(!keeper.safe);
});

test("a task's file comes back as it was; a changed picture, a version too few and half a file are refused", async () => {
	const { keeper } = await taught();
	const whole = await keeper.whole();
	const file = await taskFile(whole);
	const back = await readTaskFile(file);
	assert.deepEqual(back.state, { ...whole.state, examples: whole.state.examples.map((x) => ({ ...x, noted: true })) });
	assert.deepEqual(back.versions.map((v) => ({ ...v, made: "" })), whole.versions.map((v) => ({ ...v, made: "" })));
	assert.equal(back.lines.length, 8);
	assert.deepEqual([...back.pictures.keys()].sort(), [...whole.pictures.keys()].sort());
	const entries = [...(await readZip(file))].map(([name, data]) => ({ name, data }));
	/** @param {(entry: { name: string, data: Blob }) => { name: string, data: Blob }[]} change */
	const changed = async (change) => readTaskFile(await writeZip(entries.flatMap(change)));
	const refused = { name: "EngineError", code: "task_file" };
	await assert.rejects(changed((e) => (e.name.startsWith("pictures/") ? [{ ...e, data: blob(7) }] : [e])), refused);
	await assert.rejects(changed((e) => (e.name.startsWith("versions/") ? [] : [e])), refused);
	await assert.rejects(changed((e) => (e.name === "task.json" ? [{ ...e, data: new Blob(["{}"]) }] : [e])), refused);
	await assert.rejects(readTaskFile(file.slice(0, file.size - 10)), refused);
	await assert.rejects(readTaskFile(new Blob(["no zip"])), refused);
	// A folder of the terminal has no page.json, and may lie in a folder of the archive.
	const plain = await changed((e) => (e.name === "page.json" ? [] : [{ ...e, name: `castings.task/${e.name}` }]));
	assert.deepEqual(plain.versions.map((v) => [v.number, v.info, v.notes.length]), [[1, null, 0]]);
	assert.equal(plain.state.learning, true);
});

test("zip: what was written is read, compressed files too, and no byte may be another", async () => {
	const file = await writeZip([{ name: "あ/b.txt", data: new Blob(["hello"]) }, { name: "empty", data: new Blob([]) }]);
	const files = await readZip(file);
	assert.deepEqual(await Promise.all([...files].map(async ([name, data]) => [name, await data.text()])), [["あ/b.txt", "hello"], ["empty", ""]]);
	const bytes = new Uint8Array(await file.arrayBuffer());
	bytes[bytes.indexOf(104, 30)] ^= 1; // of hello
	await assert.rejects(readZip(new Blob([bytes])), { code: "task_file" });
	/** A zip of one deflated file, as other programs write it: name "d", "aaaaaaaaaaaaaaaa". */
	const { deflateRawSync, crc32 } = await import("node:zlib");
	const plain = Buffer.from("a".repeat(16)), packed = deflateRawSync(plain);
	const shared = Buffer.alloc(26);
	shared.writeUInt16LE(20, 0), shared.writeUInt16LE(8, 4), shared.writeUInt32LE(crc32(plain), 10), shared.writeUInt32LE(packed.length, 14);
	shared.writeUInt32LE(plain.length, 18), shared.writeUInt16LE(1, 22);
	const local = Buffer.concat([Buffer.from("PK\x03\x04"), shared, Buffer.from("d"), packed]);
	const central = Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), shared, Buffer.alloc(14), Buffer.from("d")]);
	const end = Buffer.alloc(22);
	end.write("PK\x05\x06"), end.writeUInt16LE(1, 8), end.writeUInt16LE(1, 10), end.writeUInt32LE(central.length, 12), end.writeUInt32LE(local.length, 16);
	const deflated = await readZip(new Blob([local, central, end]));
	assert.equal(await deflated.get("d")?.text(), plain.toString());
});
