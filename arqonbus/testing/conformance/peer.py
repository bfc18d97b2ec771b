"""Peer: one client of a case. Reads all that comes as it comes, and hands it out by kind.

A kind is the type of a frame, or of a system event its name: `event`, `response`, `system/member_joined`. Heartbeats
are nobody's answer and are thrown away.
"""

import asyncio
import contextlib
import itertools
import json
import secrets
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from arqonbus.testing.conformance.socket import ABNORMAL, Closed, Socket
from arqonbus.testing.conformance.verdict import Failed, Skipped

__all__ = ["PATIENCE_S", "Frame", "Peer", "Refused", "kind_of"]

Frame: TypeAlias = dict[str, Any]
"""One message as JSON. Any: its fields depend on the type."""

PATIENCE_S: Final = 10.0
"""For anything that should come at once, unless the caller says else; a busy machine may take seconds."""

_SHOWN: Final = 5  # of what came instead, the newest
_SETTLE_S: Final = 0.05
"""After the answer to a ping: for what other actors of the server still send. Nothing waits for it that should come."""


class Refused(Failed):
    """A command or message was refused that should not be."""

    def __init__(self, what: str, error: Frame) -> None:
        super().__init__(f"{what} is done", error)
        self.code: str = error.get("code", "")


def kind_of(frame: Frame) -> str:
    """Name the kind of a frame."""
    kind = str(frame.get("type"))
    return f"system/{frame.get('event')}" if kind == "system" else kind


class Peer:
    """A connection whose frames are collected."""

    def __init__(self, socket: Socket, patience_s: float = PATIENCE_S) -> None:
        self.socket = socket
        self.patience_s = patience_s  # for anything that should come at once
        self.id = ""  # the client id, once it is welcomed
        self.ticket: str | None = None
        self.welcome: Frame = {}
        self.frames: list[Frame] = []  # all that came, in order
        self.code: int | None = None  # of the close
        self._taken: set[int] = set()  # places in frames
        self._from: dict[str, int] = {}  # by kind: up to there all of that kind is taken
        self._changed = asyncio.Event()
        self._ids = itertools.count(1)
        self._prefix = secrets.token_hex(4)  # peers may all be one user, whose ids must differ
        self._reader: asyncio.Task[None] | None = None

    # --- reading

    def read(self) -> None:
        """Collect frames from now on."""
        self._reader = asyncio.get_running_loop().create_task(self._read())

    async def stop_reading(self) -> None:
        """Leave what comes in the socket, as a hung client does."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
            self._reader = None

    async def _read(self) -> None:
        try:
            while True:
                text = await self.socket.recv()
                frame = json.loads(text)
                if kind_of(frame) != "system/heartbeat":
                    self.frames.append(frame)
                    self._changed.set()
        except Closed as end:
            self.code = end.code
        finally:
            self._changed.set()

    async def until(self, is_so: Callable[[], bool], limit_s: float | None = None) -> bool:
        """Wait until something is so; False: it was not within the limit (None: the patience)."""
        try:
            async with asyncio.timeout(self.patience_s if limit_s is None else limit_s):
                while not is_so():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return is_so()
        return True

    # --- taking

    async def take(self, kind: str, limit_s: float | None = None) -> Frame:
        """Take the next frame of a kind. Raises Failed: none came, or the connection ended."""
        return self.frames[await self.place(kind, limit_s)]

    async def place(self, kind: str, limit_s: float | None = None) -> int:
        """Take the next frame of a kind, and say where in `frames` it is. Else like `take`."""
        await self.until(lambda: self._next(kind) is not None or self.code is not None, limit_s)
        found = self._next(kind)
        if found is None:
            end = "" if self.code is None else f", then the close {self.code}"
            raise Failed(f"a frame of the kind {kind}", f"{self.untaken()[-_SHOWN:]}{end}")
        self._taken.add(found)
        self._from[kind] = found + 1
        return found

    def _next(self, kind: str) -> int | None:
        start = self._from.get(kind, 0)
        for place in range(start, len(self.frames)):
            if place not in self._taken and kind_of(self.frames[place]) == kind:
                return place
        return None

    async def take_all(self, kind: str, count: int, limit_s: float | None = None) -> list[Frame]:
        """Take so many frames of a kind."""
        return [await self.take(kind, limit_s) for _ in range(count)]

    def untaken(self) -> list[Frame]:
        """Show what nobody took."""
        return [frame for place, frame in enumerate(self.frames) if place not in self._taken]

    async def closed(self, limit_s: float | None = None) -> int:
        """Wait for the end and give its code. Raises Failed: it is open still."""
        if not await self.until(lambda: self.code is not None, limit_s) or self.code is None:
            raise Failed("a close", f"an open connection and {self.untaken()[-_SHOWN:]}")
        return self.code

    async def quiet(self, for_s: float = 0.0) -> None:
        """See that nothing comes that nobody took. Raises Failed.

        Args:
            for_s: how long, beside the round trip of a ping
        """
        if self.code is None:
            await self.settle()
        await asyncio.sleep(max(for_s, _SETTLE_S))
        known = ("response", "event", "private", "broadcast", "system/gap")
        left = [frame for frame in self.untaken() if kind_of(frame) in known]
        if left:
            raise Failed("nothing more", left[:_SHOWN])

    def seqs(self) -> list[int]:
        """List the seqs of all events that came, taken or not."""
        return [frame["seq"] for frame in self.frames if kind_of(frame) == "event"]

    async def quiet_after_events(self) -> None:
        """Take all events that came, and see that nothing else is there."""
        await self.ask("ping")
        await self.take_all("event", sum(kind_of(frame) == "event" for frame in self.untaken()))
        await self.quiet()

    # --- saying

    async def send(self, frame: Frame) -> None:
        """Send one envelope. A connection that is over is noticed by who waits for the answer."""
        with contextlib.suppress(Closed):
            await self.socket.send(json.dumps(frame, separators=(",", ":")))

    async def settle(self) -> None:
        """Wait until all that was sent is handled: for the answer to a ping behind it, whatever else comes."""
        request_id = f"{self._prefix}-{next(self._ids)}"
        await self.send({"type": "command", "id": request_id, "command": "ping"})
        await self.until(lambda: self.code is not None or self._answer(request_id) is not None)
        place = self._answer(request_id)
        if place is not None:
            self._taken.add(place)

    def _answer(self, request_id: str) -> int | None:
        places = reversed(range(len(self.frames)))
        return next((place for place in places if self.frames[place].get("request_id") == request_id), None)

    async def request(self, frame: Frame) -> Frame:
        """Send an envelope with an id of its own and give its response, whatever it says."""
        request_id = f"{self._prefix}-{next(self._ids)}"
        await self.send({**frame, "id": frame.get("id", request_id)})
        response = await self.take("response")
        if response.get("request_id") != frame.get("id", request_id):
            raise Failed(f"the response to {frame}", response)
        return response

    async def result(self, frame: Frame) -> Frame:
        """Send an envelope that has to succeed and give its result.

        Raises:
            Skipped: this client may not do that here
            Refused: it was refused for another reason
        """
        response = await self.request(frame)
        error = response.get("error") or {}
        if error.get("code") == "forbidden":
            raise Skipped(f"the server forbids {frame.get('command', frame['type'])}: {error.get('message')}")
        if response.get("status") != "ok":
            raise Refused(str(frame.get("command", frame["type"])), error)
        result = response.get("result")
        return result if isinstance(result, dict) else {}

    async def ask(self, command: str, **args: Any) -> Frame:
        """Run a command that has to succeed."""
        return await self.result({"type": "command", "command": command, "args": args})

    async def publish(self, room: str, channel: str, payload: Any, **more: Any) -> Frame:
        """Publish with `ack`."""
        head = {"type": "event", "room": room, "channel": channel}
        return await self.result({**head, "payload": payload, "ack": True, **more})

    async def publish_many(self, room: str, channel: str, payloads: list[Any]) -> None:
        """Publish without `ack`, the last one with it."""
        head = {"type": "event", "room": room, "channel": channel}
        for payload in payloads[:-1]:
            await self.send({**head, "payload": payload})
        await self.publish(room, channel, payloads[-1])

    async def join(self, room: str, channel: str, **args: Any) -> Frame:
        """Join a channel."""
        return await self.ask("join_channel", room=room, channel=channel, **args)

    # --- the end

    async def leave(self) -> None:
        """Close in order, unless it is over."""
        if self.code is None and self._reader is not None:
            with contextlib.suppress(Closed):
                await self.socket.close(1000)
                await self.until(lambda: self.code is not None, 1.0)
        await self.cut()

    async def cut(self) -> None:
        """Vanish."""
        await self.stop_reading()
        await self.socket.drop()
        self.code = ABNORMAL if self.code is None else self.code
