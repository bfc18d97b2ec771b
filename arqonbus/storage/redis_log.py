"""RedisLog: one channel's log in Redis, as SharedLog promises: its line for appends, its feed, and its reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from arqonbus.storage.history import Retention
from arqonbus.storage.redis_calls import Answer, ignore
from arqonbus.storage.redis_feed import Feed, FeedSetup
from arqonbus.storage.redis_frames import SAID, Place, place_of
from arqonbus.storage.redis_group_scripts import EXPIRE_GROUPS, LIFE_MS
from arqonbus.storage.redis_keys import partition_of
from arqonbus.storage.redis_line import Line, LineKeys
from arqonbus.storage.redis_publisher import Publisher
from arqonbus.storage.redis_reads import READ, TRIM
from arqonbus.storage.redis_scripts import OPEN
from arqonbus.storage.redis_store import RedisStore
from arqonbus.storage.redis_wire import WireLost
from arqonbus.storage.shared_log import Appended, Entry, Fed, Opened, Opening, Reset, SharedPage, Tell

__all__ = ["RedisLog"]

RETRY_S = 0.1  # after an opening that Redis refused
CONSUMER_MS = 600_000  # after which what groups know of a node that has nothing of them is forgotten


class RedisLog:
    """One channel's log on one node.

    It is open once Redis has the log, made if there was none, and then the feed knows the place where it begins.
    """

    def __init__(
        self,
        store: RedisStore,
        publisher: Publisher,
        name: tuple[str, str],
        opening: Opening,
        tell: Tell,
        on_close: Callable[[RedisLog], None],
    ) -> None:
        keys = store.keys
        self.name = name
        self._store = store
        self._publisher = publisher
        self._opening = opening
        self._tell = tell
        self._on_close = on_close
        self._keys = LineKeys(keys.log(*name), keys.ids(*name), keys.groups(*name), keys.note(*name), keys.feed(*name))
        partition = partition_of(name[0])
        position_ttl_s = store.setup.position_ttl_s
        self._line = Line(partition, self._keys, opening.retention, opening.durable, position_ttl_s)
        feed = FeedSetup(
            channel=self._keys.feed,
            log=self._keys.log,
            feed_command=store.publish,
            fresh_epoch=store.fresh_epoch,
            ttl_ms=lambda: self._line.ttl_ms,
            began=self._began,
            saw=self._line.saw,
            tell=self._fed,
            notice=store.setup.notice,
        )
        self.feed = Feed(feed, store.shard_at(partition))
        self._noted: tuple[bytes, bool] | None = None  # what Redis answered: the note that stands, whether it made it
        self._is_closed = False

    # --- life ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Make the log if there is none, then listen."""
        if not self._is_closed:
            if self.feed.shard.link.state == "local":
                self.feed.went_local()
            self._open()

    def close(self) -> None:
        """See SharedLog."""
        if not self._is_closed:
            self._is_closed = True
            self.feed.close()
            self._on_close(self)

    def retry(self) -> None:
        """Take the news that there is another wire."""
        if self._noted is None:
            self._open()
        self.feed.retry()

    def _open(self) -> None:
        if self._is_closed:
            return
        store, (room, channel) = self._store, self.name
        keys = (self._keys.log, self._keys.note, store.keys.channels(room))
        facts = (store.fresh_epoch(), self._opening.note, self._line.ttl_ms, channel, store.now_ms())
        self.feed.shard.run(self._noted_as, OPEN, *keys, *facts, store.keys.room_feed(room), store.publish, 1)

    def _noted_as(self, answer: Any) -> None:
        if isinstance(answer, Exception):
            if not isinstance(answer, WireLost):  # else ``retry`` comes with the next wire
                self._store.setup.notice("redis_log_not_opened", channel=self._keys.feed, error=answer)
                asyncio.get_running_loop().call_later(RETRY_S, self._open)
            return
        top, note, created = answer
        self._line.saw(place_of(top))
        if self._noted is None and not self._is_closed:
            self._noted = (note, created == b"1")
            self.feed.start()

    def _began(self, place: Place) -> None:
        self._line.saw(place)
        if self._noted is not None and not self._is_closed:
            note, created = self._noted
            self._tell(Opened(str(place.epoch), place.seq, note, created))

    def _fed(self, fed: Fed) -> None:
        if type(fed) is Reset and fed.reason == "lost":
            self._open()  # the note and the entry in the index went with the log
        self._tell(fed)

    # --- SharedLog ----------------------------------------------------------------------------------------------

    def append(self, entries: Sequence[Entry]) -> Awaitable[Sequence[Appended]]:
        """See SharedLog."""
        return self._publisher.append(self._line, entries)

    async def read(
        self,
        *,
        after: int | None = None,
        before: int | None = None,
        newest_first: bool = False,
        limit: int = 100,
        size_bytes: int | None = None,
    ) -> SharedPage:
        """See SharedLog."""
        answered = Answer()
        span = ("" if after is None else after, "" if before is None else before, int(newest_first))
        bounds = self.bounds()
        self.feed.shard.read(
            answered.take,
            READ,
            self._keys.log,
            *span,
            limit,
            size_bytes or 0,
            *bounds,
        )
        answer = await answered.future
        if answer is None:
            return SharedPage("", 0, [], False, 0, 0)
        epoch, first, top, more = answer[:4]
        events = list(zip(answer[4::2], answer[5::2], strict=True))
        return SharedPage(epoch.decode(), top, events, bool(more), first, top if first else 0)

    async def say(self, data: bytes) -> int:
        """See SharedLog."""
        answered = Answer()
        self.feed.shard.call(answered.take, self._store.publish, self._keys.feed, SAID + data)
        return int(await answered.future)

    def retain(self, retention: Retention, durable: bool | None = None) -> None:
        """See SharedLog."""
        if durable is not None:
            self._line.durable = durable
        self._line.retention = retention
        self.trim()

    # --- retention ----------------------------------------------------------------------------------------------

    def bounds(self) -> tuple[int, int, int]:
        """Give the bounds of now, as scripts want them."""
        return self._line.bounds(self._store.now_ms())

    def trim(self) -> None:
        """Have Redis drop what is over a bound, and the log live on."""
        self._line.trimmed(self._store.now_ms())
        names = (self._keys.log, self._keys.note)
        self.feed.shard.run(ignore, TRIM, *names, *self.bounds(), self._line.ttl_ms)
        is_durable = self._line.durable
        life_ms = int(self._store.setup.group_ttl_s * 1000) if is_durable else LIFE_MS
        facts = (self._store.now_ms() - life_ms, CONSUMER_MS, int(not is_durable))
        self.feed.shard.run(self._expired, EXPIRE_GROUPS, self._keys.log, self._keys.groups, *facts)

    def _expired(self, answer: Any) -> None:
        for group in answer if type(answer) is list else ():
            self._store.setup.notice("redis_group_expired", log=self._keys.log, group=group.decode())
