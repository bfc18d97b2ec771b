import { describe, expect, it } from "vitest";
import { settle } from "../kit/clock.js";
import { stage } from "../kit/stage.js";

class FakePage extends EventTarget {
  document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  navigator = { onLine: true };

  async fire(name: string, more: object = {}): Promise<void> {
    this.dispatchEvent(Object.assign(new Event(name), more));
    await settle();
  }

  async show(visibilityState: "visible" | "hidden"): Promise<void> {
    this.document.visibilityState = visibilityState;
    this.document.dispatchEvent(new Event("visibilitychange"));
    await settle();
  }
}

function onPage() {
  const page = new FakePage();
  return { page, ...stage({ lifecycle: page }) };
}

describe("lifecycle", () => {
  it("offline keeps an open socket, asks for a sign of life, and dials no more", async () => {
    const { page, clock, sockets, welcome } = onPage();
    const socket = await welcome();
    await page.fire("offline");
    expect(socket.closedWith).toBeUndefined();
    expect(socket.last("ping")).toBeDefined();
    await socket.end(1006);
    await clock.pass(60_000);
    expect(sockets).toHaveLength(1);
    await page.fire("online");
    await clock.pass(500);
    expect(sockets).toHaveLength(2);
  });

  it("offline without an answer to the probe is a loss", async () => {
    const { page, clock, changes, welcome } = onPage();
    await welcome();
    await page.fire("offline");
    await clock.pass(3_000);
    expect(changes.at(-1)).toMatchObject({ to: "reconnecting", cause: "silent" });
    expect(changes.at(-1)).not.toHaveProperty("retryInMs");
  });

  it("online dials within 0.5 s instead of waiting on", async () => {
    const { page, clock, sockets } = onPage();
    for (let dial = 0; dial < 6; dial++) {
      await settle();
      await sockets.at(-1)!.end(1006);
      if (dial < 5) await clock.pass(16_000);
    }
    const n = sockets.length;
    await page.fire("online");
    await clock.pass(250);
    expect(sockets).toHaveLength(n + 1);
  });

  it("online, and visible after a silence, ask an open connection for a sign of life", async () => {
    const { page, clock, welcome } = onPage();
    const socket = await welcome();
    await page.fire("online");
    expect(socket.last("ping")).toBeDefined();
    await socket.ok(socket.last("ping"), {});
    socket.sent.length = 0;
    await page.show("visible");
    expect(socket.sent).toHaveLength(0);
    clock.sleep(21_000);
    await page.show("visible");
    expect(socket.last("ping")).toBeDefined();
  });

  it("hidden dials at most once a minute, visible dials now", async () => {
    const { page, clock, sockets, changes } = onPage();
    await page.show("hidden");
    for (let dial = 0; dial < 9; dial++) {
      await settle();
      await sockets.at(-1)!.end(1006);
      if (dial < 8) await clock.pass(changes.at(-1)!.retryInMs!);
    }
    expect(changes.at(-1)!.retryInMs).toBe(30_000);
    const n = sockets.length;
    await page.show("visible");
    await clock.pass(0);
    expect(sockets).toHaveLength(n + 1);
  });

  it("a page that goes into the cache lets go of its socket and dials no more", async () => {
    const { page, clock, sockets, changes, welcome } = onPage();
    const socket = await welcome();
    await page.fire("pagehide", { persisted: true });
    expect(socket.closedWith).toBe(3001);
    await clock.pass(600_000);
    expect(sockets).toHaveLength(1);
    await page.fire("pageshow", { persisted: true });
    await clock.pass(0);
    expect(sockets).toHaveLength(2);
    const next = await welcome();
    expect(next.sent[0]!["args"].resume.ticket).toBe("t-1");
    expect(changes.map(({ to }) => to)).toEqual(["connecting", "connected", "reconnecting", "connected"]);
  });

  it("a page that goes for good says so", async () => {
    const { page, welcome } = onPage();
    const socket = await welcome();
    await page.fire("pagehide", { persisted: false });
    expect(socket.closedWith).toBe(1000);
  });

  it("a page from the cache knows that its socket is dead, whatever it says", async () => {
    const { page, clock, sockets, welcome } = onPage();
    const socket = await welcome();
    expect(socket.readyState).toBe(1);
    await page.fire("pageshow", { persisted: true });
    await clock.pass(0);
    expect(sockets).toHaveLength(2);
    await page.fire("pageshow", { persisted: false });
    expect(sockets).toHaveLength(2);
  });

  it("freeze and resume are like leaving and coming back", async () => {
    const { page, clock, sockets, welcome } = onPage();
    const socket = await welcome();
    page.document.dispatchEvent(new Event("freeze"));
    expect(socket.closedWith).toBe(3001);
    page.document.dispatchEvent(new Event("resume"));
    await clock.pass(0);
    expect(sockets).toHaveLength(2);
  });

  it("R4 opens nothing that the user closed", async () => {
    const { page, bus, clock, sockets, welcome } = onPage();
    await welcome();
    await bus.close();
    for (const name of ["online", "offline", "pageshow", "pagehide"]) await page.fire(name, { persisted: true });
    await page.show("visible");
    await clock.pass(60_000);
    expect(sockets).toHaveLength(1);
    expect(bus.state).toBe("closed");
  });

  it("never has two dials in flight", async () => {
    const { page, clock, sockets } = onPage();
    await settle();
    await page.fire("online");
    await page.show("visible");
    await clock.pass(0);
    expect(sockets).toHaveLength(1);
  });

  it("does nothing where it is switched off, or where there is no page", async () => {
    const { clock, sockets, welcome } = stage({ lifecycle: false });
    await welcome();
    await clock.pass(0);
    expect(sockets).toHaveLength(1);
  });
});
