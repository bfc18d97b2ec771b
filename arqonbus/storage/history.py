"""History: the seam between channels and what keeps their events.

A History has one Log for each channel. The log gives events their place: it owns the epoch and the top, and both stay
when the messages are gone, so that a position is never given twice. A channel is the only writer of its log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from msgspec import Struct

from arqonbus.storage.recent import Recent

__all__ = ["History", "Log", "Page", "Retention"]


class Retention(Struct, frozen=True):
    """What a log keeps; each bound holds by itself, the oldest event goes first."""

    messages: int  # most events; 0: keeps none
    age_s: float  # seconds; an event older than that is gone
    size_bytes: int  # most bytes of JSON text


class Page(Struct, frozen=True):
    """A piece of a log."""

    events: Sequence[tuple[int, bytes]]  # (seq, JSON text of the event), in the order asked for
    more: bool  # whether this direction has more
    first: int  # seq of the oldest event kept; 0: none is kept
    last: int  # seq of the newest event kept; 0: none is kept


class Log(Protocol):
    """The events of one channel in order. One writer; positions only grow inside an epoch."""

    @property
    def epoch(self) -> str:
        """Names this life of the numbering; another one after the log was deleted or lost."""

    @property
    def top(self) -> int:
        """Seq of the newest event ever appended in this epoch; 0: none yet. Outlives the events."""

    @property
    def recent(self) -> Recent:
        """The ids published lately, for its writer to read and to fill."""

    @property
    def keeps(self) -> bool:
        """Whether it keeps any event at all."""

    def append(self, texts: Sequence[bytes]) -> int:
        """Take events whose seqs are top + 1, top + 2 ...; all of them or, with an error, none.

        Returns:
            The new top.

        Raises:
            StorageError: not stored; nothing changed.
        """

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Page:
        """Read events with after < seq < before, from the end that ``newest_first`` names.

        Args:
            after: exclusive; None: no bound.
            before: exclusive; None: no bound.
            newest_first: begin with the newest, and give them in that order.
            limit: most events, >= 1.
            size_bytes: stop before this many bytes of text, but give at least one event; None: no bound.
        """

    def retain(self, retention: Retention) -> None:
        """Hold to other bounds from now on."""

    def close(self) -> None:
        """End the writer's hold; the events stay. Idempotent."""


class History(Protocol):
    """All logs of a server."""

    backend: Literal["memory", "redis"]
    """``memory`` or ``redis``: what an acknowledgement says in ``stored``."""

    def open(self, room: str, channel: str, retention: Retention, note: bytes = b"") -> Log:
        """Give the channel's log, with what it kept, or a new one.

        Args:
            room: of the channel.
            channel: its name in the room.
            retention: the bounds to hold to from now on.
            note: what the channel wants to be told when it is made again; read by ``note``, never looked into.
        """

    def note(self, room: str, channel: str) -> bytes:
        """Give the note that stands with a channel's log; empty: there is none, or no log."""

    def holds(self, room: str, channel: str) -> bool:
        """Whether there is a log of that channel that keeps events."""

    def holds_any(self, room: str) -> bool:
        """Whether there is a log of any channel of the room that keeps events."""

    def delete(self, room: str, channel: str) -> None:
        """Forget the channel's log, its epoch too. Without effect when there is none."""

    def sweep(self) -> None:
        """Drop what is too old. To be called now and then."""
