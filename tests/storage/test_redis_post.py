"""Letters between nodes, and surveys. On a real Redis."""

from __future__ import annotations

import asyncio

import pytest

from arqonbus.errors import StorageError
from arqonbus.storage import redis_post
from arqonbus.storage.redis_post import Letter
from tests.storage.redis_nodes_world import NodeOfTest, never, nodes_of
from tests.storage.redis_server import RedisServer, free_port
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration


class Box:
    """Writes down the letters of one kind; answers what it is told to."""

    def __init__(self, node: NodeOfTest, kind: str = "k", answer: bytes | None = None) -> None:
        self.letters: list[Letter] = []
        self.answer = answer
        node.post.handle(kind, self.take)

    def take(self, letter: Letter) -> bytes | None:
        self.letters.append(letter)
        return self.answer


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


async def test_a_survey_brings_all_answers(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 3) as nodes:
        for node in nodes:
            Box(node, answer=node.name.encode())

        survey = await nodes[0].post.ask_all("k", b"who", nodes[0].nodes.living, 5.0)
        assert survey.answers == {node.name: node.name.encode() for node in nodes}
        assert survey.silent == ()


async def test_a_survey_ends_in_time_and_names_who_was_silent(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 2) as (one, two):
        Box(one, answer=b"here")
        Box(two)

        survey = await one.post.ask_all("k", b"who", [one.name, two.name, "dead"], 0.2)
        assert survey.answers == {one.name: b"here"}
        assert survey.silent == ("dead", two.name)


async def test_an_answer_that_comes_too_late_is_dropped(redis_server: RedisServer) -> None:
    async with nodes_of(redis_server.url, 1) as (one,):
        Box(one, answer=b"here")
        survey = await one.post.ask_all("k", b"who", ["dead"], 0.0)

        assert survey.silent == ("dead",)
        await never(lambda: one.post._questions, 0.05)


async def test_surveys_are_bounded(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_post, "MOST_QUESTIONS", 1)
    async with nodes_of(redis_server.url, 1) as (one,):
        waiting = asyncio.create_task(one.post.ask_all("k", b"", ["dead"], 0.3))
        await asyncio.sleep(0.05)

        with pytest.raises(StorageError, match="too many surveys"):
            await one.post.ask_all("k", b"", ["dead"], 0.3)
        await waiting


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
