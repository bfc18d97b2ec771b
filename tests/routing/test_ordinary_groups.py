"""Ordinary groups between a store and members that are probes; sessions play it in the flow tests."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
import pytest

from arqonbus.errors import StorageError
from arqonbus.routing import ordinary_groups
from arqonbus.routing.mail import Sent, Share, Unsent
from arqonbus.routing.ordinary_groups import OPTIONS, OrdinaryGroups
from tests.routing.durable_stage import Hand, Stage


class Standing:
    """Of the channel's log."""

    is_alone = False


def staged(*nodes: str) -> tuple[Stage, Standing]:
    standing = Standing()
    return Stage(*nodes, make=partial(make, standing)), standing


def make(standing: Standing, *args: Any) -> OrdinaryGroups:
    return OrdinaryGroups(*args, standing)


def here(stage: Stage, *seqs: int) -> None:
    """Have events numbered on this node."""
    texts = [msgspec.json.encode({"seq": seq, "type": "event"}) for seq in seqs]
    stage.on("n1", lambda: stage.groups["n1"].share(texts, seqs[-1]))


def shares(hand: Hand) -> list[Share]:
    return [mail for mail in hand.probe.take() if isinstance(mail, Share)]


def test_what_is_written_is_done_and_events_say_nothing_of_it() -> None:
    stage, _ = staged("n1", "n2")
    one, two = stage.member("one"), stage.member("two", "n2")
    stage.publish(*range(6))
    assert stage.standing().in_work == 6

    assert sorted(one.look() + two.look()) == [(seq, 0) for seq in range(1, 7)]
    assert stage.standing().in_work == 0
    assert stage.counters.messages_out == 6
    assert stage.standing().options == OPTIONS


def test_a_word_that_the_store_did_not_take_is_said_again() -> None:
    stage, _ = staged()
    one = stage.member("one")
    stage.publish("a", "b")
    stage.histories["n1"].fails = StorageError("away")
    assert one.look() == [(1, 0), (2, 0)]
    stage.advance(3)
    assert stage.standing().in_work == 2
    stage.histories["n1"].fails = None
    stage.advance(3)

    assert stage.standing().in_work == 0
    assert one.look() == []


def test_a_word_is_not_said_again_for_a_group_that_is_over_here() -> None:
    stage, _ = staged("n1", "n2")
    one, other = stage.member("one"), stage.member("other", "n2")
    other.writes = False
    stage.publish("a")
    stage.histories["n1"].fails = StorageError("away")
    (share,) = shares(one)
    stage.leave(one)
    stage.note(one, Sent(one.number, len(share.deliver.texts)))
    stage.advance(1)

    assert stage.standing().in_work == 1
    assert not stage.groups["n1"].sites.by_name


def test_who_leaves_has_the_last_word() -> None:
    stage, _ = staged()
    one, two = stage.member("one"), stage.member("two")
    stage.publish("a", "b", "c", "d")
    assert len(shares(one)) == 1
    stage.leave(one)
    assert two.look() == [(2, 0), (4, 0)]
    stage.note(one, Sent(one.number, 1))
    assert stage.standing().in_work == 1
    stage.note(one, Unsent(one.number))
    stage.note(one, Sent(one.number, 1))  # of one that is forgotten

    assert two.look() == [(3, 0)]
    assert stage.standing().in_work == 0


def test_who_leaves_and_is_in_no_group_leaves_nothing() -> None:
    stage, _ = staged()
    one = stage.member("one")
    stage.leave(one)
    stage.leave(one)

    assert stage.standing().by_node == {}


def test_while_the_store_is_away_members_share_what_is_numbered_here() -> None:
    stage, standing = staged()
    one, two = stage.member("one"), stage.member("two")
    standing.is_alone = True
    stage.histories["n1"].fails = StorageError("away")
    here(stage, 1, 2, 3, 4)
    two.writes = False
    assert one.look() == [(1, 0), (3, 0)]
    assert two.look() == []
    assert one.look() == [(2, 0), (4, 0)]

    one.writes = False
    here(stage, 5)
    assert one.look() == []
    here(stage, 6)
    assert stage.groups["n1"].infos()[0].waiting == 2
    standing.is_alone, stage.histories["n1"].fails = False, None
    stage.on("n1", stage.groups["n1"].reopen)  # type: ignore[attr-defined]
    stage.leave(one)
    stage.leave(two)
    assert stage.standing().in_work == 0


def test_what_nobody_takes_while_the_store_is_away_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordinary_groups, "MOST_WAITING", 2)
    stage, standing = staged()
    one = stage.member("one")
    standing.is_alone = True
    stage.note(one, Unsent(one.number))
    here(stage, 1, 2, 3)

    assert stage.groups["n1"].infos()[0].waiting == 2
    assert stage.counters.group_lost == 1


def test_a_channel_that_ends_says_what_is_done() -> None:
    stage, _ = staged()
    one = stage.member("one")
    stage.publish("a", "b")

    def end() -> None:
        stage.groups["n1"].note(Sent(one.number, 1))
        stage.groups["n1"].close()

    stage.on("n1", end)
    assert stage.standing().in_work == 1
