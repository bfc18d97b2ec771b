// The page and the network come and go. What the user asked for wins: nothing here opens a bus that was closed.
//
// offline           no new dial; ask the server for a sign of life (an open socket often survives)
// online, visible   dial now if there is no connection, else ask if it has been quiet
// hidden            dials at most once a minute
// pagehide, freeze  let go of the socket; the server keeps the place if the page may come back
// pageshow from the back-forward cache, resume: the socket is dead, whatever it says; dial now

import { AWAY, NORMAL } from "./codes.js";
import { LONGEST_MS } from "./backoff.js";

/** The part of the core that the page moves. */
export interface Sleeper {
  longestMs: number;
  readonly isQuiet: boolean;
  probe(): void;
  hold(isGone: boolean, code?: number): void;
  wake(withinMs?: number, isAnew?: boolean): void;
}

const HIDDEN_LONGEST_MS = 60_000;
/** Spreads the dials of all who come online at once. */
const ONLINE_WITHIN_MS = 500;

interface Page extends EventTarget {
  document?: EventTarget & { visibilityState?: string };
  navigator?: { onLine?: boolean };
}

/** Follow a page; call what is returned to stop. Where there is no page nothing is followed. */
export function follow(core: Sleeper, option: boolean | EventTarget = true): () => void {
  const page = (option === true ? globalThis : option) as Page;
  const view = page && page.document;
  if (!page || !view) return () => {};
  const sleep = (code: number) => core.hold(true, code);
  const rise = () => {
    core.hold(true);
    core.wake(0, true);
  };
  const table: [EventTarget, string, (event: Event & { persisted?: boolean }) => void][] = [
    [page, "offline", () => (core.hold(false), core.probe())],
    [page, "online", () => (core.wake(ONLINE_WITHIN_MS), core.probe())],
    [page, "pagehide", ({ persisted }) => sleep(persisted ? AWAY : NORMAL)],
    [page, "pageshow", ({ persisted }) => persisted && rise()],
    [view, "freeze", () => sleep(AWAY)],
    [view, "resume", rise],
    [view, "visibilitychange", () => {
      const isHidden = view.visibilityState === "hidden";
      core.longestMs = isHidden ? HIDDEN_LONGEST_MS : LONGEST_MS;
      if (isHidden) return;
      if (page.navigator?.onLine !== false) core.wake();
      if (core.isQuiet) core.probe();
    }],
  ];
  for (const [target, name, listener] of table) target.addEventListener(name, listener);
  return () => {
    for (const [target, name, listener] of table) target.removeEventListener(name, listener);
  };
}
