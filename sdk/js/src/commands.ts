// Every command of the server as a typed method: `channel_info` is `channelInfo`.

import { roomName, split } from "./codec.js";
import type { CallOptions, CommandName, CommandTable } from "./types.js";
import type { ChannelOptions, Profile } from "./wire.js";

type Args<K extends CommandName> = CommandTable[K]["args"];
type Result<K extends CommandName> = Promise<CommandTable[K]["result"]>;
type Rest<K extends CommandName> = Omit<Args<K>, "room" | "channel"> & CallOptions;

/** What a bus can ask its server for. */
export interface CommandMethods {
  /** Run any command by its name. */
  command<K extends CommandName>(name: K, args: Args<K>, options?: CallOptions): Result<K>;
  ping(options?: CallOptions): Result<"ping">;
  status(options?: Rest<"status">): Result<"status">;
  /** JSON Schema of one command, or of all. */
  help(command?: string, options?: CallOptions): Result<"help">;
  whoami(options?: CallOptions): Result<"whoami">;
  /** Change what others see of this client; what is not named stays. */
  setProfile(profile: Profile & CallOptions): Result<"set_profile">;
  createChannel(address: string, options?: ChannelOptions, call?: CallOptions): Result<"create_channel">;
  /** Delete a channel; with `force` though it has members. */
  deleteChannel(address: string, options?: Rest<"delete_channel">): Result<"delete_channel">;
  listRooms(options?: Rest<"list_rooms">): Result<"list_rooms">;
  /** Channels of one room, or of all. */
  listChannels(room?: string, options?: Rest<"list_channels">): Result<"list_channels">;
  channelInfo(address: string, options?: CallOptions): Result<"channel_info">;
  /** Members of a channel, or of a whole room. */
  members(where: string, options?: Rest<"members">): Result<"members">;
  /** Events of a channel that are kept; `after` and `before` are seqs. */
  history(address: string, options?: Rest<"history">): Result<"history">;
  /** Go on with a new token before the old one expires. */
  refreshToken(token: string, options?: CallOptions): Result<"refresh_token">;
  /** Say what the server publishes when this client is lost; without an argument nothing. */
  setWill(will?: Args<"set_will">["will"], options?: CallOptions): Result<"set_will">;
  /** End the connection of a client. */
  kick(client: string, options?: { reason?: string } & CallOptions): Result<"kick">;
  /** What the server decided lately about a message, or about a client and a channel. */
  explain(about: Args<"explain"> & CallOptions): Result<"explain">;
  /** Say that events of a durable group are done; with `retry_after_ms`: that they are not. */
  ack(address: string, group: string, seqs: number[], options?: Omit<Rest<"ack">, "group" | "seqs">): Result<"ack">;
  /** How a group stands. */
  groupInfo(address: string, group: string, options?: CallOptions): Result<"group_info">;
  /** Forget a durable group that nobody is in. */
  deleteGroup(address: string, group: string, options?: CallOptions): Result<"delete_group">;
}

// For each command how its arguments make args: `@` an address or a room, a word the field of that name, nothing: the
// options alone. Options are always last, and go along but for `signal` and `timeoutMs`.
const SHAPES: Record<string, string> = {
  ping: "", status: "", help: "command", whoami: "", set_profile: "", create_channel: "@ options", delete_channel: "@",
  list_rooms: "", list_channels: "@", channel_info: "@", members: "@", history: "@", refresh_token: "token",
  set_will: "will", kick: "client", explain: "", ack: "@ group seqs", group_info: "@ group", delete_group: "@ group",
};

/** Put the methods on a class that has `command`. */
export function addCommands(prototype: object): void {
  for (const [name, shape] of Object.entries(SHAPES)) {
    const fields = shape ? shape.split(" ") : [];
    const method = name.replace(/_./, ([, letter]) => letter!.toUpperCase());
    Object.defineProperty(prototype, method, {
      value(this: CommandMethods, ...given: unknown[]) {
        const { signal, timeoutMs, ...args } = (given[fields.length] ?? {}) as CallOptions & Record<string, unknown>;
        fields.forEach((field, n) => Object.assign(args, field === "@" ? place(given[n] as string) : { [field]: given[n] }));
        return this.command(name as CommandName, args as never, { signal, timeoutMs } as CallOptions);
      },
    });
  }
}

function place(where: string | undefined): object {
  if (where === undefined) return {};
  if (!where.includes(":")) return { room: roomName(where) };
  const [room, channel] = split(where);
  return { room, channel };
}
