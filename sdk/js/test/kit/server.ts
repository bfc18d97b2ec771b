// Real servers for tests: `python -m arqonbus run --port 0`, its port learned from its log.

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const HOME = fileURLToPath(new URL("../../", import.meta.url));
const ROOT = join(HOME, "..", "..");
const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 15_000;

const environment = { ...process.env, PYTHONPATH: [ROOT, process.env["PYTHONPATH"]].filter(Boolean).join(delimiter), PYTHONUNBUFFERED: "1" };

function findPython(): string | undefined {
  const candidates = [process.env["ARQONBUS_PYTHON"], join(ROOT, ".venv", "bin", "python"), "python3", "python"];
  return candidates.find((command) => {
    if (!command || (command.includes("/") && !existsSync(command))) return false;
    return spawnSync(command, ["-c", "import arqonbus, msgspec, websockets"], { env: environment }).status === 0;
  });
}

/** The Python that can run the server; ARQONBUS_PYTHON names another one. */
export const python = findPython();

if (!python) {
  const words = "no Python that can import arqonbus: set ARQONBUS_PYTHON, or install it into .venv of the repository";
  if (process.env["CI"]) throw new Error(words);
  console.warn(`NOT RUN: tests against a real server: ${words}`);
}

/** One running server. */
export class Server {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #log: string[];
  #left: Promise<number | null>;

  private constructor(process: ChildProcess, folder: string, port: number, log: string[]) {
    this.#process = process;
    this.#folder = folder;
    this.port = port;
    this.#log = log;
    this.#left = new Promise((resolve) => process.once("exit", (code) => resolve(code)));
  }

  /** Start one; settings are lines of TOML with dotted keys. */
  static async start(settings: string[] = [], port = 0): Promise<Server> {
    const folder = mkdtempSync(join(tmpdir(), "arqonbus-js-"));
    const config = join(folder, "bus.toml");
    writeFileSync(config, `${settings.join("\n")}\nlog.format = "json"\n`);
    const args = ["-m", "arqonbus", "run", "--config", config, "--port", String(port)];
    const running = spawn(python!, args, { cwd: folder, env: withoutSettings(), stdio: ["ignore", "pipe", "pipe"] });
    const log: string[] = [];
    const found = await new Promise<number>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`the server did not start: ${log.join("\n")}`)), START_LIMIT_MS);
      running.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${log.join("\n")}`)));
      for (const stream of [running.stdout, running.stderr]) {
        createInterface({ input: stream }).on("line", (line) => {
          log.push(line);
          const address = /"server_started".*"addresses":"[^"]*?127\.0\.0\.1:(\d+)/.exec(line);
          if (!address) return;
          clearTimeout(late);
          resolve(Number(address[1]));
        });
      }
    });
    return new Server(running, folder, found, log);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/`;
  }

  get log(): string {
    return this.#log.join("\n");
  }

  /** Ask it to end, and judge how it lived. */
  async stop(): Promise<void> {
    this.#process.kill("SIGTERM");
    const late = setTimeout(() => this.#process.kill("SIGKILL"), STOP_LIMIT_MS);
    const code = await this.#left;
    clearTimeout(late);
    rmSync(this.#folder, { recursive: true, force: true });
    if (code !== 0 || this.log.includes("Traceback")) throw new Error(`the server ended with ${code}: ${this.log.slice(-4000)}`);
  }

  /** End it without asking. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#left;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }
}

function withoutSettings(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([key]) => !key.startsWith("ARQONBUS_")));
}
