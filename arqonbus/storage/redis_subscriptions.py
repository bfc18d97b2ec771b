"""Subscriptions: what one node listens to at one primary, and keeps listening to across wires.

Redis forgets subscriptions with the connection, and pub/sub loses what is said meanwhile without a word. So each
listener is told when it begins to hear (``confirmed``) and when it ceased to (``broken``); what to do about what was
said in between is for it to know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any, Protocol

from arqonbus.storage.redis_wire import ReplyError, Wire

__all__ = ["Ear", "Listener", "Subscriptions"]

NAMES_A_COMMAND = 512  # of channels; 100,000 channels are back after 0.1 s, in pieces that stop nobody
AGAIN_S = 0.5  # after Redis ended a subscription; by then it is known where the slot is


class Listener(Protocol):
    """Hears one channel."""

    def confirmed(self) -> bool:
        """Take the news that from here on nothing is missed. Gives whether all is well at once: see ``settled``."""

    def message(self, data: bytes) -> None:
        """Take one message."""

    def broken(self) -> None:
        """Take the news that from some moment before now on everything is missed."""


class Ear:
    """A Listener for whom a message is a message, and what was missed was missed."""

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take

    def confirmed(self) -> bool:
        """See Listener."""
        return True

    def message(self, data: bytes) -> None:
        """See Listener."""
        self._take(data)

    def broken(self) -> None:
        """See Listener."""


class Subscriptions:
    """All listeners at one primary.

    Args:
        sharded: whether to use the pub/sub of clusters, which stays on the primary of the slot.
        on_settled: called when nobody is left that is not well.
        on_moved: called when Redis ended a subscription by itself: the slot is another primary's now.
    """

    def __init__(self, sharded: bool, on_settled: Callable[[], None], on_moved: Callable[[], None]) -> None:
        self._sharded = sharded
        self._on_settled = on_settled
        self._on_moved = on_moved
        self._listeners: dict[bytes, Listener] = {}
        self._wire: Wire | None = None
        self._unheard: dict[
            bytes, float
        ] = {}  # channels asked for and not confirmed yet, with since when; oldest first
        self._unsettled: set[bytes] = set()  # channels whose listener is not well yet
        self._say, self._unsay = ("SSUBSCRIBE", "SUNSUBSCRIBE") if sharded else ("SUBSCRIBE", "UNSUBSCRIBE")
        self._takers: dict[bytes, Callable[[list[Any]], None]] = {
            b"message": self._message,
            b"smessage": self._message,
            b"subscribe": self._confirmed,
            b"ssubscribe": self._confirmed,
            b"sunsubscribe": self._ended,
        }

    def __len__(self) -> int:
        """Count the channels."""
        return len(self._listeners)

    @property
    def is_settled(self) -> bool:
        """Whether the wire stands and everybody is well."""
        return self._wire is not None and not self._unsettled

    # --- listeners ----------------------------------------------------------------------------------------------

    def add(self, channel: str, listener: Listener) -> None:
        """Begin to listen. One listener for a channel; a second takes its place."""
        name = channel.encode()
        self._listeners[name] = listener
        self._unsettled.add(name)
        if self._wire is not None:
            self._ask(self._wire, [name])

    def remove(self, channel: str) -> None:
        """Listen no more; nothing is told from now on. Without effect if nobody listens."""
        name = channel.encode()
        if self._listeners.pop(name, None) is not None and self._wire is not None:
            self._wire.send(self._unsay, name)
        self._unheard.pop(name, None)
        self._settle(name)

    def settled(self, channel: str) -> None:
        """Take the news that a listener, which was not well when it was confirmed, is now."""
        self._settle(channel.encode())

    def _settle(self, name: bytes) -> None:
        if name in self._unsettled:
            self._unsettled.discard(name)
            if self.is_settled:
                self._on_settled()

    # --- the wire -----------------------------------------------------------------------------------------------

    def connect(self, wire: Wire) -> None:
        """Go on by another wire."""
        self._wire = wire
        self._unsettled = set(self._listeners)
        self._announce(wire, iter(list(self._chunks(sorted(self._listeners)))))
        if not self._listeners:
            self._on_settled()

    def disconnect(self) -> None:
        """Take the news that the wire is gone."""
        if self._wire is None:
            return
        self._wire = None
        self._unheard.clear()
        self._unsettled = set(self._listeners)
        for listener in list(self._listeners.values()):
            listener.broken()

    def _chunks(self, names: list[bytes]) -> Iterable[list[bytes]]:
        """Cut sorted names for commands; in a cluster one command may only name channels of one slot."""
        for _, group in groupby(names, _tag_of if self._sharded else lambda name: b""):
            together = list(group)
            yield from (together[i : i + NAMES_A_COMMAND] for i in range(0, len(together), NAMES_A_COMMAND))

    def _ask(self, wire: Wire, names: list[bytes]) -> None:
        now = asyncio.get_running_loop().time()
        for name in names:
            self._unheard.setdefault(name, now)
        wire.send(self._say, *names)

    def is_overdue(self, before: float) -> bool:
        """Whether a confirmation is still to come for what was asked for before then (monotonic seconds)."""
        return next(iter(self._unheard.values()), before) < before

    def _announce(self, wire: Wire, chunks: Any) -> None:
        """Subscribe to one chunk a tick."""
        chunk = next(chunks, None)
        if chunk is None or wire is not self._wire:
            return
        wanted = [name for name in chunk if name in self._listeners]
        if wanted:
            self._ask(wire, wanted)
        asyncio.get_running_loop().call_soon(self._announce, wire, chunks)

    # --- what Redis says ----------------------------------------------------------------------------------------

    def take(self, said: Any) -> None:
        """Take one thing that Redis said on the wire."""
        if type(said) is list:
            taker = self._takers.get(said[0])
            if taker is not None:
                taker(said)
        elif isinstance(said, ReplyError) and self._wire is not None:  # of a slot that moved, or not allowed
            self._wire.lose(str(said))
            self._on_moved()

    def _message(self, said: list[Any]) -> None:
        listener = self._listeners.get(said[1])
        if listener is not None:  # else it was on its way when we ceased to listen
            listener.message(said[2])

    def _confirmed(self, said: list[Any]) -> None:
        self._unheard.pop(said[1], None)
        listener = self._listeners.get(said[1])
        if listener is not None and listener.confirmed():
            self._settle(said[1])

    def _ended(self, said: list[Any]) -> None:
        name = said[1]
        listener = self._listeners.get(name) if name is not None else None
        if listener is not None:  # not by us: ours are taken out first
            self._unsettled.add(name)
            listener.broken()
            self._on_moved()
            asyncio.get_running_loop().call_later(AGAIN_S, self._again, name)

    def _again(self, name: bytes) -> None:
        """Listen again to what Redis ended, if the slot turned out to be here all the same."""
        if name in self._listeners and name in self._unsettled and self._wire is not None:
            self._ask(self._wire, [name])


def _tag_of(name: bytes) -> bytes:
    return name.partition(b"}")[0]
