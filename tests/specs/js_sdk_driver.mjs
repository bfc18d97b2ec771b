// One bus of the TypeScript SDK, driven by lines of JSON: {"id", "op", ...} in, {"id", "result"} out.
// Usage: node js_sdk_driver.mjs SDK_FOLDER URL OPTIONS

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, url, given] = process.argv.slice(2);
const { connect, ReplyError } = await import(pathToFileURL(`${folder}/dist/index.js`).href);
const { default: WebSocket } = await import(pathToFileURL(createRequire(`${folder}/`).resolve("ws")).href.replace(/index\.js$/, "wrapper.mjs"));

let socket;
class Cuttable extends WebSocket {
  constructor(...how) {
    super(...how);
    socket = this;
  }
}

const { tokens, ...options } = JSON.parse(given);
const asked = [];
const token = tokens && (({ reason }) => {
  asked.push(reason);
  return tokens[reason];
});
const bus = connect(url, { ...options, ...(token && { token }), WebSocket: Cuttable, onError: () => {} });
const handles = new Map();
const pending = new Map();
let presence;

const story = ({ seq, data, replay, gap, sender, replyTo }) => ({ seq, data, replay, gap: gap ?? null, sender, replyTo: replyTo ?? null });

const operations = {
  ready: () => bus.ready({ signal: AbortSignal.timeout(10_000) }).then(() => bus.session),
  state: () => bus.state,
  stats: () => bus.stats(),
  reasons: () => asked,
  ended: async () => {
    if (bus.state !== "closed") await new Promise((resolve) => bus.on("state", ({ to }) => to === "closed" && resolve()));
    return bus.error ? { error: bus.error.name, code: bus.error.code } : null;
  },
  async subscribe({ address, options }) {
    const handle = bus.subscribe(address, options);
    handles.set(address, handle);
    await handle.ready();
    return handle.position ?? null;
  },
  async take({ address, n }) {
    const found = [];
    while (found.length < n) {
      const { done, value } = await handles.get(address).next();
      if (done) break;
      found.push(story(value));
    }
    return found;
  },
  inbox: () => void handles.set("inbox", bus.inbox()),
  publish: ({ address, data, options }) => bus.publish(address, data, options),
  // Done when it is in the outbox; its outcome is asked for later.
  begin: ({ call, address, data, options }) => void pending.set(call, bus.publish(address, data, { ack: true, ...options }).then((ack) => ack, refusal)),
  outcome: ({ call }) => pending.get(call),
  sendPrivate: ({ to, data }) => bus.sendPrivate(to, data, { ack: true }),
  request: ({ address, data }) => bus.request(address, data),
  async serve({ address }) {
    await bus.serve(address, (data) => {
      if (typeof data !== "string") throw new ReplyError("no_text", "expected a text");
      return data.toUpperCase();
    }).ready();
  },
  async watch({ address }) {
    presence = bus.presence(address);
    await presence.ready();
  },
  present: () => ({ count: presence.count, names: presence.snapshot().map(({ profile }) => profile.screen_name).sort() }),
  async cut() {
    const away = new Promise((resolve) => bus.on("state", ({ to }) => to === "reconnecting" && resolve()));
    socket.terminate();
    await away;
  },
  command: ({ command, args }) => bus.command(command, args),
  drain: () => bus.drain({ timeoutMs: 5_000 }),
  close: () => bus.close(),
};

const refusal = (error) => ({ error: error.name, code: error.code ?? null });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, op, ...args } = JSON.parse(line);
  Promise.resolve().then(() => operations[op](args)).then((result) => result ?? null, refusal).then((result) => process.stdout.write(`${JSON.stringify({ id, result })}\n`));
}
await bus.close();
