"""Two buses over one real Redis, which is killed, hangs and comes back: what their clients are told adds up.

The books are those of the simulation: any event twice, out of order, or missing without a word fails them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec
import pytest

from arqonbus.actor import Dispatcher
from arqonbus.protocol.codec import decode
from arqonbus.routing.mail import Inbound
from arqonbus.routing.socket import Hello
from arqonbus.server.assembly import Bus
from arqonbus.server.clock import WallClock
from tests.flow.shared_run import Book
from tests.flow.world import FakeSocket, settings
from tests.storage.redis_node import redis_history
from tests.storage.redis_server import RedisServer
from tests.storage.shared_contract import eventually

pytestmark = pytest.mark.integration

AOF = ("--appendonly", "yes", "--appendfsync", "always")


class Far:
    """One client of a bus in this process."""

    def __init__(self, bus: Bus) -> None:
        self.socket = FakeSocket()
        self.session = bus.open_session(self.socket, Hello("192.0.2.1"))
        self.books: dict[str, Book] = {}
        self.places: dict[tuple[str, str, int], str] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.system: list[dict[str, Any]] = []
        self._n_read = 0

    def place(self, channel: str, epoch: str, seq: int, payload: str) -> None:
        """See Run.place."""
        if epoch:
            self.places[channel, epoch, seq] = payload

    def send(self, message: dict[str, Any]) -> None:
        text = msgspec.json.encode(message)
        assert self.session.tell(Inbound(decode(text), len(text)), len(text))

    def event(self, payload: str, channel: str = "c", **more: Any) -> None:
        self.send({"type": "event", "room": "r", "channel": channel, "payload": payload, "id": payload, **more})

    def read(self) -> None:
        texts, self._n_read = self.socket.texts[self._n_read :], len(self.socket.texts)
        for text in texts:
            message = msgspec.json.decode(text)
            channel = message.get("channel", "")
            if message["type"] == "response":
                self._answered(message)
            elif message["type"] == "event":
                self.books[channel].event(channel, message)
            elif message.get("event") == "gap":
                self.books[channel].gap(channel, message["payload"])
            else:
                self.system.append(message)

    def _answered(self, message: dict[str, Any]) -> None:
        self.answers[message["request_id"]] = message
        result = message.get("result", {})
        if "replayed" in result and "epoch" in result:
            run: Any = self
            self.books[result["channel"]] = Book(run, result["epoch"], result["seq"] - result["replayed"])

    async def answer(self, request: str) -> dict[str, Any]:
        await eventually(lambda: self.read() or request in self.answers)
        return self.answers[request]

    async def command(self, name: str, **args: Any) -> dict[str, Any]:
        self.answers.pop(name, None)
        self.send({"type": "command", "id": name, "command": name, "args": args})
        answer = await self.answer(name)
        assert answer["status"] == "ok", answer
        result: dict[str, Any] = answer["result"]
        return result

    async def has(self, payloads: Sequence[str], channel: str = "c") -> None:
        await eventually(lambda: self.read() or self.books[channel].got[-len(payloads) :] == list(payloads))


@contextlib.asynccontextmanager
async def buses(url: str, n: int = 2, **more: Any) -> AsyncIterator[list[Bus]]:
    """Buses over one Redis, stopped in the end."""
    async with contextlib.AsyncExitStack() as stack:
        made = []
        for _ in range(n):
            store = await stack.enter_async_context(redis_history(url, **{"timeout_s": 0.4, **more}))
            dispatcher = Dispatcher(asyncio.get_running_loop())
            bus = Bus(settings(telemetry__activity=False), dispatcher, WallClock().timestamp, shared=store)
            stack.push_async_callback(bus.system.stop, 5.0)
            made.append(bus)
        yield made


async def test_members_of_two_buses_see_one_channel(redis_server: RedisServer) -> None:
    async with buses(redis_server.url) as (one, two):
        here, there = Far(one), Far(two)
        joined = [await far.command("join_channel", room="r", channel="c") for far in (here, there)]
        here.event("a", ack=True)
        first = await here.answer("a")
        there.event("b", ack=True)
        second = await there.answer("b")
        await here.has(["a", "b"])
        await there.has(["a", "b"])
        page = await there.command("history", room="r", channel="c")
        late = Far(two)
        await late.command("join_channel", room="r", channel="c", since={"epoch": joined[0]["epoch"], "seq": 0})
        await late.has(["a", "b"])

    assert (first["result"]["stored"], first["result"]["seq"], second["result"]["seq"]) == ("redis", 1, 2)
    assert [message["payload"] for message in page["messages"]] == ["b", "a"]
    assert here.places == there.places


async def test_a_client_finds_on_one_bus_what_it_missed_on_the_other(redis_server: RedisServer) -> None:
    async with buses(redis_server.url) as (one, two):
        publisher, late = Far(one), Far(two)
        for i in range(300):
            publisher.event(f"e{i}", ack=i == 299)
            if i % 50 == 0:
                await asyncio.sleep(0)
        done = (await publisher.answer("e299"))["result"]
        result = await late.command("join_channel", room="r", channel="c", since={"epoch": done["epoch"], "seq": 100})
        await late.has([f"e{i}" for i in range(100, 300)])

    assert (result["recovered"], result["replayed"], done["seq"]) == (True, 200, 300)


async def test_channels_broadcasts_and_deletions_go_from_bus_to_bus(redis_server: RedisServer) -> None:
    async with buses(redis_server.url) as (one, two):
        star, other = Far(one), Far(two)
        await star.command("join_channel", room="r", channel="*")
        await asyncio.sleep(0.1)  # the room's subscription takes a moment, and nothing tells its end
        info = await other.command("create_channel", room="r", channel="new", options={"history_limit": 5})
        await eventually(lambda: star.read() or any(m.get("event") == "channel_created" for m in star.system))
        star.books["new"] = Book(star, info["epoch"], 0)  # type: ignore[arg-type] # a client keeps places as a run does
        other.event("x", "new")
        await star.has(["x"], "new")
        other.send({"type": "broadcast", "room": "r", "payload": "all"})
        await eventually(lambda: star.read() or any(m["type"] == "broadcast" for m in star.system))
        await other.command("delete_channel", room="r", channel="new", force=True)
        await eventually(lambda: star.read() or any(m.get("event") == "channel_deleted" for m in star.system))


async def test_a_redis_that_is_killed_and_comes_back_costs_nothing(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(*AOF)
    async with buses(server.url, hold_s=8.0) as (one, two):
        members = [Far(one), Far(two)]
        for far in members:
            await far.command("join_channel", room="r", channel="c")
        sent = 0
        for step in range(60):
            for far in members:
                far.event(f"{sent}", ack=True)
                sent += 1
            if step == 20:
                server.kill()
            if step == 35:
                server.start()
            await asyncio.sleep(0.03)
        for i in range(sent):
            answer = await members[i % 2].answer(f"{i}")
            assert answer["status"] == "ok", answer
        for far in members:
            await eventually(lambda far=far: far.read() or len(far.books["c"].got) == sent)

    assert members[0].books["c"].got == members[1].books["c"].got
    assert [far.books["c"].n_breaks for far in members] == [0, 0]


async def test_buses_go_alone_and_come_back_to_one_order(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis(*AOF)
    async with buses(server.url, hold_s=0.5) as (one, two):
        members = [Far(one), Far(two)]
        for far in members:
            await far.command("join_channel", room="r", channel="c")
        members[0].event("before", ack=True)
        await members[0].answer("before")
        server.kill()
        for far in members:
            await eventually(lambda far=far: far.read() or any(m["event"] == "storage_degraded" for m in far.system))
        for i, far in enumerate(members):
            far.event(f"alone{i}", ack=True)
            assert (await far.answer(f"alone{i}"))["result"]["stored"] == "memory"
        server.start()
        for far in members:
            await eventually(lambda far=far: far.read() or any(m["event"] == "storage_restored" for m in far.system))
        members[1].event("after", ack=True)
        assert (await members[1].answer("after"))["result"]["seq"] == 2
        for i, far in enumerate(members):
            await far.has(["before", f"alone{i}", "after"])
            assert far.books["c"].n_breaks == 2


async def test_a_redis_without_memory_of_the_channel_is_a_new_epoch(new_redis: Callable[..., RedisServer]) -> None:
    server = new_redis()
    async with buses(server.url, hold_s=8.0) as (one, two):
        members = [Far(one), Far(two)]
        for far in members:
            await far.command("join_channel", room="r", channel="c")
        members[0].event("before", ack=True)
        await members[0].answer("before")
        await members[1].has(["before"])
        server.kill()
        server.start()
        members[1].event("after", ack=True)
        await members[1].answer("after")
        for far in members:
            await far.has(["after"])

    assert [far.books["c"].n_breaks for far in members] == [1, 1]
    assert members[0].books["c"].epoch == members[1].books["c"].epoch
