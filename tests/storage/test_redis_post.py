"""Letters between nodes. On a real Redis."""

from __future__ import annotations

import pytest

from arqonbus.errors import StorageError
from arqonbus.storage.redis_post import Letter
from tests.storage.redis_nodes_world import NodeOfTest, nodes_of
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


class Box:
    """Writes down the letters of one kind."""

    def __init__(self, node: NodeOfTest, kind: str = "k") -> None:
        self.letters: list[Letter] = []
        node.post.handle(kind, self.letters.append)


async def test_a_letter_reaches_one_node(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 3) as nodes:
        boxes = [Box(node) for node in nodes]

        assert await nodes[0].post.tell(nodes[1].name, "k", b"hello") is True
        await eventually(lambda: boxes[1].letters)
        assert boxes[1].letters == [Letter(nodes[0].name, "k", b"hello")]
        assert boxes[0].letters == boxes[2].letters == []


async def test_nobody_there_is_told(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 1) as (one,):
        assert await one.post.tell("nobody", "k", b"hello") is False


async def test_a_letter_to_all_reaches_the_sender_too(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 3) as nodes:
        boxes = [Box(node) for node in nodes]

        assert await nodes[0].post.tell_all("k", bytes(range(256))) == 3
        await eventually(lambda: all(box.letters for box in boxes))
        assert {box.letters[0].body for box in boxes} == {bytes(range(256))}


async def test_what_nobody_handles_or_nobody_of_us_wrote_is_dropped(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        box = Box(two)
        await one.post.tell(two.name, "other", b"")
        redis_server.do("PUBLISH", one.store.keys.inbox(two.name), "nonsense")
        await one.post.tell(two.name, "k", b"last")

        await eventually(lambda: box.letters)
        assert "redis_letter_refused" in two.store.setup.notice.events  # type: ignore[attr-defined]


async def test_without_redis_a_letter_fails_at_once() -> None:
    node = NodeOfTest(f"redis://127.0.0.1:{free_port()}")
    node.post.start()

    with pytest.raises(StorageError, match="not connected"):
        await node.post.tell("other", "k", b"")
    await node.store.close()
