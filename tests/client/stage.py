"""A stage for the core: a clock moved by hand, a server whose every word the test writes, and notes of what happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from msgspec import Raw

from arqonbus.client.calls import Answer
from arqonbus.client.codec import Outgoing, write, write_payload
from arqonbus.client.core import Core, Hooks, Settings
from arqonbus.client.errors import ClientError
from arqonbus.client.feed import Entry, Feed, FeedBounds
from arqonbus.client.message import Gap
from arqonbus.client.roster import Roster
from arqonbus.client.seat import Seat, Wanted
from arqonbus.client.sending import Terms
from arqonbus.client.state import Dial, Effect, HangUp, StateChange

HEARTBEAT_S = 20.0
MAX_MESSAGE_BYTES = 1000


class Dice:
    """A source of chance that always gives the same."""

    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def random(self) -> float:
        return self.value


class Box:
    """Takes the answer of one call."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []

    def __call__(self, answer: Answer, now: float) -> None:
        self.answers.append(answer)

    @property
    def error(self) -> ClientError:
        (answer,) = self.answers
        assert isinstance(answer, ClientError), answer
        return answer

    @property
    def result(self) -> Any:
        (answer,) = self.answers
        assert isinstance(answer, Raw), answer
        return json.loads(bytes(answer))


class Reader:
    """A seat with a feed, and what it was told."""

    def __init__(self, *, bounds: FeedBounds | None = None, **wanted: Any) -> None:
        self.gaps: list[Gap] = []
        self.feed = Feed(bounds or FeedBounds(), grouped="group" in wanted, on_gap=self.gaps.append)
        self.seat = Seat(Wanted(**wanted), self.feed)

    def entries(self) -> list[Entry]:
        found = []
        while (entry := self.feed.take()) is not None:
            found.append(entry)
        return found

    def seqs(self) -> list[int]:
        return [entry.frame.seq for entry in self.entries()]


class Stage:
    """One core, and the world around it."""

    def __init__(self, *, dice: Dice | None = None, **settings: Any) -> None:
        self.now = 1000.0
        self.changes: list[StateChange] = []
        self.errors: list[ClientError] = []
        self.system: list[tuple[str, Any, str, str]] = []
        self.n_rooms = 0
        self.n_read_on = 0
        self.effects: list[Effect] = []
        hooks = Hooks(self.changes.append, self.errors.append, self._on_system, self._on_room, self._on_read)
        self.dice = dice or Dice()
        self.core = Core(Settings(**settings), self.dice, "P", hooks)
        self._n_requests = 0

    def _on_system(self, *told: Any) -> None:
        self.system.append(told)

    def _on_room(self) -> None:
        self.n_rooms += 1

    def _on_read(self) -> None:
        self.n_read_on += 1

    # --- the connection ---------------------------------------------------------------------------------------------

    def take(self) -> list[Effect]:
        """What the core wants the driver to do now."""
        return self.core.take_effects()

    def dialled(self) -> Dial:
        """The one dial that it wants."""
        (dial,) = [effect for effect in self.take() if isinstance(effect, Dial)]
        return dial

    def hung_up(self) -> list[int | None]:
        """The codes of the hang-ups that it wants."""
        return [effect.code for effect in self.take() if isinstance(effect, HangUp)]

    def start(self) -> None:
        self.core.link.start(self.now)

    def open_socket(self, token: str | None = None) -> dict[str, Any]:
        """Let the dial succeed; gives the greeting."""
        self.core.opened(self.dialled().number, token, self.now)
        (greeting,) = self.sent()
        assert greeting["command"] == "connect"
        return greeting

    def welcome(self, client: str = "c-1", *, user: str | None = None, **more: Any) -> None:
        """Answer the greeting."""
        result = {
            "client": client,
            "server": "node-1",
            "version": "1.0",
            "heartbeat_s": HEARTBEAT_S,
            "limits": {"max_message_bytes": MAX_MESSAGE_BYTES},
            "user": user,
            "ticket": f"ticket of {client}",
            "resumed": [],
            **more,
        }
        self.answer("connect", result)

    def connect(self, client: str = "c-1", *, token: str | None = None, **more: Any) -> dict[str, Any]:
        """Dial (for the first time, or again when it is due), and begin a session; gives the greeting."""
        if self.core.link.state == "idle":
            self.start()
        else:
            self.until_dial()
        greeting = self.open_socket(token)
        self.welcome(client, **more)
        return greeting

    def until_dial(self) -> float:
        """Let time pass until the core dials; gives how long it took."""
        start = self.now
        for _ in range(50):
            if any(isinstance(effect, Dial) for effect in self.core.link.effects):
                return self.now - start
            at = self.core.next_at
            assert at is not None, "it will never dial"
            self.advance(at - self.now)
        raise AssertionError("it does not dial")

    def lose(self, code: int = 1006, reason: str = "") -> None:
        """End the socket."""
        self.core.ended(self.core.link.number, code, reason, self.now)

    def advance(self, seconds: float) -> None:
        """Let time pass; timers run at their moment."""
        end = self.now + seconds
        while (at := self.core.next_at) is not None and at <= end:
            self.now = max(self.now, at)
            self.core.tick(self.now)
        self.now = end

    # --- frames -----------------------------------------------------------------------------------------------------

    def sent(self) -> list[dict[str, Any]]:
        """What the core sends now."""
        found = []
        while (text := self.core.next_text(self.now)) is not None:
            found.append(json.loads(text))
        return found

    def say(self, **frame: Any) -> None:
        """Let the server say something. `sender` is written as `from`."""
        if "sender" in frame:
            frame["from"] = frame.pop("sender")
        self.core.received(self.core.link.number, json.dumps(frame).encode(), self.now)

    def say_system(self, event: str, payload: dict[str, Any], **more: Any) -> None:
        self.say(type="system", event=event, payload=payload, **more)

    def answer(self, request_id: str | None, result: Any) -> None:
        self.say(type="response", request_id=request_id, status="ok", result=result)

    def refuse(self, request_id: str | None, code: str, *, retryable: bool = False, **details: Any) -> None:
        error = {"code": code, "message": f"refused as {code}", "retryable": retryable, "details": details}
        self.say(type="response", request_id=request_id, status="error", error=error)

    def event(self, seq: int, channel: str = "explore", room: str = "science") -> None:
        self.say(type="event", room=room, channel=channel, id=f"e{seq}", sender="c-9", seq=seq, payload=seq)

    # --- calls ------------------------------------------------------------------------------------------------------

    def publish(self, data: Any = None, *, ack: bool = False, id: str | None = None, **terms: Any) -> Box:
        """Publish an event; with ack, the box takes the answer."""
        box = Box()
        id = id or self.core.sending.new_id()
        envelope = Outgoing("event", id, room="science", channel="explore", payload=write_payload(data), ack=ack)
        self.core.send(envelope, write(envelope), Terms(**terms), self.now, box if ack else None)
        return box

    def command(self, name: str, *, after_loss: Any = "again", **terms: Any) -> Box:
        box = Box()
        envelope = Outgoing("command", self.core.sending.new_id(), command=name, args={})
        self.core.send(envelope, write(envelope), Terms(after_loss=after_loss, **terms), self.now, box)
        return box

    def subscribe(self, address: str = "science:explore", reader: Reader | None = None) -> Reader:
        """Take a seat."""
        reader = reader or Reader()
        room, _, channel = address.partition(":")
        self.core.subscribe((room, channel), reader.seat, self.now)
        return reader

    def unsubscribe(self, reader: Reader, address: str = "science:explore") -> None:
        room, _, channel = address.partition(":")
        self.core.channels.unsubscribe((room, channel), reader.seat, self.now)

    def join(self, reader: Reader | None = None, *, seq: int = 0, epoch: str = "e1", **more: Any) -> Reader:
        """Subscribe, and let the server answer the join."""
        reader = self.subscribe(reader=reader)
        self.answer_join(seq=seq, epoch=epoch, **more)
        return reader

    def answer_join(self, *, seq: int = 0, epoch: str = "e1", **more: Any) -> dict[str, Any]:
        """Answer the one join that is sent now; gives its args."""
        (join,) = [frame for frame in self.sent() if frame.get("command") == "join_channel"]
        args = join["args"]
        result = {"room": args["room"], "channel": args["channel"], "epoch": epoch, "seq": seq, "recovered": False}
        self.answer(join["id"], {**result, "reason": None, "replayed": 0, "members": 1, **more})
        return dict(args)

    def follow(self, on_start: Callable[[], None] = lambda: None) -> Seat:
        """Take a seat that follows who is there."""
        seat = Seat(Wanted(presence=True), roster=Roster(), on_start=on_start)
        self.core.subscribe(("science", "explore"), seat, self.now)
        return seat


def resumed(seq: int, *, epoch: str = "e1", recovered: bool = True, channel: str = "explore", **more: Any) -> Any:
    """One entry of `resumed`."""
    return {"room": "science", "channel": channel, "epoch": epoch, "seq": seq, "recovered": recovered, **more}


def gap(
    first: int,
    last: int,
    missed: int,
    reason: str,
    exact: bool = True,
    epoch: str | None = None,
    channel: str = "explore",
) -> Gap:
    """A gap in the one channel of most tests."""
    return Gap(first, last, missed, reason, exact, epoch, channel)
