// The sessions of the contract, played by the minified build in headless Chromium, with the browser's own WebSocket.

import { build } from "esbuild";
import { chromium, type Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SessionVector } from "../conformance/player.js";
import { findChromium, serveFiles } from "../kit/browser.js";
import { HOME, python, Server } from "../kit/server.js";
import { SESSIONS } from "../kit/vectors.js";

const executablePath = python && findChromium();
const SLOW_MS = 60_000;
const SIDE_BY_SIDE = 8;

describe.skipIf(!executablePath)("conformance in a browser", () => {
  let server: Server;
  let files: Awaited<ReturnType<typeof serveFiles>>;
  let browser: Browser;

  beforeAll(async () => {
    files = await serveFiles();
    server = await Server.start([`server.origins = ["${files.origin}"]`]);
    browser = await chromium.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
  }, SLOW_MS);

  afterAll(async () => {
    await browser?.close();
    await files?.stop();
    await server?.stop();
  }, SLOW_MS);

  it("plays every session", async () => {
    const made = await build({ entryPoints: [`${HOME}test/conformance/player.ts`], bundle: true, format: "iife", globalName: "conformance", write: false });
    const page = await browser.newPage();
    await page.goto(`${files.origin}/blank.html`);
    const sdk = `${files.origin}/sdk/js/dist/arqonbus.min.js`;
    await page.addScriptTag({ type: "module", content: `import { connect } from ${JSON.stringify(sdk)}; window.connectToBus = connect;` });
    await page.waitForFunction(() => "connectToBus" in window);
    await page.addScriptTag({ content: made.outputFiles[0]!.text });
    const faults = await page.evaluate(
      async ({ vectors, url, width }) => {
        const { connectToBus: connect, conformance: { play } } = window as any;
        const waiting = [...vectors.entries()];
        const found: string[] = [];
        const work = async () => {
          for (let next = waiting.shift(); next; next = waiting.shift()) {
            const [number, vector] = next as [number, SessionVector];
            await play(vector, connect, url, `conformance-page-${number}`, () => WebSocket).catch((error: Error) => found.push(`${vector.name}: ${error.message}`));
          }
        };
        await Promise.all(Array.from({ length: width }, work));
        return found;
      },
      { vectors: SESSIONS, url: server.url, width: SIDE_BY_SIDE },
    );
    expect(faults).toEqual([]);
  }, SLOW_MS);
});
