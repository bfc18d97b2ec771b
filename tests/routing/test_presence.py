"""Presence: a herald, its audience, and watchers that are probes. Joins and leaves are made by hand."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from msgspec import UNSET, Raw, json

from arqonbus.actor import Actor, ActorSystem, Context, Props, Ref
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.protocol.payloads import LeftReason, Profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.mail import Deliver, PresenceTick
from arqonbus.routing.members import Members
from arqonbus.routing.presence import Herald
from tests.commands.calls import client_card

AT = "2026-11-21T19:00:00.000Z"


class Crier(Actor[Any]):
    """Stands for a channel: its turns are what a mail says, and the ticks of its herald."""

    def __init__(self, herald: Herald) -> None:
        self._herald = herald

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        if isinstance(mail, PresenceTick):
            self._herald.tick(ctx)
        else:
            mail(ctx)


class Square:
    """Members, a herald, and who watches."""

    def __init__(self, most: int) -> None:
        self.manual = ManualDispatcher()
        self.system = ActorSystem(self.manual.dispatcher)
        self.members = Members()
        self.herald = Herald("r", "c", self.members, most)
        self.crier: Ref[Any] = self.system.spawn(Props(lambda: Crier(self.herald)), "crier")
        self.probes: dict[str, Probe[Any]] = {}  # of the newest session of each client
        self._numbers = count()

    def do(self, step: Any) -> None:
        self.crier.tell(step)
        self.manual.run_until_idle()

    def card(self, client: str) -> ClientCard:
        self.probes[client] = Probe(self.system, f"session {next(self._numbers)}")
        return client_card(client, self.probes[client].ref)

    def join(self, client: str, watches: bool | None = None) -> None:
        self.members.join(self.card(client), AT, star=False, watches=watches)
        self.do(lambda ctx: self.herald.joined(self.members[client], ctx))

    def watch(self, client: str) -> Any:
        """Join and ask for rows. Gives the clients in them; None: there are none."""
        self.join(client, watches=True)
        return self.rows(client)

    def rows(self, client: str) -> Any:
        found: list[Any] = []
        self.do(lambda ctx: found.append(self.herald.rows_for(client, ctx)))
        return None if found[0] is UNSET else [row.client for row in found[0]]

    def leave(self, client: str, reason: LeftReason = "left") -> None:
        gone = self.members.drop(client)
        assert gone is not None
        self.do(lambda ctx: self.herald.left(gone, reason, ctx))

    def rename(self, client: str, name: str) -> None:
        self.members[client].card.profile = Profile(screen_name=name)
        self.do(lambda ctx: self.herald.updated(self.members[client], ctx))

    def told(self, client: str) -> list[tuple[str, Any]]:
        """(event, what it is about) since the last time."""
        texts = [text for mail in self.probes[client].take() if isinstance(mail, Deliver) for text in mail.texts]
        found = []
        for text in texts:
            message = json.decode(text)
            assert (message["type"], message["room"], message["channel"]) == ("system", "r", "c")
            found.append((message["event"], _gist(message["payload"])))
        return found


def _gist(payload: dict[str, Any]) -> Any:
    if "present" in payload:
        assert payload["count"] == len(payload["present"])
        return [row["client"] for row in payload["present"]]
    if "client" not in payload:
        return payload["count"]
    return (
        payload["client"],
        payload.get("count", payload["profile"].get("screen_name") if "profile" in payload else 0),
    )


def crowd(most: int, n_members: int) -> Square:
    """One watcher, w, among ``n_members``, who has been told all that there was."""
    square = Square(most)
    square.watch("w")
    for n in range(n_members - 1):
        square.join(f"m{n}")
    square.manual.advance(5)
    square.told("w")
    return square


def test_a_watcher_gets_rows_then_each_who_comes_and_goes_with_the_number_after() -> None:
    square = Square(10)
    square.join("a")

    assert square.watch("w") == ["a", "w"]
    square.join("b")
    square.leave("a")

    assert square.told("w") == [("member_joined", ("b", 3)), ("member_left", ("a", 2))]
    assert square.told("a") == square.told("b") == []


def test_nobody_is_told_of_itself() -> None:
    square = Square(10)
    square.watch("w")
    square.watch("v")

    assert square.told("v") == []
    assert square.told("w") == [("member_joined", ("v", 2))]


def test_past_the_threshold_the_number_is_told_at_once_then_once_a_second() -> None:
    square = crowd(3, 3)

    square.join("x")
    assert square.told("w") == [("member_count", 4)]
    square.join("y")
    square.leave("x")
    square.join("z")
    assert square.told("w") == []
    square.manual.advance(1)
    assert square.told("w") == [("member_count", 5)]
    square.manual.advance(10)
    assert square.told("w") == []
    square.leave("z")
    assert square.told("w") == [("member_count", 4)]


@pytest.mark.proves("013/SC-002")
def test_a_storm_above_the_threshold_is_two_messages_a_second() -> None:
    square = crowd(3, 5)

    for n in range(1000):
        square.join(f"x{n}")
    for n in range(1000):
        square.leave(f"x{n}")
    square.manual.advance(1)

    assert square.told("w") == [("member_count", 6), ("member_count", 5)]


def test_above_the_threshold_nobody_is_looked_at_but_the_one_it_is_about() -> None:
    square = crowd(3, 5)
    square.join("x")

    class Untouchable(dict[str, Any]):
        def items(self) -> Any:
            raise AssertionError("the watchers were gone through")

        values = __iter__ = items

    square.members.watching = Untouchable(square.members.watching)
    for n in range(10):
        square.join(f"y{n}")
        square.leave(f"y{n}")

    assert square.system.statistics().failures == 0


def test_who_joins_a_crowd_gets_no_rows_and_is_not_told_its_own_join() -> None:
    square = crowd(3, 5)

    assert square.watch("v") is None
    assert square.told("v") == []
    square.manual.advance(1)
    assert square.told("v") == []
    square.join("x")
    assert square.told("v") == square.told("w")[1:] == [("member_count", 7)]


def test_a_crowd_ends_at_four_fifths_with_all_rows_and_then_each_is_told_again() -> None:
    square = crowd(5, 6)

    square.leave("m0")
    square.manual.advance(1)
    assert square.told("w") == [("member_count", 5)]
    square.leave("m1")
    assert square.told("w") == [("members_present", ["w", "m2", "m3", "m4"])]
    square.join("x")
    square.leave("m2")
    assert square.told("w") == [("member_joined", ("x", 5)), ("member_left", ("m2", 4))]


def test_a_crowd_that_ends_within_a_second_of_the_last_news_is_told_when_it_is_over() -> None:
    square = crowd(5, 6)
    square.leave("m0")
    square.told("w")

    square.leave("m1")
    square.leave("m2")
    assert square.told("w") == []
    square.manual.advance(1)

    assert square.told("w") == [("members_present", ["w", "m3", "m4"])]


def test_a_crowd_that_comes_and_goes_between_two_ticks_leaves_the_watcher_right() -> None:
    square = crowd(5, 4)
    for name in ("x", "y"):
        square.join(name)
    for name in ("x", "y", "m0"):
        square.leave(name)
    square.manual.advance(1)

    assert square.told("w") == [
        ("member_joined", ("x", 5)),
        ("member_count", 6),
        ("members_present", ["w", "m1", "m2"]),
    ]


@pytest.mark.parametrize(("most", "ends_at"), [(1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (200, 160)])
def test_the_low_mark_can_be_reached_by_a_watcher(most: int, ends_at: int) -> None:
    square = crowd(most, most + 1)
    n_members = most + 1
    while n_members > ends_at:
        square.told("w")
        n_members -= 1
        square.leave(f"m{n_members - 1}")
        square.manual.advance(1)

    assert [event for event, _ in square.told("w")] == ["members_present"]


def test_with_zero_there_are_never_rows() -> None:
    square = Square(0)

    assert square.watch("w") is None
    square.join("x")
    square.leave("x")
    square.manual.advance(2)

    assert square.told("w") == [("member_count", 2), ("member_count", 1)]
    assert square.rows("w") is None


def test_without_watchers_a_crowd_is_nobodys_matter_and_a_watcher_finds_what_is_there_now() -> None:
    square = crowd(5, 6)
    square.leave("w")
    square.leave("m0")

    assert square.watch("v") == ["m1", "m2", "m3", "m4", "v"]
    square.join("x")
    assert square.told("v") == [("member_count", 6)]


def test_a_watcher_alone_that_asks_again_is_told_what_is_there_now() -> None:
    square = crowd(5, 6)
    square.leave("m0")

    assert square.rows("w") == ["w", "m1", "m2", "m3", "m4"]
    square.leave("m1")
    assert square.told("w")[-1] == ("member_left", ("m1", 4))


def test_a_new_profile_is_told_at_once_then_the_last_of_a_second() -> None:
    square = crowd(10, 3)

    for name in ("one", "two", "three"):
        square.rename("m0", name)
    square.rename("m1", "other")
    assert square.told("w") == [("member_updated", ("m0", "one"))]
    square.manual.advance(1)

    assert square.told("w") == [("member_updated", ("m0", "three")), ("member_updated", ("m1", "other"))]
    square.manual.advance(10)
    assert square.told("w") == []


def test_a_new_profile_of_a_watcher_is_told_to_the_others_only() -> None:
    square = crowd(10, 1)
    square.rename("w", "nobody else is there")
    square.watch("v")

    square.rename("v", "Vera")

    assert square.told("v") == []
    assert square.told("w") == [("member_joined", ("v", 2)), ("member_updated", ("v", "Vera"))]


def test_who_left_has_no_new_profile() -> None:
    square = crowd(3, 3)
    square.rename("m0", "one")
    square.rename("m0", "two")
    square.leave("m0")
    square.manual.advance(1)

    assert square.told("w") == [("member_updated", ("m0", "one")), ("member_left", ("m0", 2))]


def test_in_a_crowd_nobody_has_a_new_profile() -> None:
    square = crowd(3, 3)
    square.rename("m0", "one")
    square.rename("m0", "two")
    square.join("x")
    square.rename("m0", "three")
    square.manual.advance(1)

    assert square.told("w") == [("member_updated", ("m0", "one")), ("member_count", 4)]


def test_who_goes_on_as_another_session_gets_all_rows_there() -> None:
    square = crowd(10, 3)
    before = square.members["w"].card
    square.members.join(square.card("w"), AT, star=False, watches=None)

    square.do(lambda ctx: square.herald.resumed(square.members["w"], before, ctx))

    assert square.told("w") == [("members_present", ["w", "m0", "m1"])]


def test_who_goes_on_in_a_crowd_is_told_how_many_there_are() -> None:
    square = crowd(3, 5)
    before = square.members["w"].card
    square.members.join(square.card("w"), AT, star=False, watches=None)

    square.do(lambda ctx: square.herald.resumed(square.members["w"], before, ctx))

    assert square.told("w") == [("member_count", 5)]


def test_who_goes_on_with_another_profile_is_told_to_the_others() -> None:
    square = crowd(10, 3)
    before = square.members["m0"].card
    after = square.card("m0")
    after.profile = Profile(screen_name="again")
    square.members.join(after, AT, star=False, watches=None)

    square.do(lambda ctx: square.herald.resumed(square.members["m0"], before, ctx))

    assert square.told("w") == [("member_updated", ("m0", "again"))]
    assert square.told("m0") == []


def test_rows_that_are_too_large_make_a_crowd_until_they_are_clearly_smaller() -> None:
    square = crowd(100, 70)
    for n in range(69):
        square.members[f"m{n}"].card.profile = Profile(data=Raw(b'"' + b"x" * 4000 + b'"'))

    assert square.watch("v") is None
    assert square.told("w") == [("member_joined", ("v", 71)), ("member_count", 71)]
    for n in range(10):
        square.leave(f"m{n}")
    square.manual.advance(1)
    assert square.told("w") == [("member_count", 61)]
    for n in range(10, 25):
        square.leave(f"m{n}")
    square.manual.advance(1)

    ((event, rows),) = square.told("w")
    assert (event, len(rows)) == ("members_present", 46)
    assert square.told("v")[-1] == ("members_present", rows)
