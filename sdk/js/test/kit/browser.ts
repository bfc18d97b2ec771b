// Chromium for tests: Debian's, installed when it is missing and this may be done.

import { execFileSync, spawnSync } from "node:child_process";
import { createServer, type Server as HttpServer } from "node:http";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import type { AddressInfo } from "node:net";
import { HOME } from "./server.js";

const ROOT = join(HOME, "..", "..");
const NAMES = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"];
const INSTALL_LIMIT_MS = 240_000;

function which(): string | undefined {
  const named = process.env["ARQONBUS_CHROMIUM"];
  if (named) return named;
  for (const name of NAMES) {
    const { status, stdout } = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" });
    if (status === 0) return stdout.trim();
  }
  return undefined;
}

function install(): void {
  if (process.getuid?.() !== 0 || spawnSync("sh", ["-c", "command -v apt-get"]).status !== 0) return;
  try {
    const how = { stdio: "ignore", timeout: INSTALL_LIMIT_MS, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } } as const;
    execFileSync("apt-get", ["update", "-qq"], how);
    execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "chromium"], how);
  } catch (error) {
    console.warn(`chromium could not be installed: ${String(error)}`);
  }
}

/** Where Chromium is; undefined: there is none, and the tests that need it are not run. */
export function findChromium(): string | undefined {
  if (!which()) install();
  const found = which();
  if (!found) console.warn("NOT RUN: tests in a browser: no Chromium, and it could not be installed; ARQONBUS_CHROMIUM may name one");
  return found;
}

const KINDS: Record<string, string> = { ".html": "text/html", ".js": "text/javascript" };

/** Serve files of the repository. */
export async function serveFiles(): Promise<{ origin: string; stop(): Promise<void> }> {
  const server: HttpServer = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, "http://localhost").pathname));
    if (path === "/blank.html") {
      response.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>blank</title>");
      return;
    }
    readFile(join(ROOT, path)).then(
      (body) => response.writeHead(200, { "content-type": KINDS[extname(path)] ?? "text/plain" }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
