"""A mirror of a log that others write too: what it has, what it lacks, and what it says of the store."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from arqonbus.protocol.payloads import JoinChannelArgs, Position
from arqonbus.routing.mirror import Mirror
from arqonbus.routing.recovery import ReplayCap, recover
from arqonbus.storage.history import Retention
from arqonbus.storage.memory import MemoryHistory
from arqonbus.storage.shared_log import Entry, SharedPage, with_seq
from arqonbus.testing.kept_log import KeptLog

CAP = ReplayCap(5, 1_000_000)
MUCH = Retention(100, 1000.0, 1_000_000)


def memory(total: int = 1_000_000) -> MemoryHistory:
    epochs = count()
    return MemoryHistory(total, 3600.0, lambda: 0.0, lambda: f"m{next(epochs)}")


def mirror(seq: int = 0, retention: Retention = MUCH) -> Mirror:
    made = Mirror(memory(), ("r", "c"), retention)
    made.begin("e", seq)
    return made


def texts(first: int, last: int) -> list[bytes]:
    return [b'{"seq":%d}' % seq for seq in range(first, last + 1)]


def since(seq: int, epoch: str = "e") -> JoinChannelArgs:
    return JoinChannelArgs("r", "c", since=Position(epoch, seq))


def newest(store: KeptLog, limit: int = 5) -> SharedPage:
    return store.page(None, None, True, limit, None)


def test_a_log_heard_from_its_beginning_is_here_as_a_whole() -> None:
    whole = mirror()
    assert whole.append(texts(1, 3)) == 3

    assert whole.is_whole
    page = whole.read(after=1)
    assert [seq for seq, _ in page.events] == [2, 3]
    assert (page.first, page.last, page.more) == (1, 3, False)
    assert not whole.lacks(since(0), CAP)


def test_one_that_began_later_lacks_what_was_before() -> None:
    late = mirror(10)
    late.append(texts(11, 12))

    assert (late.epoch, late.top) == ("e", 12)
    assert not late.is_whole
    assert not late.lacks(since(10), CAP)
    assert not late.lacks(since(12), CAP)
    assert late.lacks(since(9), CAP)
    assert late.lacks(since(13), CAP)  # another node is ahead
    assert late.lacks(since(5, "other"), CAP)
    assert late.lacks(JoinChannelArgs("r", "c", replay=3), CAP)
    assert not late.lacks(JoinChannelArgs("r", "c", replay=2), CAP)
    assert not late.lacks(JoinChannelArgs("r", "c"), CAP)


def test_a_full_ring_is_all_that_the_store_keeps() -> None:
    full = mirror(10, Retention(2, 1000.0, 1000))
    full.append(texts(11, 14))

    assert full.is_whole
    assert not full.lacks(since(9), CAP)
    assert full.read().first == 13


def test_a_look_is_believed_for_a_moment_and_shows_how_far_the_store_is() -> None:
    late = mirror(10)
    late.append(texts(11, 12))
    late.now = 100.0
    late.looked(SharedPage("e", 14, [(seq, b'{"a":1}') for seq in range(14, 8, -1)], True, 3, 14))

    assert late.store_top == 14
    assert not late.lacks(since(8), CAP)
    assert late.read(after=8).events[0] == (9, b'{"seq":9,"a":1}')
    assert [seq for seq, _ in late.read(newest_first=True, limit=3).events] == [12, 11, 10]
    late.now = 106.0
    assert late.lacks(since(8), CAP)


def test_a_node_alone_has_what_it_has() -> None:
    alone = mirror(10)
    alone.append(texts(11, 12))
    alone.is_alone = True

    outcome = recover(alone, since(3), CAP)
    assert (outcome.reason, outcome.first_available) == ("evicted", 11)


def test_a_page_of_another_life_shows_nothing() -> None:
    late = mirror(10)
    late.looked(SharedPage("other", 20, [(20, b'{"a":1}')], False, 1, 20))

    assert late.store_top == 10
    assert not late.has_looked


def test_one_that_keeps_nothing_lacks_nothing() -> None:
    none = mirror(10, Retention(0, 1.0, 0))

    assert none.is_whole
    assert not none.lacks(since(5), CAP)
    assert recover(none, since(5), CAP).reason == "disabled"


def test_it_takes_its_memory_with_it() -> None:
    history = memory()
    one = Mirror(history, ("r", "c"), MUCH)
    one.append(texts(1, 3))
    one.retain(Retention(2, 1000.0, 1000))
    assert len(one.read().events) == 2
    one.close()

    assert history.size == 0


@given(
    n_before=st.integers(0, 12),
    n_heard=st.integers(0, 12),
    messages=st.integers(1, 15),
    seq=st.integers(0, 24),
    mode=st.sampled_from(["strict", "best_effort", "latest"]),
    replay=st.one_of(st.none(), st.integers(0, 10)),
    other_epoch=st.booleans(),
)
def test_a_join_is_answered_as_the_store_itself_would(
    n_before: int, n_heard: int, messages: int, seq: int, mode: str, replay: int | None, other_epoch: bool
) -> None:
    retention = Retention(messages, 1000.0, 1_000_000)
    store = KeptLog("e", b"", retention)
    store.append([Entry(b'{"n":%d}' % i) for i in range(n_before)])
    seen = mirror(n_before, retention)
    for i in range(n_heard):
        store.append([Entry(b'{"n":%d}' % i)])
        seen.append([with_seq(b'{"n":%d}' % i, n_before + i + 1)])
    args = JoinChannelArgs("r", "c", replay=replay)
    if replay is None:
        args = JoinChannelArgs("r", "c", since=Position("x" if other_epoch else "e", seq), recover=mode)  # type: ignore[arg-type]

    if seen.lacks(args, CAP):
        seen.looked(newest(store))
        assert not seen.lacks(args, CAP) or seq > store.top
    got, wanted = recover(seen, args, CAP), recover(store, args, CAP)  # type: ignore[arg-type]

    assert (got.recovered, got.reason, got.lost, got.first_available) == (
        wanted.recovered,
        wanted.reason,
        wanted.lost,
        wanted.first_available,
    )
    assert len(got.texts) == len(wanted.texts)
