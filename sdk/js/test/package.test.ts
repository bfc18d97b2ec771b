// The packed tarball: installs into an empty project, type-checks there under `strict`, runs there, is small, and holds
// nothing that it should not.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOME } from "./kit/server.js";

const require = createRequire(import.meta.url);
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");

const CONSUMER = `
import { connect, BusError, type Message } from "@arqonbus/client";

type App = {
  channels: { [room: \`room:\${string}\`]: { user: string; text: string }; "metrics:cpu": number };
  requests: { "math:add": { data: { a: number; b: number }; reply: number } };
};

export async function main(): Promise<void> {
  await using bus = connect<App>("wss://bus.example", { token: async ({ reason }) => reason });
  const off: () => void = bus.on("state", ({ to, retryInMs }) => console.log(to, retryInMs));
  const handle = bus.subscribe("room:lobby", { replay: 10, whenFull: "drop_oldest" });
  for await (const message of handle) {
    const text: string = message.data.text;
    const missed: number | undefined = message.gap?.missed;
    console.log(text, missed);
  }
  const ack = await bus.publish("room:lobby", { user: "ada", text: "hi" }, { ack: true });
  const seq: number = ack.seq;
  const nothing: void = await bus.publish("metrics:cpu", 0.5);
  const sum: number = await bus.request("math:add", { a: 2, b: 3 });
  bus.serve("math:add", ({ a, b }) => a + b);
  const decoded = bus.subscribe("metrics:cpu", { decode: (payload) => String(payload) });
  const message: Message<string> = (await decoded.next()).value!;
  const members: number = (await bus.members("room")).count;
  // @ts-expect-error the schema names no such channel
  void bus.publish("nowhere:at-all", 1);
  // @ts-expect-error the payload of a room has a text
  void bus.publish("room:lobby", { user: "ada" });
  // @ts-expect-error a reply is a number
  bus.serve("math:add", () => "five");
  // @ts-expect-error there is no such policy
  bus.subscribe("metrics:cpu", { whenFull: "explode" });
  // @ts-expect-error not every command takes these args
  void bus.command("ping", { room: "a" });
  console.log(seq, nothing, sum, message, members, off);
}

export async function untyped(): Promise<void> {
  const bus = connect("wss://bus.example");
  try {
    await bus.publish("any:channel", { any: "thing" });
  } catch (error) {
    if (error instanceof BusError) console.log(error.code, error.hint, error.retryable);
  }
  const data: unknown = (await bus.subscribe("any:channel").next()).value?.data;
  const answer: unknown = await bus.request("any:channel", 1);
  console.log(data, answer);
}
`;

let folder = "";
let files: string[] = [];

const npm = (cwd: string, ...args: string[]) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "arqonbus-package-"));
  const [packed] = JSON.parse(npm(HOME, "pack", "--json", "--ignore-scripts", "--pack-destination", folder));
  files = packed.files.map(({ path }: { path: string }) => path);
  writeFileSync(join(folder, "package.json"), '{"name":"empty","version":"1.0.0","private":true,"type":"module"}');
  npm(folder, "install", "--offline", "--no-audit", "--no-fund", "--package-lock=false", join(folder, packed.filename));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function check(options: object): string {
  const compilerOptions = { strict: true, noEmit: true, types: [], ...options };
  writeFileSync(join(folder, "consumer.ts"), CONSUMER);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  try {
    return execFileSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe("the package", () => {
  it("has no dependency, and holds the build, the licence and the readme", () => {
    expect(readdirSync(join(folder, "node_modules")).filter((name) => !name.startsWith("."))).toEqual(["@arqonbus"]);
    expect(readdirSync(join(folder, "node_modules", "@arqonbus"))).toEqual(["client"]);
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json", "dist/index.js", "dist/index.d.ts", "dist/otel.js", "dist/arqonbus.min.js"]));
    expect(files.filter((path) => !/^(LICENSE|README\.md|package\.json|dist\/[\w.]+\.(js|d\.ts))$/.test(path))).toEqual([]);
  });

  it.each([
    ["bundler", { module: "ESNext", moduleResolution: "bundler", target: "ES2022", lib: ["ES2022", "DOM", "ESNext.Disposable"] }],
    ["node", { module: "NodeNext", moduleResolution: "NodeNext", target: "ES2022", lib: ["ES2022", "DOM", "ESNext.Disposable"], exactOptionalPropertyTypes: true }],
  ])("type-checks under strict in an empty project: %s", (_, options) => {
    expect(check(options)).toBe("");
  });

  it("is imported without touching anything, and runs", () => {
    const script = 'import("@arqonbus/client").then(({ connect, CannotConnect }) => console.log(typeof connect, new CannotConnect("x").name))';
    expect(execFileSync(process.execPath, ["-e", script], { cwd: folder, encoding: "utf8" })).toBe("function CannotConnect\n");
    const required = 'const { connect } = require("@arqonbus/client/arqonbus.min.js"); console.log(typeof connect)';
    // `require` of an ES module is plain from Node 20.19 on.
    const [major, minor] = process.versions.node.split(".").map(Number) as [number, number];
    if (major > 20 || minor >= 19) {
      const shown = execFileSync(process.execPath, ["--no-warnings", "-e", required], { cwd: folder, encoding: "utf8" });
      expect(shown).toBe("function\n");
    }
  });

  it("names no machine in its lock file", () => {
    const lock = readFileSync(join(HOME, "package-lock.json"), "utf8");
    expect(lock).not.toMatch(/"resolved"|https?:\/\/(?!github\.com|opencollective|feross|tidelift|www\.patreon|paulmillr)[^"]*\.tgz/);
    expect(lock).toContain('"integrity"');
  });
});
