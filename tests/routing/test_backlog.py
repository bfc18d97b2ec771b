"""The backlog of a client that bears losses: what it drops, what it tells, and that it never grows past its bounds."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arqonbus.protocol.payloads import Overflow
from arqonbus.routing.backlog import FEW_EMPTY, Backlog
from arqonbus.routing.fanout import deliver_texts
from arqonbus.routing.mail import Deliver, Place
from arqonbus.routing.outbox import Outbox, OutboxBounds
from arqonbus.routing.overflow import OverflowRules
from tests.flow.world import frames_of

WIDE = OutboxBounds(size_bytes=100_000, messages=1000, soft_bytes=100_000, soft_s=5.0, age_s=60.0)


class Narrow:
    """A socket that holds ``high`` bytes before it says stop; what it was written is on the wire when it drains."""

    def __init__(self, high: int = 100) -> None:
        self.texts: list[bytes] = []
        self.buffered = 0
        self.sizes: list[int] = []  # of each write
        self.high = high

    def write(self, chunk: bytes, texts: Sequence[bytes]) -> bool:
        assert not texts or list(texts) == frames_of(chunk)
        self.texts += frames_of(chunk)
        self.sizes.append(len(chunk))
        self.buffered += len(chunk)
        return self.buffered <= self.high

    def buffered_bytes(self) -> int:
        return self.buffered

    def close(self, code: int, reason: str) -> None:
        raise AssertionError("an outbox closes nothing")

    def abort(self) -> None:
        raise AssertionError("an outbox closes nothing")


class Source:
    """A channel that counts."""

    def __init__(self, channel: str = "c", size: int = 10) -> None:
        self.place = Place("r", channel, "e1")
        self.top = 0
        self._size = size

    @property
    def epoch(self) -> str:
        return self.place.epoch

    def begin(self, epoch: str, top: int = 0) -> None:
        """Another life: with the epoch of before it goes on counting."""
        self.place, self.top = Place("r", self.place.channel, epoch), top

    def publish(self, n: int = 1) -> Deliver:
        first, self.top = self.top + 1, self.top + n
        texts = [
            msgspec.json.encode([self.place.channel, self.epoch, seq]).ljust(self._size)
            for seq in range(first, self.top + 1)
        ]
        return deliver_texts(texts, self.place, self.top)


class Client:
    """An outbox and its socket, driven as a session does it. The transport is full at the start."""

    def __init__(
        self, bounds: OutboxBounds = WIDE, with_texts: bool = False, high: int = 100, **overflows: Overflow
    ) -> None:
        self.socket = Narrow(high)
        self.outbox = Outbox(self.socket, bounds, with_texts)
        self.now = 0.0
        self.verdict: str | None = None
        self.dropped: Counter[str] = Counter()
        self.say("x" * high)
        for channel, overflow in overflows.items():
            self.set("*" if channel == "star" else channel, overflow)
        self.socket.texts.clear()

    def set(self, channel: str, overflow: Overflow | None) -> None:
        self.outbox.set_overflow(("r", channel), overflow, (), self._note, self.now)

    def _note(self, n: int, place: Place, overflow: str, last: int) -> None:
        self.dropped[f"{overflow} {place.channel}"] += n

    def say(self, words: object) -> None:
        self.give(deliver_texts([msgspec.json.encode(words)]))

    def give(self, *delivers: Deliver) -> None:
        """One turn."""
        self.outbox.waiting.extend(delivers)
        self.end_turn()

    def end_turn(self) -> None:
        if self.outbox.waiting and not self.outbox.is_blocked:
            self.outbox.flush()
        if self.outbox.is_blocked and self.verdict is None:
            self.verdict = self.outbox.why_too_slow(self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.end_turn()

    def read(self) -> list[Any]:
        """Let the transport drain once. Gives all read so far."""
        self.socket.buffered = 0
        self.outbox.writable()
        self.end_turn()
        return self.told()

    def read_all(self) -> list[Any]:
        while self.outbox.waiting:
            self.read()
        return self.told()

    def told(self) -> list[Any]:
        """What came: [channel, epoch, seq], or ("gap", channel, from, to, reason), or what was said."""
        return [_short(msgspec.json.decode(text)) for text in self.socket.texts]


def _short(message: Any) -> Any:
    if not isinstance(message, dict):
        return message
    payload = message["payload"]
    assert (message["type"], message["event"]) == ("system", "gap")
    assert (message["room"], message["channel"]) == (payload["room"], payload["channel"])
    return ("gap", payload["channel"], payload["from"], payload["to"], payload["reason"])


def bounds(**changes: Any) -> OutboxBounds:
    return msgspec.structs.replace(WIDE, **changes)


# --- conflate -------------------------------------------------------------------------------------------------------


def test_of_a_conflating_channel_the_newest_event_waits_and_a_gap_tells_the_rest() -> None:
    client, c = Client(c="conflate"), Source()
    for _ in range(5):
        client.give(c.publish())

    assert (client.outbox.n_messages, client.outbox.size) == (1, 14)
    assert client.read() == [("gap", "c", 1, 4, "conflate"), ["c", "e1", 5]]
    assert client.dropped == {"conflate c": 4}


def test_a_batch_is_cut_to_its_newest_event() -> None:
    client, c = Client(c="conflate"), Source()
    client.give(c.publish(), c.publish(7))

    assert client.read() == [("gap", "c", 1, 7, "conflate"), ["c", "e1", 8]]


def test_one_event_is_no_gap() -> None:
    client, c = Client(c="conflate"), Source()
    client.give(c.publish())

    assert client.read() == [["c", "e1", 1]]


def test_each_conflating_channel_has_its_own_newest_event() -> None:
    client, c, d = Client(c="conflate", d="conflate"), Source("c"), Source("d")
    client.give(c.publish(), d.publish(), c.publish(), d.publish(), c.publish())

    assert client.read() == [
        ("gap", "c", 1, 2, "conflate"),
        ("gap", "d", 1, 1, "conflate"),
        ["d", "e1", 2],
        ["c", "e1", 3],
    ]


def test_the_newest_event_may_wait_for_ever() -> None:
    client, c = Client(bounds(age_s=10.0), c="conflate"), Source()
    client.give(c.publish(2))
    client.wait(1000)

    assert client.verdict is None
    assert client.read() == [("gap", "c", 1, 1, "conflate"), ["c", "e1", 2]]


def test_newest_events_that_do_not_fit_together_are_too_much() -> None:
    client, c, d = Client(bounds(size_bytes=150), c="conflate", d="conflate"), Source("c", 100), Source("d", 100)
    client.give(c.publish())
    assert client.verdict is None
    client.give(d.publish())

    assert client.verdict == "more than 150 bytes wait"


# --- drop_oldest ----------------------------------------------------------------------------------------------------


def test_within_the_bounds_nothing_is_dropped() -> None:
    client, c = Client(bounds(messages=3), c="drop_oldest"), Source()
    client.give(c.publish(3))

    assert client.read() == [["c", "e1", 1], ["c", "e1", 2], ["c", "e1", 3]]


def test_over_the_bound_of_messages_the_oldest_go() -> None:
    client, c = Client(bounds(messages=3), c="drop_oldest"), Source()
    for _ in range(5):
        client.give(c.publish())

    assert client.read() == [("gap", "c", 1, 2, "drop_oldest"), ["c", "e1", 3], ["c", "e1", 4], ["c", "e1", 5]]


def test_over_the_bound_of_bytes_as_many_go_as_must() -> None:
    client, c = Client(bounds(size_bytes=250), c="drop_oldest"), Source(size=98)
    client.give(c.publish(2))
    client.give(c.publish())

    assert client.outbox.size == 200
    assert client.read() == [("gap", "c", 1, 1, "drop_oldest"), ["c", "e1", 2], ["c", "e1", 3]]


def test_a_batch_is_cut_in_its_middle() -> None:
    client, c = Client(bounds(messages=3), c="drop_oldest"), Source()
    client.give(c.publish(5))

    assert client.read() == [("gap", "c", 1, 2, "drop_oldest"), ["c", "e1", 3], ["c", "e1", 4], ["c", "e1", 5]]


def test_the_oldest_of_all_channels_that_drop_go_first() -> None:
    client, c, d = Client(bounds(messages=2), c="drop_oldest", d="drop_oldest"), Source("c"), Source("d")
    client.give(c.publish(), d.publish(), c.publish(), d.publish())

    told = client.read()
    assert told == [
        ("gap", "c", 1, 1, "drop_oldest"),
        ("gap", "d", 1, 1, "drop_oldest"),
        ["c", "e1", 2],
        ["d", "e1", 2],
    ]


def test_what_is_too_old_goes_and_the_gap_is_told_though_nothing_follows() -> None:
    client, c = Client(bounds(age_s=10.0), c="drop_oldest"), Source()
    client.give(c.publish(3))
    client.wait(10)
    assert client.outbox.n_messages == 3
    client.wait(0.1)

    assert (client.outbox.n_messages, client.outbox.size, client.verdict) == (0, 0, None)
    assert client.read() == [("gap", "c", 1, 3, "drop_oldest")]


def test_an_event_larger_than_the_bound_goes_itself() -> None:
    client, c = Client(bounds(size_bytes=50), c="drop_oldest"), Source(size=100)
    client.give(c.publish())

    assert client.verdict is None
    assert client.read() == [("gap", "c", 1, 1, "drop_oldest")]


def test_gaps_merge_and_stand_where_the_first_event_was() -> None:
    client, c = Client(bounds(messages=2), c="drop_oldest"), Source()
    client.give(c.publish())
    client.say("between")
    for _ in range(4):
        client.give(c.publish())

    assert client.read() == [("gap", "c", 1, 4, "drop_oldest"), "between", ["c", "e1", 5]]


def test_after_a_gap_was_told_the_next_one_begins_anew() -> None:
    client, c = Client(bounds(messages=2), c="drop_oldest"), Source()
    client.give(c.publish(4))
    client.read()  # blocked again: the gap alone is more than the socket likes
    client.give(c.publish(4))

    assert client.read_all()[3:] == [
        ("gap", "c", 5, 6, "drop_oldest"),
        ["c", "e1", 7],
        ["c", "e1", 8],
    ]


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_what_is_no_event_is_never_dropped_and_breaks_the_bounds_as_ever() -> None:
    client, c = Client(bounds(messages=3), c="drop_oldest", d="conflate"), Source()
    for n in range(3):
        client.give(c.publish())
        client.say(n)
    assert (client.verdict, client.outbox.n_messages) == (None, 3)
    client.say(3)

    assert client.verdict == "more than 3 messages wait"
    assert client.dropped == {"drop_oldest c": 3}


def test_a_member_of_another_channel_that_floods_is_too_slow() -> None:
    client, c, d = Client(bounds(messages=5), c="conflate"), Source("c"), Source("d")
    for _ in range(5):
        client.give(c.publish(), d.publish())

    assert client.verdict == "more than 5 messages wait"


def test_the_age_of_what_is_kept_counts_from_when_it_came() -> None:
    client, c = Client(bounds(age_s=10.0), c="conflate"), Source()
    client.give(c.publish())
    client.wait(9)
    client.say("kept")
    client.wait(10)
    assert client.verdict is None
    client.wait(0.1)

    assert client.verdict == "a message waits for more than 10.0 s"


def test_the_age_of_what_is_kept_goes_on_when_a_piece_before_it_was_written() -> None:
    client = Client(bounds(age_s=10.0, piece_bytes=10), c="conflate")
    client.say("first" * 30)
    client.wait(5)
    client.say("second")
    client.wait(4)
    client.read()
    assert client.told() == ["first" * 30]
    client.wait(6)
    assert client.verdict is None
    client.wait(1)

    assert client.verdict is not None


def test_the_soft_bound_is_about_what_is_kept_alone() -> None:
    client, c = Client(bounds(soft_bytes=150, soft_s=5.0), c="drop_oldest"), Source(size=100)
    client.socket.buffered = 10_000
    client.give(c.publish(5))
    client.wait(100)
    assert client.verdict is None
    client.say("x" * 200)
    client.wait(5)

    assert client.verdict == "more than 150 bytes wait for 5.0 s"


# --- memberships ----------------------------------------------------------------------------------------------------


def test_a_rule_is_about_what_comes_after_it() -> None:
    client, c = Client(d="conflate"), Source()
    client.give(c.publish(2))
    client.set("c", "conflate")
    client.say("joined at 2")
    client.give(c.publish(3))
    client.set("c", "disconnect")
    client.say("joined at 5")
    client.give(c.publish(2))

    assert client.read() == [
        ["c", "e1", 1],
        ["c", "e1", 2],
        "joined at 2",
        ("gap", "c", 3, 4, "conflate"),
        ["c", "e1", 5],
        "joined at 5",
        ["c", "e1", 6],
        ["c", "e1", 7],
    ]


def test_a_gap_does_not_reach_over_an_answer() -> None:
    client, c = Client(bounds(messages=2), c="drop_oldest"), Source()
    client.give(c.publish(2))
    client.set("c", None)
    client.say("left")
    client.set("c", "drop_oldest")
    client.give(c.publish(2))

    assert client.read() == [
        ("gap", "c", 1, 2, "drop_oldest"),
        "left",
        ("gap", "c", 3, 3, "drop_oldest"),
        ["c", "e1", 4],
    ]


def test_a_rule_for_the_whole_room_seals_every_channel_of_it() -> None:
    client, c, d = Client(c="conflate", star="conflate"), Source("c"), Source("d")
    client.give(c.publish(), d.publish())
    client.set("*", "drop_oldest")
    client.say("joined")
    client.give(c.publish(2), d.publish(2))

    assert client.read() == [
        ["c", "e1", 1],
        ["d", "e1", 1],
        "joined",
        ("gap", "c", 2, 2, "conflate"),
        ["c", "e1", 3],
        ["d", "e1", 2],
        ["d", "e1", 3],
    ]


def test_a_channel_that_ended_and_came_back_is_told_apart_though_it_goes_on_counting() -> None:
    client, c = Client(star="conflate"), Source()
    client.give(c.publish(3))
    client.say("ended, came back")
    c.begin("e1", 3)
    client.give(c.publish(2))

    assert client.read() == [
        ("gap", "c", 1, 2, "conflate"),
        ["c", "e1", 3],
        "ended, came back",
        ("gap", "c", 4, 4, "conflate"),
        ["c", "e1", 5],
    ]


def test_epochs_are_told_apart() -> None:
    client, c = Client(star="conflate"), Source()
    client.give(c.publish(3))
    c.begin("e2", 3)
    client.give(c.publish(2))

    assert client.read() == [
        ("gap", "c", 1, 2, "conflate"),
        ["c", "e1", 3],
        ("gap", "c", 4, 4, "conflate"),
        ["c", "e2", 5],
    ]


def test_a_compressed_connection_is_given_the_texts_of_gaps_too() -> None:
    client, c = Client(c="conflate", with_texts=True), Source()
    client.give(c.publish(3))

    assert client.read() == [("gap", "c", 1, 2, "conflate"), ["c", "e1", 3]]


# --- writing --------------------------------------------------------------------------------------------------------


def test_it_is_written_in_pieces_so_that_what_is_left_can_still_be_dropped() -> None:
    client, c = Client(bounds(messages=10, piece_bytes=100), c="drop_oldest"), Source(size=98)
    for _ in range(10):
        client.give(c.publish())
    client.read()
    client.give(c.publish(11))

    told = client.read_all()
    assert told[:2] == [["c", "e1", 1], ["c", "e1", 2]]
    assert told[2] == ("gap", "c", 3, 11, "drop_oldest")


def test_a_turn_that_finds_room_writes_in_pieces_too() -> None:
    client, c = Client(bounds(piece_bytes=100), c="conflate"), Source(size=98)
    client.read()
    client.give(*[c.publish() for _ in range(10)])

    assert client.read_all() == [["c", "e1", 1], ["c", "e1", 2], ("gap", "c", 3, 9, "conflate"), ["c", "e1", 10]]


def test_what_an_answer_was_put_in_front_of_stays_as_it_was() -> None:
    """Of a connect that resumes: what came under another rule while it was in work is still kept, and counted once."""
    client, c = Client(d="conflate"), Source()
    client.outbox.cork()
    client.give(c.publish(2))
    client.set("c", "conflate")
    client.say("joined")
    client.outbox.uncork(deliver_texts([b'"connected"']))
    client.give(c.publish(3))

    assert client.outbox.n_messages == 1 + 2 + 1 + 1
    assert client.read() == [
        "connected",
        ["c", "e1", 1],
        ["c", "e1", 2],
        "joined",
        ("gap", "c", 3, 4, "conflate"),
        ["c", "e1", 5],
    ]


def test_before_a_close_all_is_written_at_once() -> None:
    client, c = Client(bounds(messages=2), c="drop_oldest"), Source()
    client.give(c.publish(5))
    client.outbox.flush()

    assert client.told() == [("gap", "c", 1, 3, "drop_oldest"), ["c", "e1", 4], ["c", "e1", 5]]


def test_what_is_cleared_is_gone_and_counted_anew() -> None:
    client, c = Client(c="conflate"), Source()
    client.give(c.publish(5))
    client.say("kept")

    assert client.outbox.clear() == 3  # the gap, the newest, the words
    client.end_turn()
    assert (client.outbox.size, client.outbox.n_messages, client.outbox.since) == (0, 0, None)


# --- memory ---------------------------------------------------------------------------------------------------------


def test_a_client_that_never_reads_holds_no_more_for_ever() -> None:
    """10,000 events of each of 4 channels: neither the list nor what it holds grows after the first few hundred."""
    limit = bounds(messages=100, size_bytes=10_000, age_s=1e9)
    client = Client(limit, star="drop_oldest", c="conflate", d="conflate")
    sources = [Source(name) for name in "abcd"]
    lengths = []
    for n in range(10_000):
        client.give(*[source.publish() for source in sources])
        if n % 1000 == 999:
            lengths.append(len(client.outbox.waiting))
        assert client.outbox.n_messages <= 100

    assert client.verdict is None
    assert max(lengths) <= 2 * 100 + FEW_EMPTY + len(sources)
    told = client.read_all()
    assert [line for line in told if line[0] == "gap" and line[1] in "cd"] == [
        ("gap", "c", 1, 9999, "conflate"),
        ("gap", "d", 1, 9999, "conflate"),
    ]


def test_what_was_dropped_is_not_held() -> None:
    client, c = Client(bounds(messages=2), c="drop_oldest", d="conflate"), Source()
    batch = c.publish(3)
    n_chunk, n_text = sys.getrefcount(batch.chunk), sys.getrefcount(batch.texts[0])
    client.give(batch)
    n_held = (sys.getrefcount(batch.chunk), sys.getrefcount(batch.texts[0]))

    assert n_held == (n_chunk, n_text)


def test_channels_of_which_nothing_waits_are_forgotten() -> None:
    waiting: list[Any] = []
    backlog = Backlog(OverflowRules(()), waiting, lambda n, place, overflow, last: None)
    backlog.rules.set(("r", "*"), "conflate")
    for n in range(100):
        source = Source(f"c{n}")
        waiting += [source.publish(), source.publish()]
        backlog.count(0.0)
        backlog.written(len(waiting) - (n % 2))  # nearly always something is left

    assert len(backlog._runs) <= 1
    assert (backlog.size, backlog.n_messages) == (16, 1)


# --- the law --------------------------------------------------------------------------------------------------------

CHANNELS = ("a", "b", "c")
OVERFLOWS: tuple[Overflow, ...] = ("disconnect", "drop_oldest", "conflate")
channel = st.sampled_from(range(len(CHANNELS)))
step = st.one_of(
    st.tuples(st.just("publish"), channel, st.integers(1, 6)),
    st.tuples(st.just("publish"), channel, st.integers(1, 6)),
    st.tuples(st.just("post"), channel, st.integers(1, 6)),  # without the end of a turn
    st.tuples(st.just("say"), channel, st.just(0)),
    st.tuples(st.just("set"), channel, st.integers(0, 2)),
    st.tuples(st.just("set all"), channel, st.integers(0, 2)),
    st.tuples(st.just("end"), channel, st.integers(0, 1)),
    st.tuples(st.just("wait"), channel, st.integers(1, 15)),
    st.tuples(st.just("read"), channel, st.just(0)),
    st.tuples(st.just("uncork"), channel, st.just(0)),
)


class Law:
    """Delivered + declared gaps = published, in order, without overlap; and nothing else is lost or moved."""

    def __init__(self, limit: OutboxBounds, high: int, corked: bool, with_texts: bool) -> None:
        self.client = Client(limit, with_texts, high)
        self.sources = [Source(name) for name in CHANNELS]
        self.given: list[Any] = []  # all that must come, in its order, as if nothing were dropped
        if corked:
            self.client.outbox.cork()

    def run(self, what: str, at: int, n: int) -> None:
        getattr(self, "_" + what.replace(" ", "_"))(self.sources[at], n)
        if what != "post":
            self.client.end_turn()

    def _publish(self, source: Source, n: int) -> None:
        self.client.outbox.waiting.append(source.publish(n))
        self.given += [[source.place.channel, source.epoch, seq] for seq in range(source.top - n + 1, source.top + 1)]

    _post = _publish

    def _say(self, source: Source, n: int) -> None:
        """Something that is no event, with the number of what was given before."""
        self._keep(["said", len(self.given)])

    def _keep(self, words: list[Any]) -> None:
        self.client.outbox.waiting.append(deliver_texts([msgspec.json.encode(words)]))
        self.given.append(words)

    def _set(self, source: Source, n: int) -> None:
        self.client.set(source.place.channel, OVERFLOWS[n])
        self._keep(["at", [source.place.channel, source.epoch, source.top]])

    def _set_all(self, source: Source, n: int) -> None:
        self.client.set("*", OVERFLOWS[n])
        self._keep(["at", *[[one.place.channel, one.epoch, one.top] for one in self.sources]])

    def _end(self, source: Source, n: int) -> None:
        """A channel ends, and comes back with the same epoch or (1) another."""
        self._keep(["at", [source.place.channel, source.epoch, source.top]])
        source.begin(source.epoch + "+" * n, 0 if n else source.top)

    def _wait(self, source: Source, n: int) -> None:
        self.client.now += n

    def _read(self, source: Source, n: int) -> None:
        self.client.socket.buffered = 0
        self.client.outbox.writable()

    def _uncork(self, source: Source, n: int) -> None:
        if self.client.outbox.cork_at is not None:
            self.client.outbox.uncork(deliver_texts([b'["connected"]']))
            self.given.insert(0, ["connected"])

    def check(self) -> None:
        """See that it holds, once all is read."""
        self.client.read_all()
        told = [msgspec.json.decode(text) for text in self.client.socket.texts]
        rest = iter(self.given)
        assert all(line in rest for line in told if isinstance(line, list)), "moved, or never given"
        assert [line for line in told if _is_kept(line)] == [line for line in self.given if _is_kept(line)]
        reached: Counter[tuple[str, str]] = Counter()  # (channel, epoch) -> seq
        for line in told:
            self._follow(line, reached)
        for source in self.sources:
            assert reached[source.place.channel, source.epoch] == source.top

    def _follow(self, line: Any, reached: Counter[tuple[str, str]]) -> None:
        if isinstance(line, dict):
            gap = line["payload"]
            assert gap["from"] == reached[gap["channel"], gap["epoch"]] + 1 <= gap["to"]
            reached[gap["channel"], gap["epoch"]] = gap["to"]
            self.client.dropped.subtract({f"{gap['reason']} {gap['channel']}": gap["to"] - gap["from"] + 1})
        elif line[0] == "at":
            assert all(reached[name, epoch] == top for name, epoch, top in line[1:])
        elif line[0] in CHANNELS:
            name, epoch, seq = line
            assert seq == reached[name, epoch] + 1
            reached[name, epoch] = seq


def _is_kept(line: Any) -> bool:
    return isinstance(line, list) and line[0] not in CHANNELS


@pytest.mark.proves("014/SC-002")
@settings(deadline=None, max_examples=1000)
@given(
    st.lists(step, max_size=60),
    st.builds(
        lambda size, n, age, piece: OutboxBounds(size, n, size, 1e9, age, piece),
        st.sampled_from((100, 400, 100_000)),
        st.sampled_from((3, 20, 1000)),
        st.sampled_from((10.0, 1e9)),
        st.sampled_from((1, 100, 1000)),
    ),
    st.sampled_from((20, 300)),
    st.booleans(),
    st.booleans(),
)
def test_delivered_and_declared_gaps_are_what_was_published(
    steps: list[tuple[str, int, int]], limit: OutboxBounds, high: int, corked: bool, with_texts: bool
) -> None:
    law = Law(limit, high, corked, with_texts)
    for what, at, n in steps:
        law.run(what, at, n)
        if law.client.verdict is not None:
            return
    law.run("uncork", 0, 0)

    law.check()
    assert set(law.client.dropped.values()) <= {0}, "counted other events than were declared"
