"""Several nodes over one Redis lose a node, or the Redis, in the middle of traffic."""

from __future__ import annotations

import asyncio
import http.client
import os
import shutil
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from arqonbus.client import Bus, Options, connect
from tests.e2e.nodes import Reader, Writer, eventually
from tests.specs.bus import Bus as Node
from tests.specs.cluster import Cluster
from tests.storage.redis_server import RedisServer, require_redis

pytestmark = pytest.mark.integration

N_WRITERS, N_EACH = 10, 100
USERS = [f'auth.keys.writer-{n} = "key-of-writer-{n}"' for n in range(N_WRITERS)]
AWAY_S = 3.0
FOUND_OUT_S = 3.6  # after the patience of 1 s, and eight times the timeout of 0.3 s
PAUSE_S = float(os.environ.get("ARQONBUS_PAUSE_S", "6"))
"""60 for the long run."""
SETTINGS = [
    "redis.degraded_ok = false",
    "history.limit = 100000",
    "auth.anonymous = true",
    "redis.timeout_s = 0.3",
    "redis.hold_s = 1.0",
    *USERS,
]


class Three:
    """Three nodes."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    @property
    def nodes(self) -> list[Node]:
        return [self.cluster.nodes[name] for name in "abc"]


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Three]:
    """The same for all tests: the one that kills a node comes last."""
    require_redis()
    cluster = Cluster(tmp_path_factory.mktemp("three"), "--appendonly", "yes")
    try:
        asyncio.run(cluster.start_redis())
        asyncio.run(cluster.start(["a", "b", "c"], SETTINGS))
        yield Three(cluster)
    finally:
        cluster.stop()


def _kill(redis: RedisServer) -> None:
    redis.kill()
    time.sleep(AWAY_S)
    redis.start()


def _pause(redis: RedisServer) -> None:
    redis.pause()
    time.sleep(PAUSE_S)
    redis.resume()


def _forget(redis: RedisServer) -> None:
    redis.kill()
    shutil.rmtree(redis.folder / "appendonlydir")
    time.sleep(AWAY_S)
    redis.start()


@pytest.mark.proves("012/FR-016")
@pytest.mark.parametrize("trouble", [_kill, _pause, _forget], ids=["killed", "paused", "empty again"])
async def test_redis_goes_in_the_middle_of_traffic(three: Three, trouble: Callable[[RedisServer], None]) -> None:
    nodes, address = three.nodes, f"science:{trouble.__name__.strip('_')}"
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(Reader(nodes[n : n + 1], 0, address)) for n in (0, 1, 2)]
        writers = [await stack.enter_async_context(Writer(nodes[n : n + 1], 0, address, f"w{n}")) for n in (0, 1, 2)]
        watch = stack.enter_context(Readiness(nodes))
        traffic = asyncio.create_task(_publish_for_ever(writers))
        await asyncio.sleep(1.0)
        went_at = time.monotonic()
        await asyncio.to_thread(trouble, three.cluster.redis)
        came_at = time.monotonic()
        await eventually(lambda: watch.all_are(200), "all nodes ready again")
        await asyncio.sleep(1.0)
        traffic.cancel()
        for writer in writers:
            await writer.done()
            await writer.bus.publish(address, f"the last of {writer.name}", ack=True)

        lasts = {f"the last of {writer.name}" for writer in writers}
        for reader in readers:  # no node is deaf
            await eventually(lambda r=reader: lasts <= set(r.payloads), "the last events")
        acks = {text: ack for writer in writers for text, ack in writer.acks.items()}
        for reader, writer in zip(readers, writers, strict=True):
            reader.check()
            assert reader.silently_missing(acks) == []
            here = {text for text, ack in writer.acks.items() if ack.stored == "memory"}
            assert here <= set(reader.payloads), "members of this node did not get what it took alone"
            assert here, "the node never was by itself"
            assert [name for name in reader.told if name.startswith("storage_")] == [
                "storage_degraded",
                "storage_restored",
            ]
        # Found out by the timeouts, and gone by itself after the patience, and truly told until Redis was back.
        watch.check(lambda status, at: status == 200 or at > went_at + 0.9)
        watch.check(lambda status, at: status == 503 or not went_at + FOUND_OUT_S < at < came_at)


class Readiness:
    """Asks all nodes for `/ready`, again and again, from a thread."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self.seen: list[list[tuple[int, float]]] = [[] for _ in nodes]  # status, and when
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Readiness:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            for node, seen in zip(self._nodes, self.seen, strict=True):
                began_at = time.monotonic()
                connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5)
                connection.request("GET", "/ready")
                seen.append((connection.getresponse().status, began_at))
                connection.close()

    def all_are(self, status: int) -> bool:
        return all(seen and seen[-1][0] == status for seen in self.seen)

    def check(self, holds: Callable[[int, float], bool]) -> None:
        for seen in self.seen:
            assert [one for one in seen if not holds(*one)] == []


async def _publish_for_ever(writers: list[Writer]) -> None:
    while True:
        for writer in writers:
            writer.publish()
        await asyncio.sleep(0.02)


@pytest.mark.proves("012/FR-016")
async def test_workers_that_are_drained_in_turn_lose_nothing(three: Three) -> None:
    address = "science:workers"
    spread = ["server.workers = 2", "server.drain_timeout_s = 4.0", "server.drain_spread_s = 1.0"]
    await three.cluster.start(["w"], [*SETTINGS, *spread])
    nodes = [three.cluster.nodes["w"], three.nodes[1]]
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(Reader(nodes, 0, address)) for _ in range(6)]
        writers = [
            await stack.enter_async_context(Writer(nodes, 0, address, f"w{n}", token=f"key-of-writer-{n}"))
            for n in range(6)
        ]
        traffic = asyncio.create_task(_publish_for_ever(writers))
        await asyncio.sleep(0.5)
        nodes[0].signal(signal.SIGTERM)
        assert await asyncio.to_thread(nodes[0].wait, 10) == 0
        traffic.cancel()
        for writer in writers:
            await writer.done()

        assert [writer.failures for writer in writers] == [{}] * 6
        published = {text for writer in writers for text in writer.acks}
        for reader in readers:
            await eventually(lambda r=reader: published <= set(r.payloads), "all events")
            reader.check()
            assert reader.gaps == []
            await eventually(lambda r=reader: r.balancer.at == 1, "a place at the other node")


@pytest.mark.proves("012/FR-016")
@pytest.mark.proves("012/SC-003")
async def test_a_node_is_killed_with_a_thousand_events_on_their_way(three: Three) -> None:
    nodes, address = three.nodes, "science:node"
    async with connect(nodes[1].url, proxy=None) as control, AsyncExitStack() as stack:
        await control.create_channel(address, Options(durable=True, history_limit=100_000))
        readers = [await stack.enter_async_context(Reader(nodes, n % 3, address)) for n in range(6)]
        writers = [
            await stack.enter_async_context(Writer(nodes, 0, address, f"w{n}", token=f"key-of-writer-{n}"))
            for n in range(N_WRITERS)
        ]
        for _ in range(N_EACH):
            for writer in writers:
                writer.publish()
        while not (n_before := sum(len(writer.acks) for writer in writers)):
            await asyncio.sleep(0)  # not a moment later: all others are on their way
        nodes[0].signal(signal.SIGKILL)

        for writer in writers:
            await writer.done()
        assert n_before < N_WRITERS * N_EACH, "all was over before the kill"
        assert [writer.failures for writer in writers] == [{}] * N_WRITERS
        kept = Counter(await _history(control, address))
        acked = [text for writer in writers for text in writer.acks]
        assert len(acked) == N_WRITERS * N_EACH
        assert [text for text in acked if kept[text] != 1] == []
        assert {ack.stored for writer in writers for ack in writer.acks.values()} == {"redis"}
        for reader in readers:
            await eventually(lambda r=reader: len(r.got) >= len(kept), f"all events, got {len(reader.got)}")
            reader.check()
            assert (set(reader.payloads), reader.gaps) == (set(kept), [])
            assert reader.payloads == readers[0].payloads
            await eventually(lambda r=reader: r.balancer.at != 0, "a place at another node")


async def _history(bus: Bus, address: str) -> list[Any]:
    """All that the log of the channel keeps, oldest first."""
    found: list[Any] = []
    after, more = 0, True
    while more:
        page = await bus.history(address, after=after, limit=1000, order="asc")
        found += [message.data for message in page.messages]
        more = bool(page.messages) and page.more
        after = page.messages[-1].seq if page.messages else after
    return found
