import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Frames } from "../frames.js";

/** A Worker that keeps what it is told. */
class FakeWorker {
	/** @type {any[]} */
	told = [];
	terminated = false;
	/** @type {((event: { data: unknown }) => void) | undefined} */
	onmessage;
	/** @type {((event: object) => void) | undefined} */
	onerror;
	/** @param {unknown} message */
	postMessage(message) {
		this.told.push(message);
	}

	terminate() {
		this.terminated = true;
	}
}

const made = () => {
	const worker = new FakeWorker();
	const stream = new ReadableStream();
	return { worker, stream, frames: new Frames(/** @type {any} */ (stream), /** @type {any} */ (worker)) };
};

const pixels = { width: 1, height: 1, data: new Uint8ClampedArray(4) };

test("a picture for each time that one is asked for, and none after the end", async () => {
	const { worker, stream, frames } = made();
	const first = frames.next(256);
	worker.onmessage?.({ data: pixels });
	assert.equal(await first, pixels);
	const second = frames.next(64);
	frames.close();
	assert.equal(await second, null);
	worker.onmessage?.({ data: pixels }); // it was on its way
	frames.close();
	assert.equal(await frames.next(64), null);
	assert.deepEqual(worker.told, [{ frames: stream }, { side: 256 }, { side: 64 }, { close: true }]);
	assert.equal(frames.failed, false);
});

test("a Worker that does not work is told from a camera without pictures", async () => {
	const { worker, frames } = made();
	const first = frames.next(256);
	worker.onerror?.({ preventDefault() {} });
	assert.deepEqual([await first, frames.failed, await frames.next(256)], [null, true, null]);
});

afterEach(() => {
	for (const name of ["MediaStreamTrackProcessor", "OffscreenCanvas", "Worker"]) Reflect.deleteProperty(globalThis, name);
});

test("where the browser gives no pictures to a Worker, or not those of this camera, the page is told so", () => {
	const stream = /** @type {any} */ ({ getVideoTracks: () => [{}] });
	assert.equal(Frames.of(stream), null);
	/** @type {FakeWorker[]} */
	const workers = [];
	const Counted = class extends FakeWorker {
		constructor() {
			super();
			workers.push(this);
		}
	};
	Object.assign(globalThis, { OffscreenCanvas: class {}, Worker: Counted, MediaStreamTrackProcessor: class { readable = new ReadableStream(); } });
	assert.ok(Frames.of(stream));
	assert.equal(Frames.of(/** @type {any} */ ({ getVideoTracks: () => [] })), null);
	Object.assign(globalThis, { MediaStreamTrackProcessor: class { constructor() { throw new TypeError("the track has ended"); } } });
	assert.equal(Frames.of(stream), null);
	assert.deepEqual(workers.map(({ terminated }) => terminated), [false, true]);
});
