// Ends a test file that stands still, and says in which test; loaded before the file, in its own process:
//
//	node --import ./tools/watchdog.mjs?seconds=600 --test FILE...
//
// It waits in a thread of its own, so that a loop that never comes back to the event loop ends as well, and so do hooks that never return and what keeps a
// file open after its last test. The runner's --test-timeout is for a whole file (Node 20), names no test, and ends it by SIGTERM: of that miniflare and
// playwright have handlers, which such a loop never lets run.

import { execFileSync } from "node:child_process";
import { writeSync } from "node:fs";
import { basename } from "node:path";
import { afterEach, beforeEach } from "node:test";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";

if (!isMainThread && workerData?.watch) watch(workerData.watch);
else if (isMainThread && process.env.NODE_TEST_CONTEXT) {
	const seconds = Number(new URL(import.meta.url).searchParams.get("seconds"));
	if (!(seconds > 0)) throw new Error("watchdog.mjs?seconds=N: N is to be above 0");
	const thread = new Worker(new URL(import.meta.url), { workerData: { watch: { seconds, file: basename(process.argv[1] ?? "") } }, execArgv: [] });
	thread.unref();
	beforeEach((t) => thread.postMessage(`in "${t.name}"`));
	afterEach((t) => thread.postMessage(`after "${t.name}"`));
}

/** @param {{ seconds: number, file: string }} what */
function watch({ seconds, file }) {
	let where = "before its first test";
	const end = () => {
		writeSync(2, `${file}: ${where}, nothing for ${seconds} s: ended\n`);
		try {
			execFileSync("pkill", ["-KILL", "-P", String(process.pid)]); // what it started: workerd would stay
		} catch {
			// it started nothing, or there is no pkill
		}
		process.kill(process.pid, "SIGKILL");
	};
	let timer = setTimeout(end, 1000 * seconds);
	parentPort?.on("message", (now) => {
		where = now;
		clearTimeout(timer);
		timer = setTimeout(end, 1000 * seconds);
	});
}
