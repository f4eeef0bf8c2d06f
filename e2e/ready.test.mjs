// e2e/ready.mjs measures what it says: each step after the one before it, and every byte counted.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(new URL("ready.mjs", import.meta.url));

test("ready.mjs: the steps come in order, what is sent is counted", async () => {
	const { stdout } = await promisify(execFile)(process.execPath, [script, "--runs", "1", "--json"]);
	const { medians, own, bytes, total } = JSON.parse(stdout);
	const times = [medians.page, medians.engine, medians.bundle, medians.answer];
	assert.ok(times.every((ms, i) => ms > (times[i - 1] ?? 0)), stdout);
	const sum = own.page + own.engine + own.bundle + own.answer;
	assert.ok(Math.abs(sum - medians.answer) < 1e-6, "of one run the steps' own times sum up to the whole");
	assert.ok(bytes.engine > 100_000 && bytes.bundle > 100_000 && bytes.page > 10_000, stdout);
	assert.equal(total, bytes.engine + bytes.bundle + bytes.page);
});
