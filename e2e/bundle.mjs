// The bundle to test with.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The page's own models, or null while there are none. */
export const ownModels = existsSync(join(root, "www/models/default.json")) ? join(root, "www/models") : null;

/** A small bundle of random weights in a folder of its own; remove() takes it away. */
export function randomModels() {
	const folder = mkdtempSync(join(tmpdir(), "haguruma-"));
	const toolchain = /^toolchain (\S+)/m.exec(readFileSync(join(root, "go.mod"), "utf8"))?.[1];
	execFileSync("go", ["run", "./e2e/testdata/randombundle", "-out", folder], {
		cwd: root, stdio: ["ignore", "inherit", "inherit"], env: { ...process.env, GOTOOLCHAIN: toolchain },
	});
	return {
		folder,
		file: join(folder, "default.safetensors.zst"),
		remove: () => rmSync(folder, { recursive: true, force: true }),
	};
}
