"""SharedStore: a store that several nodes share, in memory, with the faults of a real one. For tests and simulations.

    store = SharedStore(manual.clock.time)
    one, two = store.node("one"), store.node("two")      # SharedHistory, one for each bus
    store.cut("two")            # holding: what it appends waits, what is told is lost to it
    store.give_up("two")        # local
    store.mend("two")           # what was missed is told, then up

With ``later`` everything takes its time, in the order of each log and node; without, it happens at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar

from arqonbus.errors import StorageError
from arqonbus.storage.memory_group import MemoryGroup, MemoryGroupState
from arqonbus.storage.shared_log import (
    ChannelGone,
    Deleted,
    Fed,
    LinkState,
    Opening,
    RoomFed,
    Said,
    Tell,
    TellRoom,
    Unheard,
)
from arqonbus.testing.kept_log import Kept, KeptLog
from arqonbus.testing.promise import Promise
from arqonbus.testing.store_group import StoreGroup
from arqonbus.testing.store_log import StoreLog

__all__ = ["SharedStore", "StoreNode", "StoreRoomFeed"]

Later = Callable[[Callable[[], None]], None]
Address = tuple[str, str]
T = TypeVar("T")


def _at_once(callback: Callable[[], None]) -> None:
    callback()


class SharedStore:
    """Everything there is, and who listens.

    Args:
        now: monotonic seconds.
        later: runs something after a while, not before what it was given earlier; None: at once.
    """

    def __init__(self, now: Callable[[], float], later: Callable[[], Later] | None = None) -> None:
        self._now = now
        self._later = later
        self.logs: dict[Address, KeptLog] = {}
        self.groups: dict[tuple[str, str, str], MemoryGroupState] = {}
        self.nodes: dict[str, StoreNode] = {}
        self._n_epochs = 1000

    def node(self, name: str) -> StoreNode:
        """Give one node's view."""
        node = self.nodes[name] = StoreNode(self, name)
        return node

    def line(self) -> Later:
        """Give a way on which things keep their order."""
        return self._later() if self._later is not None else _at_once

    def now(self) -> float:
        """Monotonic seconds."""
        return self._now()

    def fresh_epoch(self) -> str:
        """Name another epoch; later ones are greater."""
        self._n_epochs += 1
        return str(self._n_epochs)

    def log(self, address: Address) -> KeptLog | None:
        """Give a log as it is now."""
        log = self.logs.get(address)
        if log is not None:
            log.now = self._now()
        return log

    # --- faults -------------------------------------------------------------------------------------------------

    def cut(self, name: str) -> None:
        """Part a node from the store: what it appends waits, and what is on its way to it is lost."""
        self.nodes[name].change("holding")

    def give_up(self, name: str) -> None:
        """Let a node's patience with a store that is away end."""
        self.nodes[name].change("local")

    def mend(self, name: str) -> None:
        """Let a node reach the store again: it is told what it missed."""
        self.nodes[name].change("up")

    def rewind(self, address: Address, n_lost: int) -> None:
        """Let a log go back in time by so many events: it begins a new epoch, and who hears it is told."""
        log = self.log(address)
        if log is not None:
            log.rewind(self.fresh_epoch(), n_lost)
            for node in self.nodes.values():
                node.look_again(address)

    def lose(self, name: str, address: Address) -> None:
        """Lose what is on its way to a node; it finds out with the next event."""
        self.nodes[name].lose(address)

    # --- telling ------------------------------------------------------------------------------------------------

    def tell(self, address: Address, new: Sequence[Kept]) -> None:
        """Tell all nodes that have the log open of new events."""
        for node in self.nodes.values():
            node.arrived(address, new)

    def say(self, address: Address, fed: Fed) -> int:
        """Tell all nodes that have the log open, and hear, something else. Gives how many."""
        return sum([node.say(address, fed) for node in self.nodes.values()])

    def tell_room(self, room: str, fed: RoomFed) -> int:
        """Tell all nodes that follow the room, and hear. Gives how many."""
        return sum([node.tell_room(room, fed) for node in self.nodes.values()])


class StoreRoomFeed:
    """See RoomFeed."""

    def __init__(self, node: StoreNode, room: str, tell: TellRoom) -> None:
        self._node = node
        self.room = room
        self._tell: TellRoom | None = tell
        self._line = node.store.line()

    def tell(self, fed: RoomFed) -> None:
        """Pass something on, if the node hears it by then."""
        self._line(lambda: self._pass_on(fed))

    def _pass_on(self, fed: RoomFed) -> None:
        if self._tell is not None and (self._node.state == "up" or type(fed) is Unheard):
            self._tell(fed)

    def say(self, data: bytes) -> Awaitable[int]:
        """See RoomFeed."""
        return self._node.ask(lambda: self._node.store.tell_room(self.room, Said(data)) if self._tell else 0)

    def close(self) -> None:
        """See RoomFeed."""
        self._tell = None
        if self._node.rooms.get(self.room) is self:
            del self._node.rooms[self.room]


class StoreNode:
    """See SharedHistory: one node's way to the store."""

    backend: Literal["memory", "redis"] = "memory"

    def __init__(self, store: SharedStore, name: str) -> None:
        self.store = store
        self.name = name
        self.state: LinkState = "up"
        self.open_logs: dict[Address, StoreLog] = {}
        self.rooms: dict[str, StoreRoomFeed] = {}

    # --- what happens -------------------------------------------------------------------------------------------

    def change(self, state: LinkState) -> None:
        """Have the store within reach, or not."""
        if state == self.state:
            return
        self.state = state
        for log in list(self.open_logs.values()):
            if state == "up":
                log.mended()
            else:
                log.parted(state)
        if state == "up":
            for feed in list(self.rooms.values()):
                feed.tell(Unheard())

    def look_again(self, address: Address) -> None:
        """Take the news that a log began another epoch."""
        log = self.open_logs.get(address)
        if log is not None and self.state == "up":
            log.look()

    def lose(self, address: Address) -> None:
        """See SharedStore.lose."""
        log = self.open_logs.get(address)
        if log is not None:
            log.lose()

    def arrived(self, address: Address, new: Sequence[Kept]) -> None:
        """See SharedStore.tell."""
        log = self.open_logs.get(address)
        if log is not None:
            log.arrived(new)

    def say(self, address: Address, fed: Fed) -> int:
        """See SharedStore.say."""
        log = self.open_logs.get(address)
        if log is None or self.state != "up":
            return 0
        log.said(fed)
        return 1

    def tell_room(self, room: str, fed: RoomFed) -> int:
        """See SharedStore.tell_room."""
        feed = self.rooms.get(room)
        if feed is None or self.state != "up":
            return 0
        feed.tell(fed)
        return 1

    def ask(self, do: Callable[[], T]) -> Promise[T]:
        """Have the store do something in its time."""
        promise: Promise[T] = Promise()
        line = self.store.line()
        line(lambda: self._answer(promise, do, line))
        return promise

    def _answer(self, promise: Promise[T], do: Callable[[], T], line: Later) -> None:
        if self.state != "up":
            promise.fail(StorageError("away"))
            return
        value = do()
        line(lambda: promise.keep(value))

    # --- SharedHistory ------------------------------------------------------------------------------------------

    def open(self, room: str, channel: str, opening: Opening, tell: Tell) -> StoreLog:
        """See SharedHistory."""
        log = self.open_logs[room, channel] = StoreLog(self, (room, channel), opening, tell)
        return log

    def follow(self, room: str, tell: TellRoom) -> StoreRoomFeed:
        """See SharedHistory."""
        feed = self.rooms[room] = StoreRoomFeed(self, room, tell)
        return feed

    def note(self, room: str, channel: str) -> Awaitable[bytes | None]:
        """See SharedHistory."""
        return self.ask(lambda: None if (log := self.store.log((room, channel))) is None else log.note)

    def channels(self, room: str) -> Awaitable[Sequence[str]]:
        """See SharedHistory."""
        return self.ask(lambda: sorted(channel for there, channel in self.store.logs if there == room))

    def holds(self, room: str, channel: str) -> Awaitable[bool]:
        """See SharedHistory."""
        return self.ask(lambda: (log := self.store.log((room, channel))) is not None and bool(log.kept))

    def delete(self, room: str, channel: str) -> Awaitable[bool]:
        """See SharedHistory."""
        return self.ask(lambda: self._delete((room, channel)))

    def _delete(self, address: Address) -> bool:
        store = self.store
        was_there = store.logs.pop(address, None) is not None
        for key in [key for key in store.groups if key[:2] == address]:
            del store.groups[key]
        if was_there:
            store.say(address, Deleted())
            store.tell_room(address[0], ChannelGone(address[1]))
        return was_there

    def group(self, room: str, channel: str, group: str) -> StoreGroup:
        """See SharedHistory."""
        key = (room, channel, group)
        if key not in self.store.groups:
            log: Any = self.store.logs[room, channel]  # a group only reads it
            self.store.groups[key] = MemoryGroupState(log, self.store.now)
        mine = MemoryGroup(self.store.groups[key], self.name)
        return StoreGroup(mine, self.store.line(), lambda: self.state == "up")

    def delete_group(self, room: str, channel: str, group: str) -> Awaitable[bool | None]:
        """See SharedHistory."""
        return self.ask(lambda: self._delete_group((room, channel, group)))

    def _delete_group(self, key: tuple[str, str, str]) -> bool | None:
        state = self.store.groups.get(key)
        if state is not None and any(state.members.values()):
            return None
        return self.store.groups.pop(key, None) is not None

    def sweep(self) -> None:
        """See SharedHistory."""
