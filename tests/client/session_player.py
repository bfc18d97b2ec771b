"""Plays session vectors by the SDK: the client does what the vector says by the calls that users have.

Against a real server nothing else is needed. Against a fake one the vector drives both sides: `Script` sees to it that
the frame that comes is the vector's, and says what the vector expects.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from arqonbus.client import connect
from arqonbus.client.bus import Bus
from arqonbus.client.errors import Rejected
from arqonbus.client.message import Message
from arqonbus.client.socket import Dialler, DialOptions, Socket, SocketClosed, dial
from arqonbus.client.subscription import Subscription
from arqonbus.testing.conformance.matching import Names, captures, filled_in, is_match
from arqonbus.testing.conformance.vectors import SessionVector, Step

Frame = dict[str, Any]
PATIENCE_S = 5.0
QUIET_S = 0.02
SAMPLES: Names = {"$text": "text", "$number": 1, "$time": "2026-11-21T19:00:00.123Z", "$any": None, "$schema": {}}
JOIN_OPTIONS = ("since", "replay", "recover", "group", "overflow", "create")
SAID = ("id", "metadata", "reply_to", "traceparent", "tracestate")


class AtOnce:
    """Random numbers for the delays of dials."""

    def random(self) -> float:
        return 0.02


class Line:
    """The network of one client: holds dials back while it is cut."""

    def __init__(self, dialler: Dialler) -> None:
        self._dialler = dialler
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._socket: Socket | None = None

    async def dial(self, url: str, options: DialOptions) -> Socket:
        await self._is_whole.wait()
        self._socket = await self._dialler(url, options)
        return self._socket

    def cut(self) -> None:
        self._is_whole.clear()
        assert self._socket is not None
        self._socket.abort()

    def mend(self) -> None:
        self._is_whole.set()


class Actor:
    """One client of a session, by the SDK."""

    def __init__(self, url: str, line: Line) -> None:
        self.line = line
        self.system: asyncio.Queue[Frame] = asyncio.Queue()
        self.handles: dict[str, Subscription[Any]] = {}
        self.calls: dict[str, asyncio.Task[Any]] = {}
        self.joins: dict[str, str] = {}  # id of the command: address
        self.lost: dict[str, Frame] = {}  # by address, that the next message must tell
        self._ears: AsyncExitStack = AsyncExitStack()
        self.bus: Bus = connect(
            url, dialler=line.dial, linger_s=0.0, on_system=self._heard, on_error=lambda _: None, random=AtOnce()
        )

    async def open(self, room: str) -> None:
        await self._ears.enter_async_context(self.bus)
        self.inbox = await self._ears.enter_async_context(self.bus.inbox())
        self.broadcasts = await self._ears.enter_async_context(self.bus.broadcasts(room))

    async def close(self) -> None:
        self.line.mend()
        for call in self.calls.values():
            call.cancel()
        await asyncio.gather(*self.calls.values(), return_exceptions=True)
        await self._ears.aclose()

    def _heard(self, event: str, payload: Any, room: str, channel: str) -> None:
        self.system.put_nowait({"type": "system", "event": event, "payload": payload, "room": room, "channel": channel})

    def do(self, frame: Frame) -> None:
        """Begin the call that sends such a frame."""
        self.calls[frame["id"]] = asyncio.create_task(self._call(frame))

    def _call(self, frame: Frame) -> Coroutine[Any, Any, Any]:
        options = {key: frame[key] for key in SAID if frame.get(key) is not None}
        ack, payload = frame.get("ack", False), frame.get("payload")
        if frame["type"] == "event":
            return self.bus.publish(f"{frame['room']}:{frame['channel']}", payload, ack=ack, **options)
        if frame["type"] == "private":
            return self.bus.send_private(frame["to"], payload, ack=ack, **options)
        if frame["type"] == "broadcast":
            return self.bus.broadcast(frame["room"], payload, ack=ack, **options)
        args = frame.get("args") or {}
        if frame["command"] == "join_channel":
            return self._join(frame["id"], args)
        if frame["command"] == "leave_channel":
            return self._leave(args)
        return self.bus.command(frame["command"], args, type=dict[str, Any])

    async def _join(self, id: str, args: Frame) -> Frame:
        address = f"{args['room']}:{args['channel']}"
        options = {key: args[key] for key in JOIN_OPTIONS if key in args}
        if "since" in options:
            options["since"] = msgspec.convert(options["since"], _position())
        handle = self.bus.subscribe(address, **options)
        self.joins[id] = address
        await handle.open()
        self.handles[address] = handle
        position = handle.position
        return {} if position is None else {"epoch": position.epoch, "seq": position.seq}

    async def _leave(self, args: Frame) -> Frame:
        self.handles.pop(f"{args['room']}:{args['channel']}").close()
        await self.bus.ping()
        return {}

    # --- what the SDK gives

    async def answered(self, want: Frame, names: Names) -> None:
        """See that the call of this response ends as it says."""
        call = self.calls[want["request_id"]]
        if want["status"] == "error":
            try:
                got = await asyncio.wait_for(asyncio.shield(call), PATIENCE_S)
            except Rejected as error:
                told = {"code": error.code, "retryable": error.retryable, "message": error.message}
                told["details"] = error.details
                assert is_match(want["error"], told, names), (want, told)
                return
            raise AssertionError(f"expected {want}, came {got}")
        result = msgspec.json.decode(msgspec.json.encode(await asyncio.wait_for(asyncio.shield(call), PATIENCE_S)))
        wanted = want["result"]
        if want["request_id"] in self.joins:
            self._joined(want["request_id"], wanted, result, names)
        elif result is not None:
            assert is_match(wanted, result, names), (wanted, result)

    def _joined(self, id: str, wanted: Frame, position: Frame, names: Names) -> None:
        address = self.joins[id]
        if isinstance(wanted.get("lost"), dict):
            self.lost[address] = {**wanted["lost"], "reason": wanted["reason"]}
        if position and "epoch" in wanted:
            assert is_match(wanted["epoch"], position["epoch"], names), (wanted, position)
            assert wanted["seq"] - wanted["replayed"] <= position["seq"], (wanted, position)

    async def message(self, want: Frame, names: Names) -> None:
        """See that the SDK gives its user this message."""
        got = await (await self._handle(want)).get(timeout_s=PATIENCE_S)
        told = _frame(got)
        assert is_match(want, told, names), (filled_in(want, names), told)
        lost = self.lost.pop(got.address, None)
        gap = None if got.gap is None else {"from": got.gap.first, "to": got.gap.last, "reason": got.gap.reason}
        assert lost is None or gap == lost, (lost, gap)

    async def _handle(self, want: Frame) -> Subscription[Any]:
        if want["type"] == "private":
            return self.inbox
        if want["type"] == "broadcast":
            return self.broadcasts
        room, _, _ = str(want["room"]).partition(":")
        here = [f"{room}:{want['channel']}", f"{room}:*"]
        return next(self.handles[address] for address in here if address in self.handles)

    def nothing_waits(self) -> bool:
        handles = [self.inbox, self.broadcasts, *self.handles.values()]
        return all(handle.waiting == 0 for handle in handles)


def _position() -> Any:
    from arqonbus.client.message import Position

    return Position


def _frame(message: Message[Any]) -> Frame:
    """Write a message as the frame that it came in."""
    frame: Frame = {"type": message.kind, "id": message.id, "from": message.sender, "timestamp": message.timestamp}
    frame |= {"payload": message.data, "metadata": message.metadata or None, "reply_to": message.reply_to}
    frame |= {"traceparent": message.traceparent, "tracestate": message.tracestate}
    if message.room:
        frame["room"] = message.room
    if message.kind == "event":
        frame |= {"channel": message.channel, "seq": message.seq}
    return frame


class Player:
    """Plays one session by the SDK. `script`: the fake server; None: there is a real one at the URL."""

    def __init__(self, url: str, room: str, script: Callable[[str, Names], Script] | None = None) -> None:
        self._url = url
        self._script = script
        self._names: Names = {"$room": room}
        self._actors: dict[str, Actor] = {}
        self._scripts: dict[str, Script] = {}

    async def play(self, vector: SessionVector) -> None:
        try:
            for number, step in enumerate(vector.steps, 1):
                try:
                    await self._do(step)
                except (AssertionError, TimeoutError, KeyError) as error:
                    error.add_note(f"{vector.name}, step {number}: {step}")
                    raise
            await asyncio.sleep(QUIET_S)
            assert all(actor.nothing_waits() for actor in self._actors.values()), "messages are left over"
        finally:
            for actor in self._actors.values():
                await actor.close()
            for script in self._scripts.values():
                await script.end()

    async def _do(self, step: Step) -> None:
        actor, script = await self._actor(step.at)
        if step.send is not None:
            await self._send(actor, script, filled_in(step.send, self._names))
        elif step.expect is not None:
            await self._expect(actor, script, step.expect)
        elif step.quiet_ms is not None:
            await asyncio.sleep(QUIET_S)
            assert actor.nothing_waits(), "something came that no step took"
        elif step.close is not None:
            await actor.bus.close()
        elif step.cut:
            await self._cut(actor)
        elif step.back is not None:
            await self._back(actor, script, step.back)

    async def _actor(self, at: str) -> tuple[Actor, Script | None]:
        if at not in self._actors:
            dialler: Dialler = dial
            if self._script is not None:
                script = self._scripts[at] = self._script(at, self._names)
                dialler = script.dial
            actor = self._actors[at] = Actor(self._url, Line(dialler))
            await actor.open(self._names["$room"])
            self._names[f"${at}"] = actor.bus.client
        return self._actors[at], self._scripts.get(at)

    async def _send(self, actor: Actor, script: Script | None, frame: Frame) -> None:
        actor.do(frame)
        if script is not None:
            await script.takes(frame)
        elif not frame.get("ack") and frame["type"] != "command":
            await actor.calls[frame["id"]]

    async def _expect(self, actor: Actor, script: Script | None, expected: Frame | list[Frame]) -> None:
        for want in expected if isinstance(expected, list) else [expected]:
            if script is not None:
                script.says(want)
            await self._see(actor, want)

    async def _see(self, actor: Actor, want: Frame) -> None:
        if want["type"] == "response":
            await actor.answered(filled_in(want, self._names), self._names)
        elif want["type"] == "system":
            got = await asyncio.wait_for(actor.system.get(), PATIENCE_S)
            assert is_match(want, got, self._names), (want, got)
        else:
            told = {key: value for key, value in want.items() if key != "to"}  # to oneself, so the SDK does not say it
            await actor.message(filled_in(told, self._names), self._names)

    async def _cut(self, actor: Actor) -> None:
        states = actor.bus.states()
        actor.line.cut()
        while actor.bus.state == "connected":
            await asyncio.wait_for(anext(states), PATIENCE_S)

    async def _back(self, actor: Actor, script: Script | None, want: Frame) -> None:
        before = actor.bus.client
        if script is not None:
            script.comes_back(want)
        states = actor.bus.states()
        actor.line.mend()
        while actor.bus.state != "connected":
            await asyncio.wait_for(anext(states), PATIENCE_S)
        if script is not None:
            script.greeted()
        assert actor.bus.client == filled_in(want["client"], self._names) == before
        for resumed in filled_in(want["resumed"], self._names):
            if resumed.get("lost"):
                address = f"{resumed['room']}:{resumed['channel']}"
                actor.lost[address] = {**resumed["lost"], "reason": resumed["reason"]}


class Script:
    """A fake server of one client, driven by the steps of the vector."""

    def __init__(self, at: str, names: Names) -> None:
        self._at = at
        self._names = names
        self._ids: dict[str, str] = {}  # of the vector: that the SDK made
        self._came: asyncio.Queue[Frame] = asyncio.Queue()
        self._to_client: asyncio.Queue[bytes | SocketClosed] = asyncio.Queue()
        self._resumed: list[Frame] = []
        self._greetings: list[Frame] = []
        self._positions: dict[str, Frame] = {}

    # --- the socket of the SDK

    async def dial(self, url: str, options: DialOptions) -> Socket:
        self._to_client = asyncio.Queue()
        return self

    async def send(self, text: bytes) -> None:
        frame = json.loads(text)
        if frame.get("command") == "connect":
            self._greetings.append(frame)
            self._say(_ok(frame["id"], {**self._welcome(), "resumed": self._resumed}))
        elif _is_ping(frame):
            self._say(_ok(frame["id"], {"time": SAMPLES["$time"]}))
        else:
            self._came.put_nowait(frame)

    async def recv(self) -> bytes:
        found = await self._to_client.get()
        if isinstance(found, SocketClosed):
            raise found
        return found

    async def close(self, code: int) -> None:
        self._to_client.put_nowait(SocketClosed(code))

    def abort(self) -> None:
        self._to_client.put_nowait(SocketClosed(1006))

    # --- the vector's side

    def _welcome(self) -> Frame:
        limits = {"max_message_bytes": 1_048_576}
        who = {"client": f"c-{self._at}", "user": None, "ticket": f"ticket-of-{self._at}"}
        return {**who, "server": "fake", "version": "1.0", "heartbeat_s": 20.0, "limits": limits}

    def _say(self, frame: Frame) -> None:
        self._to_client.put_nowait(json.dumps(frame).encode())

    async def takes(self, said: Frame) -> None:
        """Wait for the frame that the call of the SDK makes, and see that it is the vector's."""
        if _is_ping(said):
            self._ids[said["id"]] = ""
            return
        got = await asyncio.wait_for(self._came.get(), PATIENCE_S)
        wanted = {key: value for key, value in said.items() if key != "id" or said["type"] != "command"}
        assert is_match(wanted, got, self._names), (wanted, got)
        self._ids[said["id"]] = got["id"]

    def says(self, want: Frame) -> None:
        """Say what the vector expects, whole."""
        for name in captures(want) - self._names.keys():
            self._names[name] = None if name == "$user" else f"of-{name[1:]}"
        frame = _without_absent(filled_in(want, {**SAMPLES, **self._names}))
        if frame["type"] == "response":
            frame["request_id"] = self._ids[frame["request_id"]]
            if not frame["request_id"]:
                return  # a ping was answered at once
            self._follow(frame.get("result") or {})
        elif frame["type"] == "event":
            self._follow({**frame, "epoch": self._positions.get(_place(frame), {}).get("epoch")})
        self._say(frame)

    def _follow(self, told: Frame) -> None:
        if told.get("epoch") and "recovered" in told:
            self._positions[_place(told)] = {"epoch": told["epoch"], "seq": told["seq"] - told["replayed"]}
        elif told.get("type") == "event" and _place(told) in self._positions:
            self._positions[_place(told)]["seq"] = told["seq"]

    def comes_back(self, want: Frame) -> None:
        """Answer the next `connect` so."""
        self._resumed = _without_absent(filled_in(want["resumed"], self._names))

    def greeted(self) -> None:
        """See that the SDK came back with its ticket and all positions."""
        resume = self._greetings[-1]["args"]["resume"]
        assert resume["ticket"] == f"ticket-of-{self._at}"
        said = {
            _place(position): {"epoch": position["epoch"], "seq": position["seq"]} for position in resume["positions"]
        }
        assert said == self._positions
        for resumed in self._resumed:
            if not resumed["recovered"]:
                self._positions[_place(resumed)] = {"epoch": resumed["epoch"], "seq": resumed["seq"]}

    async def end(self) -> None:
        """See that nothing came that no step took, save leaves at the end."""
        left = [self._came.get_nowait() for _ in range(self._came.qsize())]
        assert [frame for frame in left if frame.get("command") != "leave_channel"] == []


def _is_ping(frame: Frame) -> bool:
    return frame.get("command") == "ping" and not frame.get("args")


def _place(told: Frame) -> str:
    return f"{told.get('room')}:{told.get('channel')}"


def _ok(request_id: str, result: Frame) -> Frame:
    return {"type": "response", "request_id": request_id, "status": "ok", "result": result}


def _without_absent(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_absent(inner) for key, inner in value.items() if inner != "$absent"}
    return [_without_absent(inner) for inner in value] if isinstance(value, list) else value
