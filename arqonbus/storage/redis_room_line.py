"""RedisRoomLine: what the nodes on which a room lives say to each other of it, by pub/sub."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arqonbus.storage.cluster import LineDown, LineHeard, LineUp, NodeTold, RoomSaid
from arqonbus.storage.redis_shard import Shard
from arqonbus.storage.redis_store import RedisStore

__all__ = ["RedisRoomLine"]


class RedisRoomLine:
    """One room on one node. A RoomLine, and a Listener."""

    def __init__(
        self,
        store: RedisStore,
        room: str,
        tell: Callable[[LineHeard], object],
        on_close: Callable[[RedisRoomLine], None],
    ) -> None:
        self.room = room
        self._store = store
        self._channel = store.keys.room_line(room)
        self._tell = tell
        self._on_close = on_close
        self._is_closed = False
        store.shard_of(room).subscriptions.add(self._channel, self)

    def say(self, data: bytes, counts: bool = False) -> None:
        """See RoomLine."""
        home = self._count if counts else self._look
        self._store.shard_of(self.room).call(home, self._store.publish, self._channel, data)

    def _count(self, answer: Any) -> None:
        if not self._is_closed:
            self._tell(NodeTold(answer if isinstance(answer, int) else -1))

    def _look(self, answer: Any) -> None:
        if not isinstance(answer, int):
            self._count(answer)

    def close(self) -> None:
        """See RoomLine."""
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
        self._tell(LineUp())
        return True

    def broken(self) -> None:
        """See Listener."""
        self._tell(LineDown())

    def message(self, data: bytes) -> None:
        """See Listener."""
        self._tell(RoomSaid(data))
