"""Groups of a channel between a log and members that are probes; sessions play it in tests/flow/test_groups.py."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.protocol.payloads import GroupInfo
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.group import GroupBounds
from arqonbus.routing.groups import Groups, clash
from arqonbus.routing.mail import Deliver, Ready, Sent, Share, Unsent
from arqonbus.routing.members import Member
from arqonbus.storage.history import Retention
from arqonbus.storage.memory import MemoryHistory
from arqonbus.telemetry.counters import Counters
from tests.commands.calls import client_card


class Bench:
    """Groups of one channel; texts of events are their seqs."""

    def __init__(self, bounds: GroupBounds = GroupBounds()) -> None:  # noqa: B008 - frozen
        self.manual = ManualDispatcher()
        self.system = ActorSystem(self.manual.dispatcher)
        self.counters = Counters()
        history = MemoryHistory(1000, 60.0, self.manual.clock.time, lambda: "e1")
        log = history.open("r", "c", Retention(0, 1.0, 0))
        self.groups = Groups(("r", "c"), log, bounds, self.counters)
        self.top = 0
        self.probes: dict[ClientCard, Probe[Any]] = {}
        self.numbers: dict[ClientCard, int] = {}  # of their seats

    def member(self, client: str, group: str = "g", old: ClientCard | None = None) -> ClientCard:
        probe: Probe[Any] = Probe(self.system, f"{client}-{len(self.probes)}")
        card = client_card(client, probe.ref)
        self.probes[card] = probe
        self.numbers[card] = self.groups.join(group, card, old)
        return card

    def sent(self, card: ClientCard, n: int) -> Sent:
        return Sent(self.numbers[card], n)

    def unsent(self, card: ClientCard) -> Unsent:
        return Unsent(self.numbers[card])

    def ready(self, card: ClientCard) -> Ready:
        return Ready(self.numbers[card])

    def publish(self, n: int) -> None:
        first, self.top = self.top + 1, self.top + n
        self.groups.share([b"%d" % seq for seq in range(first, self.top + 1)], self.top)
        self.groups.hand_out()

    def say(self, *mails: Any) -> None:
        for mail in mails:
            self.groups.note(mail)
        self.groups.hand_out()

    def told(self, card: ClientCard) -> list[tuple[int, list[int]]]:
        """(round, seqs) of the shares since the last look."""
        self.manual.run_until_idle()
        mails = self.probes[card].take()
        return [(m.round, [int(text) for text in m.deliver.texts]) for m in mails if isinstance(m, Share)]

    def gaps(self, card: ClientCard) -> list[Any]:
        self.manual.run_until_idle()
        return [msgspec.json.decode(m.texts[0]) for m in self.probes[card].mails if isinstance(m, Deliver)]


def test_a_batch_is_one_share_for_each_member_that_gets_some_of_it() -> None:
    bench = Bench()
    one, two, three = (bench.member(f"c-{n}") for n in range(3))

    bench.publish(5)

    assert [bench.told(card) for card in (one, two, three)] == [[(0, [1, 4])], [(0, [2, 5])], [(0, [3])]]


def test_what_is_sent_counts_as_messages_out_and_as_room() -> None:
    bench = Bench()
    one, two = bench.member("c-1"), bench.member("c-2")
    bench.publish(4)
    bench.say(bench.sent(two, 2))

    bench.publish(2)

    assert bench.counters.messages_out == 2
    assert (bench.told(one), bench.told(two)) == ([(0, [1, 3])], [(0, [2, 4]), (0, [5, 6])])


def test_what_is_unsent_goes_to_another_and_the_member_is_told_nothing_until_it_is_ready() -> None:
    bench = Bench()
    one, two = bench.member("c-1"), bench.member("c-2")
    bench.publish(2)
    bench.say(bench.unsent(one))
    bench.publish(1)
    assert (bench.told(one), bench.told(two)) == ([(0, [1])], [(0, [2]), (0, [1]), (0, [3])])

    bench.say(bench.ready(one))
    bench.publish(1)

    assert bench.told(one) == [(1, [4])]


def test_what_a_member_that_left_does_not_write_comes_back_with_its_last_word() -> None:
    bench = Bench()
    one, two = bench.member("c-1"), bench.member("c-2")
    bench.publish(4)
    bench.groups.leave(one)
    bench.publish(1)
    assert bench.told(two) == [(0, [2, 4]), (0, [5])]

    bench.say(bench.sent(one, 1))
    assert bench.told(two) == []
    bench.say(bench.unsent(one))
    assert bench.told(two) == [(0, [3])]
    bench.say(bench.unsent(one), bench.sent(one, 1), bench.ready(one))
    assert bench.told(two) == []


def test_a_member_that_confirms_all_after_it_left_needs_no_last_word() -> None:
    bench = Bench()
    one, two = bench.member("c-1"), bench.member("c-2")
    bench.publish(2)
    bench.groups.leave(one)

    bench.say(bench.sent(one, 1), bench.unsent(one))

    assert bench.told(two) == [(0, [2])]
    assert bench.counters.messages_out == 1


def test_what_a_lost_member_had_not_confirmed_goes_to_another_at_once() -> None:
    bench = Bench()
    one, two = bench.member("c-1"), bench.member("c-2")
    bench.publish(4)
    bench.say(bench.sent(one, 1))
    bench.groups.drop(one)

    bench.say(bench.sent(one, 1))

    assert bench.told(two) == [(0, [2, 4]), (0, [3])]


def test_a_newer_connection_has_what_the_older_one_had_not_confirmed_and_words_of_that_are_void() -> None:
    bench = Bench()
    old = bench.member("c-1")
    bench.publish(2)
    bench.say(bench.sent(old, 1))

    new = bench.member("c-1", old=old)
    bench.say(bench.sent(old, 1), bench.unsent(old))

    assert bench.told(new) == [(0, [2])]
    assert bench.groups.infos() == (GroupInfo("g", 1, 0),)


def test_leaving_or_dropping_a_stranger_is_without_effect() -> None:
    bench = Bench()
    one = bench.member("c-1")

    bench.groups.leave(client_card("c-2"))
    bench.groups.drop(client_card("c-2"))
    bench.groups.join("g", one, one)
    bench.publish(1)

    assert bench.told(one) == [(0, [1])]


@pytest.mark.parametrize("way", ["leave", "drop"])
def test_a_group_ends_with_its_last_member_and_what_waited_is_counted(way: str) -> None:
    bench = Bench()
    one = bench.member("c-1")
    bench.say(bench.unsent(one))
    bench.publish(3)
    assert bench.groups.infos() == (GroupInfo("g", 1, 3),)

    getattr(bench.groups, way)(one)

    assert bench.groups.infos() == ()
    assert bench.counters.group_lost == 3


def test_what_the_last_member_does_not_write_after_it_left_is_counted_as_lost() -> None:
    bench = Bench()
    one = bench.member("c-1")
    bench.publish(3)
    bench.groups.leave(one)
    later = bench.member("c-2")

    bench.say(bench.sent(one, 1), bench.unsent(one))

    assert bench.counters.group_lost == 2
    assert bench.told(later) == []


def test_groups_are_reached_while_one_of_each_has_a_connection() -> None:
    bench = Bench()
    one, two = bench.member("c-1", "g"), bench.member("c-2", "h")
    assert bench.groups.n_reached == 2

    one.is_away = True
    assert bench.groups.n_reached == 1
    bench.say(bench.unsent(two))
    assert bench.groups.n_reached == 1


def test_a_loss_is_counted_and_told_to_each_member_when_it_reads(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(GroupBounds(2, 1000))
    one, two = bench.member("c-1"), bench.member("c-2")
    bench.say(bench.unsent(one), bench.unsent(two))
    bench.publish(3)
    bench.publish(2)
    assert bench.counters.group_lost == 3
    assert (bench.gaps(one), bench.gaps(two)) == ([], [])

    bench.say(bench.ready(one))

    payload = {"room": "r", "channel": "c", "epoch": "e1", "from": 1, "to": 3, "reason": "group_overflow"}
    expected = {"type": "system", "event": "gap", "room": "r", "channel": "c", "payload": payload}
    assert bench.gaps(one) == [expected]
    assert bench.told(one) == [(1, [4, 5])]
    assert bench.gaps(two) == []
    bench.say(bench.sent(one, 2))
    said = [(record.msg, record.fields["messages_lost"]) for record in caplog.records]  # type: ignore[attr-defined]
    assert said == [("group_too_slow", 1), ("group_caught_up", 3)]


@pytest.mark.parametrize(
    ("has", "group", "star", "words"),
    [
        (None, "g", False, None),
        (None, None, True, None),
        (Member(client_card(), "now", direct=True), None, False, None),
        (Member(client_card(), "now", direct=True), None, True, None),
        (Member(client_card(), "now", direct=True), "g", False, "every event of this channel"),
        (Member(client_card(), "now", star=True), "g", False, "every event of this channel"),
        (Member(client_card(), "now", direct=True, group="g"), "g", False, None),
        (Member(client_card(), "now", direct=True, group="g"), "h", False, "in the group g"),
        (Member(client_card(), "now", direct=True, group="g"), None, False, "in the group g"),
        (Member(client_card(), "now", direct=True, group="g"), None, True, "in the group g"),
    ],
)
def test_a_client_is_in_a_channel_in_one_way(
    has: Member | None, group: str | None, star: bool, words: str | None
) -> None:
    refusal = clash(has, group, star)

    assert refusal is None if words is None else refusal is not None and words in refusal.message
