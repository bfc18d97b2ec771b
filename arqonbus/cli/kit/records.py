"""Records: what ``--json`` writes, one object a line. A new kind is a struct here, and a row in RECORDS.

Each has `type`, which names its kind, and `v`, the version of it. `arqonbus schema output` prints their schema, and
tests read the output of every command back by it.
"""

from typing import Any, Final, Literal

import msgspec
from msgspec import Raw

from arqonbus.cli.kit.measures import MEASURES
from arqonbus.cli.kit.record import Record

__all__ = [
    "RECORDS",
    "AckRecord",
    "AnsweredRecord",
    "CaseRecord",
    "ChannelRecord",
    "CodeRecord",
    "ConformanceRecord",
    "ErrorRecord",
    "GapRecord",
    "JoinedRecord",
    "ListedCaseRecord",
    "MemberRecord",
    "MessageRecord",
    "PresenceRecord",
    "Record",
    "ResultRecord",
    "RoomRecord",
    "StateRecord",
    "StatusRecord",
    "TokenRecord",
]


class ErrorRecord(Record, tag="error", frozen=True, kw_only=True):
    """What ended a command; goes to stderr."""

    code: str
    message: str
    hint: str
    exit: int


class MessageRecord(Record, tag="message", frozen=True, kw_only=True):
    """A message that `sub`, `history` or `request` shows."""

    kind: str  # `event`, `telemetry`, `private`
    address: str  # room:channel; empty for a private message
    seq: int  # 0 for what has none
    epoch: str | None
    id: str
    sender: str = msgspec.field(name="from")
    timestamp: str
    payload: Raw
    metadata: dict[str, Any]
    reply_to: str | None
    replay: bool  # True: it was published before the reader came
    event: str = ""  # of telemetry, what happened


class GapRecord(Record, tag="gap", frozen=True, kw_only=True):
    """Events that `sub` will not get."""

    address: str
    epoch: str | None
    first: int
    last: int
    missed: int  # as far as it is known
    reason: str
    exact: bool  # False: more may be missing


class JoinedRecord(Record, tag="joined", frozen=True, kw_only=True):
    """From here on `sub` reads a channel."""

    address: str
    epoch: str | None  # None for a whole room
    seq: int | None


class StateRecord(Record, tag="state", frozen=True, kw_only=True):
    """The connection of `sub` or `reply` went or came back."""

    state: str
    reason: str
    resumed: bool


class PresenceRecord(Record, tag="presence", frozen=True, kw_only=True):
    """Somebody came or went."""

    address: str
    change: str  # `joined`, `left`, `updated`, `count`, `reset`
    client: str
    user: str | None
    reason: str | None
    count: int


class AckRecord(Record, tag="ack", frozen=True, kw_only=True):
    """What became of a message of `pub`."""

    address: str
    id: str
    seq: int
    epoch: str
    duplicate: bool
    stored: str
    delivered: int | None


class AnsweredRecord(Record, tag="answered", frozen=True, kw_only=True):
    """A request that `reply` answered."""

    address: str
    id: str
    sender: str = msgspec.field(name="from")
    ok: bool
    code: str  # of the error; empty: none


class MemberRecord(Record, tag="member", frozen=True, kw_only=True):
    """One member, of `members`."""

    client: str
    user: str | None
    profile: dict[str, Any]
    joined_at: str
    group: str | None


class ChannelRecord(Record, tag="channel", frozen=True, kw_only=True):
    """One channel, of `channels`."""

    address: str
    kind: str
    epoch: str
    seq: int
    members: int
    created_at: str
    created_by: str | None
    options: dict[str, Any]


class RoomRecord(Record, tag="room", frozen=True, kw_only=True):
    """One room, of `rooms`."""

    room: str
    channels: int
    members: int


class ResultRecord(Record, tag="result", frozen=True, kw_only=True):
    """Answer of a command that `cmd` ran."""

    command: str
    result: Raw


class StatusRecord(Record, tag="status", frozen=True, kw_only=True):
    """Answer of `status`."""

    server: str
    version: str
    uptime_s: float
    connections: int
    rooms: int
    channels: int
    messages_in: int
    messages_out: int
    errors: int
    draining: bool
    backend: str  # of the store
    state: str  # of the store


class CodeRecord(Record, tag="code", frozen=True, kw_only=True):
    """What `error` says of a code."""

    code: str  # a word of the protocol, or the number of a close
    kind: Literal["error", "close"]
    meaning: str
    retryable: bool
    after: str  # of a close: what a client does; else empty
    hint: str


class TokenRecord(Record, tag="token", frozen=True, kw_only=True):
    """What `token` made or found. The token itself only where it was made."""

    kind: str  # `key`, `ticket`, `jwt`
    user: str | None
    token: str | None = None
    config: str | None = None  # lines for the configuration file
    note: str = ""


class ListedCaseRecord(Record, tag="listed_case", frozen=True, kw_only=True):
    """A line of `conformance --list`."""

    name: str
    contract: tuple[str, ...]  # requirements of specs/


class CaseRecord(Record, tag="case", frozen=True, kw_only=True, omit_defaults=True):
    """What became of one case of `conformance`."""

    name: str
    state: Literal["passed", "failed", "skipped"]
    contract: tuple[str, ...]  # requirements of specs/
    took_ms: int
    reason: str | None = None  # of a skipped one
    expected: str | None = None  # of a failed one
    got: str | None = None


class ConformanceRecord(Record, tag="conformance", frozen=True, kw_only=True):
    """The end of `conformance`."""

    url: str
    server: str  # its name
    protocol: str  # version
    passed: int
    failed: int
    skipped: int
    took_ms: int


RECORDS: Final[tuple[type[Record], ...]] = (
    ErrorRecord,
    MessageRecord,
    GapRecord,
    JoinedRecord,
    StateRecord,
    PresenceRecord,
    AckRecord,
    AnsweredRecord,
    MemberRecord,
    ChannelRecord,
    RoomRecord,
    ResultRecord,
    StatusRecord,
    CodeRecord,
    TokenRecord,
    ListedCaseRecord,
    CaseRecord,
    ConformanceRecord,
    *MEASURES,
)
"""Every kind."""
