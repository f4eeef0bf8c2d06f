import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Camera } from "../camera.js";

/** @import { Trouble } from "../camera.js" */

/** A stream that knows whether it was stopped. @param {string} id */
function fakeStream(id) {
	const track = Object.assign(new EventTarget(), { stopped: false, stop() { this.stopped = true; }, getSettings: () => ({ deviceId: id }) });
	return { id, track, getTracks: () => [track], getVideoTracks: () => [track] };
}

/** @param {((constraints: any) => Promise<any>) | null} getUserMedia */
function browser(getUserMedia) {
	const mediaDevices = getUserMedia && {
		getUserMedia,
		enumerateDevices: async () => ["a", "b"].map((deviceId) => ({ kind: "videoinput", deviceId, label: `camera ${deviceId}` })).concat({ kind: "audioinput", deviceId: "m", label: "" }),
	};
	Object.defineProperty(globalThis, "navigator", { value: { mediaDevices: mediaDevices ?? undefined }, configurable: true });
	/** @type {Record<string, string>} */
	const kept = {};
	Object.defineProperty(globalThis, "localStorage", {
		value: { getItem: (/** @type {string} */ key) => kept[key] ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => void (kept[key] = value) }, configurable: true,
	});
}

const before = Object.getOwnPropertyDescriptor(globalThis, "navigator");
afterEach(() => {
	if (before) Object.defineProperty(globalThis, "navigator", before);
	else Reflect.deleteProperty(globalThis, "navigator");
	Reflect.deleteProperty(globalThis, "localStorage");
});

function user() {
	/** @type {(string | Trouble | null)[]} */
	const got = [];
	/** @type {string[]} */
	const devices = [];
	return {
		got, devices,
		onStream: (/** @type {any} */ stream, /** @type {Trouble | null} */ trouble) => void got.push(stream?.id ?? trouble),
		onDevices: (/** @type {{ id: string }[]} */ all, /** @type {string} */ current) => void devices.splice(0, 9, ...all.map((d) => d.id), current),
	};
}

const settle = () => new Promise((resolve) => setTimeout(resolve));

test("one stream for all places, switched off with the last", async () => {
	/** @type {ReturnType<typeof fakeStream>[]} */
	const streams = [];
	browser(async ({ video }) => {
		const stream = fakeStream(video.deviceId?.exact ?? "a");
		streams.push(stream);
		return stream;
	});
	const camera = new Camera();
	const [one, two] = [user(), user()];
	camera.open(one);
	camera.open(two);
	await settle();
	assert.deepEqual([one.got, two.got, streams.length], [["a"], ["a"], 1]);
	assert.deepEqual(one.devices, ["a", "b", "a"]);
	camera.close(one);
	assert.equal(streams[0]?.track.stopped, false);
	camera.choose("b");
	await settle();
	assert.deepEqual([one.got, two.got], [["a"], ["a", "b"]], "a closed place hears nothing");
	assert.equal(streams[0]?.track.stopped, true);
	camera.close(two);
	assert.equal(streams[1]?.track.stopped, true);
	camera.open(one);
	await settle();
	assert.deepEqual(one.got, ["a", "b"], "the choice is remembered");
});

test("closed before the browser has asked: the camera does not stay on", async () => {
	const stream = fakeStream("a");
	browser(async () => stream);
	const camera = new Camera();
	const one = user();
	camera.open(one);
	camera.close(one);
	await settle();
	assert.deepEqual([one.got, stream.track.stopped], [[], true]);
});

test("a remembered camera that is not there any more gives way to another", async () => {
	browser(async ({ video }) => {
		if (video.deviceId) throw new DOMException("", "OverconstrainedError");
		return fakeStream("a");
	});
	localStorage.setItem("haguruma.camera", "gone");
	const camera = new Camera();
	const one = user();
	camera.open(one);
	await settle();
	assert.deepEqual(one.got, ["a"]);
});

test("each refusal has its name, and the next try is another", async () => {
	let refusal = "";
	browser(async () => {
		if (refusal) throw new DOMException("", refusal);
		return fakeStream("a");
	});
	const camera = new Camera();
	const one = user();
	for (const name of ["NotAllowedError", "NotFoundError", "NotReadableError", "SomethingNew", ""]) {
		refusal = name;
		camera.open(one);
		await settle();
	}
	assert.deepEqual(one.got, ["denied", "none", "busy", "busy", "a"]);
	browser(null);
	const two = user();
	new Camera().open(two);
	assert.deepEqual(two.got, ["insecure"]);
});

test("a camera that is pulled out is told, and can be opened again", async () => {
	/** @type {ReturnType<typeof fakeStream>[]} */
	const streams = [];
	browser(async () => {
		streams.push(fakeStream("a"));
		return streams.at(-1);
	});
	const camera = new Camera();
	const one = user();
	camera.open(one);
	await settle();
	streams[0]?.track.dispatchEvent(new Event("ended"));
	assert.deepEqual(one.got, ["a", "gone"]);
	camera.open(one);
	await settle();
	assert.deepEqual(one.got, ["a", "gone", "a"]);
});
