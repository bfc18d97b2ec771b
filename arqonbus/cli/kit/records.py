"""Records: what ``--json`` writes, one object a line. A new kind is a struct here, and a row in RECORDS.

Each has `type`, which names its kind, and `v`, the version of it. `arqonbus schema output` prints their schema, and
tests read the output of every command back by it.
"""

from typing import Final, Literal

from msgspec import Struct

__all__ = ["RECORDS", "ErrorRecord", "Record", "StatusRecord"]


class Record(Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """One object of the output."""

    v: Literal[1] = 1


class ErrorRecord(Record, tag="error", frozen=True, kw_only=True):
    """What ended a command; goes to stderr."""

    code: str
    message: str
    hint: str
    exit: int


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


RECORDS: Final[tuple[type[Record], ...]] = (ErrorRecord, StatusRecord)
"""Every kind."""
