"""The ledger: what it lets pass, and what it calls broken."""

import msgspec
import pytest

from arqonbus.testing.ledger import Ledger, n_ended_of

PLACE = ("r", "c")


class Clock:
    now = 1000.0

    def time(self) -> float:
        return self.now


class Book:
    """A ledger with an open channel, and short words for what happens there."""

    def __init__(self, dedupe_s: float = 120.0) -> None:
        self.clock = Clock()
        self.ledger = Ledger(self.clock.time, dedupe_s)
        self.ledger.opened(PLACE, "e", 0)

    def sent(self, client: str = "c-1", message_id: str | None = "a") -> int:
        return self.ledger.send(client, "ada", PLACE, message_id).n

    def event(self, n: int, seq: int, client: str = "c-1", message_id: str = "a") -> dict[str, object]:
        return {"payload": n, "seq": seq, "from": client, "id": message_id}

    def stored(self, n: int, seq: int, client: str = "c-1", message_id: str = "a") -> None:
        self.ledger.appended(PLACE, "e", [msgspec.json.encode(self.event(n, seq, client, message_id))])

    @property
    def rules(self) -> list[str]:
        return [broken.partition(":")[0] for broken in self.ledger.broken]


def test_what_was_sent_may_be_stored_in_order() -> None:
    book = Book()
    book.stored(book.sent(), 1)
    book.stored(book.sent(message_id="b"), 2, message_id="b")

    assert (book.rules, book.ledger.top(PLACE)) == ([], 2)


def test_a_seq_that_is_left_out_breaks_the_order() -> None:
    book = Book()
    book.stored(book.sent(), 2)

    assert book.rules == ["seq"]


def test_an_event_that_nobody_sent_is_no_content() -> None:
    book = Book()
    book.stored(7, 1)

    assert book.rules == ["content"]


def test_an_event_under_another_id_is_no_content() -> None:
    book = Book()
    book.stored(book.sent(), 1, message_id="b")

    assert book.rules == ["content"]


@pytest.mark.parametrize(("dedupe_s", "waits_s", "rules"), [(9, 9, ["duplicate"]), (9, 10, []), (0, 0, [])])
def test_an_id_is_one_event_inside_the_window(dedupe_s: float, waits_s: float, rules: list[str]) -> None:
    book = Book(dedupe_s)
    book.stored(book.sent(), 1)
    book.clock.now += waits_s
    book.stored(book.sent(), 2)

    assert book.rules == rules


def test_a_channel_comes_back_where_it_was() -> None:
    book = Book()
    book.stored(book.sent(), 1)
    book.ledger.opened(PLACE, "e", 1)
    assert book.rules == []

    book.ledger.opened(PLACE, "e", 0)
    assert book.rules == ["position"]


def test_only_a_deletion_begins_a_new_epoch() -> None:
    book = Book()
    book.ledger.deleted(PLACE)
    book.ledger.opened(PLACE, "f", 0)
    assert book.rules == []

    book.ledger.opened(PLACE, "g", 0)
    assert book.rules == ["epoch"]


def test_a_deletion_that_is_answered_happened() -> None:
    book = Book()
    book.ledger.deleted(PLACE)
    book.ledger.deletion_answered("ada", PLACE)
    assert book.rules == []

    book.ledger.deletion_answered("ada", PLACE)
    assert book.rules == ["deleted"]


def test_everybody_is_shown_what_was_stored() -> None:
    book = Book()
    book.stored(book.sent(), 1)
    book.ledger.compare("ada", PLACE, "e", book.event(0, 1))
    assert book.rules == []

    book.ledger.compare("ada", PLACE, "e", book.event(1, 1))
    book.ledger.compare("ada", PLACE, "e", book.event(0, 2))
    assert book.rules == ["content", "stored"]


def test_an_acknowledgement_names_the_event_that_it_is_for() -> None:
    book = Book()
    book.stored(book.sent(), 1)
    book.ledger.acknowledged("ada", "ada", PLACE, "a", {"epoch": "e", "seq": 1})
    assert book.rules == []

    book.ledger.acknowledged("ada", "ada", PLACE, "b", {"epoch": "e", "seq": 1})
    book.ledger.acknowledged("ada", "ada", PLACE, "a", {"epoch": "e", "seq": 2})
    assert book.rules == ["ack", "stored"]


def test_events_of_one_connection_keep_their_order() -> None:
    book = Book()
    first, second = book.sent(), book.sent(message_id="b")
    book.stored(second, 1, message_id="b")
    book.stored(first, 2)
    book.ledger.finish({})

    assert book.rules == ["sender order"]


def test_what_was_refused_did_not_happen() -> None:
    book = Book(0)
    book.stored(book.sent(), 1)
    book.sent()
    book.ledger.finish({("c-1", "a"): 1})
    assert book.rules == []

    book.ledger.finish({("c-1", "a"): 2})
    assert book.rules == ["refused"]


def test_steps_are_kept_only_when_asked_for_and_call_nobody_by_a_random_name() -> None:
    ledger = Ledger(Clock().time, 0.0)
    ledger.note("nobody reads this")
    assert ledger.trace is None

    ledger.trace = []
    ledger.name("c-x7", "ada")
    ledger.note(f"{ledger.called('c-x7')} and {ledger.called('c-y8')}")
    assert ledger.trace == ["    0.000 ada and somebody unknown"]


def test_ends_of_channels_are_counted_by_place_and_by_room() -> None:
    book = Ledger(lambda: 1000.0, 0.0)
    for place in (("r", "c"), ("r", "d"), ("r", "*"), ("s", "c")):
        book.ended(place)
    before = book.ends()
    book.ended(("r", "c"))

    assert (book.n_ended(("r", "c")), book.n_ended(("r", "*")), book.n_ended(("t", "c"))) == (2, 4, 0)
    assert n_ended_of(before, ("r", "*")) == 3
