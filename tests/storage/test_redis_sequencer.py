"""The order of one channel: what each way of losing comes to, by hand and by chance."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from arqonbus.storage import redis_sequencer
from arqonbus.storage.redis_actions import Action, Begin, Bump, Deliver, Lose, ReadAfter, ReadTail, Renumber
from arqonbus.storage.redis_frames import NOWHERE, Place, Placed, TailEntry
from arqonbus.storage.redis_sequencer import Sequencer

E = 1_000  # an epoch


def entry(seq: int, mark: str = "", epoch: int = E) -> Placed:
    return Placed(Place(epoch, seq), (mark or f"m{seq}").encode(), b"{}")


def tail(seq: int, mark: str = "", epoch: int = E, was: Place = NOWHERE) -> TailEntry:
    return TailEntry(Place(epoch, seq), (mark or f"m{seq}").encode(), was, b"{}")


def entries(first: int, last: int) -> list[Placed]:
    return [entry(seq) for seq in range(first, last + 1)]


def at(top: int) -> Sequencer:
    """Give one that stands at ``top``, whose marks are m1, m2 ..."""
    sequencer = Sequencer()
    (read,) = sequencer.subscribed()
    assert isinstance(read, ReadTail)
    assert sequencer.shown_tail(read.ticket, Place(E, top), [tail(seq) for seq in range(top, 0, -1)]) == [
        Begin(Place(E, top))
    ]
    return sequencer


def ticket(actions: list[Action]) -> int:
    action = actions[-1]
    assert isinstance(action, ReadAfter | ReadTail | Bump)
    return action.ticket


# --- what is as it should be ------------------------------------------------------------------------------------


def test_it_begins_at_the_top_of_the_log_and_delivers_nothing_of_before() -> None:
    sequencer = at(7)

    assert (sequencer.place, sequencer.is_live) == (Place(E, 7), True)


def test_a_log_that_is_none_yet_is_made() -> None:
    sequencer = Sequencer()
    actions = sequencer.subscribed()

    actions = sequencer.shown_tail(ticket(actions), NOWHERE, [])
    assert actions == [Bump(1 + 1, 0)]
    actions = sequencer.bumped(ticket(actions))
    assert sequencer.shown_tail(ticket(actions), Place(E, 0), []) == [Begin(Place(E, 0))]


def test_what_follows_is_delivered_at_once() -> None:
    sequencer = at(7)

    assert sequencer.arrived(entries(8, 10)) == [Deliver(entries(8, 10))]
    assert sequencer.arrived(entries(11, 11)) == [Deliver(entries(11, 11))]


def test_what_arrives_during_the_first_read_comes_after_it() -> None:
    sequencer = Sequencer()
    actions = sequencer.subscribed()
    assert sequencer.arrived(entries(7, 8)) == []

    actions = sequencer.shown_tail(ticket(actions), Place(E, 7), [tail(7), tail(6)])
    assert actions == [Begin(Place(E, 7)), Deliver(entries(8, 8))]


def test_nothing_counts_before_the_subscription_is_confirmed() -> None:
    assert Sequencer().arrived(entries(1, 1)) == []
    assert Sequencer().renumbered() == []


# --- holes ------------------------------------------------------------------------------------------------------


def test_a_hole_is_mended_before_anything_later_is_delivered() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(9, 9))
    assert actions == [ReadAfter(ticket(actions), Place(E, 7))]
    assert sequencer.arrived(entries(10, 10)) == []

    actions = sequencer.shown(ticket(actions), Place(E, 9), entries(7, 9))
    assert actions == [Deliver(entries(8, 9)), Deliver(entries(10, 10))]
    assert sequencer.is_live


def test_a_long_hole_is_mended_page_by_page() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(99, 99))

    actions = sequencer.shown(ticket(actions), None, entries(7, 50))
    assert actions == [Deliver(entries(8, 50)), ReadAfter(ticket(actions), Place(E, 50))]
    assert sequencer.shown(ticket(actions), Place(E, 99), entries(50, 99)) == [Deliver(entries(51, 99))]


def test_a_hole_that_retention_took_is_owned_to_exactly() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(20, 20))

    assert sequencer.shown(ticket(actions), Place(E, 20), entries(15, 20)) == [
        Lose(E, 8, 14),
        Deliver(entries(15, 20)),
    ]


def test_a_hole_of_which_nothing_is_kept_is_owned_to_up_to_the_top() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(20, 20))

    assert sequencer.shown(ticket(actions), Place(E, 20), []) == [Lose(E, 8, 20)]
    assert sequencer.arrived(entries(21, 21)) == [Deliver(entries(21, 21))]


def test_a_hole_inside_a_page_is_owned_to() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(20, 20))

    assert sequencer.shown(ticket(actions), Place(E, 12), [*entries(7, 8), *entries(11, 12)]) == [
        Deliver(entries(8, 8)),
        Lose(E, 9, 10),
        Deliver(entries(11, 12)),
    ]


def test_every_subscription_is_followed_by_a_look_at_the_log() -> None:
    sequencer = at(7)
    sequencer.lost()
    assert sequencer.arrived(entries(8, 8)) == []

    actions = sequencer.subscribed()
    assert actions == [ReadAfter(ticket(actions), Place(E, 7))]
    assert sequencer.shown(ticket(actions), Place(E, 9), entries(7, 9)) == [Deliver(entries(8, 9))]


def test_a_subscription_in_the_middle_of_a_read_calls_for_another() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(9, 9))
    assert sequencer.subscribed() == []

    actions = sequencer.shown(ticket(actions), Place(E, 9), entries(7, 9))
    assert actions == [Deliver(entries(8, 9)), ReadAfter(ticket(actions), Place(E, 9))]


def test_an_answer_that_comes_too_late_counts_for_nothing() -> None:
    sequencer = at(7)
    old = ticket(sequencer.arrived(entries(9, 9)))
    sequencer.lost()
    sequencer.subscribed()

    assert sequencer.shown(old, Place(E, 9), entries(7, 9)) == []
    assert sequencer.shown_tail(old, Place(E, 9), []) == []
    assert sequencer.bumped(old) == []
    assert sequencer.place == Place(E, 7)


# --- repeats ----------------------------------------------------------------------------------------------------


def test_what_was_delivered_already_is_dropped() -> None:
    sequencer = at(7)

    assert sequencer.arrived(entries(6, 8)) == [Deliver(entries(8, 8))]


def test_what_a_read_has_shown_is_dropped_when_it_was_held() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(9, 11))
    sequencer.arrived(entries(12, 12))

    assert sequencer.shown(ticket(actions), Place(E, 11), entries(7, 11)) == [
        Deliver(entries(8, 11)),
        Deliver(entries(12, 12)),
    ]


def test_what_is_older_than_all_that_is_remembered_is_dropped_when_it_was_held() -> None:
    sequencer = Sequencer()
    actions = sequencer.subscribed()
    sequencer.arrived(entries(1, 30))

    actions = sequencer.shown_tail(ticket(actions), Place(E, 40), [tail(40), tail(39)])
    assert actions == [Begin(Place(E, 40))]


# --- a log that went back ---------------------------------------------------------------------------------------


def test_a_top_below_ours_is_a_log_that_went_back() -> None:
    sequencer = at(7)
    sequencer.lost()
    actions = sequencer.subscribed()

    actions = sequencer.shown(ticket(actions), Place(E, 5), [])
    assert actions == [Bump(ticket(actions), E)]
    actions = sequencer.bumped(ticket(actions))
    assert actions == [ReadTail(ticket(actions), with_texts=True)]
    shown = [tail(n, epoch=E + 1, was=Place(E, n)) for n in (5, 4, 3, 2, 1)]
    assert sequencer.shown_tail(ticket(actions), Place(E + 1, 5), shown) == [Renumber(Place(E + 1, 5), "rewound")]
    assert sequencer.arrived([entry(6, epoch=E + 1)]) == [Deliver([entry(6, epoch=E + 1)])]


def test_another_entry_in_our_place_is_a_log_that_went_back_and_grew_again() -> None:
    sequencer = at(7)
    sequencer.lost()
    actions = sequencer.subscribed()

    actions = sequencer.shown(ticket(actions), Place(E, 9), [entry(7, "x7"), entry(8, "x8"), entry(9, "x9")])
    assert actions == [Bump(ticket(actions), E)]
    actions = sequencer.bumped(ticket(actions))
    new = [tail(n, f"x{n}", E + 1, Place(E, n)) for n in (9, 8, 7)]
    old = [tail(n, epoch=E + 1, was=Place(E, n)) for n in (6, 5, 4)]
    assert sequencer.shown_tail(ticket(actions), Place(E + 1, 9), new + old) == [
        Renumber(Place(E + 1, 6), "rewound"),
        Deliver([entry(n, f"x{n}", E + 1) for n in (7, 8, 9)]),
    ]


def test_a_live_entry_in_a_place_that_is_taken_calls_for_a_look() -> None:
    sequencer = at(7)

    actions = sequencer.arrived([entry(7, "x7")])
    assert actions == [ReadAfter(ticket(actions), Place(E, 7))]
    actions = sequencer.shown(ticket(actions), Place(E, 7), [entry(7, "x7")])
    assert actions == [Bump(ticket(actions), E)]


def test_a_log_that_is_gone_is_begun_anew() -> None:
    sequencer = at(7)
    sequencer.lost()
    actions = sequencer.subscribed()

    actions = sequencer.shown(ticket(actions), NOWHERE, [])
    assert actions == [Bump(ticket(actions), E)]
    actions = sequencer.bumped(ticket(actions))
    assert sequencer.shown_tail(ticket(actions), Place(E + 5, 0), []) == [Renumber(Place(E + 5, 0), "lost")]


def test_a_newer_epoch_that_another_node_began_is_gone_over_to() -> None:
    sequencer = at(7)
    actions = sequencer.arrived([entry(1, "n1", E + 3)])
    assert actions == [ReadAfter(ticket(actions), Place(E, 7))]

    actions = sequencer.shown(ticket(actions), Place(E + 3, 2), [entry(1, "n1", E + 3), entry(2, "n2", E + 3)])
    assert actions == [ReadTail(ticket(actions), with_texts=True)]
    shown = [tail(2, "n2", E + 3), tail(1, "n1", E + 3)]
    assert sequencer.shown_tail(ticket(actions), Place(E + 3, 2), shown) == [
        Renumber(Place(E + 3, 0), "replaced"),
        Deliver([entry(1, "n1", E + 3), entry(2, "n2", E + 3)]),
    ]


def test_news_of_a_new_epoch_calls_for_a_look() -> None:
    sequencer = at(7)

    actions = sequencer.renumbered()
    assert actions == [ReadAfter(ticket(actions), Place(E, 7))]
    assert sequencer.renumbered() == []
    actions = sequencer.shown(ticket(actions), Place(E, 7), entries(7, 7))
    assert actions == [ReadAfter(ticket(actions), Place(E, 7))]


def test_when_nothing_of_the_log_is_known_only_what_the_new_epoch_brought_is_delivered() -> None:
    sequencer = at(7)
    sequencer.lost()
    actions = sequencer.subscribed()

    actions = sequencer.shown(ticket(actions), Place(E + 3, 4), [])
    shown = [tail(n, f"u{n}", E + 3, NOWHERE if n > 2 else Place(E - 5, n)) for n in (4, 3, 2, 1)]
    assert sequencer.shown_tail(ticket(actions), Place(E + 3, 4), shown) == [
        Renumber(Place(E + 3, 2), "replaced"),
        Deliver([entry(3, "u3", E + 3), entry(4, "u4", E + 3)]),
    ]


def test_two_entries_for_one_place_among_what_was_held_are_a_log_that_went_back() -> None:
    sequencer = at(7)
    actions = sequencer.arrived([entry(9, "lost9")])

    actions = sequencer.shown(ticket(actions), Place(E, 9), entries(7, 9))
    assert actions == [Deliver(entries(8, 9)), Bump(ticket(actions), E)]


def test_a_bump_that_became_needless_ends_in_a_look() -> None:
    sequencer = at(7)
    sequencer.lost()
    actions = sequencer.subscribed()
    actions = sequencer.shown(ticket(actions), Place(E, 5), [])
    actions = sequencer.bumped(ticket(actions))

    actions = sequencer.shown_tail(ticket(actions), Place(E, 7), [tail(7)])
    assert actions == [ReadAfter(ticket(actions), Place(E, 7))]


def test_an_entry_that_is_in_no_log_is_dropped_when_the_log_was_looked_at() -> None:
    sequencer = at(7)
    actions = sequencer.arrived([entry(9, "ghost"), entry(1, "ghost", E + 9)])
    sequencer.arrived(entries(8, 8))

    actions = sequencer.shown(ticket(actions), Place(E, 7), entries(7, 7))
    assert actions == [Deliver(entries(8, 8))]
    assert sequencer.is_live


# --- bounds -----------------------------------------------------------------------------------------------------


def test_too_much_held_is_dropped_and_read_from_the_log() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(9, 9))
    sequencer.arrived(entries(10, 10 + redis_sequencer.HELD_ENTRIES))

    actions = sequencer.shown(ticket(actions), Place(E, 9), entries(7, 9))
    assert actions == [Deliver(entries(8, 9)), ReadAfter(ticket(actions), Place(E, 9))]


def test_held_bytes_are_bounded_too() -> None:
    sequencer = at(7)
    actions = sequencer.arrived(entries(9, 9))
    sequencer.arrived([Placed(Place(E, 10), b"m10", bytes(redis_sequencer.HELD_BYTES + 1))])

    actions = sequencer.shown(ticket(actions), Place(E, 9), entries(7, 9))
    assert actions == [Deliver(entries(8, 9)), ReadAfter(ticket(actions), Place(E, 9))]


def test_marks_of_what_is_old_are_forgotten_but_for_the_newest() -> None:
    sequencer = at(0)
    sequencer.arrived(entries(1, 500))

    assert sequencer.forget() is True
    assert sequencer.arrived(entries(1, 500)) == []
    assert sequencer.forget() is True
    assert sequencer.forget() is False
    assert sequencer.arrived(entries(437, 500)) == []
    assert isinstance(sequencer.arrived(entries(436, 436))[0], ReadAfter)


def test_marks_are_bounded_in_number() -> None:
    sequencer = at(0)
    most = redis_sequencer.MOST_REMEMBERED
    sequencer.arrived(entries(1, most + 10))

    assert sequencer.arrived(entries(11, 11)) == []
    assert isinstance(sequencer.arrived(entries(10, 10))[0], ReadAfter)


# --- the law ----------------------------------------------------------------------------------------------------


class World:
    """A log, its copy that lags behind, a lossy subscription, and one node. What the node delivers is checked."""

    def __init__(self) -> None:
        self.epoch, self.log, self.first = E, [], 1  # log: (mark, place of before); first: seq of log[0]
        self.top = 0
        self.copy: tuple[int, list[tuple[bytes, Place]], int, int] = (E, [], 1, 0)
        self.n_marks = 0
        self.sequencer = Sequencer()
        self.questions: list[Action] = []
        self.wire: list[list[Placed] | None] = []  # frames on their way; None: news of a new epoch
        self.is_subscribed = False
        self.delivered: list[bytes] = []
        self.place: Place | None = None  # of the last one delivered
        self.owned: list[tuple[int, int]] = []  # (lost from, to) in log order, or a reset
        self.n_resets = 0

    # --- Redis

    def append(self, n: int) -> None:
        frame = []
        for _ in range(n):
            self.n_marks += 1
            self.top += 1
            mark = b"k%d" % self.n_marks
            self.log.append((mark, NOWHERE))
            frame.append(Placed(Place(self.epoch, self.top), mark, b"{}"))
        self._say(frame)

    def _say(self, frame: list[Placed] | None) -> None:
        if self.is_subscribed:
            self.wire.append(frame)

    def trim(self, keep: int) -> None:
        while len(self.log) > keep:
            del self.log[0]
            self.first += 1

    def replicate(self) -> None:
        self.copy = (self.epoch, list(self.log), self.first, self.top)

    def fail_over(self) -> None:
        self.break_wire()
        self.epoch, log, self.first, self.top = self.copy
        self.log = list(log)

    def wipe(self) -> None:
        self.break_wire()
        self.log, self.first, self.top, self.epoch = [], 1, 0, 0

    def bump(self, epoch: int) -> None:
        if self.epoch > epoch:
            return
        fresh = max(self.epoch, epoch) + 1
        self.log = [(mark, Place(self.epoch, self.first + i)) for i, (mark, _) in enumerate(self.log)]
        self.epoch, self.first, self.top = fresh, 1, len(self.log)
        self._say(None)

    # --- the way

    def break_wire(self) -> None:
        self.wire.clear()
        self.is_subscribed = False
        self.sequencer.lost()
        self.questions.clear()

    def subscribe(self) -> None:
        if not self.is_subscribed:
            self.is_subscribed = True
            self.do(self.sequencer.subscribed())

    def lose_frame(self) -> None:
        if self.wire:
            del self.wire[0]

    def take_frame(self) -> None:
        if self.wire:
            frame = self.wire.pop(0)
            self.do(self.sequencer.renumbered() if frame is None else self.sequencer.arrived(frame))

    def answer(self, page: int = 5) -> None:
        if not self.questions:
            return
        question = self.questions.pop(0)
        if isinstance(question, Bump):
            self.bump(question.epoch)
            self.do(self.sequencer.bumped(question.ticket))
        elif isinstance(question, ReadTail):
            rows = [
                TailEntry(Place(self.epoch, self.first + i), mark, was, b"{}") for i, (mark, was) in enumerate(self.log)
            ]
            top = Place(self.epoch, self.top) if self.epoch else NOWHERE
            self.do(self.sequencer.shown_tail(question.ticket, top, rows[::-1][:64]))
        elif isinstance(question, ReadAfter):
            rows = [
                Placed(Place(self.epoch, self.first + i), mark, b"{}")
                for i, (mark, _) in enumerate(self.log)
                if Place(self.epoch, self.first + i) >= question.place
            ]
            top = Place(self.epoch, self.top) if self.epoch else NOWHERE
            self.do(self.sequencer.shown(question.ticket, None if len(rows) > page else top, rows[:page]))

    # --- the node

    def do(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Deliver):
                for placed in action.entries:
                    assert self.place is not None
                    assert placed.place == (self.place.epoch, self.place.seq + 1), "out of order"
                    self.place = placed.place
                    self.delivered.append(placed.mark)
            elif isinstance(action, Lose):
                assert self.place is not None
                assert (action.epoch, action.first) == (self.place.epoch, self.place.seq + 1)
                assert action.last >= action.first
                self.owned.append((action.first, action.last))
                self.place = Place(action.epoch, action.last)
            elif isinstance(action, Begin):
                self.place = action.place
            elif isinstance(action, Renumber):
                assert self.place is not None
                assert action.place.epoch > self.place.epoch
                self.place = action.place
                self.n_resets += 1
            else:
                self.questions.append(action)

    def settle(self) -> None:
        self.subscribe()
        for _ in range(2000):
            if not self.questions and not self.wire:
                break
            self.answer()
            self.take_frame()
        assert not self.questions
        assert not self.wire


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 4)),
        st.tuples(st.just("trim"), st.integers(0, 10)),
        st.tuples(
            st.sampled_from(
                [
                    *["take_frame"] * 3,
                    *["answer"] * 2,
                    *["subscribe", "break_wire", "replicate", "fail_over", "wipe"],
                ]
            ),
            st.none(),
        ),
    ),
    max_size=60,
)


@settings(max_examples=1500, deadline=None, derandomize=True, database=None)
@given(STEPS)
def test_whatever_breaks_nothing_comes_twice_or_out_of_order_or_is_missing_in_silence(
    steps: list[tuple[str, int | None]],
) -> None:
    world = World()
    world.settle()

    for name, value in steps:
        step = getattr(world, name)
        step() if value is None else step(value)
    world.settle()

    assert world.sequencer.is_live
    assert world.place == (world.epoch, world.top)
    assert len(set(world.delivered)) == len(world.delivered), "twice"
    kept = {mark for mark, _ in world.log}
    if not world.n_resets:
        n_lost = sum(last - first + 1 for first, last in world.owned)
        assert len(world.delivered) + n_lost == world.top, "missing in silence"
        if not world.owned:
            assert kept <= set(world.delivered)


@settings(max_examples=500, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.sampled_from(["append", "take_frame", "lose_frame", "answer", "fail_over", "replicate"]), max_size=60)
)
def test_after_a_failover_all_that_the_log_still_has_was_delivered(steps: list[str]) -> None:
    """Nothing is trimmed here, so whatever the log has in the end must have come."""
    world = World()
    world.settle()

    for name in steps:
        if name == "append":
            world.append(1)
        else:
            getattr(world, name)()
        world.subscribe()
    world.append(1)
    world.settle()

    assert {mark for mark, _ in world.log} <= set(world.delivered)
    assert len(set(world.delivered)) == len(world.delivered)
