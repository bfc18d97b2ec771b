/// <reference lib="esnext.disposable" preserve="true" />
// The public surface of @arqonbus/client.

export { Bus, connect } from "./bus.js";
export * from "./errors.js";
export { Presence, type PresenceChange } from "./presence.js";
export { Reader, type ReaderEvents } from "./reader.js";
export { Subscription } from "./subscription.js";
export type { Clock } from "./clock.js";
export type { SocketClass, SocketLike } from "./connection.js";
export type * from "./types.js";
export type * as wire from "./wire.js";
