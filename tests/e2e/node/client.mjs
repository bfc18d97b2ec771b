// An independent client: Node and the ws package, nothing of ours.
// Usage: node client.mjs URL open|strict|drain. Prints one line per finding; ends with "all done" and code 0.

import assert from "node:assert/strict";
import WebSocket from "ws";

const [url, what] = process.argv.slice(2);
const PATIENCE_MS = 10_000;

class Client {
  constructor(protocols = ["arqonbus.v1"], options = {}) {
    this.frames = [];
    this.waiting = [];
    this.ws = new WebSocket(url, protocols, options);
    this.ws.on("message", (data, isBinary) => {
      assert.equal(isBinary, false, "the bus sends text only");
      this.frames.push(data.toString());
      this.wake();
    });
    this.closed = new Promise((resolve) => this.ws.on("close", (code) => resolve(code)));
    this.ws.on("close", () => this.wake());
    this.ws.on("error", (error) => { this.error = error; this.wake(); });
  }

  wake() {
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  // The next frame that fits; those before it that do not fit stay.
  async take(fits, words) {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const at = this.frames.findIndex((text) => fits(JSON.parse(text), text));
      if (at >= 0) return this.frames.splice(at, 1)[0];
      if (this.error) throw this.error;
      if (Date.now() > until) throw new Error(`no ${words}; came ${this.frames.slice(-5)}`);
      await new Promise((resolve) => { this.waiting.push(resolve); setTimeout(resolve, 200).unref(); });
    }
  }

  send(frame) {
    this.ws.send(typeof frame === "string" ? frame : JSON.stringify(frame));
  }

  async system(event) {
    return JSON.parse(await this.take((frame) => frame.type === "system" && frame.event === event, event));
  }

  async response(id) {
    return JSON.parse(await this.take((frame) => frame.type === "response" && frame.request_id === id, `answer to ${id}`));
  }

  async next(type) {
    return this.take((frame) => frame.type === type, type);
  }

  async run(command, args = {}) {
    const id = `${command}-${Math.random().toString(36).slice(2)}`;
    this.send({ type: "command", id, command, args });
    const answer = await this.response(id);
    assert.equal(answer.status, "ok", `${command}: ${JSON.stringify(answer)}`);
    return answer.result;
  }

  async close() {
    this.ws.close(1000);
    return this.closed;
  }
}

async function welcomed(...how) {
  const client = new Client(...how);
  client.id = (await client.system("welcome")).payload.client;
  return client;
}

async function channels(a, b) {
  const joined = await a.run("join_channel", { room: "science", channel: "explore" });
  assert.equal(joined.seq, 0);
  await b.run("join_channel", { room: "science", channel: "explore" });
  a.send('{"type":"event","room":"science","channel":"explore","id":"e1","ack":true,"payload":12345678901234567890}');
  assert.equal((await a.response("e1")).result.seq, 1);
  for (const client of [a, b]) {
    const text = await client.next("event");
    assert.ok(text.includes('"payload":12345678901234567890'), text);
    assert.equal(JSON.parse(text).from, a.id);
  }
  console.log("events carry their payload untouched");
  for (let n = 0; n < 300; n++) b.send({ type: "event", room: "science", channel: "explore", payload: n });
  for (let n = 0; n < 300; n++) {
    const event = JSON.parse(await a.next("event"));
    assert.deepEqual([event.seq, event.payload], [n + 2, n]);
  }
  const page = await a.run("history", { room: "science", channel: "explore", after: 0, limit: 3 });
  assert.deepEqual(page.messages.map((message) => message.seq), [1, 2, 3]);
  console.log("300 events came in order, history begins at 1");
}

async function bigMessages(a, b) {
  const text = "é".repeat(200_000);
  a.send({ type: "private", to: [b.id, "c-nobody"], id: "p1", ack: true, payload: text });
  assert.deepEqual((await a.response("p1")).result, { delivered: 1, absent: ["c-nobody"] });
  assert.equal(JSON.parse(await b.next("private")).payload, text);
  a.send({ type: "broadcast", room: "science", id: "b1", ack: true, payload: text });
  assert.equal((await a.response("b1")).result.delivered, 2);
  assert.equal(JSON.parse(await b.next("broadcast")).payload, text);
  console.log("private messages and broadcasts of 400 kB arrive");
}

async function fragments(a) {
  const text = JSON.stringify({ type: "command", id: "f1", command: "ping" });
  a.ws.send(text.slice(0, 10), { fin: false });
  const pong = new Promise((resolve) => a.ws.once("pong", (data) => resolve(data.toString())));
  a.ws.ping("between");
  a.ws.send(text.slice(10), { fin: true });
  assert.equal((await a.response("f1")).status, "ok");
  assert.equal(await pong, "between");
  console.log("fragments and pings work");
}

async function mistakes(a) {
  a.send('{"type":');
  assert.equal((await a.response(null)).error.code, "invalid_json");
  a.send({ type: "command", id: "m1", command: "join_channel", args: { room: 7 } });
  const { error } = await a.response("m1");
  assert.equal(error.code, "invalid_args");
  assert.ok(error.message.includes("$.args.room"), error.message);
  const binary = await welcomed();
  binary.ws.send(Buffer.from("{}"), { binary: true });
  assert.equal(await binary.closed, 1003);
  const huge = await welcomed();
  huge.ws.send("x".repeat(2 ** 20 + 1));
  assert.equal(await huge.closed, 1009);
  console.log("mistakes are named, wrong messages end with their code");
}

async function refusedHandshakes() {
  const wrong = new Client(["chat"]);
  await wrong.closed;
  assert.ok(/400/.test(String(wrong.error)), String(wrong.error));
  const foreign = new Client(["arqonbus.v1"], { origin: "https://evil.example" });
  await foreign.closed;
  assert.ok(/403/.test(String(foreign.error)), String(foreign.error));
  console.log("unknown subprotocols and foreign origins are refused");
}

async function open() {
  const [a, b] = [await welcomed(), await welcomed()];
  assert.equal(a.ws.protocol, "arqonbus.v1");
  assert.equal(a.ws.extensions, "", "compression is off by default");
  await channels(a, b);
  await bigMessages(a, b);
  await fragments(a);
  await mistakes(a);
  await refusedHandshakes();
  assert.equal(await a.close(), 1000);
  assert.equal(await b.close(), 1000);
}

async function strict() {
  const byHeader = await welcomed(["arqonbus.v1"], { headers: { Authorization: "Bearer key-of-alice" } });
  const bySubprotocol = await welcomed(["arqonbus.v1", "arqonbus.token.key-of-alice"]);
  assert.equal(bySubprotocol.ws.protocol, "arqonbus.v1");
  const byCommand = new Client([]);
  await new Promise((resolve) => byCommand.ws.once("open", resolve));
  assert.equal((await byCommand.run("connect", { token: "key-of-alice" })).user, "alice");
  const wrong = new Client(["arqonbus.v1", "arqonbus.token.wrong"]);
  await wrong.system("refused");
  assert.equal(await wrong.closed, 4501);
  console.log("keys open the bus in three ways, a wrong one is told");
  assert.ok(byHeader.ws.extensions.includes("permessage-deflate"), byHeader.ws.extensions);
  await channels(byHeader, bySubprotocol);
  await bigMessages(byHeader, bySubprotocol);
  await fragments(byHeader);
  for (const client of [byHeader, bySubprotocol, byCommand]) assert.equal(await client.close(), 1000);
}

async function drain() {
  const client = await welcomed();
  console.log("waiting");
  const { payload } = await client.system("draining");
  assert.equal(typeof payload.deadline_ms, "number");
  assert.equal(await client.closed, 4000);
}

await { open, strict, drain }[what]();
console.log("all done");
