"""A server for the asynchronous half: sockets that a test writes to and reads from, without a network.

It answers `connect` and commands by itself, as far as a test has not said otherwise; everything else the test says.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

from arqonbus.client.socket import DialOptions, Socket, SocketClosed

PATIENCE_S = 5.0

Answerer = Callable[[dict[str, Any]], Any]
"""Gives the result of a command, an error as {"error": {...}}, or None: no answer."""


class ScriptedSocket:
    """One connection. The SDK's side is the Socket protocol, the rest is the test's."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self._to_client: asyncio.Queue[bytes | SocketClosed] = asyncio.Queue()
        self.closed_with: int | None = None
        self.was_aborted = False
        self.may_write = asyncio.Event()
        self.may_write.set()

    async def send(self, text: bytes) -> None:
        await self.may_write.wait()
        if self.closed_with is not None or self.was_aborted:
            raise SocketClosed(1006)
        self._server.take(self, json.loads(text))

    async def recv(self) -> bytes:
        found = await self._to_client.get()
        if isinstance(found, SocketClosed):
            raise found
        return found

    async def close(self, code: int) -> None:
        self.closed_with = code
        self._to_client.put_nowait(SocketClosed(code))

    def abort(self) -> None:
        self.was_aborted = True
        self._to_client.put_nowait(SocketClosed(1006))

    def say(self, **frame: Any) -> None:
        if "sender" in frame:
            frame["from"] = frame.pop("sender")
        self._to_client.put_nowait(json.dumps(frame).encode())

    def answer(self, request_id: str, result: Any) -> None:
        self.say(type="response", request_id=request_id, status="ok", result=result)

    def end(self, code: int = 1006, reason: str = "") -> None:
        self._to_client.put_nowait(SocketClosed(code, reason))

    def event(self, seq: int, payload: Any = None, **more: Any) -> None:
        place = {"room": "science", "channel": "explore", "id": f"e{seq}", "sender": "c-9", "timestamp": "t"}
        self.say(type="event", seq=seq, payload=payload, **{**place, **more})


class ScriptedServer:
    """Where a bus under test connects: give `server.dial` as its dialler."""

    def __init__(self) -> None:
        self.sockets: list[ScriptedSocket] = []
        self.frames: list[dict[str, Any]] = []  # that came, save connect
        self.greetings: list[dict[str, Any]] = []
        self.urls: list[str] = []
        self.failures: list[Exception] = []  # for the next dials
        self.client = "c-1"
        self.top = 0  # of the one channel
        self.resumed: list[Any] = []
        self.answers: dict[str, Answerer] = {}  # by command, or "event", "private", "broadcast" for acks
        self.is_silent = False  # answer nothing
        self._came = asyncio.Event()

    async def dial(self, url: str, options: DialOptions) -> Socket:
        self.urls.append(url)
        if self.failures:
            raise self.failures.pop(0)
        self.sockets.append(ScriptedSocket(self))
        return self.sockets[-1]

    @property
    def socket(self) -> ScriptedSocket:
        """The newest connection."""
        return self.sockets[-1]

    def take(self, socket: ScriptedSocket, frame: dict[str, Any]) -> None:
        """A frame came from the client."""
        self._came.set()
        if frame.get("command") == "connect":
            self.greetings.append(frame)
        else:
            self.frames.append(frame)
        if not self.is_silent:
            self._answer(socket, frame)

    def _answer(self, socket: ScriptedSocket, frame: dict[str, Any]) -> None:
        name = frame.get("command") or frame["type"]
        answer = self.answers.get(name) or getattr(self, f"_{name}", None)
        if answer is None or (frame["type"] != "command" and not frame.get("ack")):
            return
        result = answer(frame)
        if isinstance(result, dict) and "error" in result:
            error = {"message": "words", "retryable": False, **result["error"]}
            socket.say(type="response", request_id=frame["id"], status="error", error=error)
        elif result is not None:
            socket.answer(frame["id"], result)

    def _connect(self, frame: dict[str, Any]) -> Any:
        limits = {"max_message_bytes": 100_000}
        about = {"client": self.client, "server": "s", "version": "1.0", "heartbeat_s": 20.0, "limits": limits}
        return {**about, "user": None, "ticket": "t", "resumed": self.resumed}

    def _join_channel(self, frame: dict[str, Any]) -> Any:
        args = frame["args"]
        place = {"room": args["room"], "channel": args["channel"], "epoch": "e1", "seq": self.top}
        return {**place, "recovered": False, "reason": None, "replayed": 0, "members": 1, "present": []}

    def _leave_channel(self, frame: dict[str, Any]) -> Any:
        return {}

    def _event(self, frame: dict[str, Any]) -> Any:
        self.top += 1
        return {"seq": self.top, "epoch": "e1", "duplicate": False, "stored": "memory"}

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; a frame that comes is a reason to look again."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():
                self._came.clear()
                if not is_so():
                    await self._came.wait()

    async def frame(self, name: str) -> dict[str, Any]:
        """Wait for a frame of this command or type, and take it."""
        await self.until(lambda: any(name in (one.get("command"), one["type"]) for one in self.frames))
        found = next(one for one in self.frames if name in (one.get("command"), one["type"]))
        self.frames.remove(found)
        return found


async def pause() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)
