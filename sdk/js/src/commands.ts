// Every command of the server as a typed method.

import { roomName, split } from "./codec.js";
import type { CallOptions, CommandName, CommandTable } from "./types.js";
import type { ChannelOptions, Profile } from "./wire.js";

type Args<K extends CommandName> = CommandTable[K]["args"];
type Result<K extends CommandName> = Promise<CommandTable[K]["result"]>;
type Rest<K extends CommandName> = Omit<Args<K>, "room" | "channel"> & CallOptions;

/** Base of the bus: what it can ask the server for. */
export abstract class Commands {
  /** Run any command by its name. */
  abstract command<K extends CommandName>(name: K, args: Args<K>, options?: CallOptions): Result<K>;

  ping(options?: CallOptions): Result<"ping"> {
    return this.command("ping", {}, options);
  }

  status(options?: CallOptions): Result<"status"> {
    return this.command("status", {}, options);
  }

  /** JSON Schema of one command, or of all. */
  help(command?: string, options?: CallOptions): Result<"help"> {
    return this.command("help", { command: command ?? null }, options);
  }

  whoami(options?: CallOptions): Result<"whoami"> {
    return this.command("whoami", {}, options);
  }

  /** Change what others see of this client; what is not named stays. */
  setProfile(profile: Profile, options?: CallOptions): Result<"set_profile"> {
    return this.command("set_profile", profile, options);
  }

  createChannel(address: string, options: ChannelOptions = {}, call?: CallOptions): Result<"create_channel"> {
    return this.command("create_channel", { ...place(address), options }, call);
  }

  /** Delete a channel; with `force` though it has members. */
  deleteChannel(address: string, options: Rest<"delete_channel"> = {}): Result<"delete_channel"> {
    return this.#about("delete_channel", address, options);
  }

  listRooms(options: Rest<"list_rooms"> = {}): Result<"list_rooms"> {
    return this.#run("list_rooms", options);
  }

  /** Channels of one room, or of all. */
  listChannels(room?: string, options: Rest<"list_channels"> = {}): Result<"list_channels"> {
    return this.#run("list_channels", { ...options, ...(room && { room: roomName(room) }) });
  }

  channelInfo(address: string, options?: CallOptions): Result<"channel_info"> {
    return this.command("channel_info", place(address), options);
  }

  /** Members of a channel, or of a whole room. */
  members(where: string, options: Rest<"members"> = {}): Result<"members"> {
    return this.#run("members", { ...options, ...(where.includes(":") ? place(where) : { room: roomName(where) }) });
  }

  /** Events of a channel that are kept; `after` and `before` are seqs. */
  history(address: string, options: Rest<"history"> = {}): Result<"history"> {
    return this.#about("history", address, options);
  }

  /** Go on with a new token before the old one expires. */
  refreshToken(token: string, options?: CallOptions): Result<"refresh_token"> {
    return this.command("refresh_token", { token }, options);
  }

  /** Say what the server publishes when this client is lost; without an argument nothing. */
  setWill(will?: Args<"set_will">["will"], options?: CallOptions): Result<"set_will"> {
    return this.command("set_will", { will: will ?? null }, options);
  }

  /** End the connection of a client. */
  kick(client: string, { reason, ...options }: { reason?: string } & CallOptions = {}): Result<"kick"> {
    return this.command("kick", { client, ...(reason !== undefined && { reason }) }, options);
  }

  /** What the server decided lately about a message, or about a client and a channel. */
  explain(about: Args<"explain">, options?: CallOptions): Result<"explain"> {
    return this.command("explain", about, options);
  }

  /** Say that events of a group were handled. */
  ack(address: string, group: string, seqs: number[], options?: CallOptions): Result<"ack"> {
    return this.command("ack", { ...place(address), group, seqs }, options);
  }

  #about<K extends CommandName>(name: K, address: string, options: object): Result<K> {
    return this.#run(name, { ...options, ...place(address) });
  }

  #run<K extends CommandName>(name: K, { signal, timeoutMs, ...args }: object & CallOptions): Result<K> {
    return this.command(name, args as Args<K>, { ...(signal && { signal }), ...(timeoutMs && { timeoutMs }) });
  }
}

function place(address: string): { room: string; channel: string } {
  const [room, channel] = split(address);
  return { room, channel };
}
