"""One channel's appends: their order, and the truth about each, whatever becomes of the calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arqonbus.storage import redis_line
from arqonbus.storage.history import Retention
from arqonbus.storage.redis_frames import Place
from arqonbus.storage.redis_line import Batch, Held, Item, Line, LineKeys
from arqonbus.storage.shared_log import Appended, Entry, Rejected, Stored, Unsure

KEYS = LineKeys("log", "ids", "groups", "note", "feed")
NAMES = [
    *("log", "ids", "before", "groups", "feed", "command", "keep", "known", "fresh", "ttl"),
    *("touch", "ids_ttl", "now", "tried", "grouped"),
]


class Appender:
    """Appends to one line, and makes its calls."""

    def __init__(self, retention: Retention | None = None, durable: bool = False) -> None:
        self.line = Line(7, KEYS, retention or Retention(100, 60.0, 8000), durable, 40.0)
        self.held = Held()
        self.outcomes: dict[str, Appended] = {}
        self._n = 0

    def append(self, *texts: str, key: str = "", at: float = 0.0) -> None:
        def done(outcomes: Sequence[Appended]) -> None:
            self.outcomes.update(zip(texts, outcomes, strict=True))

        batch, items = Batch(len(texts), done), []
        for index, text in enumerate(texts):
            self._n += 1
            items.append(Item(Entry(text.encode(), key), f"m{self._n}", at, batch, index, self.held))
        self.line.put(items)

    def take(self, now_ms: int = 1_000_000, window_ms: int = 1000) -> tuple[dict[str, Any], list[str]]:
        """Give the named arguments of the next call, and the texts."""
        args = self.line.take("PUBLISH", 5000, now_ms, window_ms)
        return dict(zip(NAMES, args, strict=False)), [bytes(text).decode() for text in args[17::3]]  # type: ignore[arg-type]


def test_what_waits_goes_in_one_call_in_its_order() -> None:
    appender = Appender()
    appender.append("a", "b")
    appender.append("c")

    args, texts = appender.take()
    assert texts == ["a", "b", "c"]
    assert (args["log"], args["ids"], args["before"], args["groups"]) == ("log", "ids:1000", "ids:999", "groups")
    assert (args["keep"], args["known"], args["fresh"], args["ttl"]) == (100, 0, 5000, 100_000)
    assert (args["ids_ttl"], args["now"], args["tried"], args["grouped"]) == (2000, 1_000_000, "", -16_384)
    assert not appender.line.is_ready
    assert len(appender.line) == 3


def test_one_call_at_a_time_is_under_way() -> None:
    appender = Appender()
    appender.append("a")
    appender.take()
    appender.append("b")
    assert not appender.line.is_ready

    appender.line.answered([b"9-1"])
    assert appender.line.is_ready
    assert appender.take()[1] == ["b"]


def test_answers_become_outcomes() -> None:
    appender = Appender()
    appender.append("new", "repeated", "unsure", "refused")
    appender.append("alone")
    appender.take()

    errors = appender.line.answered([b"9-5", b"=9-2 other", b"?", b"!OOM no", b"9-6"])
    assert appender.outcomes == {"alone": Stored("9", 6)}
    ((item, error),) = errors
    assert error == b"OOM no"
    item.settle(Rejected("OOM"))
    assert appender.outcomes == {
        "alone": Stored("9", 6),
        "new": Stored("9", 5),
        "repeated": Stored("9", 2, duplicate=True),
        "unsure": Unsure("an answer was lost, and what followed is not kept"),
        "refused": Rejected("OOM"),
    }
    assert (appender.held.n, appender.held.size) == (0, 0)
    assert appender.line.known == Place(9, 6)


def test_an_own_entry_that_a_lost_call_had_stored_is_no_duplicate() -> None:
    appender = Appender()
    appender.append("a", key="k")
    appender.take()
    appender.line.again(was_executed=True)
    appender.take()

    appender.line.answered([b"=9-1 m1"])
    assert appender.outcomes == {"a": Stored("9", 1)}


def test_a_call_whose_answer_was_lost_is_made_again_alone_and_from_where_it_began() -> None:
    appender = Appender()
    appender.line.saw(Place(9, 4))
    appender.append("a", "b")
    appender.take()
    appender.append("c")
    appender.line.saw(Place(9, 8))
    appender.line.again(was_executed=True)

    args, texts = appender.take()
    assert (texts, args["known"], args["tried"]) == (["a", "b"], 9, 4)
    appender.line.again(was_executed=False)
    args, texts = appender.take()
    assert (texts, args["known"], args["tried"]) == (["a", "b"], 9, 4)
    appender.line.answered([b"=9-5 m1", b"9-9"])
    args, texts = appender.take()
    assert (texts, args["known"], args["tried"]) == (["c"], 9, "")


def test_a_call_that_was_never_sent_is_made_again_with_all_that_waits() -> None:
    appender = Appender()
    appender.append("a")
    appender.take()
    appender.append("b")
    appender.line.again(was_executed=False)

    args, texts = appender.take()
    assert (texts, args["tried"]) == (["a", "b"], "")


def test_who_gives_up_knows_what_was_certainly_not_stored() -> None:
    appender = Appender()
    appender.append("sent")
    appender.take()
    appender.append("not sent")
    appender.line.again(was_executed=True)

    appender.line.give_up("over")
    assert appender.outcomes == {"sent": Unsure("over"), "not sent": Rejected("over")}
    assert appender.held.n == 0
    appender.append("later")
    assert appender.take()[0]["tried"] == ""


def test_giving_up_leaves_what_is_under_way() -> None:
    appender = Appender()
    appender.append("sent")
    appender.take()
    appender.append("waits")

    appender.line.give_up("over")
    assert appender.outcomes == {"waits": Rejected("over")}
    appender.line.answered([b"9-1"])
    assert appender.outcomes["sent"] == Stored("9", 1)


def test_what_was_refused_for_the_moment_goes_first_the_next_time() -> None:
    appender = Appender()
    appender.append("a", "b")
    appender.take()
    appender.append("c")

    errors = appender.line.answered([b"!READONLY", b"!READONLY"])
    appender.line.put_back([item for item, _ in errors])
    assert appender.take()[1] == ["a", "b", "c"]


def test_a_call_is_bounded_in_entries_and_bytes() -> None:
    appender = Appender()
    appender.append(*[f"t{i}" for i in range(100)])
    assert len(appender.take()[1]) == redis_line.MOST_ITEMS == 64

    appender = Appender()
    appender.append("x" * 60_000, "y" * 5_000, "z" * 10_000)
    assert [text[0] for text in appender.take()[1]] == ["x", "y"]
    appender = Appender()
    appender.append("x" * 100_000, "y")
    assert [text[0] for text in appender.take()[1]] == ["x"]


def test_the_oldest_that_is_not_under_way_is_known() -> None:
    appender = Appender()
    assert appender.line.oldest_at is None
    appender.append("a", at=5.0)
    appender.append("b", at=6.0)

    assert appender.line.oldest_at == 5.0
    appender.take()
    assert appender.line.oldest_at is None


def test_without_a_window_there_is_no_dedupe() -> None:
    appender = Appender()
    appender.append("a")

    args, _ = appender.take(window_ms=0)
    assert (args["ids"], args["before"], args["ids_ttl"]) == ("log", "log", 0)


def test_a_log_that_keeps_no_bytes_keeps_nothing() -> None:
    appender = Appender(Retention(100, 60.0, 0))
    appender.append("a")

    assert appender.take()[0]["keep"] == 0


def test_durable_logs_fill_up_for_groups_and_others_keep_so_much_for_them() -> None:
    appender, other = Appender(durable=True), Appender()
    appender.append("a")
    other.append("a")

    assert appender.take()[0]["grouped"] == redis_line.MOST_GROUPED
    assert other.take()[0]["grouped"] == -redis_line.MOST_SHARED


def test_redis_is_told_now_and_then_how_long_the_log_lives_on() -> None:
    appender = Appender()
    touches = []
    for now_ms in (0, 12_000, 13_000, 20_000, 26_000):
        appender.append("a")
        touches.append(appender.take(now_ms=now_ms)[0]["touch"])
        appender.line.answered([b"9-1"])

    assert touches == [1, 0, 1, 0, 1]


def test_an_eighth_of_the_bytes_or_of_the_age_calls_for_a_trim() -> None:
    appender = Appender()
    line = appender.line
    line.trimmed(1000)
    assert not line.is_to_trim(1000 + 7500)
    assert line.is_to_trim(1000 + 7501)

    appender.append("x" * 1001)
    appender.take()
    appender.line.answered([b"9-1"])
    assert line.is_to_trim(1000)
    assert line.bounds(100_000) == (40_000, 100, 8000)
    assert not Appender(Retention(0, 60.0, 8000)).line.is_to_trim(1e12)
