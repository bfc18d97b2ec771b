import { describe, expect, it } from "vitest";
import { BusClosed, CannotConnect, Unauthorized, connect } from "../../src/index.js";
import { CLOSE_CODES } from "../kit/tables.js";
import { settle } from "../kit/clock.js";
import { stage, WELCOME } from "../kit/stage.js";

describe("states", () => {
  it("R1 goes from idle over connecting to connected", async () => {
    const { bus, changes, welcome } = stage();
    expect(bus.state).toBe("connecting");
    await welcome();
    expect(bus.state).toBe("connected");
    expect(changes).toEqual([
      { from: "idle", to: "connecting", cause: "user", attempt: 0 },
      { from: "connecting", to: "connected", cause: "opened", attempt: 0, resumed: false },
    ]);
    expect(bus.client).toBe("c-1");
  });

  it("R2 tells a loss and a return, with code, delay and whether the client was kept", async () => {
    const { changes, welcome, comeBack } = stage();
    const socket = await welcome();
    await socket.end(1012, "restart");
    await comeBack();
    expect(changes.slice(2)).toEqual([
      { from: "connected", to: "reconnecting", cause: "closed_by_server", code: 1012, reason: "restart", attempt: 1, retryInMs: 250 },
      { from: "reconnecting", to: "connected", cause: "resumed", attempt: 1, resumed: true },
    ]);
  });

  it("R2 gives changes as an iterator that ends with the bus, and a callback that throws changes nothing", async () => {
    const { bus, errors, welcome } = stage();
    bus.on("state", () => {
      throw new Error("of the listener");
    });
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { to } of bus.states()) seen.push(to);
    })();
    await settle();
    await welcome();
    await bus.close();
    await reading;
    expect(seen).toEqual(["connected", "closed"]);
    expect(errors.map(String)).toContain("Error: of the listener");
  });

  it("R3 R4 stays closed, whatever comes later, and refuses what is called", async () => {
    const { bus, clock, sockets, welcome } = stage();
    const socket = await welcome();
    await bus.close();
    await socket.end(1006);
    await clock.pass(60_000);
    expect(sockets).toHaveLength(1);
    expect(socket.closedWith).toBe(1000);
    await expect(bus.publish("a:b", 1)).rejects.toBeInstanceOf(BusClosed);
    await expect(bus.ping()).rejects.toBeInstanceOf(BusClosed);
    expect(() => bus.subscribe("a:b")).toThrow(BusClosed);
    await expect(bus.ready()).rejects.toBeInstanceOf(BusClosed);
    await bus.close();
    expect(clock.pending).toBe(0);
  });

  it("R5 ignores what an older socket says", async () => {
    const { bus, sockets, welcome, comeBack } = stage();
    const old = await welcome();
    await old.end(1006);
    await comeBack();
    await old.end(4503);
    await old.say({ type: "system", event: "refused", payload: { code: "forbidden", message: "", retryable: false } });
    expect(bus.state).toBe("connected");
    expect(sockets).toHaveLength(2);
  });
});

describe("dial", () => {
  it("R6 R7 offers the subprotocol and sends connect first, with token and profile, and nothing else before its answer", async () => {
    const { bus, welcome } = stage({ token: "secret", profile: { screen_name: "Ada" }, will: { room: "a", channel: "b" } });
    void bus.publish("a:b", 1);
    void bus.ping();
    const used = await welcome();
    const sent = used.sent;
    expect(used.protocols).toEqual(["arqonbus.v1"]);
    expect(sent[0]).toMatchObject({
      type: "command", command: "connect",
      args: { token: "secret", profile: { screen_name: "Ada" }, will: { room: "a", channel: "b" } },
    });
    expect(sent[0]!["args"]).not.toHaveProperty("resume");
    expect(sent.slice(1).map((frame) => frame["type"])).toEqual(["event", "command"]);
  });

  it("R6 gives a dial 10 s, token and answer included", async () => {
    const { clock, sockets, changes } = stage({ token: () => new Promise(() => {}) });
    await clock.pass(10_000);
    expect(changes.at(-1)).toMatchObject({ to: "reconnecting", cause: "dial_failed" });
    const second = stage();
    await settle();
    await second.socket.open();
    await second.clock.pass(10_000);
    expect(second.socket.closedWith).toBe(3001);
    expect(second.changes.at(-1)).toMatchObject({ to: "reconnecting", cause: "dial_failed" });
    expect(sockets).toHaveLength(0);
  });

  it("R6 takes an error without a close for the end of a dial, as Node 22 fails", async () => {
    const { clock, sockets, changes } = stage();
    await settle();
    await sockets[0]!.err();
    expect(changes.at(-1)).toMatchObject({ to: "reconnecting", cause: "dial_failed", retryInMs: 250 });
    await clock.pass(250);
    expect(sockets).toHaveLength(2);
  });

  it("R7 comes back with the ticket", async () => {
    const { welcome, comeBack } = stage();
    const socket = await welcome({ ticket: "t-9" });
    await socket.end(1006);
    const next = await comeBack();
    expect(next.sent[0]!["args"].resume).toEqual({ ticket: "t-9", positions: [] });
  });

  it.each([["invalid_args", false, "closed"], ["overloaded", true, "reconnecting"]])(
    "R8 after connect was refused with %s (retryable: %s) it is %s", async (code, retryable, state) => {
      const { bus, sockets, clock } = stage();
      await settle();
      await sockets[0]!.open();
      await sockets[0]!.no(sockets[0]!.last("connect"), code, retryable, { retry_after_ms: 4000 });
      expect(bus.state).toBe(state);
      await clock.pass(3_999);
      expect(sockets).toHaveLength(1);
      await clock.pass(1);
      expect(sockets).toHaveLength(retryable ? 2 : 1);
    },
  );

  it("R9 asks the token function for every dial, with the reason", async () => {
    const reasons: string[] = [];
    const { sockets, welcome, comeBack } = stage({ token: async ({ reason }) => (reasons.push(reason), `token-${reasons.length}`) });
    await settle();
    const socket = await welcome();
    await socket.end(1006);
    const second = await comeBack();
    await second.end(4001);
    const third = await comeBack();
    expect(reasons).toEqual(["first", "reconnect", "expired"]);
    expect(third.sent[0]!["args"].token).toBe("token-3");
    expect(sockets).toHaveLength(3);
  });

  it("R9 a token function that throws makes the dial fail; Unauthorized closes the bus", async () => {
    const failing = stage({ token: () => { throw new Error("down"); } });
    await settle();
    expect(failing.changes.at(-1)).toMatchObject({ to: "reconnecting", cause: "dial_failed" });
    const final = stage({ token: () => Promise.reject(new Unauthorized("no more")) });
    await settle();
    expect(final.bus.state).toBe("closed");
    expect(final.bus.error).toBeInstanceOf(Unauthorized);
    await expect(final.bus.ready()).rejects.toMatchObject({ name: "BusClosed", cause: { name: "Unauthorized" } });
  });

  it("R10 ready waits until it is open, or for its signal", async () => {
    const { bus, welcome } = stage();
    const control = new AbortController();
    const given = bus.ready({ signal: control.signal });
    control.abort(new Error("enough"));
    await expect(given).rejects.toThrow("enough");
    const waiting = bus.ready();
    await welcome();
    expect(await waiting).toBe(bus);
  });

  it("says what to install where there is no WebSocket", () => {
    const had = (globalThis as { WebSocket?: unknown }).WebSocket;
    Reflect.deleteProperty(globalThis, "WebSocket");
    try {
      expect(() => connect("ws://bus.test")).toThrow(CannotConnect);
      try {
        connect("ws://bus.test");
      } catch (error) {
        expect((error as CannotConnect).message).toContain('import WebSocket from "ws"');
      }
    } finally {
      if (had) (globalThis as { WebSocket?: unknown }).WebSocket = had;
    }
  });
});

describe("after a close", () => {
  const expected: Record<string, string> = { at_once: "now", back_off: "later", never: "closed" };

  it.each(Object.entries(CLOSE_CODES).map(([code, row]) => [Number(code), row] as const))("R14 code %i: %s", async (code, row) => {
    const { bus, changes, welcome } = stage();
    const socket = await welcome();
    await socket.end(code);
    const last = changes.at(-1)!;
    const what = bus.state === "closed" ? "closed" : last.retryInMs === 0 ? "now" : "later";
    // With a token that is a text an expired one is final.
    expect(what).toBe(code === 4001 ? "closed" : expected[row]);
  });

  it.each([[4077, "now"], [4150, "later"], [4999, "closed"], [1006, "later"], [1005, "later"], [3333, "later"]])(
    "R14 a code that is not in the table goes by its range: %i %s", async (code, what) => {
      const { bus, changes, welcome } = stage();
      await (await welcome()).end(code);
      expect(bus.state === "closed" ? "closed" : changes.at(-1)!.retryInMs === 0 ? "now" : "later").toBe(what);
    },
  );

  it("R12 delays are full jitter with a bound that doubles up to 15 s", async () => {
    const { clock, sockets, changes } = stage({ random: () => 0.999 });
    const delays: number[] = [];
    for (let dial = 0; dial < 8; dial++) {
      await settle();
      await sockets.at(-1)!.end(1006);
      delays.push(changes.at(-1)!.retryInMs!);
      await clock.pass(changes.at(-1)!.retryInMs!);
    }
    expect(delays.map((delay) => Math.round(delay / 0.999))).toEqual([500, 1000, 2000, 4000, 8000, 15000, 15000, 15000]);
  });

  it("R13 a session of 10 s is stable, a shorter one is not", async () => {
    const { clock, changes, welcome, comeBack } = stage();
    let socket = await welcome();
    await clock.pass(9_000);
    await socket.end(1006);
    socket = await comeBack();
    await clock.pass(9_000);
    await socket.end(1006);
    expect(changes.at(-1)!.attempt).toBe(2);
    socket = await comeBack();
    await clock.pass(10_000);
    await socket.end(1006);
    expect(changes.at(-1)!.attempt).toBe(1);
  });

  it("R14 after 4501 asks for another token once; the same one, or a second 4501, is final", async () => {
    const reasons: string[] = [];
    const same = stage({ token: ({ reason }) => (reasons.push(reason), "same") });
    await settle();
    await same.socket.open();
    await same.socket.no(same.socket.last("connect"), "unauthenticated");
    await same.clock.pass(0);
    expect(reasons).toEqual(["first", "rejected"]);
    expect(same.sockets).toHaveLength(1);
    expect(same.bus.error).toBeInstanceOf(Unauthorized);

    const other = stage({ token: ({ reason }) => reason });
    await settle();
    await other.socket.open();
    await other.socket.end(4501);
    await other.clock.pass(0);
    expect(other.sockets).toHaveLength(2);
    await other.socket.open();
    await other.socket.end(4501);
    expect(other.bus.state).toBe("closed");
    expect(other.bus.error).toBeInstanceOf(Unauthorized);
  });

  it("R15 after a drain comes back within its spread; a second hasty end backs off", async () => {
    const { changes, welcome, comeBack } = stage();
    const socket = await welcome();
    await socket.say({ type: "system", event: "draining", payload: { deadline_ms: 10_000, spread_ms: 4_000 } });
    await socket.end(4000);
    expect(changes.at(-1)!.retryInMs).toBe(2_000);
    const next = await comeBack();
    await next.end(4000);
    expect(changes.at(-1)!.retryInMs).toBe(250);
  });

  it("R16 draining changes nothing until the deadline and a second have passed", async () => {
    const { bus, clock, changes, welcome } = stage();
    const socket = await welcome();
    await socket.say({ type: "system", event: "draining", payload: { deadline_ms: 5_000, spread_ms: 0 } });
    await clock.pass(5_999);
    expect(bus.state).toBe("connected");
    await clock.pass(1);
    expect(changes.find(({ code }) => code === 4000)).toMatchObject({ to: "reconnecting", retryInMs: 0 });
  });
});

describe("signs of life", () => {
  it("R17 drops a connection that was silent for a heartbeat and 5 s", async () => {
    const { bus, clock, changes, welcome } = stage();
    const socket = await welcome({ heartbeat_s: 20 });
    await clock.pass(24_000);
    await socket.say({ type: "system", event: "heartbeat", payload: {} });
    await clock.pass(24_999);
    expect(bus.state).toBe("connected");
    await clock.pass(1);
    expect(changes.at(-1)).toMatchObject({ to: "reconnecting", cause: "silent" });
    expect(socket.closedWith).toBe(3001);
  });

  it("R17 asks first when its own timer is late: the machine slept", async () => {
    const { bus, clock, changes, welcome } = stage();
    const socket = await welcome();
    clock.sleep(3_600_000);
    await clock.pass(0);
    expect(socket.last("ping")).toBeDefined();
    await socket.ok(socket.last("ping"), { time: "" });
    await clock.pass(3_000);
    expect(bus.state).toBe("connected");
    clock.sleep(3_600_000);
    await clock.pass(3_000);
    expect(changes.at(-1)).toMatchObject({ cause: "silent" });
  });
});

it("keeps nothing of 2,000 dials that failed, nor of calls and signals that are over", async () => {
  const { bus, clock, sockets, welcome } = stage({ random: () => 0 });
  const control = new AbortController();
  let listeners = 0;
  for (const [name, step] of [["addEventListener", 1], ["removeEventListener", -1]] as const) {
    const original = control.signal[name].bind(control.signal);
    control.signal[name] = ((type: "abort", listener: () => void) => {
      listeners += step;
      original(type, listener);
    }) as typeof original;
  }
  const handle = bus.subscribe("science:explore", { signal: control.signal });
  const ready = bus.ready({ signal: control.signal });
  for (let dial = 0; dial < 2_000; dial++) {
    await settle();
    await sockets.pop()!.end(1006);
    await clock.pass(0);
  }
  expect(clock.pending).toBe(1);
  await settle();
  const socket = await welcome();
  await ready;
  await socket.joined();
  const asked = bus.status({ signal: control.signal });
  await settle();
  await socket.ok(socket.last("status"), {});
  await asked;
  handle.close();
  await clock.pass(1_000);
  expect(listeners).toBe(0);
  expect(bus.stats()).toMatchObject({ outbox: 0, dials: 2_001 });
  await bus.close();
  expect(clock.pending).toBe(0);
});

it("R51 counts what cannot be read, and passes over what it does not know", async () => {
  const { bus, errors, welcome } = stage();
  const socket = await welcome();
  await socket.say("{nonsense", "7", { type: "hologram" }, { type: "system", event: "new_in_2", payload: {} });
  expect(bus.stats()).toMatchObject({ unreadable: 2, received: 5 });
  expect(errors).toHaveLength(2);
  expect(bus.state).toBe("connected");
});

it("gives telemetry of the server as messages of its channel", async () => {
  const { bus, welcome } = stage();
  const handle = bus.subscribe("_telemetry:activity");
  const socket = await welcome();
  await socket.joined({ seq: 6 });
  await socket.say({
    type: "telemetry", event: "client_connected", room: "_telemetry", channel: "activity", timestamp: "t", seq: 7, payload: { client: "c-1" },
  });
  expect((await handle.next()).value).toMatchObject({ kind: "telemetry", event: "client_connected", seq: 7, data: { client: "c-1" } });
});

it("R50 tells its numbers", async () => {
  const { bus, welcome, comeBack } = stage();
  await (await welcome()).end(1006);
  await comeBack();
  expect(bus.stats()).toMatchObject({ state: "connected", dials: 2, reconnects: 1, outbox: 0, queued: 0 });
  expect(bus.session).toMatchObject({ client: WELCOME.client });
});
