"""The link is cut again and again, at any moment after a send: no event is lost or doubled, and all answers agree.

Writers send with ids and ask for acknowledgement. What was not acknowledged is sent again, with the same id, by the
next connection. Half of them show a key, so that the server knows them again by their user; the others show the ticket
of the connection that they lost. ARQONBUS_CUT_SEED chooses the same moments again, as far as a real network does.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.specs.bus import Bus
from tests.specs.client import frame

pytestmark = pytest.mark.integration

N_CUTS = 1000
N_WRITERS = 8  # at once, so that connections end and begin while others send
MOST_DELAY_S = 0.004  # between a send and the cut: about what a publish takes there and back
PATIENCE_S = 20.0
ROOM = {"room": "science", "channel": "explore"}
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: end with a reset, which throws away what is on its way to us


@pytest.fixture
def open_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus that keeps all events of the test, and waits for all of its writers."""
    users = [f'auth.keys.writer-{n} = "key-of-writer-{n}"' for n in range(0, N_WRITERS, 2)]
    settings = ["history.limit = 100000", "auth.anonymous = true", "server.resume_grace_s = 60.0", *users]
    bus = Bus(tmp_path_factory.mktemp("open-bus"), settings)
    yield bus.start()
    bus.stop()


class Cuts:
    """How many are still to be made, by all writers together."""

    def __init__(self, count: int) -> None:
        self.left = count


class Writer:
    """One client over all its connections."""

    def __init__(self, number: int, bus: Bus, luck: random.Random, cuts: Cuts) -> None:
        self.name = f"writer-{number}"
        self.is_known = number % 2 == 0  # by a key; else by a ticket
        self.pending: dict[str, None] = {}  # ids that were not acknowledged, in the order in which they were sent
        self.acks: dict[str, list[dict[str, Any]]] = {}  # id -> results, in the order in which they came
        self.sent: list[str] = []
        self._bus, self._luck, self._cuts = bus, luck, cuts
        self._client: str | None = None
        self._ticket: str | None = None

    async def run(self) -> None:
        """Send and be cut until no cut is left, then send what is still owed and wait for the answers."""
        while self._cuts.left > 0:
            self._cuts.left -= 1
            await self._visit(new=self._luck.randint(0, 3), is_cut=True)
        await self._visit(new=1, is_cut=False)
        assert not self.pending, f"{self.name} never got an answer to {list(self.pending)}"

    async def _visit(self, new: int, *, is_cut: bool) -> None:
        headers = {"Authorization": f"Bearer key-of-{self.name}"} if self.is_known else None
        connection = await connect(
            self._bus.url, additional_headers=headers, compression=None, proxy=None, ping_interval=None
        )
        reader: asyncio.Task[None] | None = None
        try:
            if not self.is_known:
                await self._come_back(connection)
            reader = asyncio.create_task(self._read(connection))
            await self._send(connection, new)
            if is_cut:
                await self._be_cut(connection)
            else:
                await self._wait_for_answers()
        except ConnectionClosed as closed:
            raise AssertionError(f"{self.name}: the bus closed the connection: {closed}") from None
        finally:
            connection.transport.abort()
            await asyncio.gather(*([reader] if reader is not None else []))

    async def _come_back(self, connection: ClientConnection) -> None:
        """Be who it was: another client would be another sender, whose repetitions are new events."""
        resume = {"resume": {"ticket": self._ticket}} if self._ticket is not None else {}
        await connection.send(json.dumps({"type": "command", "id": "c", "command": "connect", "args": resume}))
        while (message := json.loads(await connection.recv()))["type"] != "response":
            pass
        result = message["result"]
        assert self._client in (None, result["client"]), f"{self.name} is another client now"
        self._client, self._ticket = result["client"], result["ticket"]

    async def _send(self, connection: ClientConnection, new: int) -> None:
        for _ in range(new):
            message_id = f"{self.name}:{len(self.sent)}"
            self.sent.append(message_id)
            self.pending[message_id] = None
        for message_id in list(self.pending):
            event = {"type": "event", **ROOM, "id": message_id, "payload": message_id, "ack": True}
            await connection.send(json.dumps(event))

    async def _be_cut(self, connection: ClientConnection) -> None:
        moment = self._luck.random()
        if moment < 0.3:
            await asyncio.sleep(self._luck.random() * MOST_DELAY_S)
        elif moment < 0.5:
            async with asyncio.timeout(PATIENCE_S):
                while len(self.pending) > self._luck.randint(0, len(self.pending)):
                    await asyncio.sleep(0)
        elif moment < 0.7:  # in the middle of a message
            message_id = f"{self.name}:{len(self.sent)}"
            event = json.dumps({"type": "event", **ROOM, "id": message_id, "ack": True}).encode()
            data = frame(1, event)
            connection.transport.write(data[: self._luck.randrange(1, len(data))])
            await asyncio.sleep(self._luck.random() * MOST_DELAY_S / 4)
        if self._luck.random() < 0.5:
            raw: socket.socket = connection.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async def _wait_for_answers(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.pending:
                await asyncio.sleep(0.005)

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                message = json.loads(text)
                if message["type"] == "response":
                    assert message["status"] == "ok", f"{self.name} was refused: {text!r}"
                    self.acks.setdefault(message["request_id"], []).append(message["result"])
                    self.pending.pop(message["request_id"], None)
        except ConnectionClosed:
            return


class Watcher:
    """A member that stays, and one that asks for history."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self.seen: list[tuple[int, str]] = []  # (seq, id) of each event that came

    async def ask(self, command: str, **args: Any) -> dict[str, Any]:
        """Run a command; give its result. Keeps events that come meanwhile."""
        await self._connection.send(json.dumps({"type": "command", "id": "w", "command": command, "args": args}))
        while True:
            message = json.loads(await self._connection.recv())
            if message["type"] == "event":
                self.seen.append((message["seq"], message["id"]))
            elif message["type"] == "response":
                result: dict[str, Any] = message["result"]
                return result

    async def history(self) -> list[tuple[int, str]]:
        """(seq, id) of all events, page by page."""
        events: list[tuple[int, str]] = []
        while True:
            page = await self.ask("history", **ROOM, after=events[-1][0] if events else 0, limit=1000)
            events += [(message["seq"], message["id"]) for message in page["messages"]]
            if not page["more"]:
                return events


@pytest.mark.proves("006/SC-002")
async def test_a_thousand_cuts_lose_and_double_nothing(open_bus: Bus) -> None:
    seed = int(os.environ.get("ARQONBUS_CUT_SEED") or random.randrange(2**32))
    print(f"ARQONBUS_CUT_SEED={seed}")
    luck, cuts = random.Random(seed), Cuts(N_CUTS)
    writers = [Writer(n, open_bus, random.Random(luck.random()), cuts) for n in range(N_WRITERS)]
    async with connect(open_bus.url, compression=None, proxy=None, ping_interval=None) as connection:
        watcher = Watcher(connection)
        epoch = (await watcher.ask("join_channel", **ROOM))["epoch"]
        follow = asyncio.gather(*[writer.run() for writer in writers])
        while not follow.done():
            await watcher.ask("ping")
            await asyncio.sleep(0.01)
        await follow
        history = await watcher.history()
        await watcher.ask("ping")

    assert watcher.seen == history, "a member saw something else than was stored"
    assert [seq for seq, _ in history] == list(range(1, len(history) + 1))
    places = {message_id: seq for seq, message_id in history}
    assert len(places) == len(history), "an id is there twice"
    assert places.keys() == {message_id for writer in writers for message_id in writer.sent}
    for writer in writers:
        in_order = [message_id for _, message_id in history if message_id.startswith(f"{writer.name}:")]
        assert in_order == writer.sent, f"{writer.name} overtook itself"
        for message_id, results in writer.acks.items():
            assert {(r["epoch"], r["seq"]) for r in results} == {(epoch, places[message_id])}, message_id
            assert all(result["duplicate"] for result in results[1:]), f"{message_id} was new more than once"
    n_repeats = sum(result["duplicate"] for writer in writers for results in writer.acks.values() for result in results)
    print(f"{len(history)} events, {n_repeats} repeats acknowledged")
    assert n_repeats > N_CUTS // 20, "hardly anything was ever sent again: this proves nothing"
