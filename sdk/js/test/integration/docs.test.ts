// The examples of the documents compile under `strict`, run against a real server, and print what they say.

import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { transformSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOME, python, Server } from "../kit/server.js";

const run = promisify(execFile);
const ROOT = join(HOME, "..", "..");
const URL_IN_DOCS = "ws://127.0.0.1:9100/";
const FENCE = /^```(\S*)[^\n]*\n([\s\S]*?)^```/gm;
const LANGUAGES = ["ts", "console", "text"];

interface Example {
  name: string;
  code: string;
}

const documents = ["docs/SDK-TYPESCRIPT.md", "sdk/js/README.md"].map((name) => ({ name, text: readFileSync(join(ROOT, name), "utf8") }));
const blocks = documents.flatMap(({ name, text }) =>
  [...text.matchAll(FENCE)].map(([, language, code], n) => ({ name: `${name} ${n + 1}`, language, code: code! })));
const examples: Example[] = blocks.filter(({ language }) => language === "ts");

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "arqonbus-docs-"));
  mkdirSync(join(folder, "node_modules", "@arqonbus"), { recursive: true });
  symlinkSync(HOME, join(folder, "node_modules", "@arqonbus", "client"));
  for (const name of ["ws", "@types", "@opentelemetry"]) symlinkSync(join(HOME, "node_modules", name), join(folder, "node_modules", name));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("documents", () => {
  it("have examples, and no block that a test passes over", () => {
    expect(examples.length).toBeGreaterThan(10);
    expect(blocks.filter(({ language }) => !LANGUAGES.includes(language!))).toEqual([]);
  });

  it("link to files that exist", () => {
    const lost = documents.flatMap(({ name, text }) =>
      [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => join(ROOT, dirname(name), link!)).filter((path) => {
        try {
          readFileSync(path);
          return false;
        } catch {
          return true;
        }
      }));
    expect(lost.filter((path) => !path.endsWith("sdk-spec.md"))).toEqual([]);
  });

  it("compile under strict", async () => {
    const files = examples.map(({ code }, n) => {
      writeFileSync(join(folder, `example-${n}.ts`), code);
      return `example-${n}.ts`;
    });
    const compilerOptions = { strict: true, noEmit: true, module: "NodeNext", target: "ES2022", lib: ["ES2023", "DOM", "ESNext.Disposable"], types: ["node"], skipLibCheck: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
    const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch((error) => error);
    expect(stdout).toBe("");
  });
});

describe.skipIf(!python)("examples", () => {
  let server: Server;

  beforeAll(async () => {
    server = await Server.start();
  });
  afterAll(() => server?.stop());

  it.each(examples.filter(({ code }) => !code.startsWith("// browser")))("$name runs and prints what it says", async ({ name, code }) => {
    // A room of the example's own, so that examples do not hear each other.
    const own = code.replaceAll(URL_IN_DOCS, server.url).replaceAll(/"(science|lab|math|room):/g, `"$1-${examples.findIndex((one) => one.name === name)}:`);
    const { code: script } = transformSync(own, { loader: "ts", format: "esm", target: "es2022" });
    const path = join(folder, `run-${Math.random().toString(36).slice(2)}.mjs`);
    writeFileSync(path, script);
    const socket = join(folder, "socket.mjs");
    writeFileSync(socket, 'import WebSocket from "ws"; globalThis.WebSocket ??= WebSocket;');
    const { stdout } = await run(process.execPath, ["--import", socket, path], { cwd: folder, timeout: 20_000 });
    const expected = [...own.matchAll(/\/\/ => (.*)$/gm)].map(([, line]) => line!.replace(/(science|lab|math)(-\d+)?:/, (_, room, tail) => `${room}${tail ?? `-${examples.findIndex((one) => one.name === name)}`}:`));
    expect(stdout.split("\n").filter(Boolean)).toEqual(expected);
  });
});
