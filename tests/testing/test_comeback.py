"""A comeback: which answers to a resuming connect are let pass, and which are called broken."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.testing.comeback import Comeback, Pledge
from arqonbus.testing.kin import Before, Held, Kin
from arqonbus.testing.ledger import Ledger
from arqonbus.testing.line import Line
from arqonbus.testing.plan import Address
from arqonbus.testing.promises import Keeping
from arqonbus.testing.seats import Seats

PLACE, OTHER = ("r", "c"), ("r", "d")
KEEPING = Keeping(1000, True, True)


class Session:
    alive = True

    def signal(self, mail: Any) -> bool:
        return True


class Scene:
    """A client c-old that was in r:c, whose next connection is c-new, at second 1000."""

    def __init__(self, *, shown: bool = True, positions: dict[Address, Any] | None = None, **pledge: Any) -> None:
        self.now = 1000.0
        self.ledger = Ledger(lambda: self.now, 0.0)
        self.line = Line(1000, False, lambda: self.now)
        session: Any = Session()
        self.line.session = session
        self.kin: list[Kin] = []
        self.held = Held({PLACE: 0}, frozenset({PLACE}))
        self.positions = {PLACE: {"epoch": "e", "seq": 3}} if positions is None else positions
        self.is_shown = shown
        self.pledge = Pledge(**{"grace_s": 10.0, "is_sure": True, "keeping": KEEPING, **pledge})
        self.seats = Seats("g", self.ledger, KEEPING)
        self.comeback = self.send()

    def send(self) -> Comeback:
        """Show the ticket now."""
        earlier = Before(("c-old",), self.line, self.held, self.line.session.alive, lambda: self.kin)
        shown = ("t", earlier) if self.is_shown else (None, None)
        self.comeback = Comeback("g", "c-new", *self._args(shown), self.ledger, self.pledge)
        return self.comeback

    def _args(self, shown: tuple[str | None, Before | None]) -> tuple[Any, ...]:
        return shown[0], self.positions, shown[1]

    def answer(self, client: str = "c-old", *entries: dict[str, Any], replaced: bool = True) -> list[str]:
        if replaced and client == "c-old":
            self.line.close(4504, "")
        self.comeback.answered({"client": client, "resumed": list(entries)}, self.seats)
        return self.rules

    def list(self, *places: Address) -> list[str]:
        self.comeback.listed([{"room": room, "channel": channel} for room, channel in places], self.seats)
        return self.rules

    @property
    def rules(self) -> list[str]:
        return [broken.partition(":")[0] for broken in self.ledger.broken]


def entry(channel: str = "c", seq: int = 5, *, recovered: bool = True, **more: Any) -> dict[str, Any]:
    return {"room": "r", "channel": channel, "epoch": "e", "seq": seq, "recovered": recovered, **more}


def test_it_shows_its_ticket_and_its_positions() -> None:
    scene = Scene()

    assert scene.comeback.args() == {
        "resume": {"ticket": "t", "positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": 3}]}
    }
    assert Scene(shown=False, positions={}).comeback.args() == {"resume": {"positions": []}}
    assert scene.comeback.words() == "with the ticket of somebody unknown, ['r:c somebody unknown 3']"


def test_a_right_answer_gives_the_seats_with_what_comes_next() -> None:
    scene = Scene()

    assert scene.answer("c-old", entry()) == []
    assert scene.list(PLACE) == []
    assert (scene.seats.by_address[PLACE].next, scene.seats.by_address[PLACE].direct) == (4, True)


def test_a_channel_whose_position_was_not_shown_goes_on_at_its_top() -> None:
    scene = Scene(positions={})

    assert scene.answer("c-old", entry(recovered=False)) == []
    assert scene.seats.by_address[PLACE].next == 6


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ([], "resume"),
        ([entry(), entry()], "resume"),
        ([entry(seq=2)], "recovery"),
        ([entry(recovered=False)], "recovery"),
        ([entry(recovered=False, reason="evicted", lost={"from": 4, "to": 5})], "recovery"),
        ([entry(), entry("d")], "recovery"),
    ],
)
def test_what_becomes_of_each_channel_is_judged(entries: list[dict[str, Any]], rule: str) -> None:
    assert Scene().answer("c-old", *entries)[0] == rule


def test_a_refused_channel_has_no_seat_and_is_no_membership_to_be_sure_of() -> None:
    scene = Scene()
    scene.answer("c-old", entry(recovered=False, reason="internal"))

    assert scene.list() == []
    assert scene.seats.by_address == {}


def test_a_whole_room_that_is_refused_answers_for_its_channels() -> None:
    assert Scene().answer("c-old", entry("*", 0, recovered=False, reason="forbidden")) == []


def test_nobody_becomes_somebody_whom_it_did_not_ask_for() -> None:
    assert Scene().answer("c-else", entry()) == ["resume", "resume"]
    assert Scene(shown=False).answer("c-else", entry()) == ["resume"]
    assert Scene(shown=False).answer("c-new", entry()) == []


def test_who_comes_in_time_is_who_it_was() -> None:
    scene = Scene()
    assert scene.answer("c-new", entry()) == ["resume"]

    lost = Scene()
    lost.line.notice()
    lost.send()
    lost.now += 9.9
    assert lost.answer("c-new", entry()) == ["resume"]


def test_who_comes_too_late_or_after_a_clean_end_may_be_another() -> None:
    late, clean, many = Scene(), Scene(), Scene(is_sure=False)
    late.line.notice()
    late.send()
    late.now += 10
    clean.line.notice(1000)
    clean.send()

    for scene in (late, clean, many):
        assert scene.answer("c-new", entry()) == []


def test_the_dead_are_not_continued() -> None:
    scene = Scene()
    scene.line.session.alive = False  # type: ignore[misc]
    scene.line.close(1000, "")
    scene.send()

    assert scene.answer("c-old", entry()) == ["resume"]


def test_a_connection_that_is_continued_is_told_so() -> None:
    assert Scene().answer("c-old", entry(), replaced=False) == ["replaced"]


def test_a_connection_that_had_its_end_before_need_not_be_told() -> None:
    scene = Scene()
    scene.line.close(4100, "slow consumer")

    assert scene.answer("c-old", entry(), replaced=False) == []


def test_a_membership_that_is_missing_or_new_is_noticed() -> None:
    missing, new = Scene(), Scene()
    missing.answer("c-old", entry(recovered=False, reason="internal"))
    missing.comeback.refused.clear()
    assert missing.list() == ["membership"]

    new.answer("c-old", entry())
    assert new.list(PLACE, OTHER) == ["membership"]


def test_a_membership_may_have_ended_with_its_channel() -> None:
    scene = Scene(positions={})
    scene.ledger.ended(PLACE)
    scene.answer("c-old")

    assert scene.list() == []


def test_what_another_connection_of_the_client_did_meanwhile_is_no_surprise() -> None:
    scene = Scene(positions={})
    scene.kin.append(Kin(Line(1000, False), frozenset({OTHER}), is_later=True))
    scene.answer("c-old", entry("d", recovered=False))

    assert scene.list(OTHER) == []
