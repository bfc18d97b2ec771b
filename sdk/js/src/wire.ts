// Made by scripts/generate_types.py from the server's own types. Not to be edited.

/** Args of ack. */
export interface AckArgs {
  group: string;
  seqs: number[];
  room: string;
  channel?: string | null;
  epoch?: string | null;
  retry_after_ms?: number | null;
}

/** Result of ack. */
export interface AckResult {
  acked: number;
}

/** So many events of this list were not sent: there were too many at once. */
export interface ActivityDropped {
  events: number;
}

/** A handler failed: a bug of the server's. */
export interface ActorFailed {
  actor: "channel" | "registry" | "room" | "session" | (string & {});
  trace_id: string;
}

/** A message to every member of one room. */
export interface BroadcastIn {
  type: "broadcast";
  id?: string | null;
  version?: string | null;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  ack?: boolean | null;
  traceparent?: unknown;
  tracestate?: unknown;
  room: string;
  payload?: unknown;
}

/** A broadcast as every member of the room gets it; no channel, no seq, not kept. */
export interface BroadcastOut {
  type: "broadcast";
  room: string;
  id: string;
  from: string;
  timestamp: string;
  payload: unknown;
  metadata?: unknown;
  reply_to?: string | null;
  traceparent?: string | null;
  tracestate?: string | null;
}

/** Result of a broadcast with ack. */
export interface BroadcastResult {
  delivered: number;
}

/** Args of channel_info. */
export interface ChannelArgs {
  room: string;
  channel?: string | null;
}

/** A channel is gone. */
export interface ChannelClosed {
  room: string;
  channel: string;
  reason: "deleted" | "failed" | "idle" | (string & {});
}

/** Payload of channel_deleted. */
export interface ChannelDeleted {
  reason: "deleted" | "failed" | (string & {});
}

/** A channel as it is now. */
export interface ChannelInfo {
  room: string;
  channel: string;
  options: ChannelOptions;
  epoch: string;
  seq: number;
  members: number;
  created_at: string;
  created_by: string | null;
  kind: "configured" | "system" | "user" | (string & {});
  groups?: GroupInfo[];
}

/** A channel was made, or woke up. */
export interface ChannelOpened {
  room: string;
  channel: string;
  kind: "configured" | "system" | "user" | (string & {});
  by: string | null;
}

/** Options of a channel; an absent one is as the settings say. */
export interface ChannelOptions {
  history_limit?: number | null;
  history_ttl_s?: number | null;
  history_bytes?: number | null;
  durable?: boolean | null;
  presence?: boolean | null;
  persistent?: boolean | null;
}

/** The position of one channel of a room, in the answer to a join of `*`. */
export interface ChannelPosition {
  channel: string;
  epoch: string;
  seq: number;
}

/** A client was let in. */
export interface ClientConnected {
  client: string;
  user: string | null;
}

/** A client's connection ended; it may come back. */
export interface ClientDisconnected {
  client: string;
  user: string | null;
  code: number;
  reason: string;
}

/** A client was not let in. */
export interface ClientRefused {
  code: string;
}

/** A client came back as who it was. */
export interface ClientResumed {
  client: string;
  user: string | null;
}

/** One command, in the answer to help. */
export interface CommandHelp {
  args: Record<string, unknown>;
  result: Record<string, unknown>;
  permission: "admin" | "create" | "delete" | "history" | "presence" | "subscribe" | null;
}

/** A request to the server. */
export interface CommandIn {
  type: "command";
  id?: string | null;
  version?: string | null;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  ack?: boolean | null;
  traceparent?: unknown;
  tracestate?: unknown;
  command: string;
  args?: Record<string, unknown> | null;
}

/** Args of connect. */
export interface ConnectArgs {
  token?: string | null;
  profile?: Profile | null;
  will?: Will | null;
  resume?: Resume | null;
  debug?: boolean;
}

/** Result of connect: the payload of welcome, the channels resumed, what was asked for beside. */
export interface ConnectResult {
  client: string;
  server: string;
  version: string;
  heartbeat_s: number;
  limits: Limits;
  user: string | null;
  ticket?: string;
  resumed: Resumed[];
  debug?: boolean;
}

/** Args of create_channel. */
export interface CreateChannelArgs {
  room: string;
  channel?: string | null;
  options?: ChannelOptions | null;
}

/** A part of the server does not work as it should. */
export interface Degraded {
  part: "event_loop" | "storage" | "telemetry" | (string & {});
  reason: string;
}

/** Args of delete_channel. */
export interface DeleteChannelArgs {
  room: string;
  channel?: string | null;
  force?: boolean | null;
}

/** Of an event for one member of a durable group: it is to be acknowledged. */
export interface Delivery {
  group: string;
  attempt: number;
  epoch: string;
}

/** Payload of draining: the server goes; connect again, to another one if there is. */
export interface Draining {
  deadline_ms: number;
  spread_ms: number;
}

/** An answer or event without content: `{}`. */
export type Empty = Record<string, never>;

/** A refusal in words and for machines. */
export interface ErrorBody {
  code: string;
  message: string;
  retryable: boolean;
  details?: Record<string, unknown>;
}

/** A message to one channel. */
export interface EventIn {
  type: "event";
  id?: string | null;
  version?: string | null;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  ack?: boolean | null;
  traceparent?: unknown;
  tracestate?: unknown;
  room: string;
  channel?: string | null;
  payload?: unknown;
}

/** An event as members get it and as history keeps it; the same bytes for all, but for ``delivery``. */
export interface EventOut {
  type: "event";
  room: string;
  channel: string;
  id: string;
  from: string;
  timestamp: string;
  seq: number;
  payload: unknown;
  metadata?: unknown;
  reply_to?: string | null;
  traceparent?: string | null;
  tracestate?: string | null;
  delivery?: Delivery | null;
}

/** Result of an event with ack. */
export interface EventResult {
  seq: number;
  epoch: string;
  duplicate: boolean;
  stored: "memory" | "none" | "redis" | (string & {});
  delivered?: number;
}

/** Payload of gap: these events are lost to this member, both ends included. */
export interface Gap {
  room: string;
  channel: string;
  epoch: string;
  from: number;
  to: number;
  reason: "conflate" | "drop_oldest" | "epoch_changed" | "group_overflow" | "missing" | (string & {});
}

/** Args of group_info and delete_group. */
export interface GroupArgs {
  group: string;
  room: string;
  channel?: string | null;
}

/** A group of one channel as it is now. */
export interface GroupInfo {
  group: string;
  members: number;
  waiting: number;
}

/** Result of group_info. Of a group that is not durable only the first five, of this server. */
export interface GroupInfoResult {
  room: string;
  channel: string;
  group: string;
  members: number;
  lag: number;
  durable?: boolean;
  pending?: number;
  oldest_pending?: number;
  redelivered?: number;
  dead_lettered?: number;
  options?: GroupOptions;
  servers?: GroupNode[];
}

/** What one server has of a durable group. */
export interface GroupNode {
  server: string;
  members: number;
  pending: number;
}

/** Options of a durable group. The join that makes the group says them, and they stand. */
export interface GroupOptions {
  ack_wait_s?: number | null;
  max_deliver?: number | null;
  dead_letter?: string | null;
  prefetch?: number | null;
  start?: "new" | "oldest" | null;
}

/** Args of help. */
export interface HelpArgs {
  command?: string | null;
}

/** Result of help. */
export interface HelpResult {
  commands: Record<string, unknown>;
}

/** Args of history. `after` and `before` are seqs and excluded themselves. */
export interface HistoryArgs {
  room: string;
  channel?: string | null;
  limit?: number | null;
  after?: number | null;
  before?: number | null;
  order?: "asc" | "desc" | null;
}

/** Result of history. */
export interface HistoryResult {
  epoch: string;
  first_seq: number | null;
  last_seq: number | null;
  messages: unknown[];
  more: boolean;
}

/** Args of join_channel. */
export interface JoinChannelArgs {
  room: string;
  channel?: string | null;
  since?: Position | null;
  recover?: "best_effort" | "latest" | "strict" | null;
  replay?: number | null;
  group?: string | null;
  presence?: boolean | null;
  overflow?: "conflate" | "disconnect" | "drop_oldest" | null;
  create?: boolean | null;
  group_options?: GroupOptions | null;
}

/** Result of join_channel. A join of `*` has positions instead of epoch and seq. */
export interface JoinChannelResult {
  room: string;
  channel: string;
  epoch?: string;
  seq?: number;
  recovered: boolean;
  reason: "disabled" | "epoch_changed" | "evicted" | "over_limit" | (string & {}) | null;
  replayed: number;
  members: number;
  lost?: Lost;
  first_available?: number;
  positions?: ChannelPosition[];
  present?: MemberInfo[];
  group?: string;
  partial?: boolean;
  group_options?: GroupOptions;
}

/** A client became a member. */
export interface Joined {
  room: string;
  channel: string;
  client: string;
  user: string | null;
}

/** Args of kick. */
export interface KickArgs {
  client: string;
  reason?: string | null;
}

/** Args of leave_channel. */
export interface LeaveChannelArgs {
  room: string;
  channel?: string | null;
}

/** A client is no member any more. */
export interface Left {
  room: string;
  channel: string;
  client: string;
  user: string | null;
  reason: "drained" | "kicked" | "left" | "lost" | (string & {});
}

/** Bounds that a client must know. */
export interface Limits {
  max_message_bytes: number;
}

/** Args of list_channels. */
export interface ListChannelsArgs {
  room?: string | null;
  limit?: number | null;
  cursor?: string | null;
  scope?: "cluster" | "node" | null;
}

/** Result of list_channels. */
export interface ListChannelsResult {
  channels: ChannelInfo[];
  cursor: string | null;
  partial?: boolean;
}

/** Args of list_rooms. */
export interface ListRoomsArgs {
  limit?: number | null;
  cursor?: string | null;
  scope?: "cluster" | "node" | null;
}

/** Result of list_rooms. */
export interface ListRoomsResult {
  rooms: RoomInfo[];
  cursor: string | null;
  partial?: boolean;
}

/** A range of seqs that cannot be replayed, both ends included. */
export interface Lost {
  from: number;
  to: number;
}

/** Payload of member_count: there are too many members to be told one by one. */
export interface MemberCount {
  count: number;
}

/** A member of a room or channel; also the payload of member_updated. */
export interface MemberInfo {
  client: string;
  user: string | null;
  profile: Profile;
  joined_at: string;
  group?: string;
}

/** Payload of member_joined. */
export interface MemberJoined {
  client: string;
  user: string | null;
  profile: Profile;
  joined_at: string;
  group?: string;
  count: number;
}

/** Payload of member_left. */
export interface MemberLeft {
  client: string;
  user: string | null;
  reason: "drained" | "kicked" | "left" | "lost" | (string & {});
  count: number;
}

/** Args of members. */
export interface MembersArgs {
  room: string;
  channel?: string | null;
  limit?: number | null;
  cursor?: string | null;
}

/** Payload of members_present: all members as they are now, in place of what was told before. */
export interface MembersPresent {
  present: MemberInfo[];
  count: number;
}

/** Result of members. */
export interface MembersResult {
  members: MemberInfo[];
  count: number;
  cursor: string | null;
  partial?: boolean;
}

/** One thing that a client has joined; the channel is `*` for a whole room. */
export interface Membership {
  room: string;
  channel: string;
  group?: string;
}

/** Args of a command that takes none. */
export type NoArgs = Record<string, never>;

/** One server of the bus, in the answer to status. */
export interface NodeStatus {
  node: string;
  server: string;
  version: string;
  uptime_s: number;
  connections: number;
  rooms: number;
  channels: number;
  messages_in: number;
  messages_out: number;
  errors: number;
  storage: StorageStatus;
  draining: boolean;
}

/** Result of ping. */
export interface PingResult {
  time: string;
}

/** A place in a channel's history. */
export interface Position {
  epoch: string;
  seq: number;
}

/** A message to clients by id. */
export interface PrivateIn {
  type: "private";
  id?: string | null;
  version?: string | null;
  metadata?: Record<string, unknown> | null;
  reply_to?: string | null;
  ack?: boolean | null;
  traceparent?: unknown;
  tracestate?: unknown;
  to: string[];
  payload?: unknown;
}

/** A private message as one recipient gets it. */
export interface PrivateOut {
  type: "private";
  id: string;
  from: string;
  to: string[];
  timestamp: string;
  payload: unknown;
  metadata?: unknown;
  reply_to?: string | null;
  traceparent?: string | null;
  tracestate?: string | null;
}

/** Result of a private message with ack. */
export interface PrivateResult {
  delivered: number;
  absent: string[];
}

/** What a client says of itself; shown to members. Also the args of set_profile. */
export interface Profile {
  client_type?: string | null;
  screen_name?: string | null;
  avatar?: string | null;
  data?: unknown;
}

/** A message or command of a client was refused. */
export interface Refused {
  client: string;
  code: string;
  command: string | null;
}

/** The answer to one command, or to one message that asked for ack or was refused. */
export interface Response {
  type: "response";
  request_id: string | null;
  status: "error" | "ok";
  result?: unknown;
  error?: ErrorBody;
}

/** The part works again. */
export interface Restored {
  part: "event_loop" | "storage" | "telemetry" | (string & {});
  after_s: number;
}

/** What a client brings from the connection that it lost. */
export interface Resume {
  ticket?: string | null;
  positions?: ResumePosition[] | null;
}

/** The last position seen in one channel, in the args of connect. */
export interface ResumePosition {
  room: string;
  epoch: string;
  seq: number;
  channel?: string | null;
}

/** What became of one channel that connect was to resume. */
export interface Resumed {
  room: string;
  channel: string;
  epoch: string;
  seq: number;
  recovered: boolean;
  reason?: string | null;
  lost?: Lost;
  group?: string;
}

/** A room as it is now. */
export interface RoomInfo {
  room: string;
  channels: number;
  members: number;
}

/** The server goes. */
export interface ServerDraining {
  server: string;
  deadline_ms: number;
}

/** The server accepts clients. */
export interface ServerStarted {
  server: string;
  version: string;
  activity_version: number;
}

/** Args of set_will. */
export interface SetWillArgs {
  will?: Will | null;
}

/** A client that read too slowly was closed. */
export interface SlowConsumer {
  client: string;
  user: string | null;
  reason: string;
  messages_lost: number;
}

/** How the server is; sent every ``telemetry.stats_interval_s``. Counts are since the start. */
export interface Stats {
  server: string;
  activity_version: number;
  uptime_s: number;
  connections: number;
  rooms: number;
  channels: number;
  members: number;
  messages_in: number;
  messages_out: number;
  duplicates: number;
  errors: number;
  slow_consumers: number;
  loop_lag_ms: number;
}

/** Args of status. */
export interface StatusArgs {
  scope?: "cluster" | "node" | null;
}

/** Result of status. Counts of messages and errors are since the start. */
export interface StatusResult {
  server: string;
  version: string;
  uptime_s: number;
  connections: number;
  rooms: number;
  channels: number;
  messages_in: number;
  messages_out: number;
  errors: number;
  storage: StorageStatus;
  draining: boolean;
  nodes?: NodeStatus[];
  stale?: string[];
  partial?: boolean;
}

/** The store, in the answer to status. */
export interface StorageStatus {
  backend: "memory" | "redis" | (string & {});
  state: "degraded" | "ok";
}

/** Something that the server tells by itself. */
export interface System {
  type: "system";
  event: "channel_created" | "channel_deleted" | "draining" | "gap" | "heartbeat" | "member_count" | "member_joined" | "member_left" | "member_updated" | "members_present" | "refused" | "storage_degraded" | "storage_restored" | "welcome" | (string & {});
  payload: unknown;
  room?: string | null;
  channel?: string | null;
  timestamp?: string | null;
}

/** One activity of the bus, on the telemetry channel. */
export interface Telemetry {
  type: "telemetry";
  event: string;
  room: string;
  channel: string;
  timestamp: string;
  seq: number;
  payload: unknown;
}

/** Payload of welcome: who the client is, and what the server offers. */
export interface Welcome {
  client: string;
  server: string;
  version: string;
  heartbeat_s: number;
  limits: Limits;
  user: string | null;
  ticket?: string;
}

/** Result of whoami. */
export interface WhoamiResult {
  client: string;
  user: string | null;
  profile: Profile;
  memberships: Membership[];
  permissions: string[];
}

/** An event to be published when its client is lost. */
export interface Will {
  room: string;
  channel?: string | null;
  payload?: unknown;
  metadata?: Record<string, unknown> | null;
}

/** Args and result of every command of the server. */
export interface Commands {
  connect: { args: ConnectArgs; result: ConnectResult };
  ping: { args: NoArgs; result: PingResult };
  status: { args: StatusArgs; result: StatusResult };
  help: { args: HelpArgs; result: HelpResult };
  whoami: { args: NoArgs; result: WhoamiResult };
  set_profile: { args: Profile; result: Profile };
  set_will: { args: SetWillArgs; result: Empty };
  join_channel: { args: JoinChannelArgs; result: JoinChannelResult };
  leave_channel: { args: LeaveChannelArgs; result: Empty };
  create_channel: { args: CreateChannelArgs; result: ChannelInfo };
  delete_channel: { args: DeleteChannelArgs; result: Empty };
  list_rooms: { args: ListRoomsArgs; result: ListRoomsResult };
  list_channels: { args: ListChannelsArgs; result: ListChannelsResult };
  channel_info: { args: ChannelArgs; result: ChannelInfo };
  members: { args: MembersArgs; result: MembersResult };
  history: { args: HistoryArgs; result: HistoryResult };
  ack: { args: AckArgs; result: AckResult };
  group_info: { args: GroupArgs; result: GroupInfoResult };
  delete_group: { args: GroupArgs; result: Empty };
  kick: { args: KickArgs; result: Empty };
}

/** What an acknowledged message is answered with. */
export interface Answers {
  event: EventResult;
  private: PrivateResult;
  broadcast: BroadcastResult;
}

/** The payload of each system event. */
export interface SystemPayloads {
  welcome: Welcome;
  refused: ErrorBody;
  heartbeat: Empty;
  member_joined: MemberJoined;
  member_left: MemberLeft;
  member_updated: MemberInfo;
  member_count: MemberCount;
  members_present: MembersPresent;
  channel_created: ChannelInfo;
  channel_deleted: ChannelDeleted;
  draining: Draining;
  storage_degraded: Empty;
  storage_restored: Empty;
  gap: Gap;
}

/** A message from the server. */
export type Outbound = EventOut | PrivateOut | BroadcastOut | Response | System | Telemetry;

/** A message from a client. */
export type Inbound = EventIn | PrivateIn | BroadcastIn | CommandIn;

/** Codes of refusals; a client must expect new ones. */
export type ErrorCode = "invalid_json" | "invalid_envelope" | "unsupported_version" | "unknown_type" | "unknown_command" | "invalid_args" | "unauthenticated" | "forbidden" | "not_found" | "already_exists" | "conflict" | "too_large" | "limit_exceeded" | "rate_limited" | "unavailable" | "timeout" | "overloaded" | "internal";
