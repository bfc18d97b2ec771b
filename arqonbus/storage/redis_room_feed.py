"""RedisRoomFeed: what concerns all of a room, heard by pub/sub. What was missed is missed, but that is told."""

from __future__ import annotations

from collections.abc import Callable

from arqonbus.storage.redis_calls import Answer
from arqonbus.storage.redis_frames import SAID
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.shared_log import ChannelGone, ChannelMade, Said, TellRoom, Unheard

__all__ = ["RedisRoomFeed"]


class RedisRoomFeed:
    """One room on one node. A Listener."""

    def __init__(self, store: RedisStore, room: str, tell: TellRoom, on_close: Callable[[RedisRoomFeed], None]) -> None:
        self.room = room
        self._store = store
        self._channel = store.keys.room_feed(room)
        self._tell = tell
        self._on_close = on_close
        self._has_missed = False
        self._is_closed = False
        store.shard_of(room).subscriptions.add(self._channel, self)

    async def say(self, data: bytes) -> int:
        """See RoomFeed."""
        answered = Answer()
        self._store.shard_of(self.room).call(answered.take, self._store.publish, self._channel, SAID + data)
        return int(await answered.future)

    def close(self) -> None:
        """See RoomFeed."""
        if not self._is_closed:
            self._is_closed = True
            self._store.shard_of(self.room).subscriptions.remove(self._channel)
            self._on_close(self)

    def move(self, before: Shard, now: Shard) -> None:
        """Listen at another primary: the slot is there now."""
        before.subscriptions.remove(self._channel)
        self.broken()
        now.subscriptions.add(self._channel, self)

    # --- Listener -----------------------------------------------------------------------------------------------

    def confirmed(self) -> bool:
        """See Listener."""
        if self._has_missed:
            self._has_missed = False
            self._tell(Unheard())
        return True

    def broken(self) -> None:
        """See Listener."""
        self._has_missed = True

    def message(self, data: bytes) -> None:
        """See Listener."""
        if data.startswith(SAID):
            self._tell(Said(data[len(SAID) :]))
        elif data[:1] == b"+":
            self._tell(ChannelMade(data[1:].decode()))
        elif data[:1] == b"-":
            self._tell(ChannelGone(data[1:].decode()))
