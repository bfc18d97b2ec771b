"""What one scenario owns: buses, clients, captured values, files. Left in reverse order of making."""

import asyncio
import contextlib
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import InvalidStatus

from tests.specs.bus import ANY_CERTIFICATE, Bus
from tests.specs.client import PATIENCE_S, Client, Inbox, RawClient
from tests.specs.cluster import Cluster
from tests.specs.matching import matches

_ROOMS = re.compile(r"\b(science|lab)\b")
_MANY = re.compile(r"\((\d+) (letters|brackets|ids)\)")
_QUIET_S = 0.05


class World:
    """State of one running scenario, handed to every step."""

    def __init__(self, shared: Bus, cluster: Cluster, folder: Path, tag: str) -> None:
        """Begin with nothing.

        Args:
            shared: the bus of the session.
            cluster: the nodes of the session.
            folder: for files of this scenario.
            tag: makes room names its own.
        """
        self.bus = shared
        self.cluster: Cluster | None = None
        """The nodes of this scenario."""
        self._shared_cluster = cluster
        self._store: list[str] = []
        """Settings of what keeps the events of a bus of this scenario's own."""
        self.folder = folder
        self.tag = tag
        self.clients: dict[str, Client | RawClient] = {}
        self.names: dict[str, Any] = {}
        """Captured values: "$a" is the client id of client "a", others come from expectations."""
        self.refused: dict[str, InvalidStatus] = {}
        self.response: dict[str, Any] = {}
        """The last response that a step asked for."""
        self.facts: dict[str, Any] = {}
        """What a step leaves for a later one of its own module."""
        self.stack = AsyncExitStack()
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        """Nothing runs yet."""
        return self

    async def __aexit__(self, *error: object) -> None:
        """Close clients, then buses."""
        await self.stack.aclose()

    def words(self, text: str) -> str:
        """The text with its room names made this scenario's own and `(64 letters)` written out."""
        text = _ROOMS.sub(lambda found: f"{found[1]}-{self.tag}", text)
        text = _MANY.sub(_spelled_out, text).replace("(host)", self.bus.host)
        for name, value in self.facts.items():
            text = text.replace(name, value) if name.startswith("(") else text
        return text

    async def start_bus(self, settings: list[str], **how: Any) -> Bus:
        """Start a bus of this scenario's own; it becomes the one that later steps talk to."""
        folder = self.folder / f"bus-{next(self._ids)}"
        folder.mkdir()
        self.bus = Bus(folder, [*self._store, *settings], **how)
        self.stack.push_async_callback(asyncio.to_thread, self.bus.stop)
        await asyncio.to_thread(self.bus.start)
        return self.bus

    @property
    def is_cluster_shared(self) -> bool:
        """Whether other scenarios use the nodes of this one, too."""
        return self.cluster is self._shared_cluster

    def own_cluster(self, *redis_settings: str) -> Cluster:
        """Nodes of this scenario alone; neither they nor their Redis run yet. `(redis)` is its URL in later steps."""
        assert self.cluster is None, "one Redis a scenario"
        self.cluster = Cluster(self.folder / "cluster", *redis_settings)
        self.facts["(redis)"] = self.cluster.redis.url
        self.stack.push_async_callback(asyncio.to_thread, self.cluster.stop)
        return self.cluster

    async def some_cluster(self) -> Cluster:
        """The nodes of this scenario, or those of the session."""
        if self.cluster is None:
            self.cluster = self._shared_cluster
            if not self.cluster.redis.is_running:
                await self.cluster.start_redis()
        return self.cluster

    async def keep_in_redis(self) -> None:
        """Let all buses of this scenario be over Redis: that of the session is a node of the shared ones."""
        cluster = await self.some_cluster()
        await cluster.start(["a"], [])
        self.bus = cluster.nodes["a"]
        self._store = [f'redis.url = "{cluster.redis.url}"', f'redis.prefix = "t{self.tag}"']

    @contextlib.contextmanager
    def on_node(self, name: str) -> Iterator[None]:
        """Let this node be the bus for a step."""
        assert self.cluster is not None, "no nodes were named"
        before, self.bus = self.bus, self.cluster.nodes[name]
        try:
            yield
        finally:
            self.bus = before

    async def running_bus(self) -> Bus:
        """The bus of this scenario; the shared one is started by whoever needs it first."""
        if self.bus.process is None:
            await asyncio.to_thread(self.bus.start)
        return self.bus

    async def connect(self, name: str, path: str = "/", **how: Any) -> Client:
        """Open a WebSocket and collect its frames; the welcome is left to the caller."""
        await self.running_bus()
        how = {"compression": None, "proxy": None, "ping_interval": None, "max_size": None, **how}
        if self.bus.unix_path is not None:
            connection = await unix_connect(self.bus.unix_path, f"ws://localhost{path}", **_without_proxy(how))
        else:
            if self.bus.tls and "ssl" not in how:
                how["ssl"] = ANY_CERTIFICATE()
            connection = await connect(self.bus.url + path, **how)
        client = await self.stack.enter_async_context(Client(connection))
        self.clients[name] = client
        return client

    async def join_in(self, name: str, path: str = "/", **how: Any) -> Client:
        """Connect and take the welcome, which gives the client id as $name."""
        client = await self.connect(name, path, **how)
        await self.welcome(name)
        return client

    async def welcome(self, name: str) -> dict[str, Any]:
        """Take the welcome of a client and keep its id."""
        welcome, _ = await self.inbox(name).take("welcome")
        self.names[f"${name}"] = welcome["payload"]["client"]
        return welcome

    async def open_socket(self, name: str) -> RawClient:
        """Open a plain TCP connection to the bus."""
        bus = await self.running_bus()
        reader, writer = await asyncio.open_connection("127.0.0.1", bus.port)
        client = await self.stack.enter_async_context(RawClient(reader, writer))
        self.clients[name] = client
        return client

    def inbox(self, name: str) -> Inbox:
        """What a client received."""
        return self.clients[name].inbox

    def filled_in(self, text: str) -> str:
        """JSON text with captured values in the place of their names."""
        for name, value in self.names.items():
            text = text.replace(f'"{name}"', json.dumps(value))
        return text

    async def send(self, name: str, text: str) -> None:
        """Send one text message, captured values filled in."""
        await self.clients[name].send(self.filled_in(text))

    async def expect(self, name: str, expected: str, limit_s: float = PATIENCE_S) -> dict[str, Any]:
        """Take the next frame of the expected frame's type and compare.

        Raises:
            AssertionError: it differs, or none came.
        """
        want = json.loads(expected)
        kind = want["event"] if want["type"] == "system" else want["type"]
        got, text = await self.inbox(name).take(kind, limit_s)
        assert matches(want, got, self.names), f"expected {expected}, came {text}, names {self.names}"
        return got

    async def ask(self, name: str, command: str, arguments: str = "{}") -> dict[str, Any]:
        """Run a command and keep its response as the last one; others that came meanwhile are an error."""
        request = f"k{next(self._ids)}"
        text = f'{{"type":"command","id":"{request}","command":"{command}","args":{arguments}}}'
        await self.send(name, text)
        self.response, raw = await self.inbox(name).take("response")
        assert self.response["request_id"] == request, f"expected the answer to {request}, came {raw}"
        return self.response

    async def succeed(self, name: str, command: str, arguments: str = "{}") -> dict[str, Any]:
        """Run a command that has to succeed; gives its result."""
        response = await self.ask(name, command, arguments)
        assert response["status"] == "ok", f"{command} {arguments} was refused: {response}"
        return response["result"]

    async def publish(self, name: str, address: str, payload: str) -> dict[str, Any]:
        """Publish with `ack` and give the result."""
        room, channel = address.split(":")
        request = f"p{next(self._ids)}"
        head = f'{{"type":"event","room":"{room}","channel":"{channel}","id":"{request}","ack":true,"payload":'
        await self.send(name, head + payload + "}")
        response, raw = await self.inbox(name).take("response")
        assert response["request_id"] == request and response["status"] == "ok", f"publish {payload} got {raw}"
        self.response = response
        return response["result"]

    async def settle(self, name: str) -> None:
        """Wait until everything that is on its way to a client has come: a ping behind it, and a moment."""
        await self.succeed(name, "ping")
        await asyncio.sleep(_QUIET_S)


def _spelled_out(found: re.Match[str]) -> str:
    """`(64 letters)`, `(5000 brackets)` or `(97 ids)` written out."""
    count = int(found[1])
    if found[2] == "ids":
        return ",".join(f'"c-nobody-{number}"' for number in range(count))
    return "n" * count if found[2] == "letters" else "[" * count + "]" * count


def _without_proxy(how: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in how.items() if key != "proxy"}
