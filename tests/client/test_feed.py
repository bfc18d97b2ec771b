"""The feed: order, repeats, gaps, and a queue that is never without a bound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.client.codec import EventIn, PrivateIn
from arqonbus.client.cursor import EPOCH_CHANGED, Outcome
from arqonbus.client.errors import SlowReader, SubscriptionEnded
from arqonbus.client.feed import Entry, Feed, FeedBounds, WhenFull
from arqonbus.client.message import Delivery, Gap
from arqonbus.protocol.payloads import Lost
from tests.client.stage import gap

SIZE = 100


def event(seq: int, channel: str = "explore") -> EventIn:
    return EventIn(room="science", channel=channel, seq=seq, id=f"e{seq}")


def delivery(seq: int, attempt: int = 1) -> EventIn:
    return EventIn(
        room="science", channel="explore", seq=seq, id=f"e{seq}", delivery=Delivery("workers", attempt, "e1")
    )


class Hand:
    """A feed, and what it told."""

    def __init__(self, *, grouped: bool = False, **bounds: object) -> None:
        self.gaps: list[Gap] = []
        self.n_wakes = 0
        self.feed = Feed(FeedBounds(**bounds), grouped=grouped, on_gap=self.gaps.append, wake=self._wake)  # type: ignore[arg-type]
        self.feed.begin("explore", "e1", 0, 0)

    def _wake(self) -> None:
        self.n_wakes += 1

    def deliver(self, *seqs: int, channel: str = "explore") -> None:
        for seq in seqs:
            self.feed.deliver(event(seq, channel), SIZE)

    def take(self) -> list[Entry]:
        found = []
        while (entry := self.feed.take()) is not None:
            found.append(entry)
        return found

    def seqs(self) -> list[int]:
        return [entry.frame.seq for entry in self.take()]  # type: ignore[union-attr]


@pytest.mark.rules("R36")
def test_events_come_in_order_and_repeats_are_dropped() -> None:
    hand = Hand()

    hand.deliver(1, 2, 2, 1, 3)

    assert hand.seqs() == [1, 2, 3]
    assert hand.feed.stats.repeats == 2
    assert hand.gaps == []


@pytest.mark.rules("R36", "R37")
def test_a_jump_is_a_hole_that_stands_on_the_next_message() -> None:
    hand = Hand()

    hand.deliver(1, 5)

    entries = hand.take()
    assert [entry.gap for entry in entries] == [None, gap(2, 4, 3, "hole", True, "e1")]
    assert hand.gaps == [entries[1].gap]
    assert (hand.feed.stats.gaps, hand.feed.stats.missed) == (1, 3)


@pytest.mark.rules("R34")
def test_a_feed_that_does_not_know_where_it_is_starts_with_the_first_event() -> None:
    feed = Feed()

    feed.deliver(event(7), SIZE)
    feed.deliver(event(8), SIZE)

    assert [feed.take(), feed.take()] == [Entry(event(7), SIZE), Entry(event(8), SIZE)]


@pytest.mark.rules("R35")
def test_events_up_to_the_top_of_a_join_are_replays() -> None:
    hand = Hand()
    hand.feed.begin("explore", "e1", 3, 5)

    hand.deliver(4, 5, 6)

    assert [(entry.replay, entry.epoch) for entry in hand.take()] == [(True, "e1"), (True, "e1"), (False, "e1")]


@pytest.mark.rules("R36")
def test_a_gap_of_the_server_moves_the_position() -> None:
    hand = Hand()
    hand.deliver(1)

    hand.feed.lose("explore", gap(2, 4, 3, "slow", True, "e1"))
    hand.deliver(5)

    assert [entry.gap for entry in hand.take()] == [None, gap(2, 4, 3, "slow", True, "e1")]


@pytest.mark.rules("R36")
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize(("first", "last"), [(1, 0), (1, 5), (8, 7)])
def test_a_gap_of_another_epoch_begins_there(first: int, last: int, grouped: bool) -> None:
    hand = Hand(grouped=grouped)
    hand.deliver(1, 2, 3)

    hand.feed.lose("explore", gap(first, last, last - first + 1, "epoch_changed", True, "e2"))
    hand.deliver(last + 1)

    declared = gap(first, last, last - first + 1, "epoch_changed", False, "e2")
    assert [(entry.epoch, entry.gap) for entry in hand.take()] == [("e1", None)] * 3 + [("e2", declared)]
    assert hand.gaps == [declared]


@pytest.mark.rules("R36", "R37")
def test_a_gap_counts_only_what_the_reader_has_not_had() -> None:
    hand = Hand()
    hand.deliver(1, 2, 3)

    hand.feed.lose("explore", gap(2, 5, 4, "slow", True, "e1"))
    hand.feed.lose("explore", gap(1, 2, 2, "slow", True, "e1"))

    assert hand.gaps == [gap(4, 5, 2, "slow", True, "e1")]


def test_a_gap_that_begins_late_takes_what_is_missing_before_it() -> None:
    hand = Hand()
    hand.deliver(1)

    hand.feed.lose("explore", gap(4, 5, 2, "slow", True, "e1"))

    assert hand.gaps == [gap(2, 5, 4, "slow", True, "e1")]


@pytest.mark.rules("R37")
def test_gaps_before_one_message_are_joined() -> None:
    hand = Hand()
    hand.deliver(1)
    hand.feed.lose("explore", gap(2, 2, 1, "slow", True, "e1"))
    hand.deliver(5)

    assert hand.take()[1].gap == gap(2, 4, 3, "slow", True, "e1")
    assert len(hand.gaps) == 2


@pytest.mark.rules("R35")
def test_to_rejoin_recovered_goes_on_where_it_was() -> None:
    hand = Hand()
    hand.deliver(1, 2)

    hand.feed.rejoin("explore", Outcome("e1", 4, True))
    hand.deliver(2, 3, 4, 5)

    assert hand.seqs() == [1, 2, 3, 4, 5]
    assert hand.gaps == []


@pytest.mark.rules("R35")
def test_to_rejoin_with_a_loss_goes_on_behind_it() -> None:
    hand = Hand()
    hand.deliver(1, 2)
    hand.take()

    hand.feed.rejoin("explore", Outcome("e1", 9, False, "over_limit", Lost(3, 7), 2))
    hand.deliver(8, 9, 10)

    entries = hand.take()
    assert [entry.gap for entry in entries] == [gap(3, 7, 5, "over_limit", True, "e1"), None, None]
    assert [entry.replay for entry in entries] == [True, True, False]


@pytest.mark.rules("R35", "R37")
def test_a_new_epoch_begins_anew_and_is_not_exact() -> None:
    hand = Hand()
    hand.deliver(1, 2)
    hand.take()

    hand.feed.rejoin("explore", Outcome("e2", 1, False, EPOCH_CHANGED, Lost(1, 1)))
    hand.deliver(2)

    (entry,) = hand.take()
    assert entry.epoch == "e2"
    assert entry.gap == gap(1, 1, 1, EPOCH_CHANGED, False, "e2")


@pytest.mark.rules("R36")
def test_a_group_has_no_holes_and_knows_repeats() -> None:
    hand = Hand(grouped=True)

    hand.deliver(2, 9, 2, 5, 9)
    hand.feed.rejoin("explore", Outcome("e1", 9, False))
    hand.deliver(9, 4)

    assert hand.seqs() == [2, 9, 5, 4]
    assert hand.gaps == []


@pytest.mark.rules("R36")
def test_a_group_forgets_the_oldest_seqs_and_those_of_an_old_epoch() -> None:
    hand = Hand(grouped=True, messages=5000)
    hand.deliver(*range(1, 1102))
    hand.take()

    hand.deliver(1, 1101)
    assert hand.seqs() == [1]
    hand.feed.rejoin("explore", Outcome("e2", 0, False, EPOCH_CHANGED))
    hand.deliver(1101)

    assert hand.seqs() == [1101]


@pytest.mark.rules("R40")
def test_a_full_queue_drops_the_oldest_and_says_so_on_the_next() -> None:
    hand = Hand(messages=2)

    hand.deliver(1, 2, 3, 4)

    entries = hand.take()
    assert [entry.frame.seq for entry in entries] == [3, 4]  # type: ignore[union-attr]
    assert entries[0].gap == gap(1, 2, 2, "overflow", True, "e1")
    assert entries[1].gap is None


@pytest.mark.rules("R37", "R40")
def test_a_dropped_message_hands_its_gap_on() -> None:
    hand = Hand(messages=1)

    hand.deliver(1, 5, 6)

    (entry,) = hand.take()
    assert entry.gap is not None
    assert (entry.gap.first, entry.gap.last, entry.gap.missed) == (1, 5, 5)


@pytest.mark.rules("R40")
def test_a_full_queue_may_drop_the_newest() -> None:
    hand = Hand(messages=2, when_full="drop_newest")

    hand.deliver(1, 2, 3, 4)
    assert hand.seqs() == [1, 2]
    hand.deliver(5)

    assert [entry.gap for entry in hand.take()] == [gap(3, 4, 2, "overflow", True, "e1")]


@pytest.mark.rules("R40")
def test_a_full_queue_may_end_the_handle_behind_what_it_has() -> None:
    hand = Hand(messages=2, when_full="error")

    hand.deliver(1, 2, 3, 4)

    assert isinstance(hand.feed.error, SlowReader)
    assert hand.seqs() == [1, 2]


@pytest.mark.rules("R40", "R41")
def test_a_full_queue_may_ask_not_to_be_read_for() -> None:
    hand = Hand(messages=2, when_full="block")
    told: list[str] = []
    hand.feed.on_full = lambda feed: told.append("full")
    hand.feed.on_room = lambda feed: told.append("room")

    hand.deliver(1, 2, 3)
    assert told == ["full"]
    hand.feed.take()
    assert told == ["full"]
    hand.feed.take()

    assert told == ["full", "room"]
    assert hand.seqs() == [3]


@pytest.mark.rules("R41")
def test_a_handle_that_ends_lets_the_socket_be_read_again() -> None:
    hand = Hand(messages=1, when_full="block")
    told: list[str] = []
    hand.feed.on_room = lambda feed: told.append("room")
    hand.deliver(1)

    hand.feed.close()

    assert told == ["room"]


@pytest.mark.rules("R40")
def test_the_bound_in_bytes_holds_too_and_one_message_of_any_size_fits() -> None:
    hand = Hand(bytes=250)

    hand.deliver(1, 2, 3)
    assert hand.seqs() == [2, 3]
    hand.feed.deliver(event(4), 10_000)

    assert hand.seqs() == [4]
    assert hand.feed.bytes == 0


@pytest.mark.rules("R43")
def test_messages_without_a_place_are_counted_when_they_are_dropped() -> None:
    hand = Hand(messages=1)

    hand.feed.deliver_message(PrivateIn(id="a"), SIZE)
    hand.feed.deliver_message(PrivateIn(id="b"), SIZE)

    (entry,) = hand.take()
    assert entry.frame.id == "b"
    assert entry.gap == gap(0, 0, 1, "overflow", channel="")


@pytest.mark.rules("R38")
def test_each_channel_of_a_room_has_its_own_place() -> None:
    hand = Hand()
    hand.feed.begin("other", "e7", 4, 4)

    hand.deliver(1)
    hand.deliver(5, channel="other")
    hand.deliver(7, channel="other")

    assert [entry.gap for entry in hand.take()] == [None, None, gap(6, 6, 1, "hole", True, "e7", "other")]


@pytest.mark.rules("R33")
def test_the_end_leaves_what_waits_and_only_the_first_counts() -> None:
    hand = Hand()
    hand.deliver(1)

    hand.feed.end(SubscriptionEnded("gone"))
    hand.feed.end(None)
    hand.deliver(2)

    assert hand.seqs() == [1]
    assert isinstance(hand.feed.error, SubscriptionEnded)


def test_to_close_throws_away_what_waits() -> None:
    hand = Hand()
    hand.deliver(1, 2)

    hand.feed.close()

    assert hand.feed.take() is None
    assert hand.feed.has_ended


def test_a_reader_is_woken_for_each_message_and_for_the_end() -> None:
    hand = Hand()
    hand.deliver(1, 1)
    hand.feed.end()

    assert hand.n_wakes == 2


def test_a_channel_that_is_forgotten_begins_anew() -> None:
    hand = Hand()
    hand.deliver(1, 2)

    hand.feed.forget("explore")
    hand.deliver(1)

    assert hand.seqs() == [1, 2, 1]


@pytest.mark.rules("R37")
@given(
    policy=st.sampled_from(["drop_oldest", "drop_newest", "block"]),
    size=st.integers(1, 4),
    steps=st.lists(st.sampled_from(["next", "skip", "repeat", "take", "lose"]), max_size=60),
)
def test_given_and_missed_are_all_that_was_published(policy: WhenFull, size: int, steps: list[str]) -> None:
    hand = Hand(messages=size, when_full=policy)
    top, given_seqs = 0, []
    for step in steps:
        if step == "take":
            entry = hand.feed.take()
            given_seqs += [] if entry is None else [entry.frame.seq]  # type: ignore[union-attr]
            continue
        if step == "lose":
            hand.feed.lose("explore", Gap(top + 1, top + 2, 2, "slow", True, "e1"))
            top += 2
            continue
        top += {"next": 1, "skip": 3, "repeat": 0}[step]
        if top:
            hand.deliver(top)
    rest = hand.take()
    given_seqs += [entry.frame.seq for entry in rest]  # type: ignore[union-attr]

    assert given_seqs == sorted(set(given_seqs))
    assert len(given_seqs) + hand.feed.stats.missed == top
    assert hand.feed.stats.missed == sum(one.missed for one in hand.gaps)
    assert hand.feed.bytes == 0


@pytest.mark.rules("R56")
def test_what_a_durable_group_gives_again_is_no_repeat() -> None:
    hand = Hand(grouped=True)
    for attempt in (1, 2, 3):
        hand.feed.deliver(delivery(4, attempt), SIZE)
    hand.feed.deliver(delivery(2), SIZE)

    assert hand.seqs() == [4, 4, 4, 2]
    assert (hand.feed.stats.repeats, hand.gaps) == (0, [])


@pytest.mark.rules("R56")
def test_what_waits_for_a_word_is_let_go_with_its_connection() -> None:
    hand = Hand(grouped=True)
    hand.feed.deliver(delivery(1), SIZE)
    hand.deliver(2)
    hand.feed.rejoin("explore", Outcome("e1", 9, False, None, None, 0))
    hand.feed.deliver(delivery(1, 2), SIZE)

    assert hand.feed.bytes == 2 * SIZE
    assert hand.seqs() == [2, 1]
    assert hand.feed.stats.repeats == 1
