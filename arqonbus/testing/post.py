"""Post: private messages and broadcasts of a simulated run. They have no seq, so they are counted one by one."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from arqonbus.testing.ledger import Ledger

__all__ = ["Letter", "Post"]


class Letter(Struct):
    """One private message or broadcast."""

    n: int  # counted over the run; it is the payload
    id: str
    kind: str
    client: str  # id of the sender's connection
    where: dict[str, Any]  # ``to`` or ``room``
    readers: set[str]  # ids of the connections that got it
    delivered: int | None = None  # as the server says


class Post:
    """One per run."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._letters: list[Letter] = []
        self._newest: dict[tuple[str, str, str], int] = {}  # (reading connection, sender, room) -> n of the newest

    def send(self, kind: str, client: str, where: dict[str, Any]) -> Letter:
        """Count a message."""
        n = len(self._letters)
        letter = Letter(n, f"{kind[0]}{n}", kind, client, where, set())
        self._letters.append(letter)
        return letter

    def receive(self, who: str, reader: str, message: dict[str, Any], former: str = "") -> None:
        """See that a message is for ``reader``, whole, the first time, and after those that its sender sent before.

        Args:
            who: name of the reader in traces.
            reader: id of its connection.
            message: the envelope.
            former: another id that it had before it continued a connection.
        """
        n = message["payload"]
        letter = self._letters[n] if isinstance(n, int) and 0 <= n < len(self._letters) else None
        if letter is None or (letter.id, letter.client, letter.kind) != (
            message["id"],
            message["from"],
            message["type"],
        ):
            self._ledger.fail("content", f"{who} gets a {message['type']} that nobody sent")
            return
        if message.get("to") == [former]:
            reader = former
        is_addressed = (
            reader in letter.where["to"] if letter.kind == "private" else message["room"] == letter.where["room"]
        )
        if not is_addressed or (letter.kind == "private" and message["to"] != [reader]):
            self._ledger.fail("membership", f"{who} gets {letter.id}, which is for others")
        if reader in letter.readers:
            self._ledger.fail("twice", f"{who} gets {letter.id} twice")
        letter.readers.add(reader)
        key = (who, letter.client, letter.where.get("room", ""))
        if self._newest.get(key, -1) > n:
            self._ledger.fail("sender order", f"{who} gets {letter.id} after a later one of the same sender")
        self._newest[key] = n

    def acknowledged(self, who: str, letter_id: str, result: dict[str, Any]) -> None:
        """Note what the server says."""
        letter = self._letters[int(letter_id[1:])]
        letter.delivered = result["delivered"]
        if letter.kind == "private" and letter.delivered + len(result["absent"]) != len(set(letter.where["to"])):
            self._ledger.fail("ack", f"{who} is told of {letter.delivered} delivered, {len(result['absent'])} absent")

    def finish(self, broken: set[str]) -> None:
        """Check the whole run, when all was read.

        Args:
            broken: ids of the connections that ended before they had read everything.
        """
        for letter in self._letters:
            if letter.delivered is None:
                continue
            possible = broken if letter.kind == "broadcast" else broken & set(letter.where["to"])
            n_read, n_lost = len(letter.readers), len(possible - letter.readers)
            if not n_read <= letter.delivered <= n_read + n_lost:
                told = f"{letter.id} was delivered to {letter.delivered}"
                self._ledger.fail("delivered", f"{told}, but {n_read} got it and {n_lost} at most lost it")
