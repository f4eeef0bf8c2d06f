// Makes a token for a tenant: prints it, and the record that is to be put into the bucket as tokens/TENANT.json.
//
//	node edge/token.mjs TENANT [RECORD]   RECORD: the file of the record there is, to add to

import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** A token of a tenant, and its record's line. @param {string} tenant */
export function newToken(tenant) {
	const token = `hgr_${tenant}_${randomBytes(32).toString("base64url")}`;
	return { token, line: { sha256: createHash("sha256").update(token).digest("hex"), made: new Date().toISOString().slice(0, 10) } };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [tenant = "", record] = process.argv.slice(2);
	if (!/^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(tenant)) {
		console.error("usage: node edge/token.mjs TENANT [RECORD]\nTENANT: 1 to 40 lower-case letters, digits and hyphens");
		process.exit(2);
	}
	const { token, line } = newToken(tenant);
	const tokens = record ? JSON.parse(readFileSync(record, "utf8")).tokens : [];
	console.error(token); // apart from the record, which goes to a file
	console.log(JSON.stringify({ tokens: [...tokens, line] }));
}
