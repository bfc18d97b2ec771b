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

from arqonbus.testing.ledger import Ledger
from arqonbus.testing.line import Line
from arqonbus.testing.plan import Address
from arqonbus.testing.post import Post
from arqonbus.testing.promises import Keeping
from arqonbus.testing.seats import Seats

__all__ = ["Asked", "Owed", "Visit"]

LOST_TO_REFUSAL = ("internal", "unavailable", "overloaded", "timeout")
"""Refusals after which the same message may be sent again."""


class Asked(Struct, frozen=True):
    """One command under way."""

    id: str
    command: str
    args: dict[str, Any]


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
        self.sender = sender or self.client
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
        self.asked.append(Asked(message_id, command, args))
        self._send({"type": "command", "id": message_id, "command": command, "args": args})

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

    def read(self, most: int) -> int:
        """Read up to ``most`` messages. Returns how many came."""
        texts = self.line.read(most)
        for text in texts:
            message = msgspec.json.decode(text)
            self._readers[message["type"]](self, message)
        return len(texts)

    def _event(self, event: dict[str, Any]) -> None:
        self._ledger.note(f"{self.who} reads {event['room']}:{event['channel']} {event['seq']}")
        self.seats.event(event, self.opening)

    def _letter(self, message: dict[str, Any]) -> None:
        if message["type"] == "broadcast" and not self._may_hear(message["room"]):
            self._ledger.fail("membership", f"{self.who} hears a broadcast of {message['room']}, but is not in it")
        self._ledger.note(f"{self.who} reads {message['id']}")
        self._post.receive(self.who, self.client, message)

    def _may_hear(self, room: str) -> bool:
        joins = self.asked and self.asked[0].command == "join_channel" and self.asked[0].args["room"] == room
        return bool(joins) or self.seats.may_hear(room, self.opening)

    def _system(self, message: dict[str, Any]) -> None:
        name = message["event"]
        if name == "channel_created":
            self.seats.created((message["room"], message["channel"]), message["payload"], self.opening)
        elif name == "channel_deleted":
            self._ledger.note(f"{self.who} is told of the end of {message['room']}:{message['channel']}")
            self.seats.deleted((message["room"], message["channel"]))
        elif name == "gap":
            self._ledger.note(f"{self.who} is told of a gap in {message['room']}:{message['channel']}")
            self.seats.gap(message["payload"])

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
        if asked.command in ("join_channel", "leave_channel"):
            self._move(asked, code, message.get("result", {}))
        elif asked.command == "delete_channel" and code == "ok":
            self._ledger.deletion_answered(self.who, (asked.args["room"], asked.args["channel"]))
        self.answers[asked.id] = message

    def _move(self, asked: Asked, code: str, result: dict[str, Any]) -> None:
        """A join or a leave is answered."""
        room, channel, is_join = asked.args["room"], asked.args["channel"], asked.command == "join_channel"
        if code != "ok":
            self._not_moved((room, channel), code, is_join)
        elif is_join and channel == "*":
            self.seats.joined_all(room, result["positions"], asked.args.get("overflow"))
        elif is_join:
            self.seats.joined((room, channel), asked.args, result)
        elif channel == "*":
            self.seats.left_all(room)
        else:
            self.seats.left((room, channel))

    def _not_moved(self, address: Address, code: str, is_join: bool) -> None:
        self.seats.doubt(address[0])
        if is_join and address[1] == "*":
            self.seats.refused_all(address[0])
        seat = self.seats.by_address.get(address)
        knows = address[0] in self.seats.rooms if address[1] == "*" else seat is not None and seat.direct
        if not is_join and code == "not_found" and knows:
            self._ledger.fail(
                "membership", f"{self.who} cannot leave {':'.join(address)}: the server forgot that it joined"
            )

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
