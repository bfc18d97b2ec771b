"""Feed: brings one channel's events to this node: the sequencer's decisions, carried out.

Hears the channel's pub/sub, reads the log where the sequencer wants it read, and tells the channel what SharedLog
promises. A read that fails is made again when there is a wire for it; until then nothing is told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from arqonbus.storage.redis_actions import Action, Begin, Bump, Deliver, Lose, ReadAfter, ReadTail, Renumber
from arqonbus.storage.redis_frames import BUMPED, DELETED, SAID, Place, entries_of, place_of, placed, tail_of
from arqonbus.storage.redis_reads import CATCH_UP, TAIL
from arqonbus.storage.redis_scripts import BUMP
from arqonbus.storage.redis_sequencer import LEAST_REMEMBERED, Sequencer
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_wire import WireLost
from arqonbus.storage.shared_log import Arrived, Deleted, Fed, LinkChanged, Missing, Reset, Said, Tell

__all__ = ["Feed", "FeedSetup"]

PAGE_ENTRIES = 501  # of one read: a second of a busy channel
PAGE_BYTES = 1_048_576
TAIL_ENTRIES = 1_000  # of the log of a new epoch that are looked at for what was delivered
RETRY_S = 0.1  # after a read that Redis refused


class FeedSetup(Struct, frozen=True):
    """What a feed is given."""

    channel: str  # of pub/sub
    log: str  # key
    feed_command: str  # PUBLISH or SPUBLISH
    fresh_epoch: Callable[[], int]
    ttl_ms: Callable[[], int]  # how long a log that a bump makes lives on
    began: Callable[[Place], None]  # the sequencer stands: what is told from now on follows this place
    saw: Callable[[Place], None]  # the log has, or had, this place
    tell: Tell
    notice: Callable[..., None]


class Feed:
    """One channel's events. A Listener."""

    __slots__ = (
        "_is_closed",
        "_is_heard",
        "_is_local",
        "_is_settled",
        "_is_started",
        "_loop",
        "_sequencer",
        "_setup",
        "shard",
    )

    def __init__(self, setup: FeedSetup, shard: Shard) -> None:
        self._setup = setup
        self._loop = asyncio.get_running_loop()
        self._sequencer = Sequencer()
        self._is_heard = False  # whether the subscription stands
        self._is_local = False  # whether the channel was told that the link is local
        self._is_settled = False  # whether what was missed before the subscription stood is told, or owned to
        self._is_started = self._is_closed = False
        self.shard = shard

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to listen. Once."""
        self._is_started = True
        self.shard.subscriptions.add(self._setup.channel, self)
        if self.shard.link.state == "local":
            self.went_local()

    def close(self) -> None:
        """End it; nothing is told from now on. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            self.shard.subscriptions.remove(self._setup.channel)

    def move(self, shard: Shard) -> None:
        """Listen at another primary: the slot is there now."""
        self.shard.subscriptions.remove(self._setup.channel)
        self.broken()
        self.shard = shard
        if self._is_started:
            shard.subscriptions.add(self._setup.channel, self)
        if shard.link.state == "local":
            self.went_local()

    def forget(self) -> bool:
        """See Sequencer.forget."""
        return self._sequencer.forget()

    # --- the link -----------------------------------------------------------------------------------------------

    def went_local(self) -> None:
        """Take the news that Redis is out of reach for long: nothing of it is told before all wires stand.

        The channel would go back to the store by that, and its events be refused until they do.
        """
        self._is_settled = False
        self._sequencer.lost()
        if not self._is_local:
            self._is_local = True
            self._tell(LinkChanged("local"))

    def came_back(self) -> None:
        """See what was missed, once the shard takes appends again; then tell that all is well."""
        if self._is_local and not self._is_settled:
            self.retry()
        if self._is_local and self._is_settled and self.shard.link.state != "local":
            self._is_local = False
            self._tell(LinkChanged("up"))

    def retry(self) -> None:
        """Take the news that reads can be made again."""
        if self._may_look and not self._sequencer.is_live:
            self._sequencer.lost()
            self._do(self._sequencer.subscribed())

    # --- Listener -----------------------------------------------------------------------------------------------

    def confirmed(self) -> bool:
        """See Listener: well when the log was looked at."""
        self._is_heard = True
        if self._may_look:
            self._do(self._sequencer.subscribed())
        return False

    @property
    def _may_look(self) -> bool:
        return self._is_heard and not self._is_closed and self.shard.link.state != "local"

    def broken(self) -> None:
        """See Listener."""
        self._is_heard = self._is_settled = False
        self._sequencer.lost()

    def message(self, data: bytes) -> None:
        """See Listener."""
        if data[:1] != b"!":
            try:
                entries = entries_of(data)
            except ValueError as error:  # of somebody else's making; what is in the log is told all the same
                self._setup.notice("redis_frame_refused", channel=self._setup.channel, error=error)
                return
            self._do(self._sequencer.arrived(entries))
        elif data.startswith(BUMPED):
            self._do(self._sequencer.renumbered())
        elif data.startswith(SAID):
            self._tell(Said(data[len(SAID) :]))
        elif data == DELETED:
            self._tell(Deleted())

    # --- what the sequencer wants -------------------------------------------------------------------------------

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            kind = type(action)
            if kind is Deliver:
                self._deliver(action)  # type: ignore[arg-type] # its type was looked at
            else:
                self._do_rare(action)
        if not self._is_settled and self._sequencer.is_live and not self._is_closed:
            self._mended()

    def _mended(self) -> None:
        self._is_settled = True
        self.shard.subscriptions.settled(self._setup.channel)
        self.came_back()

    def _deliver(self, action: Deliver) -> None:
        entries = action.entries
        epoch, first = entries[0].place
        self._tell(Arrived(str(epoch), first, [entry.text for entry in entries]))
        self._setup.saw(entries[-1].place)

    def _do_rare(self, action: Action) -> None:
        match action:
            case Lose(epoch, first, last):
                self._setup.notice("redis_events_missing", channel=self._setup.channel, first=first, last=last)
                self._tell(Missing(str(epoch), first, last))
            case Begin(place):
                self._setup.began(place)
            case Renumber(place, reason):
                self._setup.notice("redis_log_renumbered", channel=self._setup.channel, reason=reason)
                self._tell(Reset(str(place.epoch), place.seq, reason))
                self._setup.saw(place)
            case _:
                self._ask(action)

    def _tell(self, fed: Fed) -> None:
        if not self._is_closed:
            self._setup.tell(fed)

    # --- reads --------------------------------------------------------------------------------------------------

    def _ask(self, question: Action) -> None:
        setup, log = self._setup, self._setup.log
        match question:
            case ReadAfter(ticket, place):
                home = self._home(ticket, self._shown)
                self.shard.read(home, CATCH_UP, log, f"{place.epoch}-{place.seq}", PAGE_ENTRIES, PAGE_BYTES)
            case ReadTail(ticket, with_texts):
                n = TAIL_ENTRIES if with_texts else LEAST_REMEMBERED
                self.shard.read(self._home(ticket, self._shown_tail), TAIL, log, n, PAGE_BYTES, int(with_texts))
            case Bump(ticket, epoch):
                args = (log, setup.channel, setup.feed_command, epoch, setup.fresh_epoch(), setup.ttl_ms())
                self.shard.read(self._home(ticket, self._bumped), BUMP, *args)

    def _home(self, ticket: int, take: Callable[[int, Any], list[Action]]) -> Callable[[Any], None]:
        def home(answer: Any) -> None:
            if self._is_closed:
                return
            if isinstance(answer, Exception):
                self._failed(answer)
            else:
                self._do(take(ticket, answer))

        return home

    def _failed(self, error: Exception) -> None:
        """Have the read made again: when there is another wire, or in a while, if it was not the wire."""
        self._sequencer.lost()
        if not isinstance(error, WireLost):
            self._setup.notice("redis_read_failed", channel=self._setup.channel, error=error)
            self._loop.call_later(RETRY_S, self.retry)

    def _shown(self, ticket: int, answer: list[Any]) -> list[Action]:
        top = None if answer[0] is None else place_of(answer[0])
        return self._sequencer.shown(ticket, top, placed(answer[1:]))

    def _shown_tail(self, ticket: int, answer: list[Any]) -> list[Action]:
        return self._sequencer.shown_tail(ticket, place_of(answer[0]), tail_of(answer[1:]))

    def _bumped(self, ticket: int, answer: bytes) -> list[Action]:
        return self._sequencer.bumped(ticket)
