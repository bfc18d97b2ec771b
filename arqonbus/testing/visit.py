"""Visit: one connection of one simulated client: what it asked, what it is owed, what it was shown.

Every command is answered once, in the order of asking; every event with ``ack`` once; nothing else is answered but
what is refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from arqonbus.testing.comeback import Comeback
from arqonbus.testing.kin import Held
from arqonbus.testing.ledger import Ledger
from arqonbus.testing.line import Line
from arqonbus.testing.plan import Address
from arqonbus.testing.post import Post
from arqonbus.testing.promises import Keeping
from arqonbus.testing.seats import Asked, Seats

__all__ = ["Owed", "Visit"]

LOST_TO_REFUSAL = ("internal", "unavailable", "overloaded", "timeout")
"""Refusals after which the same message may be sent again."""


class Owed(Struct):
    """What is known of the answers to one message id."""

    address: Address
    n_acks: int = 0  # sendings that want an answer
    n_plain: int = 0  # sendings that are answered only when refused
    n_ok: int = 0
    n_refused: int = 0


class Visit:
    """See the module. ``client`` is the id that the server gave.

    Args:
        who: name in traces.
        sender: whose ids are unique: a user, or empty for a client that nobody knows.
        line: its connection, with a session.
        ledger: of the run.
        post: of the run.
        keeping: of the run.
    """

    def __init__(self, who: str, sender: str, line: Line, ledger: Ledger, post: Post, keeping: Keeping) -> None:
        self.who = who
        self.line = line
        self.client = line.session.name
        self.former = ""  # the id that it had before it continued a connection
        self.sender = sender or self.client
        self.ticket: str | None = None  # the newest that it was given
        self.has_become_another = False  # than the one that it came back as, by the answer; to be taken
        self.comeback: Comeback | None = None  # how it began, if it came back by a resuming connect
        self.n_drains = 0  # how often it was told that the server goes
        self._held_last: Held | None = None  # when its client knew that it was over
        self._is_settling = False  # it has come back, and does not know all yet
        self.seats = Seats(who, ledger, keeping)
        self.asked: deque[Asked] = deque()  # in the order of asking
        self.owed: dict[str, Owed] = {}
        self.settled: list[tuple[str, bool]] = []  # (message id, whether it need not be sent again), to be taken
        self.n_nameless = 0  # messages without an id that may still be refused
        self.answers: dict[str, dict[str, Any]] = {}  # to commands whose results somebody wants
        self._ledger = ledger
        self._post = post
        ledger.name(self.client, who)

    # --- sending ------------------------------------------------------------------------------------------------------

    def ask(self, message_id: str, command: str, **args: Any) -> None:
        """Send a command."""
        self._ledger.note(f"{self.who} asks {message_id}: {command} {self._words(args)}")
        n_ended = self._ledger.n_ended((args["room"], args["channel"])) if command == "join_channel" else 0
        self.asked.append(Asked(message_id, command, args, n_ended))
        self._send({"type": "command", "id": message_id, "command": command, "args": args})

    def come_back(self) -> None:
        """Send connect as the first message; nothing else before it is answered and the memberships are known."""
        if self.comeback is not None:
            self._is_settling = True
            self.ask("c1", "connect", **self.comeback.args())

    def publish(self, address: Address, message_id: str | None, ack: bool) -> None:
        """Send an event."""
        sending = self._ledger.send(self.client, self.sender, address, message_id)
        self._ledger.note(f"{self.who} publishes {sending.n} to {':'.join(address)}, id {message_id}, ack {ack}")
        if message_id is None:
            self.n_nameless += 1
        else:
            owed = self.owed.setdefault(message_id, Owed(address))
            owed.n_acks += ack
            owed.n_plain += not ack
        message = {"type": "event", "room": address[0], "channel": address[1], "payload": sending.n, "ack": ack}
        self._send(message if message_id is None else {**message, "id": message_id})

    def post(self, kind: str, where: dict[str, Any]) -> None:
        """Send a private message or a broadcast, with ``to`` or ``room`` in ``where``; it wants an answer."""
        letter = self._post.send(kind, self.client, where)
        self._ledger.note(f"{self.who} sends {letter.id}: {kind} {self._words(where)}")
        self.owed[letter.id] = Owed(("", ""), n_acks=1)
        self._send({"type": kind, "id": letter.id, "payload": letter.n, "ack": True, **where})

    def send_invalid(self) -> None:
        """Send something that is no envelope."""
        self._ledger.note(f"{self.who} sends nonsense")
        self.n_nameless += 1
        self.line.send(b'{"type":"event"')

    def _send(self, message: dict[str, Any]) -> None:
        self.line.send(msgspec.json.encode(message))

    def _words(self, args: dict[str, Any]) -> str:
        """Write args without random ids."""
        named = {
            key: [self._ledger.called(one) for one in value] if key == "to" else value for key, value in args.items()
        }
        if self.comeback is not None and "resume" in args:
            return self.comeback.words()
        if "since" in args:
            named["since"] = f"{self._ledger.called(args['since']['epoch'])}, seq {args['since']['seq']}"
        return str(named)

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def opening(self) -> str | None:
        """Room whose join as a whole is in work; None: none."""
        if self.asked:
            first = self.asked[0]
            if first.command == "join_channel" and first.args["channel"] == "*":
                return str(first.args["room"])
        return None

    @property
    def is_ready(self) -> bool:
        """Whether its client may go on sending: it knows who it is and what it is in."""
        return not self._is_settling

    @property
    def names(self) -> tuple[str, ...]:
        """The client ids that it may have: one, but while it is coming back."""
        before = self.comeback.before if self.comeback is not None and self._is_settling else None
        return (self.client, *(before.names if before is not None else ()))

    def hang_up(self) -> dict[Address, dict[str, Any]]:
        """End it for its client. Returns the positions that were reached."""
        self._held_last = self.held()
        return self.seats.hang_up()

    def held(self) -> Held:
        """Say what it is in, for whoever continues it."""
        if self._held_last is not None:
            return self._held_last
        if self._is_settling and self.comeback is not None:
            return Held({}, self.comeback.possible)
        moving = {(a.args["room"], a.args["channel"]) for a in self.asked if a.command.endswith("_channel")}
        direct = {address: seat.n_ended for address, seat in self.seats.by_address.items() if seat.direct}
        held = {**direct, **{(room, "*"): n_ended for room, n_ended in self.seats.rooms.items()}}
        sure = {place: n_ended for place, n_ended in held.items() if place not in moving}
        return Held(sure, frozenset(held) | moving | self.seats.parted)

    def read(self, most: int) -> int:
        """Read up to ``most`` messages. Returns how many came."""
        texts = self.line.read(most)
        for text in texts:
            message = msgspec.json.decode(text)
            self._readers[message["type"]](self, message)
        return len(texts)

    def _event(self, event: dict[str, Any]) -> None:
        self._ledger.note(f"{self.who} reads {event['room']}:{event['channel']} {event['seq']}")
        if (event["room"], event["channel"]) in self.seats.by_address or not self._was_in_for_a_moment(event["room"]):
            self.seats.event(event, self.opening)

    def _was_in_for_a_moment(self, room: str) -> bool:
        """Whether it was brought back to a whole room, till one of its channels refused."""
        return self.comeback is not None and self._is_settling and (room, "*") in self.comeback.refused

    def _letter(self, message: dict[str, Any]) -> None:
        if message["type"] == "broadcast" and not self._may_hear(message["room"]):
            self._ledger.fail("membership", f"{self.who} hears a broadcast of {message['room']}, but is not in it")
        self._ledger.note(f"{self.who} reads {message['id']}")
        self._post.receive(self.who, self.client, message, self.former)

    def _may_hear(self, room: str) -> bool:
        joins = self.asked and self.asked[0].command == "join_channel" and self.asked[0].args["room"] == room
        return bool(joins) or self._is_settling or self.seats.may_hear(room, self.opening)

    def _system(self, message: dict[str, Any]) -> None:
        name = message["event"]
        if name == "welcome":
            self.ticket = message["payload"]["ticket"]
        elif name == "draining":
            self.n_drains += 1
        elif name == "channel_created":
            address = (message["room"], message["channel"])
            self.seats.created(address, message["payload"], self.opening, is_sure=self.is_ready)
        elif name in ("member_joined", "member_left"):
            payload = message["payload"]
            self.seats.told_of(
                (message["room"], message["channel"]), payload["client"], payload.get("reason", "joined")
            )
        elif name == "channel_deleted":
            self._ledger.note(f"{self.who} is told of the end of {message['room']}:{message['channel']}")
            self.seats.deleted((message["room"], message["channel"]))
        elif name == "gap":
            self._ledger.note(f"{self.who} is told of a gap in {message['room']}:{message['channel']}")
            self.seats.gap(message["payload"], is_sure=self.is_ready)

    # --- answers ------------------------------------------------------------------------------------------------------

    def _response(self, message: dict[str, Any]) -> None:
        message_id = message["request_id"]
        code = "ok" if message["status"] == "ok" else message["error"]["code"]
        self._ledger.note(f"{self.who} is answered {message_id}: {code}")
        if message_id is None:
            self.n_nameless -= 1
            if self.n_nameless < 0 or code == "ok":
                self._ledger.fail("answer", f"{self.who} is answered {code} to nothing that it asked")
        elif self.asked and self.asked[0].id == message_id:
            self._answered(self.asked.popleft(), code, message)
        elif message_id in self.owed:
            self._receipt(message_id, self.owed[message_id], code, message)
        else:
            self._ledger.fail("answer", f"{self.who} is answered {message_id}, out of turn or once too often")

    def _receipt(self, message_id: str, owed: Owed, code: str, message: dict[str, Any]) -> None:
        owed.n_ok += code == "ok"
        owed.n_refused += code != "ok"
        if owed.n_ok > owed.n_acks or owed.n_ok + owed.n_refused > owed.n_acks + owed.n_plain:
            self._ledger.fail("answer", f"{self.who} is answered {message_id} once too often")
        if code != "ok":
            self.settled.append((message_id, code not in LOST_TO_REFUSAL))
        elif owed.address[0]:
            self._ledger.acknowledged(self.who, self.sender, owed.address, message_id, message["result"])
            self.settled.append((message_id, True))
        else:
            self._post.acknowledged(self.who, message_id, message["result"])

    def _answered(self, asked: Asked, code: str, message: dict[str, Any]) -> None:
        if self.comeback is not None and self._is_settling:
            self._settle(self.comeback, asked, code, message.get("result", {}))
        elif asked.command in ("join_channel", "leave_channel"):
            self.seats.answered(asked, code, message.get("result", {}))
        elif asked.command == "delete_channel" and code == "ok":
            self._ledger.deletion_answered(self.who, (asked.args["room"], asked.args["channel"]))
        self.answers[asked.id] = message

    def _settle(self, comeback: Comeback, asked: Asked, code: str, result: dict[str, Any]) -> None:
        """The connect is answered, or the question after the memberships that follows it."""
        if code != "ok":
            self._ledger.fail("resume", f"{self.who} is refused {asked.command} with {code}")
        elif asked.command == "connect":
            before = comeback.before
            self.has_become_another = before is None or result["client"] not in before.names
            self._become(result["client"])
            self.ticket = result["ticket"]
            comeback.answered(result, self.seats)
            self.ask("c2", "whoami")
        else:
            comeback.listed(result["memberships"], self.seats)
            self._is_settling = False

    def _become(self, client: str) -> None:
        if client == self.client:
            return
        self.former = self.client
        self.sender = client if self.sender == self.client else self.sender
        self.client = client

    # --- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """See that nothing is owed any more, at the end of a run in which all was read."""
        for asked in self.asked:
            self._ledger.fail("answer", f"{self.who} never gets an answer to {asked.id} ({asked.command})")
        for message_id, owed in self.owed.items():
            if owed.n_ok + owed.n_refused < owed.n_acks:
                self._ledger.fail("answer", f"{self.who} never gets an answer to {message_id}")

    _readers: ClassVar[dict[str, Callable[[Visit, dict[str, Any]], None]]] = {
        "event": _event,
        "private": _letter,
        "broadcast": _letter,
        "system": _system,
        "response": _response,
    }
