import { describe, expect, it } from "vitest";
import { NoResponder, OutcomeUnknown, ReplyError, RequestFailed } from "../../src/index.js";
import { settle } from "../kit/clock.js";
import { stage, type Frame } from "../kit/stage.js";

const ACK = { seq: 1, epoch: "e1", duplicate: false, stored: "memory" };
const answer = (question: Frame, payload: unknown, metadata?: object) => ({
  type: "private", id: "r1", from: "c-2", to: ["c-1"], timestamp: "t", payload, reply_to: question["id"], metadata,
});

describe("request", () => {
  it("R44 publishes with ack and waits for the private message that answers it", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    const asked = bus.request("math:add", { a: 2, b: 3 }, { timeoutMs: 2_000, metadata: { k: 1 } });
    const question = socket.sent[1]!;
    expect(question).toMatchObject({ type: "event", room: "math", channel: "add", ack: true, payload: { a: 2, b: 3 }, metadata: { k: 1, timeout_ms: 2_000 } });
    await socket.ok(question, ACK);
    await socket.say(answer(question, 5));
    expect(await asked).toBe(5);
    await socket.say(answer(question, 5));
    expect(bus.stats().unheard).toBe(1);
  });

  it("R44 asks one client with `to`, and takes a reply that comes before the ack", async () => {
    const { bus, clock, welcome } = stage();
    const socket = await welcome();
    const asked = bus.request({ to: "c-2" }, "who?", { decode: (payload) => String(payload).length });
    const question = socket.sent[1]!;
    expect(question).toMatchObject({ type: "private", to: ["c-2"], payload: "who?" });
    await socket.say(answer(question, "me"));
    expect(await asked).toBe(2);
    await socket.ok(question, { delivered: 1, absent: [] });
    await clock.pass(10_000);
  });

  it.each([
    ["the client is absent", { delivered: 0, absent: ["c-2"] }],
    ["nobody got it", { ...ACK, delivered: 0 }],
  ])("R45 NoResponder at once: %s", async (_, ack) => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    const asked = bus.request("math:add", 1);
    await socket.ok(socket.sent[1]!, ack);
    await expect(asked).rejects.toBeInstanceOf(NoResponder);
  });

  it("R45 NoResponder when there is no such channel; another refusal is what it is", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    const [asked, denied] = [bus.request("math:add", 1), bus.request("math:add", 1)];
    const caught = [expect(asked).rejects.toBeInstanceOf(NoResponder), expect(denied).rejects.toMatchObject({ name: "Denied" })];
    await socket.no(socket.sent[1]!, "not_found");
    await socket.no(socket.sent[2]!, "forbidden");
    await Promise.all(caught);
  });

  it("R26 R45 OutcomeUnknown at the deadline, Expired if it was never sent, its reason when it is aborted", async () => {
    const { bus, clock, welcome } = stage();
    const never = expect(bus.request("math:add", 1, { timeoutMs: 50 })).rejects.toMatchObject({ name: "Expired" });
    await clock.pass(50);
    await never;
    const socket = await welcome();
    const late = expect(bus.request("math:add", 1)).rejects.toBeInstanceOf(OutcomeUnknown);
    await socket.ok(socket.sent[1]!, ACK);
    await clock.pass(10_000);
    await late;
    const control = new AbortController();
    const aborted = expect(bus.request("math:add", 1, { signal: control.signal })).rejects.toThrow("enough");
    await socket.ok(socket.sent[2]!, ACK);
    control.abort(new Error("enough"));
    await aborted;
  });

  it("R45 OutcomeUnknown when the client came back as another one, still waiting when it was kept", async () => {
    const { bus, welcome, comeBack } = stage();
    let socket = await welcome();
    const kept = bus.request("math:add", 1, { timeoutMs: 60_000 });
    const question = socket.sent[1]!;
    await socket.ok(question, ACK);
    await socket.end(1006);
    socket = await comeBack();
    const unanswered = bus.request("math:add", 2).then(() => "done", (error) => error.name);
    const outcome = kept.then(() => "done", (error) => error.name);
    await socket.end(1006);
    const queued = bus.request("math:add", 3).then((found) => found);
    socket = await comeBack({ client: "c-9" });
    expect(await outcome).toBe("OutcomeUnknown");
    expect(await unanswered).toBe("OutcomeUnknown");
    await socket.say(answer(socket.sent.at(-1)!, "three"));
    expect(await queued).toBe("three");
  });

  it("R46 RequestFailed carries the responder's code", async () => {
    const { bus, welcome } = stage();
    const socket = await welcome();
    const asked = bus.request("math:div", 1);
    await socket.say(answer(socket.sent[1]!, null, { error: { code: "by_zero", message: "no" } }));
    await expect(asked).rejects.toMatchObject({ name: "RequestFailed", code: "by_zero", message: "no" });
    await expect(asked).rejects.toBeInstanceOf(RequestFailed);
  });

  it("R3 fails with BusClosed when the bus is closed", async () => {
    const { bus, welcome } = stage();
    await welcome();
    const asked = expect(bus.request("math:add", 1)).rejects.toMatchObject({ name: "BusClosed" });
    await bus.close();
    await asked;
  });
});

describe("serve", () => {
  it("R46 replies with what the handler returns, or with what it threw", async () => {
    const { bus, errors, welcome } = stage<{ requests: { "math:div": { data: { a: number; b: number }; reply: number } } }>();
    bus.serve("math:div", ({ a, b }, { sender }) => {
      expect(sender).toBe("c-other");
      if (b === 0) throw new ReplyError("by_zero", "cannot divide by zero");
      if (b < 0) throw new Error("a secret of the handler");
      return a / b;
    }, { group: "workers", concurrency: 2 });
    const socket = await welcome();
    expect(socket.last("join_channel")["args"]).toMatchObject({ group: "workers" });
    await socket.joined();
    for (const [seq, b] of [[1, 2], [2, 0], [3, -1]] as const) await socket.say(socket.event(seq, { a: 6, b }, { room: "math", channel: "div" }));
    await settle();
    const replies = socket.sent.filter(({ type }) => type === "private");
    expect(replies.map(({ to, reply_to, payload, metadata }) => [to, reply_to, payload, metadata])).toEqual([
      [["c-other"], "m1", 3, undefined],
      [["c-other"], "m2", null, { error: { code: "by_zero", message: "cannot divide by zero" } }],
      [["c-other"], "m3", null, { error: { code: "handler_failed", message: "" } }],
    ]);
    expect(errors.map(String)).toEqual(["Error: a secret of the handler"]);
  });
});
