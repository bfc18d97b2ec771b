"""The post: private messages and broadcasts, counted one by one."""

from typing import Any

import pytest

from arqonbus.testing.ledger import Ledger
from arqonbus.testing.post import Post


class Office:
    def __init__(self) -> None:
        self.ledger = Ledger(lambda: 0.0, 0.0)
        self.post = Post(self.ledger)

    def private(self, *to: str) -> None:
        self.post.send("private", "c-1", {"to": list(to)})

    def broadcast(self, room: str = "r") -> None:
        self.post.send("broadcast", "c-1", {"room": room})

    def read(self, n: int, reader: str = "c-2", kind: str = "private", **more: Any) -> None:
        where = {"to": [reader]} if kind == "private" else {"room": "r"}
        message = {"type": kind, "id": f"{kind[0]}{n}", "from": "c-1", "payload": n, **where, **more}
        self.post.receive("ada", reader, message)

    @property
    def rules(self) -> list[str]:
        return [broken.partition(":")[0] for broken in self.ledger.broken]


def test_what_was_sent_may_come_once_to_each() -> None:
    office = Office()
    office.private("c-2", "c-3")
    office.broadcast()
    office.read(0)
    office.read(0, "c-3")
    office.read(1, kind="broadcast")

    assert office.rules == []


def test_a_second_time_is_noticed() -> None:
    office = Office()
    office.private("c-2")
    office.read(0)
    office.read(0)

    assert office.rules == ["twice"]


def test_the_order_of_a_sender_is_kept_but_not_across_rooms() -> None:
    office = Office()
    for room in ("r", "r", "s"):
        office.broadcast(room)
    office.read(2, kind="broadcast", room="s")
    office.read(1, kind="broadcast")
    assert office.rules == []

    office.read(0, kind="broadcast")
    assert office.rules == ["sender order"]


def test_a_message_for_others_is_noticed() -> None:
    office = Office()
    office.private("c-3")
    office.broadcast("s")
    office.read(0)
    office.read(1, kind="broadcast")

    assert office.rules == ["membership", "membership"]


@pytest.mark.parametrize("more", [{"payload": 9}, {"payload": "x"}, {"from": "c-9"}, {"id": "p9"}])
def test_a_message_that_nobody_sent_is_noticed(more: dict[str, Any]) -> None:
    office = Office()
    office.private("c-2")
    office.read(0, **more)

    assert office.rules == ["content"]


def test_delivered_and_absent_are_all() -> None:
    office = Office()
    office.private("c-2", "c-3")
    office.post.acknowledged("ada", "p0", {"delivered": 1, "absent": ["c-3"]})
    assert office.rules == []

    office.post.acknowledged("ada", "p0", {"delivered": 1, "absent": []})
    assert office.rules == ["ack"]


@pytest.mark.parametrize(
    ("delivered", "broken", "rules"),
    [
        (1, set(), []),
        (2, {"c-3"}, []),
        (2, {"c-9"}, ["delivered"]),
        (0, set(), ["delivered"]),
        (2, set(), ["delivered"]),
    ],
)
def test_what_was_delivered_was_read_or_lost_with_its_connection(
    delivered: int, broken: set[str], rules: list[str]
) -> None:
    office = Office()
    office.private("c-2", "c-3")
    office.read(0)
    office.post.acknowledged("ada", "p0", {"delivered": delivered, "absent": ["x"] * (2 - delivered)})
    office.private("c-2")
    office.post.finish(broken)

    assert office.rules == rules


def test_a_message_may_be_for_an_id_that_its_reader_had_before() -> None:
    ledger = Ledger(lambda: 1000.0, 0.0)
    post = Post(ledger)
    letter = post.send("private", "c-1", {"to": ["c-new"]})
    message = {"type": "private", "id": letter.id, "from": "c-1", "to": ["c-new"], "payload": letter.n}

    post.receive("g", "c-old", message, "c-new")
    assert (ledger.broken, letter.readers) == ([], {"c-new"})

    post.receive("g", "c-old", message)
    assert len(ledger.broken) == 1
