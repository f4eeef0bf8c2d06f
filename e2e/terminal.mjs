// The page from the terminal's own server, with its headers and its list of files: as ./build.sh run serves it.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/**
 * @param {string} [folder] default: www
 * @param {number} [port] default: any
 * @returns {Promise<{ url: string, port: number, stop: () => Promise<void> }>}
 */
export function serve(folder = join(root, "www"), port = 0) {
	const server = spawn(join(root, "build/haguruma"), ["serve", "--addr", `127.0.0.1:${port}`, "--json", folder], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	process.once("exit", () => server.kill("SIGKILL"));
	/** @type {Promise<void>} */
	const ended = new Promise((resolve) => server.on("exit", () => resolve()));
	return new Promise((resolve, reject) => {
		let said = "";
		server.on("error", (cause) => reject(new Error("build/haguruma serve: run ./build.sh build first", { cause })));
		server.on("exit", (code) => reject(new Error(`haguruma serve ended with ${code}: ${said}`)));
		server.stdout.on("data", (piece) => {
			said += piece;
			const url = /"url": *"([^"]+)"/.exec(said)?.[1];
			if (!url) return;
			const stop = () => {
				server.ref();
				server.kill("SIGKILL"); // connections end too: the server is gone
				return ended;
			};
			// A test that failed and stopped nothing must not keep its file from ending.
			server.unref();
			/** @type {import("node:net").Socket} */ (server.stdout).unref();
			resolve({ url, port: Number(new URL(url).port), stop });
		});
	});
}
