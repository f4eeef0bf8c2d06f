// A test file that stands still is ended, and is red.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const watchdog = fileURLToPath(new URL("watchdog.mjs", import.meta.url));

/** Runs a test file that has started what does not end by itself, as workerd, and says what came of it. @param {string} lines */
async function run(lines) {
	const folder = mkdtempSync(join(tmpdir(), "watchdog-"));
	const file = join(folder, "still.test.mjs");
	writeFileSync(file, `
		import { after, test } from "node:test";
		import { spawn } from "node:child_process";
		import { writeSync } from "node:fs";
		const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
		child.unref();
		writeSync(2, "child " + child.pid + "\\n"); // past what the loop would hold back
		process.on("SIGTERM", () => {});
		test("the first", () => {});
		${lines}
	`);
	const { NODE_TEST_CONTEXT, ...env } = process.env; // else it would be no runner of its own
	try {
		const runner = spawn(process.execPath, ["--import", `${watchdog}?seconds=2`, "--test", file], { env, timeout: 60_000, killSignal: "SIGKILL" });
		let said = "";
		for (const stream of [runner.stdout, runner.stderr]) stream.setEncoding("utf8").on("data", (piece) => (said += piece));
		const code = await new Promise((resolve) => runner.on("close", resolve));
		const child = Number(/child (\d+)/.exec(said)?.[1]);
		assert.ok(child > 0, said);
		if (code === 0) process.kill(child);
		else assert.match(spawnSync("ps", ["-o", "stat=", "-p", String(child)], { encoding: "utf8" }).stdout, /^(Z|$)/, "what it started has ended too");
		return { code, said };
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

test("a loop that never comes back to the event loop", async () => {
	const { code, said } = await run('test("the second", async () => { for (;;) await null; });');
	assert.equal(code, 1);
	assert.match(said, /still\.test\.mjs: in "the second", nothing for 2 s: ended/);
});

test("a hook that never returns", async () => {
	const { code, said } = await run("after(() => new Promise(() => {})); setInterval(() => {}, 1000);");
	assert.equal(code, 1);
	assert.match(said, /still\.test\.mjs: after "the first", nothing for 2 s: ended/);
});

test("tests that go on are left alone", async () => {
	const { code, said } = await run('for (let i = 0; i < 3; i++) test("slow " + i, () => new Promise((resolve) => setTimeout(resolve, 1000)));');
	assert.equal(code, 0, said);
});
