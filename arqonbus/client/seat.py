"""Seat: the place of one handle in a membership, and how it wants to join. Data, and its one life. Pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from arqonbus.client.errors import ClientError
from arqonbus.client.feed import Feed
from arqonbus.client.group_results import GroupOptions
from arqonbus.client.roster import Roster
from arqonbus.protocol.payloads import Position

__all__ = ["Seat", "Wanted"]


class Wanted(Struct, frozen=True):
    """How a handle wants to join. None: as the server does by itself."""

    since: Position | None = None
    replay: int | None = None
    recover: str | None = None
    group: str | None = None
    group_options: GroupOptions | None = None
    presence: bool = False
    overflow: str | None = None
    create: bool | None = None


class Seat:
    """The place of one handle in a membership.

    Args:
        wanted: how it wants to join
        feed: of a reader of events
        roster: of a reader of who is there
        on_start: called once, when the seat has started or has ended before
    """

    __slots__ = ("error", "feed", "has_ended", "has_started", "on_start", "roster", "wanted")

    def __init__(
        self,
        wanted: Wanted,
        feed: Feed | None = None,
        roster: Roster | None = None,
        on_start: Callable[[], None] = lambda: None,
    ) -> None:
        self.wanted = wanted
        self.feed = feed
        self.roster = roster
        self.on_start = on_start
        self.has_started = False
        self.has_ended = False
        self.error: ClientError | None = None

    @property
    def wants_own_join(self) -> bool:
        """Whether only an answer made for this seat tells it where to start."""
        return not self.has_started and (bool(self.wanted.since or self.wanted.replay) or self.roster is not None)

    def start(self) -> None:
        """Note that it knows where it is."""
        if not self.has_started and not self.has_ended:
            self.has_started = True
            self.on_start()

    def end(self, error: ClientError | None, *, at_once: bool) -> None:
        """Let nothing more come. Only the first end counts."""
        if self.has_ended:
            return
        self.has_ended, self.error = True, error
        if self.feed is not None:
            (self.feed.close if at_once else self.feed.end)(error)
        if self.roster is not None:
            self.roster.end(error)
        self.on_start()
