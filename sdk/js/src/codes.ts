// What a client does after a close: the table of docs/PROTOCOL.md, known codes and ranges. A test goes through every row.

/** What follows a close: a new dial at once, one after a growing random delay, or none. */
export type Reconnect = "at_once" | "back_off" | "never";

/** Codes that scripts may pass to `close()`: 1000, and 3000 to 4999. */
export const NORMAL = 1000;
/** The client gave the link up but means to come back: the server keeps its place for the grace. */
export const AWAY = 3001;
/** No close frame came. */
export const NO_CLOSE_FRAME = 1006;
export const DRAIN_OVER = 4000;
export const TOKEN_EXPIRED = 4001;
export const UNAUTHENTICATED = 4501;
export const FORBIDDEN = 4502;

const STAYS_AWAY = [1000, 1002, 1003, 1007, 1009];

/** Say what a client does after a close with this code, known or not. */
export function reconnectAfter(code: number): Reconnect {
  if (STAYS_AWAY.includes(code) || (code >= 4500 && code < 5000)) return "never";
  return code >= 4000 && code < 4100 ? "at_once" : "back_off";
}
