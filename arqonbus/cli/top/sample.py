"""Sample: what was read of a server at one moment. Data only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from arqonbus.cli.top.exposition import Numbers
from arqonbus.client import Status

__all__ = ["ChannelRow", "Sample", "Stats"]


class Stats(Struct, frozen=True):
    """What the activity event `stats` says beside `status`; later servers add fields."""

    members: int | None = None
    slow_consumers: int | None = None
    loop_lag_ms: float | None = None


class ChannelRow(Struct, frozen=True):
    """One channel."""

    epoch: str
    seq: int
    members: int
    waiting: int  # events that wait for a member of one of its groups
    kind: str


class Sample(Struct, frozen=True):
    """One moment."""

    at: float  # monotonic seconds
    status: Status
    channels: Mapping[str, ChannelRow] = msgspec.field(default_factory=dict)  # by address
    numbers: Numbers | None = None  # of /metrics; None: the server has none
    stats: Stats | None = None  # the latest; None: none has come
