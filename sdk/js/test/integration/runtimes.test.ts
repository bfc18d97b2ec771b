// The build, in other versions of Node: 22 and later have a WebSocket of their own. npm gives them; where it does not,
// this is not run and says so.

import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { arch, platform } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOME, python, Server } from "../kit/server.js";

const CACHE = join(HOME, ".cache", "runtimes");
const VERSIONS = (process.env["ARQONBUS_JS_RUNTIMES"] ?? "22.23.3").split(",").filter(Boolean);
const INSTALL_LIMIT_MS = 180_000;

function node(version: string): string | undefined {
  const folder = join(CACHE, version);
  const name = `node-${platform()}-${arch()}`;
  const binary = join(folder, "node_modules", name, "bin", "node");
  try {
    if (!existsSync(binary)) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "package.json"), '{"private":true}');
      execFileSync("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", `${name}@${version}`], { cwd: folder, stdio: "ignore", timeout: INSTALL_LIMIT_MS });
    }
    expect(execFileSync(binary, ["--version"], { encoding: "utf8" })).toBe(`v${version}\n`);
    return binary;
  } catch (error) {
    console.warn(`NOT RUN: Node ${version}: ${String(error).slice(0, 200)}`);
    return undefined;
  }
}

describe.skipIf(!python)("other versions of Node", () => {
  let server: Server;
  const found = new Map<string, string | undefined>();

  beforeAll(async () => {
    server = await Server.start();
    for (const version of VERSIONS) found.set(version, node(version));
  }, INSTALL_LIMIT_MS + 30_000);
  afterAll(() => server?.stop());

  it.each(VERSIONS)("Node %s talks with its own WebSocket, and comes back from a dial that failed", async (version) => {
    const binary = found.get(version);
    if (!binary) return;
    const { stdout } = await promisify(execFile)(binary, [join(HOME, "test", "integration", "smoke.mjs"), server.url]);
    expect(stdout).toBe("refused, then told\nall done\n");
  }, 60_000);
});
