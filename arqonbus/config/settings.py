"""Settings: one frozen struct per section of the configuration, every key with its meaning, unit and range.

What lives here: the structs, their defaults and their bounds. What does not: where values come from (``load``) and
rules between keys (``rules``). The reference table in ``docs/CONFIGURATION.md`` is made from these structs.
Read once, by the server; everybody else gets plain arguments.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

__all__ = [
    "Auth",
    "Channels",
    "Groups",
    "History",
    "Limits",
    "Log",
    "Predefined",
    "Redis",
    "Server",
    "Settings",
    "Telemetry",
]

MASK = "***"
"""What is shown in place of a secret, whatever its length."""

LONGEST_S = 86_400.0
"""Upper bound of a timeout: a day. Larger values are nearly always milliseconds given as seconds."""

LARGEST_BYTES = 2**40
"""Upper bound of a size: 1 TiB. Larger values are typing errors."""

LARGEST_HISTORY = 2**30
"""Upper bound of the history of one channel, in bytes; as for the channel options of the protocol."""


def about(meaning: str) -> Meta:
    """Describe a key of any type."""
    return Meta(description=meaning)


def secret(meaning: str) -> Meta:
    """Describe a key whose value is never shown."""
    return Meta(description=meaning, extra={"secret": True})


def between(meaning: str, ge: float, le: float) -> Meta:
    """Describe a number, both bounds included."""
    return Meta(description=meaning, ge=ge, le=le)


def above_zero(meaning: str, le: float) -> Meta:
    """Describe a number greater than zero, upper bound included."""
    return Meta(description=meaning, gt=0, le=le)


class Server(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[server]``: where to listen, TLS, and the timing of connections."""

    host: Annotated[str, about("address or host name to listen on")] = "127.0.0.1"
    port: Annotated[int, between("TCP port; 0 takes any free one", ge=0, le=65535)] = 9100
    path: Annotated[str, about("URL path of the WebSocket endpoint")] = "/"
    unix_socket: Annotated[str, about("path of a Unix socket to listen on as well; empty: none")] = ""
    name: Annotated[str, about("name of this server in welcome and status; empty: `node-` and 6 random hex digits")] = (
        ""
    )
    tls_cert: Annotated[str, about("PEM file with the certificate chain; empty: no TLS; needs `tls_key`")] = ""
    tls_key: Annotated[str, about("PEM file with the private key; needs `tls_cert`")] = ""
    tls_client_ca: Annotated[
        str, about("PEM file; only clients with a certificate signed by one of it are let in; needs `tls_cert`")
    ] = ""
    origins: Annotated[
        tuple[str, ...],
        about('browser origins let in beside the server\'s own, as `https://example.com`; `"*"`: all'),
    ] = ()
    compression: Annotated[bool, about("offer permessage-deflate; costs memory and CPU per connection")] = False
    backlog: Annotated[int, between("connections that the kernel holds before they are accepted", ge=1, le=65535)] = (
        4096
    )
    handshake_timeout_s: Annotated[
        float, above_zero("seconds in all that a client may take for the opening handshake", le=LONGEST_S)
    ] = 5.0
    close_timeout_s: Annotated[
        float, above_zero("seconds to wait for the client's close frame before the connection is cut", le=LONGEST_S)
    ] = 1.0
    heartbeat_s: Annotated[
        float, above_zero("seconds of silence after which a heartbeat (out) or a ping (in) is sent", le=LONGEST_S)
    ] = 20.0
    pong_timeout_s: Annotated[
        float, above_zero("seconds to wait for any answer to a ping before close 4103", le=LONGEST_S)
    ] = 10.0
    resume_grace_s: Annotated[
        float,
        between(
            "seconds that a client whose connection was lost may come back and continue it; 0: it is gone at once",
            ge=0,
            le=LONGEST_S,
        ),
    ] = 10.0
    drain_timeout_s: Annotated[
        float, between("seconds that a shutdown may take; what is still open then is cut", ge=0, le=LONGEST_S)
    ] = 10.0
    drain_spread_s: Annotated[
        float,
        between("seconds over which clients are told to reconnect; at most `drain_timeout_s`", ge=0, le=LONGEST_S),
    ] = 5.0
    uvloop: Annotated[bool, about("use uvloop where it is installed")] = True
    workers: Annotated[
        int,
        between("processes that serve the port together, as one bus; more than 1 need `redis.url`", ge=1, le=256),
    ] = 1


class Predefined(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A channel that exists from the start and stays when empty. None: as ``[history]`` and ``[channels]`` say."""

    room: Annotated[str, about("room name")]
    channel: Annotated[str, about("channel name")]
    history_limit: Annotated[int, between("messages kept", ge=0, le=1_000_000)] | None = None
    history_ttl_s: Annotated[float, above_zero("seconds kept", le=31_536_000)] | None = None
    history_bytes: Annotated[int, between("bytes kept", ge=0, le=LARGEST_HISTORY)] | None = None
    presence: bool | None = None


class Channels(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[channels]``: how channels come to be and go."""

    auto_create: Annotated[bool, about("create an unknown channel when it is first joined or published to")] = True
    idle_s: Annotated[
        float, between("seconds that an empty channel stays; 0: goes at once; -1: stays for ever", ge=-1, le=31_536_000)
    ] = 60.0
    dedupe_s: Annotated[
        float,
        between(
            "seconds that the id of an event is known, so that it is not published twice; 0: never", ge=0, le=LONGEST_S
        ),
    ] = 120.0
    dedupe_count: Annotated[
        int, between("ids that a channel knows; the oldest is forgotten first; 0: none", ge=0, le=10_000_000)
    ] = 1_000
    predefined: Annotated[
        tuple[Predefined, ...],
        about(
            "channels that always exist: `room:channel`, or a table with `room`, `channel` and optionally "
            "`history_limit`, `history_ttl_s`, `history_bytes`, `presence`"
        ),
    ] = ()
    presence: Annotated[bool, about("announce joins and leaves in channels that do not say otherwise")] = False
    presence_max: Annotated[
        int,
        between(
            "members of a channel up to which each join and leave is told; with more, their number is; 0: never rows",
            ge=0,
            le=10_000,
        ),
    ] = 200


class History(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[history]``: what channels keep in memory, unless a channel's own options say otherwise."""

    limit: Annotated[int, between("messages kept per channel; 0: none", ge=0, le=1_000_000)] = 1000
    ttl_s: Annotated[float, above_zero("seconds that a message is kept", le=31_536_000)] = 3600.0
    bytes: Annotated[int, between("bytes kept per channel; 0: none", ge=0, le=LARGEST_HISTORY)] = 4_194_304
    total_bytes: Annotated[int, between("bytes kept over all channels", ge=1, le=LARGEST_BYTES)] = 268_435_456
    position_ttl_s: Annotated[
        float, above_zero("seconds that the position of a channel without messages and members is kept", le=31_536_000)
    ] = 86_400.0
    page_bytes: Annotated[int, between("bytes of messages in one answer to `history`", ge=1, le=LARGEST_BYTES)] = (
        262_144
    )


class Groups(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[groups]``: durable groups, whose makers do not say otherwise."""

    ack_wait_s: Annotated[
        float, above_zero("seconds in which a member acknowledges an event, before it is given again", le=LONGEST_S)
    ] = 30.0
    max_deliver: Annotated[
        int, between("times that an event is given; then it goes to the group's dead letters", ge=1, le=1_000)
    ] = 5
    prefetch: Annotated[
        int, between("events that a member may have without having acknowledged them", ge=1, le=1_000)
    ] = 32
    retention_s: Annotated[float, above_zero("seconds that a durable group without members is kept", le=31_536_000)] = (
        604_800.0
    )


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[limits]``: bounds that protect the server. What goes over one is refused, or closed with a code."""

    message_bytes: Annotated[
        int, between("bytes of one message from a client; larger: close 1009", ge=64, le=LARGEST_BYTES)
    ] = 1_048_576
    connections: Annotated[int, between("open connections; one more: close 4102", ge=1, le=10_000_000)] = 10_000
    half_open: Annotated[int, between("connections whose handshake is not finished", ge=1, le=10_000_000)] = 4096
    half_open_per_ip: Annotated[
        int, between("the same, from one address; more behind a proxy", ge=1, le=10_000_000)
    ] = 1024
    handshake_bytes: Annotated[
        int, between("bytes of request line and headers; more: HTTP 431", ge=512, le=LARGEST_BYTES)
    ] = 16_384
    memberships: Annotated[int, between("channels that one client may be in", ge=1, le=10_000_000)] = 128
    rooms: Annotated[int, between("rooms on the server", ge=1, le=10_000_000)] = 10_000
    channels_per_room: Annotated[int, between("channels in one room", ge=1, le=10_000_000)] = 1000
    session_mailbox: Annotated[
        int, between("messages that may wait in a session; full: its socket is not read", ge=1, le=10_000_000)
    ] = 64
    channel_mailbox: Annotated[
        int, between("messages that may wait in a channel; full: its publishers wait", ge=1, le=10_000_000)
    ] = 1024
    mailbox_bytes: Annotated[
        int, between("bytes that may wait in one mailbox; at least `message_bytes`", ge=64, le=LARGEST_BYTES)
    ] = 4_194_304
    outbox_bytes: Annotated[
        int,
        between(
            "bytes that may wait for one client; more: events go that its joins let go, else close 4100; "
            "at least `message_bytes`",
            ge=64,
            le=LARGEST_BYTES,
        ),
    ] = 4_194_304
    outbox_messages: Annotated[
        int, between("messages that may wait for one client; more: as with `outbox_bytes`", ge=1, le=10_000_000)
    ] = 16_384
    outbox_soft_bytes: Annotated[
        int,
        between(
            "bytes that may wait for one client for `outbox_soft_s`; at most `outbox_bytes`", ge=1, le=LARGEST_BYTES
        ),
    ] = 1_048_576
    outbox_soft_s: Annotated[
        float, above_zero("seconds that `outbox_soft_bytes` may be exceeded before close 4100", le=LONGEST_S)
    ] = 5.0
    outbox_age_s: Annotated[
        float, above_zero("seconds that a message may wait for one client; more: as with `outbox_bytes`", le=LONGEST_S)
    ] = 10.0
    group_bytes: Annotated[
        int, between("bytes that may wait in a group of a channel; more: the oldest go", ge=1, le=LARGEST_BYTES)
    ] = 4_194_304
    group_messages: Annotated[int, between("messages that may wait likewise", ge=1, le=10_000_000)] = 16_384
    control_rate: Annotated[
        float, above_zero("control frames (ping, pong) a second from one client; more: it is cut", le=1_000_000)
    ] = 20.0
    control_burst: Annotated[
        int, between("control frames at once before `control_rate` counts", ge=1, le=1_000_000)
    ] = 60
    will_bytes: Annotated[
        int, between("bytes of payload and metadata of one client's will; more is refused", ge=0, le=LARGEST_BYTES)
    ] = 16_384
    invalid_envelopes: Annotated[
        int, between("invalid messages a minute from one client; more: close 4500", ge=1, le=1_000_000)
    ] = 20


class Auth(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[auth]``: who may connect.

    ``anonymous`` is never None once built: not set means true when there are no keys, else false.
    """

    keys: Annotated[dict[str, str], secret('table of user = "key"; the key is the token that the user sends')] = (
        msgspec.field(default_factory=dict)
    )
    anonymous: Annotated[
        bool | None, about("let clients in without a token; not set: true when `keys` is empty, else false")
    ] = None
    admins: Annotated[tuple[str, ...], about("users of `keys` who may administrate: `kick`, for one")] = ()
    timeout_s: Annotated[
        float, above_zero("seconds that a client without credentials has to send `connect`", le=LONGEST_S)
    ] = 5.0
    query_token: Annotated[bool, about("accept `?token=` in the URL; URLs end up in logs of proxies")] = False

    def __post_init__(self) -> None:
        """Settle what an unset ``anonymous`` means, so that no reader has to."""
        if self.anonymous is None:
            msgspec.structs.force_setattr(self, "anonymous", not self.keys)

    def __repr__(self) -> str:
        """Show the users, never their keys."""
        keys = dict.fromkeys(self.keys, MASK)
        return (
            f"Auth(keys={keys!r}, anonymous={self.anonymous!r}, admins={self.admins!r}, "
            f"timeout_s={self.timeout_s!r}, query_token={self.query_token!r})"
        )


class Redis(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[redis]``: the store that several servers share, so that they are one bus."""

    url: Annotated[
        str,
        secret(
            "where Redis is, as `redis://host:6379/0`; `rediss://` with TLS, `unix://`, `redis+sentinel://`, "
            "`redis+cluster://`; empty: this server keeps everything in its memory"
        ),
    ] = ""
    prefix: Annotated[str, about("what all keys and channels begin with; keeps buses on one Redis apart")] = "arqonbus"
    required: Annotated[
        bool,
        about("end with exit code 2 when Redis does not answer at the start within `hold_s`; false: serve without it"),
    ] = False
    degraded_ok: Annotated[
        bool, about("say 200 at `/ready` while Redis is gone for longer than `hold_s`; false: 503, with the reason")
    ] = True
    timeout_s: Annotated[
        float, between("seconds within which Redis must answer; later: it counts as gone", ge=0.05, le=60)
    ] = 1.0
    hold_s: Annotated[
        float, between("seconds that events wait for a Redis that is gone before they are refused", ge=0, le=60)
    ] = 8.0
    hold_messages: Annotated[int, between("events that wait for Redis, over all channels", ge=1, le=10_000_000)] = (
        10_000
    )
    hold_bytes: Annotated[
        int, between("bytes of events that wait for Redis, over all channels", ge=1, le=LARGEST_BYTES)
    ] = 16_777_216

    def __repr__(self) -> str:
        """Never show the URL: it may hold a password."""
        shown = {field: getattr(self, field) for field in self.__struct_fields__} | {"url": MASK if self.url else ""}
        return f"Redis({', '.join(f'{field}={value!r}' for field, value in shown.items())})"


class Telemetry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[telemetry]``: traces, metrics, where activity events go. The standard ``OTEL_*`` variables win."""

    room: Annotated[str, about("room of the activity events; a system name, so it begins with `_`")] = "_telemetry"
    channel: Annotated[str, about("channel of the activity events")] = "activity"
    endpoint: Annotated[
        str, about("URL of an OTLP receiver, as `http://localhost:4318`; empty: nothing is exported")
    ] = ""
    protocol: Annotated[Literal["http/protobuf", "grpc"], about("how to speak to it")] = "http/protobuf"
    timeout_s: Annotated[float, above_zero("seconds that one export may take, retries included", le=600)] = 5.0
    interval_s: Annotated[float, above_zero("seconds between two exports of metrics", le=LONGEST_S)] = 10.0
    traces_per_s: Annotated[
        float, between("messages a second that begin a trace of their own; all are traced below", ge=0, le=1_000_000)
    ] = 50.0
    deliver_spans: Annotated[
        int, between("deliveries of one message that have a span of their own; failed ones beside", ge=0, le=1000)
    ] = 16
    debug_clients: Annotated[
        int, between("clients at once whose every message is traced, as administrators may ask for", ge=0, le=1000)
    ] = 10
    metrics: Annotated[bool, about("answer `GET /metrics` with the numbers, as text for Prometheus")] = False
    activity: Annotated[bool, about("send events of what happens in the server to the channel above")] = True
    activity_per_s: Annotated[
        float, above_zero("of these events, a second; more are dropped, and counted", le=10_000)
    ] = 100.0
    stats_interval_s: Annotated[
        float, between("seconds between two `stats` events; 0: none is sent", ge=0, le=LONGEST_S)
    ] = 0.0


class Log(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[log]``: what is logged and how it looks."""

    level: Annotated[Literal["debug", "info", "warning", "error"], about("least level that is logged")] = "info"
    format: Annotated[
        Literal["auto", "text", "json"], about("`json`: one object a line; `auto`: text on a terminal, else json")
    ] = "auto"


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole configuration. ``Settings()`` is a valid one: the defaults."""

    server: Server = Server()
    channels: Channels = Channels()
    history: History = History()
    groups: Groups = Groups()
    limits: Limits = Limits()
    auth: Auth = msgspec.field(default_factory=Auth)
    redis: Redis = Redis()
    telemetry: Telemetry = Telemetry()
    log: Log = Log()
