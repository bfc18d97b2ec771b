// The vectors of the contract, played by this SDK in Node: frames, sessions with a fake server, sessions with the real one.

import WebSocket from "ws";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decode, encode } from "../../src/codec.js";
import type { SocketClass } from "../../src/connection.js";
import { connect } from "../../src/index.js";
import { python, Server } from "../kit/server.js";
import { FRAMES, SESSIONS } from "../kit/vectors.js";
import { play, type Script } from "./player.js";
import { script } from "./script.js";

const HEARD = FRAMES.filter(({ direction }) => direction === "server");
const SAID = FRAMES.filter(({ direction }) => direction === "client");

describe("frames", () => {
  it.each(HEARD)("$name", ({ text, valid }) => {
    const frame = decode(text);
    if (valid) expect(frame).toEqual(JSON.parse(text));
    else expect(frame).toBeUndefined();
  });

  it.each(SAID.filter(({ valid }) => valid))("can be written: $name", ({ text }) => {
    const frame = JSON.parse(text);
    expect(JSON.parse(encode(frame))).toEqual(JSON.parse(JSON.stringify(frame))); // JSON of JavaScript knows no -0
  });

  it.each(SAID.filter(({ name }) => name.includes("surrogate") && !name.includes("pair")))("cannot be written: $name", ({ text }) => {
    expect(() => encode(JSON.parse(text))).toThrow("lone surrogate");
  });
});

describe.concurrent("sessions with the sides swapped", () => {
  it.each(SESSIONS)("$name", (vector) => play(vector, connect, "ws://fake/", "science", script));

  it.each<[string, Partial<Script>]>([
    ["says", { says() {} }],
    ["takes", { async takes() { throw new Error("another frame"); } }],
  ])("a fake server that %s something else is found", async (_, other) => {
    const vector = { name: "x", proves: "x", steps: [{ at: "a", send: { type: "broadcast", room: "$room", id: "b", ack: true } }, { at: "a", expect: { type: "response", request_id: "b", status: "ok", result: { delivered: 1 } } }] };
    const impatient = play(vector, connect, "ws://fake/", "science", (at, names) => ({ ...script(at, names), ...other }));
    await expect(impatient).rejects.toThrow(/step [12] at a/);
  });
});

describe.skipIf(!python).concurrent("sessions with the real server", () => {
  let server: Server;
  let n = 0;

  beforeAll(async () => {
    server = await Server.start();
  });
  afterAll(() => server?.stop());

  it.each(SESSIONS)("$name", (vector) => play(vector, connect, server.url, `conformance-${process.pid}-${n++}`, () => WebSocket as unknown as SocketClass));
});
