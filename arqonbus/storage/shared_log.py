"""SharedLog: the seam between channels and a store that several nodes write. Sibling of `history`, where one writes.

Here the store gives the seqs, so an event is appended without one, and comes back with it: to all nodes alike, in one
order, by the log's feed. The answer to an append says only what became of it. Nothing here waits: an append or a read
gives an awaitable for ``Context.pipe``, the feed tells a function that makes it mail.

    append ──▶ store ──▶ feed of every node: Arrived, in the order of seq, each event once
       └─────▶ outcome, to the one that appended

A log's feed begins with Opened. A hole in it is mended before anything later is told, or owned to by Missing or Reset.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct

from arqonbus.storage.history import Retention
from arqonbus.storage.shared_group import SharedGroup

__all__ = [
    "Appended",
    "Arrived",
    "ChannelGone",
    "ChannelMade",
    "Deleted",
    "Entry",
    "Fed",
    "LinkChanged",
    "LinkState",
    "Missing",
    "Opened",
    "Opening",
    "Rejected",
    "Reset",
    "RoomFed",
    "RoomFeed",
    "Said",
    "SharedHistory",
    "SharedLog",
    "SharedPage",
    "Stored",
    "Tell",
    "TellRoom",
    "Unheard",
    "Unsure",
    "with_seq",
]


# --- what goes in -----------------------------------------------------------------------------------------------


class Entry(Struct, frozen=True, gc=False):
    """One event that wants a place."""

    text: bytes  # JSON object with at least one field, without ``seq``: see with_seq
    key: str = ""  # the same key again within the dedupe window is the same event; empty: each time another one


def with_seq(text: bytes, seq: int) -> bytes:
    """Write an event as members get it: the text of its entry, with its place as the first field."""
    return b'{"seq":%d,%b' % (seq, text[1:])


# --- what became of it ------------------------------------------------------------------------------------------


class Stored(Struct, frozen=True, gc=False):
    """It has a place, and is in the store."""

    epoch: str
    seq: int
    duplicate: bool = False  # it was there before, by its key: nothing was appended, and nobody is told again


class Rejected(Struct, frozen=True, gc=False):
    """It was certainly not stored. Trying again is safe."""

    reason: str  # in words, for the log


class Unsure(Struct, frozen=True, gc=False):
    """It went out, and nobody answered in time. It may be in the log; if so, the feed tells it."""

    reason: str


Appended: TypeAlias = Stored | Rejected | Unsure


# --- what the feed tells ----------------------------------------------------------------------------------------


LinkState: TypeAlias = Literal["up", "holding", "local", "resync"]
"""``up``: all is well. ``holding``: the store is away, appends wait. ``local``: it is away for long, appends are
rejected at once. ``resync``: it is back, feeds are being mended."""


class Opened(Struct, frozen=True):
    """The first that a feed tells: what follows begins at ``seq`` + 1."""

    epoch: str
    seq: int
    note: bytes  # the one that stands; another than was offered if another node was first
    created: bool  # by this opening


class Arrived(Struct, frozen=True):
    """Events with the seqs ``first``, ``first`` + 1 ...: those that follow what was told before."""

    epoch: str
    first: int
    texts: Sequence[bytes]  # without seq


class Missing(Struct, frozen=True):
    """Events ``first`` to ``last``, which would be next, can't be had any more. What follows begins at ``last`` + 1."""

    epoch: str
    first: int
    last: int


class Reset(Struct, frozen=True):
    """The numbering began anew: what follows begins at ``seq`` + 1 of ``epoch``. No position of before holds."""

    epoch: str
    seq: int
    reason: Literal["rewound", "lost", "replaced"]  # the store went back; has nothing; another node saw that first


class Deleted(Struct, frozen=True):
    """The log was deleted, by whichever node. The last that a feed tells."""


class LinkChanged(Struct, frozen=True):
    """The store of this log is, or is not, within reach. Before ``up``, Arrived, Missing or Reset say what was missed.

    Told when it changes, and after Opened if it is not ``up`` then.
    """

    state: LinkState


class Said(Struct, frozen=True, gc=False):
    """Something that a node said to all that have this log, or room, open; itself among them. At most once."""

    data: bytes


Fed: TypeAlias = Opened | Arrived | Missing | Reset | Deleted | LinkChanged | Said
Tell: TypeAlias = Callable[[Fed], None]


class ChannelMade(Struct, frozen=True):
    """A channel of the room has a log now that had none."""

    channel: str


class ChannelGone(Struct, frozen=True):
    """A channel of the room was deleted."""

    channel: str


class Unheard(Struct, frozen=True):
    """For a while nothing was heard: channels may have come and gone, and something may have been said."""


RoomFed: TypeAlias = ChannelMade | ChannelGone | Said | Unheard
TellRoom: TypeAlias = Callable[[RoomFed], None]


# --- the seam ---------------------------------------------------------------------------------------------------


class Opening(Struct, frozen=True):
    """What a channel wants of its log."""

    retention: Retention
    note: bytes = b""  # see History.note; the first that opens a log sets it
    durable: bool = False  # stored events matter more than going on: groups may stand on the log


class SharedPage(Struct, frozen=True):
    """A piece of a log. See Page."""

    epoch: str  # of these events; empty: there is no log
    top: int  # seq of the newest event ever appended in this epoch
    events: Sequence[tuple[int, bytes]]  # (seq, text without seq), in the order asked for
    more: bool
    first: int  # seq of the oldest event kept; 0: none is kept
    last: int  # seq of the newest event kept; 0: none is kept


class SharedLog(Protocol):
    """One channel's log as one node sees it. Owned by the channel that opened it, on one loop."""

    def append(self, entries: Sequence[Entry]) -> Awaitable[Sequence[Appended]]:
        """Give entries their places, in this order and behind those of earlier calls.

        Never raises. Ends within the store's bounds of time, whatever the store does.

        Returns:
            One outcome for each entry. The feed may tell the events before or after that.
        """

    def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> Awaitable[SharedPage]:
        """Read events, as Log.read does.

        Raises:
            StorageError: the store did not answer in time, or is not within reach.
        """

    def say(self, data: bytes) -> Awaitable[int]:
        """Have Said told to all nodes that have the log open, this one too, behind what was appended before.

        Nothing of it is kept. Gives how many nodes were listening. Raises StorageError.
        """

    def retain(self, retention: Retention, durable: bool | None = None) -> None:
        """Hold to other bounds from now on; ``durable``: as in Opening, None: as it was."""

    def close(self) -> None:
        """End the feed and the hold on the log; the events stay. Idempotent."""


class RoomFeed(Protocol):
    """What concerns all of a room, as one node hears it."""

    def say(self, data: bytes) -> Awaitable[int]:
        """Have Said told to all nodes that follow the room, this one too. See SharedLog.say."""

    def close(self) -> None:
        """Hear no more. Idempotent."""


class SharedHistory(Protocol):
    """All logs of a store that nodes share. The methods that give an awaitable raise StorageError by it."""

    backend: Literal["memory", "redis"]
    """What an acknowledgement says in ``stored``."""

    @property
    def state(self) -> LinkState:
        """Whether the store is within reach; where it has parts, the worst of them."""

    def open(self, room: str, channel: str, opening: Opening, tell: Tell) -> SharedLog:
        """Give a channel's log, made if there is none, and tell its feed from now on. One at a time for a channel.

        Nothing but Opened is told before this returns.
        """

    def follow(self, room: str, tell: TellRoom) -> RoomFeed:
        """Tell what concerns all of a room from now on. One at a time for a room."""

    def note(self, room: str, channel: str) -> Awaitable[bytes | None]:
        """Give the note that stands with a log; None: there is no log."""

    def channels(self, room: str) -> Awaitable[Sequence[str]]:
        """Give the channels of a room that have a log, whichever node opened it; sorted."""

    def holds(self, room: str, channel: str) -> Awaitable[bool]:
        """Whether there is a log of that channel that keeps events."""

    def delete(self, room: str, channel: str) -> Awaitable[bool]:
        """Forget a channel's log, its epoch too, on all nodes. Gives whether there was one."""

    def group(self, room: str, channel: str, group: str) -> SharedGroup:
        """Give a durable group of a channel whose log is open here. One at a time for a group."""

    def delete_group(self, room: str, channel: str, group: str) -> Awaitable[bool | None]:
        """Forget a durable group that has no members on any node. Gives whether there was one; None: it has members."""

    def sweep(self) -> None:
        """Drop what is too old, in its own time. To be called now and then."""
