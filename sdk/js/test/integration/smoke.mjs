// The build with the platform's own WebSocket. Usage: node smoke.mjs URL

import assert from "node:assert/strict";
import { createServer } from "node:net";
import { connect } from "../../dist/index.js";

const [url] = process.argv.slice(2);

// A dial that fails: Node 22 fires `error` and never `close`. Two of them, so that the second is planned by the first.
const probe = createServer().listen(0, "127.0.0.1");
await new Promise((resolve) => probe.once("listening", resolve));
const { port } = probe.address();
await new Promise((resolve) => probe.close(resolve));
const nowhere = connect(`ws://127.0.0.1:${port}/`, { random: () => 0.01 });
const failed = [];
for await (const change of nowhere.states()) {
  failed.push(change.cause);
  if (failed.length === 2) break;
}
assert.deepEqual(failed, ["dial_failed", "dial_failed"]);
await nowhere.close();
console.log("refused, then told");

const bus = await connect(url).ready();
const handle = bus.subscribe("smoke:test");
await handle.ready();
for (let n = 1; n <= 100; n++) void bus.publish("smoke:test", { n });
let n = 0;
for await (const { seq, data } of handle) {
  n++;
  assert.deepEqual([seq, data], [n, { n }]);
  if (n === 100) break;
}
assert.equal((await bus.drain()).calls, 0);
console.log("all done");
