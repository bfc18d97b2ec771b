import { describe, expect, it } from "vitest";
import {
  Conflict, Denied, Expired, InvalidRequest, LimitReached, NotConnected, NotFound, OutboxFull, OutcomeUnknown, Rejected,
  ServerFault, TryLater,
} from "../../src/index.js";
import { ERRORS } from "../kit/tables.js";
import { settle } from "../kit/clock.js";
import { stage } from "../kit/stage.js";

const ACK = { seq: 1, epoch: "e1", duplicate: false, stored: "memory" };

describe("publish", () => {
  it("R18 R20 gives each message an id of its own, and an ack what the server says", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    const acked = bus.publish("science:explore", { n: 1 }, { ack: true, metadata: { k: "v" }, replyTo: "m0" });
    await bus.publish("science:explore", { n: 2 });
    await bus.publish("science:explore", { n: 3 }, { id: "mine" });
    const [, first, second, third] = socket.sent;
    expect(first).toEqual({
      type: "event", room: "science", channel: "explore", id: first!["id"], payload: { n: 1 }, metadata: { k: "v" },
      reply_to: "m0", ack: true,
    });
    expect(first!["id"]).toMatch(/^[A-Za-z0-9_-]{12}-[0-9a-z]+$/);
    expect(second!["id"].slice(0, 12)).toBe(first!["id"].slice(0, 12));
    expect(second!["id"]).not.toBe(first!["id"]);
    expect(second).not.toHaveProperty("ack");
    expect(third!["id"]).toBe("mine");
    await socket.ok(first!, { ...ACK, delivered: 3 });
    expect(await acked).toEqual({ ...ACK, delivered: 3, id: first!["id"] });
  });

  it("R19 sends in the order of the calls, what waited first", async () => {
    const { bus, welcome } = stage();
    for (const n of [1, 2, 3]) void bus.publish("a:b", n);
    const socket = await welcome();
    void bus.publish("a:b", 4);
    await settle();
    expect(socket.sent.slice(1).map((frame) => frame["payload"])).toEqual([1, 2, 3, 4]);
  });

  it("R20 without ack it is done when it is in the outbox", async () => {
    const { bus } = stage();
    await bus.publish("a:b", 1);
    expect(bus.stats().outbox).toBe(1);
  });

  it.each([[{ outboxMessages: 2 }], [{ outboxBytes: 170 }]])("R21 past %j it fails and is not queued", async (bound) => {
    const { bus, welcome } = stage(bound);
    await bus.publish("a:b", 1);
    await bus.publish("a:b", 2);
    await expect(bus.publish("a:b", 3)).rejects.toBeInstanceOf(OutboxFull);
    await expect(bus.publish("a:b", 3, { ack: true })).rejects.toBeInstanceOf(OutboxFull);
    const socket = await welcome();
    expect(socket.sent.slice(1).map((frame) => frame["payload"])).toEqual([1, 2]);
  });

  it("R21 what waits for its ack counts, and makes room when it is answered", async () => {
    const { bus, welcome } = stage({ outboxMessages: 1 });
    const socket = await welcome();
    const first = bus.publish("a:b", 1, { ack: true });
    await expect(bus.publish("a:b", 2, { ack: true })).rejects.toBeInstanceOf(OutboxFull);
    await bus.publish("a:b", "needs no room");
    await socket.ok(socket.sent[1]!, ACK);
    await first;
    void bus.publish("a:b", 3, { ack: true }).catch(() => {});
    await settle();
    expect(socket.sent.at(-1)!["payload"]).toBe(3);
  });

  it("R21 a socket that is full leaves what follows in the outbox", async () => {
    const { bus, clock, welcome } = stage();
    const socket = await welcome();
    socket.bufferedAmount = 2 ** 20;
    await bus.publish("a:b", 1);
    void bus.publish("a:b", 2);
    await clock.pass(100);
    expect(socket.sent).toHaveLength(1);
    socket.bufferedAmount = 0;
    await clock.pass(20);
    expect(socket.sent.slice(1).map((frame) => frame["payload"])).toEqual([1, 2]);
    expect(bus.stats().outbox).toBe(0);
  });

  it("R22 what could not be sent for 30 s expires: told to its caller, or to onError", async () => {
    const { bus, clock, errors } = stage();
    const acked = bus.publish("a:b", 1, { ack: true });
    const caught = expect(acked).rejects.toBeInstanceOf(Expired);
    await bus.publish("a:b", 2);
    await clock.pass(30_000);
    await caught;
    expect(errors.filter((error) => error instanceof Expired)).toHaveLength(1);
    expect(bus.stats()).toMatchObject({ expired: 2, outbox: 0 });
  });

  it("R23 whenOffline: reject, drop", async () => {
    const { bus, welcome } = stage();
    await expect(bus.publish("a:b", 1, { whenOffline: "reject" })).rejects.toBeInstanceOf(NotConnected);
    await bus.publish("a:b", 2, { whenOffline: "drop" });
    expect(bus.stats()).toMatchObject({ dropped: 1, outbox: 0 });
    const socket = await welcome();
    void bus.publish("a:b", 3, { whenOffline: "drop" });
    await settle();
    expect(socket.sent.slice(1).map((frame) => frame["payload"])).toEqual([3]);
  });

  it("R24 sends events with ack again after a loss, with the same id, before anything newer", async () => {
    const { bus, welcome, comeBack } = stage();
    const socket = await welcome();
    const acked = bus.publish("a:b", 1, { ack: true });
    await bus.publish("a:b", "not again");
    const { id } = socket.sent[1]!;
    await socket.end(1006);
    void bus.publish("a:b", 2);
    const next = await comeBack();
    expect(next.sent.slice(1)).toMatchObject([{ id, payload: 1 }, { payload: 2 }]);
    await next.ok(next.sent[1]!, { ...ACK, duplicate: true });
    expect(await acked).toMatchObject({ duplicate: true, id });
  });

  it.each([
    ["of another client id", { client: "c-2" }, false],
    ["of the same user", { client: "c-2", user: "ada" }, true],
  ])("R24 a repeat is sent only if the server can know it: %s", async (_, more, again) => {
    const { bus, welcome, comeBack } = stage();
    const socket = await welcome({ user: "user" in more ? "ada" : null });
    const acked = bus.publish("a:b", 1, { ack: true });
    const outcome = acked.then(() => "done", (error) => error.name);
    await socket.end(1006);
    const next = await comeBack(more);
    expect(next.sent.slice(1)).toHaveLength(again ? 1 : 0);
    if (again) await next.ok(next.sent[1]!, ACK);
    expect(await outcome).toBe(again ? "done" : "OutcomeUnknown");
  });

  it("R25 private messages, broadcasts and commands that change something have an unknown outcome; others are asked again", async () => {
    const { bus, welcome, comeBack } = stage();
    const socket = await welcome();
    const lost = [
      bus.sendPrivate("c-9", 1, { ack: true }), bus.broadcast("a", 1, { ack: true }), bus.createChannel("a:b"),
      bus.deleteChannel("a:b"), bus.kick("c-9"), bus.ack("a:b", "g", [1]), bus.refreshToken("t"),
    ].map((call) => call.then(() => "done", (error) => error.name));
    const asked = bus.status();
    await settle();
    await socket.end(1006);
    expect(new Set(await Promise.all(lost))).toEqual(new Set(["OutcomeUnknown"]));
    const next = await comeBack();
    expect(next.sent.slice(1).map((frame) => frame["command"])).toEqual(["status"]);
    await next.ok(next.sent[1]!, { server: "node-1" });
    expect(await asked).toEqual({ server: "node-1" });
  });

  it("R26 at its deadline a call that was never sent expired, one that was has an unknown outcome", async () => {
    const { bus, clock, welcome } = stage();
    const waiting = expect(bus.status({ timeoutMs: 50 })).rejects.toBeInstanceOf(Expired);
    await clock.pass(50);
    await waiting;
    const socket = await welcome();
    expect(socket.sent).toHaveLength(1);
    const sent = expect(bus.status()).rejects.toBeInstanceOf(OutcomeUnknown);
    await clock.pass(10_000);
    await sent;
  });

  it("R26 a signal ends a call; what was not sent is not sent", async () => {
    const { bus, welcome } = stage();
    const control = new AbortController();
    const call = expect(bus.publish("a:b", 1, { ack: true, signal: control.signal })).rejects.toThrow("no more");
    await expect(bus.status({ signal: AbortSignal.abort(new Error("from the start")) })).rejects.toThrow("from the start");
    control.abort(new Error("no more"));
    await call;
    expect((await welcome()).sent).toHaveLength(1);
  });

  it("R27 a refusal that no call waits for is told to onError, with id and address", async () => {
    const { bus, errors, welcome } = stage();
    const socket = await welcome();
    await bus.publish("science:explore", 1);
    await socket.no(socket.sent[1]!, "forbidden");
    expect(errors).toMatchObject([{ name: "Denied", code: "forbidden", id: socket.sent[1]!["id"], address: "science:explore" }]);
  });

  it("R11 a message over the server's limit fails before it is sent, also one that waited", async () => {
    const { bus, errors, welcome } = stage();
    const big = "x".repeat(1000);
    const acked = bus.publish("a:b", big, { ack: true });
    const caught = expect(acked).rejects.toMatchObject({ name: "InvalidRequest", code: "too_large" });
    await bus.publish("a:b", big);
    const socket = await welcome();
    await caught;
    expect(errors).toMatchObject([{ code: "too_large" }]);
    await expect(bus.publish("a:b", big)).rejects.toMatchObject({ code: "too_large" });
    await expect(bus.publish("a:b", "é".repeat(490))).rejects.toMatchObject({ code: "too_large" });
    await bus.publish("a:b", "x".repeat(800));
    expect(socket.sent).toHaveLength(2);
  });

  it.each([
    ["a cycle", () => { const a: unknown[] = []; a.push(a); return a; }],
    ["a lone surrogate", () => "half \ud83d of it"],
    ["a BigInt", () => 1n],
  ])("refuses %s as a payload", async (_, make) => {
    const { bus } = stage();
    await expect(bus.publish("a:b", make())).rejects.toBeInstanceOf(InvalidRequest);
    await bus.publish("a:b", "whole 😀, and a backslash: \\ud83d");
  });

  it.each(["", "a", "a:", ":b", "a:b:c", "a b:c", "a:b\n", "-a:b"])("refuses the address %j", async (address) => {
    const { bus } = stage();
    await expect(bus.publish(address as never, 1 as never)).rejects.toBeInstanceOf(InvalidRequest);
    expect(() => bus.subscribe(address as never)).toThrow(InvalidRequest);
  });
});

describe("private messages, broadcasts and commands", () => {
  it("send what the protocol asks for", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    void bus.sendPrivate("c-2", "hi");
    void bus.sendPrivate(["c-2", "c-3"], "you", { replyTo: "m1" });
    void bus.broadcast("science", "all");
    await settle();
    expect(socket.sent.slice(1)).toMatchObject([
      { type: "private", to: ["c-2"], payload: "hi" },
      { type: "private", to: ["c-2", "c-3"], payload: "you", reply_to: "m1" },
      { type: "broadcast", room: "science", payload: "all" },
    ]);
    expect(socket.sent[3]).not.toHaveProperty("channel");
  });

  it("run every command by a method of its own", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    const at = { room: "a", channel: "b" };
    const table: [call: Promise<unknown>, command: string, args: object][] = [
      [bus.ping(), "ping", {}],
      [bus.status(), "status", {}],
      [bus.help("ping"), "help", { command: "ping" }],
      [bus.whoami(), "whoami", {}],
      [bus.setProfile({ screen_name: "Ada" }), "set_profile", { screen_name: "Ada" }],
      [bus.createChannel("a:b", { persistent: true }), "create_channel", { ...at, options: { persistent: true } }],
      [bus.deleteChannel("a:b", { force: true }), "delete_channel", { ...at, force: true }],
      [bus.listRooms({ limit: 5 }), "list_rooms", { limit: 5 }],
      [bus.listChannels("a", { cursor: "x" }), "list_channels", { room: "a", cursor: "x" }],
      [bus.listChannels(), "list_channels", {}],
      [bus.channelInfo("a:b"), "channel_info", at],
      [bus.members("a:b", { limit: 2 }), "members", { ...at, limit: 2 }],
      [bus.members("a"), "members", { room: "a" }],
      [bus.history("a:b", { after: 3, order: "asc" }), "history", { ...at, after: 3, order: "asc" }],
      [bus.refreshToken("t"), "refresh_token", { token: "t" }],
      [bus.setWill({ room: "a", channel: "b" }), "set_will", { will: at }],
      [bus.kick("c-2", { reason: "noise" }), "kick", { client: "c-2", reason: "noise" }],
      [bus.explain({ id: "m1" }), "explain", { id: "m1" }],
      [bus.ack("a:b", "g", [1, 2]), "ack", { ...at, group: "g", seqs: [1, 2] }],
    ];
    await settle();
    const sent = socket.sent.slice(1);
    expect(sent.map(({ type, command, args }) => [type, command, args])).toEqual(table.map(([, name, args]) => ["command", name, args]));
    for (const [n, frame] of sent.entries()) await socket.ok(frame, { n });
    expect(await Promise.all(table.map(([call]) => call))).toEqual(sent.map((_, n) => ({ n })));
  });

  it("R7 a profile that was set goes with the next connect", async () => {
    const { bus, welcome, comeBack } = stage();
    const socket = await welcome();
    const set = bus.setProfile({ screen_name: "Ada" });
    await settle();
    await socket.ok(socket.last("set_profile"), { screen_name: "Ada", client_type: "web" });
    await set;
    await socket.end(1006);
    expect((await comeBack()).sent[0]!["args"].profile).toEqual({ screen_name: "Ada", client_type: "web" });
  });

  const kinds: Record<string, typeof Rejected> = {
    invalid_json: InvalidRequest, invalid_envelope: InvalidRequest, unsupported_version: InvalidRequest,
    unknown_type: InvalidRequest, unknown_command: InvalidRequest, invalid_args: InvalidRequest, too_large: InvalidRequest,
    unauthenticated: Denied, forbidden: Denied, not_found: NotFound, already_exists: Conflict, conflict: Conflict,
    limit_exceeded: LimitReached, rate_limited: TryLater, unavailable: TryLater, overloaded: TryLater, internal: ServerFault,
    newer_and_final: Rejected,
  };

  it.each([...Object.entries(ERRORS), ["newer_and_final", false], ["newer", true]] as [string, boolean][])(
    "R52 the refusal %s (retryable: %s) has a class for what to do", async (code, retryable) => {
      const { bus, welcome } = stage();
      const socket = await welcome();
      const call = bus.status().catch((error) => error);
      await settle();
      await socket.no(socket.last("status"), code, retryable, { retry_after_ms: 7 });
      const error = await call;
      if (code === "timeout") {
        expect(error).toBeInstanceOf(OutcomeUnknown);
        return;
      }
      const kind = kinds[code] ?? TryLater;
      expect(error.constructor).toBe(kind);
      expect(error).toBeInstanceOf(Rejected);
      expect(error).toMatchObject({ code, retryable, message: `no: ${code}`, retryAfterMs: 7, name: kind.prototype.name });
      if (kinds[code] && kind !== Rejected) expect(error.hint).not.toBe("");
    },
  );
});
