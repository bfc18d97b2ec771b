// In headless Chromium: two pages talk to each other, through cuts of the network and trips into the page cache.

import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, serveFiles } from "../kit/browser.js";
import { python, Server } from "../kit/server.js";

const executablePath = python && findChromium();
const SLOW_MS = 60_000;

describe.skipIf(!executablePath)("in a browser", () => {
  let server: Server;
  let files: Awaited<ReturnType<typeof serveFiles>>;
  let browser: Browser;
  const faults: string[] = [];

  beforeAll(async () => {
    files = await serveFiles();
    server = await Server.start([`server.origins = ["${files.origin}"]`, "server.heartbeat_s = 2.0"]);
    browser = await chromium.launch({
      executablePath: executablePath!,
      args: ["--no-sandbox"],
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
  }, SLOW_MS);

  afterAll(async () => {
    await browser?.close();
    await files?.stop();
    await server?.stop();
    expect(faults).toEqual([]);
  }, SLOW_MS);

  async function open(path: string): Promise<Page> {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => faults.push(String(error)));
    await page.goto(`${files.origin}${path}`);
    return page;
  }

  const chat = (name: string, room: string) =>
    open(`/docs/examples/chat.html?bus=${encodeURIComponent(server.url)}&name=${name}&room=${room}`);

  const says = async (page: Page, text: string) => {
    await page.fill("[name=text]", text);
    await page.press("[name=text]", "Enter");
  };

  const sees = (page: Page, words: string) => page.waitForFunction((wanted) => document.getElementById("log")!.textContent!.includes(wanted), words, { timeout: 10_000 });
  const lines = (page: Page) => page.$$eval("#log li", (found) => found.map((line) => line.textContent!.replace(/^[\d:]+( [AP]M)? /, "")));

  it("two pages of the chat example talk to each other, and see who is there", async () => {
    const [ada, bea] = [await chat("Ada", "two"), await chat("Bea", "two")];
    await ada.waitForFunction(() => document.getElementById("people")!.textContent!.startsWith("2 here"));
    await says(ada, "hello Bea");
    await sees(bea, "Ada: hello Bea");
    await says(bea, "hello Ada <b>not bold</b>");
    await sees(ada, "Bea: hello Ada <b>not bold</b>");
    expect(await lines(ada)).toEqual(["Ada: hello Bea", "Bea: hello Ada <b>not bold</b>"]);
    expect(await ada.textContent("#people")).toMatch(/^2 here: .*Ada.*Bea|Bea.*Ada/);
    await bea.close();
    await ada.waitForFunction(() => document.getElementById("people")!.textContent!.startsWith("1 here"));
    const cee = await chat("Cee", "two");
    await sees(cee, "hello Ada");
    expect(await lines(cee)).toEqual(await lines(ada));
  }, SLOW_MS);

  it("what is said without a network goes out, once, when there is one again", async () => {
    const [ada, bea] = [await chat("Ada", "cut"), await chat("Bea", "cut")];
    await says(ada, "before");
    await sees(bea, "before");
    await ada.context().setOffline(true);
    await says(ada, "while offline");
    await says(bea, "from outside");
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    await ada.context().setOffline(false);
    await sees(bea, "while offline");
    await sees(ada, "from outside");
    await says(ada, "after");
    await sees(bea, "after");
    const all = await lines(bea);
    expect([...all].sort()).toEqual(["Ada: after", "Ada: before", "Ada: while offline", "Bea: from outside"].sort());
    expect(await lines(ada)).toEqual(all);
  }, SLOW_MS);

  it("a page that comes back from the cache of the browser is connected again, with what it missed", async () => {
    const [ada, bea] = [await chat("Ada", "cache"), await chat("Bea", "cache")];
    await says(bea, "before");
    await sees(ada, "before");
    await ada.evaluate(() => {
      addEventListener("pageshow", ({ persisted }) => Object.assign(window, { cameFromCache: persisted }));
    });
    await ada.goto(`${files.origin}/blank.html`);
    await says(bea, "while away");
    await sees(bea, "while away");
    await ada.evaluate(() => history.back());
    await sees(ada, "while away");
    expect(await ada.evaluate(() => (window as { cameFromCache?: boolean }).cameFromCache)).toBe(true);
    expect(await lines(ada)).toEqual(["Bea: before", "Bea: while away"]);
  }, SLOW_MS);
});
