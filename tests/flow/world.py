"""A bus without sockets: the real actors on a loop driven by hand, with clients whose sockets record.

    world = World()
    ada = world.connect()
    ada.join("science", "explore")
    ada.event("science", "explore", 1)

    assert ada.payloads() == [1]

``post`` only puts something before the bus; ``send`` lets the bus run until it is idle too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from arqonbus.actor.testing import ManualDispatcher
from arqonbus.config.settings import Auth, Channels, Groups, History, Limits, Server, Settings, Telemetry
from arqonbus.errors import Refusal
from arqonbus.protocol.codec import decode
from arqonbus.routing.mail import Inbound, Invalid, Lost, Writable
from arqonbus.routing.socket import Hello
from arqonbus.security.gate import Gate
from arqonbus.server.assembly import Bus
from arqonbus.storage.shared_log import SharedHistory
from arqonbus.telemetry.tracer import Tracer

__all__ = ["Client", "FakeSocket", "World", "frames_of", "settings"]

SECTIONS = {
    "server": Server,
    "channels": Channels,
    "history": History,
    "groups": Groups,
    "limits": Limits,
    "auth": Auth,
    "telemetry": Telemetry,
}


def settings(**values: Any) -> Settings:
    """Settings of the defaults but for ``section__key=value``, and for the grace: who is lost is gone at once."""
    values.setdefault("server__resume_grace_s", 0.0)
    sections: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        section, _, key = name.partition("__")
        sections.setdefault(section, {})[key] = value
    return Settings(**{section: SECTIONS[section](**keys) for section, keys in sections.items()})


def frames_of(chunk: bytes) -> list[bytes]:
    """Take joined text frames apart. Independent of the code under test: RFC 6455, section 5.2."""
    texts = []
    while chunk:
        assert chunk[0] == 0x81
        size, start = chunk[1], 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(chunk[2:start], "big")
        texts.append(chunk[start : start + size])
        chunk = chunk[start + size :]
    return texts


class FakeSocket:
    """Records what it is written. While ``is_congested`` it keeps all of it buffered, as a peer that does not read."""

    def __init__(self) -> None:
        self.is_congested = False
        self.is_broken = False  # breaks its promise to raise nothing
        self.buffered = 0  # bytes
        self.n_writes = 0
        self.texts: list[bytes] = []  # of all frames so far
        self.given: list[tuple[bytes, ...]] = []  # the ``texts`` of each write
        self.closed: tuple[int, str] | None = None
        self.is_aborted = False

    @property
    def is_open(self) -> bool:
        return self.closed is None

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        if self.is_broken:
            raise RuntimeError("broken")
        if self.closed is not None:
            return True
        self.n_writes += 1
        self.texts += frames_of(chunk)
        self.given.append(tuple(texts))
        if self.is_congested:
            self.buffered += len(chunk)
        return not self.is_congested

    def buffered_bytes(self) -> int:
        return self.buffered

    def close(self, code: int, reason: str) -> None:
        self.closed = self.closed or (code, reason)

    def abort(self) -> None:
        self.is_aborted = True


class Client:
    """One client, from the far end of its socket."""

    def __init__(self, world: World, hello: Hello) -> None:
        self.world = world
        self.socket = FakeSocket()
        self.session = world.bus.open_session(self.socket, hello)
        self.unread = 0  # index of the first frame that ``take`` has not given
        self.stopped_reading: list[Any] = []  # mail that the session had no room for
        self.n_sent = 0

    # --- sending ------------------------------------------------------------------------------------------------

    def post(self, message: dict[str, Any] | bytes) -> None:
        """Put one text message before the bus, as the connection does; stop reading where the session is full."""
        text = message if isinstance(message, bytes) else msgspec.json.encode(message)
        try:
            mail: Any = Inbound(decode(text), len(text))
        except Refusal as refusal:
            mail = Invalid(refusal)
        self.stopped_reading.append((mail, len(text)))
        if len(self.stopped_reading) == 1:
            self._go_on()

    def _go_on(self) -> None:
        while self.stopped_reading:
            mail, size = self.stopped_reading[0]
            if not self.session.tell(mail, size):
                if self.session.alive:
                    self.session.on_room(self._go_on)
                return
            del self.stopped_reading[0]

    def send(self, message: dict[str, Any] | bytes) -> None:
        self.post(message)
        self.world.run()

    def post_event(self, room: str, channel: str, payload: Any, **more: Any) -> None:
        self.post({"type": "event", "room": room, "channel": channel, "payload": payload, **more})

    def event(self, room: str, channel: str, payload: Any, **more: Any) -> None:
        self.post_event(room, channel, payload, **more)
        self.world.run()

    def acked(self, room: str, channel: str, payload: Any, **more: Any) -> dict[str, Any]:
        """Publish with ack; give what the answer says, with ``events`` left for take()."""
        self.n_sent += 1
        message_id = f"e{self.n_sent}"
        self.event(room, channel, payload, id=message_id, ack=True, **more)
        return self._answer_to(message_id)

    def post_command(self, command: str, message_id: str, /, **args: Any) -> None:
        self.post({"type": "command", "id": message_id, "command": command, "args": args})

    def command(self, command: str, /, **args: Any) -> dict[str, Any]:
        """Run one command. Gives its result, or its error."""
        self.n_sent += 1
        message_id = f"k{self.n_sent}"
        self.post_command(command, message_id, **args)
        self.world.run()
        return self._answer_to(message_id)

    def join(self, room: str, channel: str, **more: Any) -> dict[str, Any]:
        return self.command("join_channel", room=room, channel=channel, **more)

    def leave(self, room: str, channel: str) -> dict[str, Any]:
        return self.command("leave_channel", room=room, channel=channel)

    def lose(self, code: int = 1006) -> None:
        """End the connection from this side."""
        self.session.signal(Lost(code, ""))
        self.world.run()

    def drain(self) -> None:
        """Read everything at last."""
        self.socket.is_congested, self.socket.buffered = False, 0
        self.session.signal(Writable())
        self.world.run()

    # --- receiving ----------------------------------------------------------------------------------------------

    def received(self) -> list[dict[str, Any]]:
        """All envelopes since the start."""
        return [msgspec.json.decode(text) for text in self.socket.texts]

    def take(self) -> list[dict[str, Any]]:
        """Envelopes since the last take."""
        texts = self.socket.texts[self.unread :]
        self.unread = len(self.socket.texts)
        return [msgspec.json.decode(text) for text in texts]

    def _answer_to(self, message_id: str) -> dict[str, Any]:
        (answer,) = (m for m in self.received() if m["type"] == "response" and m["request_id"] == message_id)
        found: dict[str, Any] = answer["result"] if answer["status"] == "ok" else answer["error"]
        return found

    def answers(self) -> list[tuple[str | None, str]]:
        """(request id, ok or the error's code) of all responses since the last take."""
        return [
            (m["request_id"], "ok" if m["status"] == "ok" else m["error"]["code"])
            for m in self.take()
            if m["type"] == "response"
        ]

    def events(self) -> list[dict[str, Any]]:
        """All events received since the start."""
        return [message for message in self.received() if message["type"] == "event"]

    def payloads(self) -> list[Any]:
        """The payloads of all events received since the start."""
        return [event["payload"] for event in self.events()]

    def told(self) -> list[str]:
        """Names of the system events since the last take, the welcome aside."""
        return [m["event"] for m in self.take() if m["type"] == "system" and m["event"] != "welcome"]

    @property
    def close_code(self) -> int | None:
        """The code with which the server closed; None: it did not."""
        return None if self.socket.closed is None else self.socket.closed[0]

    @property
    def ticket(self) -> str:
        """Of the newest welcome, or of the answer to connect."""
        said = [
            m.get("payload") or m.get("result") or {} for m in self.received() if m["type"] in ("system", "response")
        ]
        found: str = [one["ticket"] for one in said if "ticket" in one][-1]
        return found

    @property
    def id(self) -> str:
        return self.session.name


class World:
    """One bus and its clients. ``clock_fails`` makes every actor that asks for the time fail.

    With an ``order``, of ManualDispatcher, a round is one turn of one actor; else it is all turns that wait.
    """

    def __init__(
        self,
        wanted: Settings | None = None,
        order: Callable[[int], int] | None = None,
        tracer: Tracer | None = None,
        manual: ManualDispatcher | None = None,
        shared: SharedHistory | None = None,
    ) -> None:
        self.manual = manual or ManualDispatcher(order=order)
        self.clock_fails = False
        self.bus = Bus(wanted or settings(), self.manual.dispatcher, self._timestamp, tracer=tracer, shared=shared)
        self.run()

    def _timestamp(self) -> str:
        if self.clock_fails:
            raise OSError("no time")
        seconds = self.manual.clock.time() - 1000
        return f"2026-11-21T19:{int(seconds // 60) % 60:02d}:{seconds % 60:06.3f}Z"

    def plant_gate(self, gate: Gate) -> None:
        """Let ``gate`` decide for clients that come from now on, and for the registry."""
        registry: Any = self.bus.registry._cell.actor
        registry._view = msgspec.structs.replace(registry._view, gate=gate)
        self.bus._session_setup = msgspec.structs.replace(self.bus._session_setup, gate=gate)

    def hello(self, **hello: Any) -> Hello:
        """What the handshake of a client told."""
        return Hello("192.0.2.1", **hello)

    def connect(self, **hello: Any) -> Client:
        """A client whose handshake is over, greeted."""
        client = Client(self, self.hello(**hello))
        self.run()
        return client

    def member(self, room: str, channel: str, **more: Any) -> Client:
        """A client that joined, with nothing left to take."""
        client = self.connect()
        client.join(room, channel, **more)
        client.take()
        return client

    def run(self) -> None:
        self.manual.run_until_idle()

    def advance(self, seconds: float) -> None:
        self.manual.advance(seconds)
