// The vectors of the contract, which servers and SDKs of every language play.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionVector } from "../conformance/player.js";
import { HOME } from "./server.js";

export interface FrameVector {
  name: string;
  proves: string;
  direction: "client" | "server";
  text: string;
  valid: boolean;
  code?: string;
}

const read = (name: string) => JSON.parse(readFileSync(join(HOME, "..", "..", "contracts", "v1", "vectors", name), "utf8"));

export const FRAMES: FrameVector[] = read("frames.json");
/** Those that an SDK can play. */
export const SESSIONS: SessionVector[] = read("sessions.json").filter(({ raw }: SessionVector) => !raw);
