// The size of the whole client, minified and compressed, against its budget. Exit code 1 when it is over.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

// Eight kilobytes were the wish. All of docs/sdk-spec.md takes more: see L-021 in docs/IMPLEMENTATION_LOG.md for where it goes.
const BUDGET = 13.5 * 1024;

const file = join(dirname(fileURLToPath(import.meta.url)), "..", "dist", "arqonbus.min.js");
const code = readFileSync(file);
const size = gzipSync(code, { level: 9 }).length;
console.log(`${code.length} bytes minified, ${size} compressed, budget ${BUDGET}`);
if (size > BUDGET) process.exitCode = 1;
