"""What every SharedHistory promises. A test module of an implementation subclasses this and gives ``world``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import (
    Appended,
    Arrived,
    ChannelGone,
    ChannelMade,
    Deleted,
    Entry,
    Fed,
    Opened,
    Opening,
    Reset,
    RoomFed,
    Said,
    SharedHistory,
    SharedLog,
    Stored,
)

__all__ = ["MUCH", "Member", "SharedContract", "SharedWorld", "eventually"]

MUCH = Retention(messages=1000, age_s=3600.0, size_bytes=1_000_000)


class SharedWorld(NamedTuple):
    """A store, the clock that it looks at, and a second node's view of the same store."""

    history: SharedHistory
    advance: Callable[[float], None]
    other: SharedHistory | None = None  # None: the store is of one node


async def eventually(holds: Callable[[], Any], timeout_s: float = 10.0) -> None:
    """Wait until it holds."""
    try:
        async with asyncio.timeout(timeout_s):
            while not holds():
                await asyncio.sleep(0.002)
    except TimeoutError:
        raise AssertionError("expected it to hold in the end") from None


async def eventually_listening(world: SharedWorld, room: str) -> None:
    """Wait until what is said to a room is heard: a subscription takes a moment, and nothing tells its end."""
    store = getattr(world.history, "store", None)
    if hasattr(store, "shard_of"):
        await eventually(lambda: store.shard_of(room).subscriptions.is_settled)


class Member:
    """Opens a log, and writes down what its feed tells. That the feed keeps its promises is looked at each time."""

    def __init__(
        self,
        history: SharedHistory,
        room: str = "r",
        channel: str = "c",
        retention: Retention = MUCH,
        note: bytes = b"note",
        durable: bool = False,
    ) -> None:
        self.fed: list[Fed] = []
        self.texts: list[bytes] = []  # of what arrived, in its order
        self.missing: list[tuple[int, int]] = []
        self.n_resets = 0
        self.links: list[str] = []
        self.said: list[tuple[int, bytes]] = []  # with the seq that was the last before
        self.epoch, self.seq = "", 0  # of the last that was told
        self.opened: Opened | None = None
        self.is_deleted = False
        self.log: SharedLog = history.open(room, channel, Opening(retention, note, durable), self.take)

    def take(self, fed: Fed) -> None:
        self.fed.append(fed)
        if isinstance(fed, Opened):
            assert self.opened is None
            self.opened, self.epoch, self.seq = fed, fed.epoch, fed.seq
        elif isinstance(fed, Arrived):
            assert self.opened is not None
            assert (fed.epoch, fed.first) == (self.epoch, self.seq + 1), "out of order"
            self.seq += len(fed.texts)
            self.texts += fed.texts
        elif isinstance(fed, Reset):
            assert int(fed.epoch) > int(self.epoch)
            self.epoch, self.seq = fed.epoch, fed.seq
            self.n_resets += 1
        elif isinstance(fed, Said):
            self.said.append((self.seq, fed.data))
        elif isinstance(fed, Deleted):
            self.is_deleted = True
        elif hasattr(fed, "last"):
            assert (fed.epoch, fed.first) == (self.epoch, self.seq + 1), "out of order"
            self.seq = fed.last
            self.missing.append((fed.first, fed.last))
        else:
            self.links.append(fed.state)

    async def is_open(self) -> Member:
        await eventually(lambda: self.opened)
        return self

    async def append(self, *texts: bytes, keys: tuple[str, ...] = ()) -> list[Appended]:
        entries = [Entry(text, keys[i] if keys else "") for i, text in enumerate(texts)]
        return list(await self.log.append(entries))

    async def fill(self, n: int, text: bytes = b"x") -> None:
        for _ in range(n):
            (outcome,) = await self.append(text)
            assert isinstance(outcome, Stored)

    async def seqs(self, **bounds: Any) -> list[int]:
        return [seq for seq, _ in (await self.log.read(limit=1000, **bounds)).events]


def places(outcomes: list[Appended]) -> list[tuple[int, bool]]:
    assert all(isinstance(outcome, Stored) for outcome in outcomes), outcomes
    return [(outcome.seq, outcome.duplicate) for outcome in outcomes]  # type: ignore[union-attr]


class SharedContract:
    """The suite. Expected values are literal: they hold for every store."""

    # --- opening ------------------------------------------------------------------------------------------------

    async def test_a_new_log_is_opened_at_position_zero(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()

        assert member.opened == Opened(member.epoch, 0, b"note", True)
        assert member.epoch
        page = await member.log.read()
        assert (page.epoch, page.top, list(page.events), page.more) == (member.epoch, 0, [], False)
        assert (page.first, page.last) == (0, 0)

    async def test_a_log_that_is_there_is_opened_where_it_is(self, world: SharedWorld) -> None:
        first = await Member(world.history, note=b"first").is_open()
        await first.fill(3)
        first.log.close()
        first.log.close()

        again = await Member(world.history, note=b"second").is_open()
        assert again.opened == Opened(first.epoch, 3, b"first", False)
        assert places(await again.append(b"d")) == [(4, False)]

    async def test_the_note_is_there_for_who_has_no_log_open(self, world: SharedWorld) -> None:
        assert await world.history.note("r", "c") is None
        member = await Member(world.history, note=b"options").is_open()
        member.log.close()

        assert await world.history.note("r", "c") == b"options"
        assert await world.history.note("r", "other") is None

    async def test_the_channels_of_a_room_are_known(self, world: SharedWorld) -> None:
        for room, channel in [("r", "b"), ("r", "a"), ("s", "c")]:
            await Member(world.history, room, channel).is_open()

        assert await world.history.channels("r") == ["a", "b"]
        assert await world.history.channels("t") == []

    # --- appending ----------------------------------------------------------------------------------------------

    async def test_events_get_the_positions_that_follow(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()

        assert places(await member.append(b"a", b"b")) == [(1, False), (2, False)]
        assert places(await member.append(b"c")) == [(3, False)]
        assert list((await member.log.read()).events) == [(1, b"a"), (2, b"b"), (3, b"c")]

    async def test_nothing_is_appended_by_an_append_of_nothing(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()

        assert await member.append() == []

    async def test_appends_that_do_not_wait_for_each_other_keep_their_order(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()

        waiting = [member.log.append([Entry(b"%d" % i)]) for i in range(500)]
        outcomes = [(await outcome)[0] for outcome in waiting]
        assert places(outcomes) == [(i, False) for i in range(1, 501)]
        await eventually(lambda: len(member.texts) == 500)
        assert member.texts == [b"%d" % i for i in range(500)]

    async def test_the_same_key_is_the_same_event(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()

        outcomes = await member.append(b"a", b"a", b"b", keys=("k", "k", "l"))
        assert places(outcomes) == [(1, False), (1, True), (2, False)]
        assert places(await member.append(b"a", keys=("k",))) == [(1, True)]
        assert await member.seqs() == [1, 2]
        await eventually(lambda: member.texts == [b"a", b"b"])

    async def test_a_key_is_forgotten_after_the_window(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        await member.append(b"a", keys=("k",))
        world.advance(100)
        assert places(await member.append(b"a", keys=("k",))) == [(1, True)]
        world.advance(500)

        assert places(await member.append(b"a", keys=("k",))) == [(2, False)]

    async def test_any_bytes_come_back_as_they_were(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        texts = [bytes(range(256)), b"\r\n$5\r\n", b"1-1 m 3\nabc", b"", b"x" * 500_000]

        await member.append(*texts)
        assert [text for _, text in (await member.log.read()).events] == texts
        await eventually(lambda: len(member.texts) == 5)
        assert member.texts == texts

    # --- the feed -----------------------------------------------------------------------------------------------

    async def test_what_is_appended_is_told_in_order(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        await member.append(b"a", b"b")
        await member.append(b"c")

        await eventually(lambda: member.seq == 3)
        assert member.texts == [b"a", b"b", b"c"]

    async def test_a_feed_begins_with_its_opening(self, world: SharedWorld) -> None:
        first = await Member(world.history).is_open()
        await first.append(b"a", b"b")
        first.log.close()
        member = await Member(world.history).is_open()
        await member.append(b"c")

        await eventually(lambda: member.texts)
        assert (member.opened.seq, member.texts) == (2, [b"c"])  # type: ignore[union-attr]

    async def test_a_closed_feed_tells_nothing(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        member.log.close()
        n_told = len(member.fed)
        again = await Member(world.history).is_open()
        await again.fill(1)

        await eventually(lambda: again.texts)
        assert len(member.fed) == n_told

    async def test_all_nodes_are_told_the_same(self, world: SharedWorld) -> None:
        if world.other is None:
            return
        here, there = await Member(world.history).is_open(), await Member(world.other).is_open()
        waiting = [member.log.append([Entry(b"%d" % i)]) for i in range(200) for member in (here, there)]
        for outcome in waiting:
            await outcome

        await eventually(lambda: here.seq == there.seq == 400)
        assert here.texts == there.texts
        assert here.epoch == there.epoch

    async def test_the_first_node_sets_the_note(self, world: SharedWorld) -> None:
        if world.other is None:
            return
        here = Member(world.history, note=b"here")
        there = Member(world.other, note=b"there")
        await here.is_open()
        await there.is_open()

        assert here.opened is not None
        assert there.opened is not None
        assert here.opened.note == there.opened.note
        assert {here.opened.created, there.opened.created} == {True, False}

    async def test_what_a_node_says_is_told_to_all_behind_what_it_had_appended(self, world: SharedWorld) -> None:
        members = [await Member(world.history).is_open()]
        if world.other is not None:
            members.append(await Member(world.other).is_open())
        await members[0].append(b"a")

        assert await members[0].log.say(b"hello") == len(members)
        await eventually(lambda: all(member.said == [(1, b"hello")] for member in members))
        members[0].log.close()

    async def test_a_room_is_told_of_its_channels_and_of_what_is_said(self, world: SharedWorld) -> None:
        told: list[RoomFed] = []
        feed = world.history.follow("r", told.append)
        await eventually_listening(world, "r")
        await Member(world.history).is_open()
        await Member(world.history, room="other").is_open()
        assert await feed.say(b"hello") == 1
        await eventually(lambda: len(told) == 2)
        await world.history.delete("r", "c")

        await eventually(lambda: told == [ChannelMade("c"), Said(b"hello"), ChannelGone("c")])
        feed.close()
        feed.close()
        assert await feed.say(b"nobody hears it") == 0

    # --- reading ------------------------------------------------------------------------------------------------

    async def test_a_page_says_what_is_kept_and_whether_there_is_more(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        await member.fill(5)

        page = await member.log.read(limit=2)
        assert ([seq for seq, _ in page.events], page.more, page.first, page.last) == ([1, 2], True, 1, 5)
        assert (page.epoch, page.top) == (member.epoch, 5)

    async def test_bounds_are_exclusive_and_hold_in_both_orders(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        await member.append(*[b"x"] * 9)

        assert await member.seqs(after=3, before=7) == [4, 5, 6]
        assert await member.seqs(after=3, before=7, newest_first=True) == [6, 5, 4]
        assert await member.seqs(after=9) == await member.seqs(before=1) == await member.seqs(after=6, before=5) == []
        assert await member.seqs(size_bytes=3) == [1, 2, 3]
        assert await member.seqs(size_bytes=1, newest_first=True) == [9]

    # --- retention ----------------------------------------------------------------------------------------------

    async def test_a_log_may_keep_nothing_and_still_count_and_tell(self, world: SharedWorld) -> None:
        for channel, retention in [("none", Retention(0, 10.0, 1000)), ("no_bytes", Retention(10, 10.0, 0))]:
            member = await Member(world.history, channel=channel, retention=retention).is_open()
            assert places(await member.append(b"a", b"b")) == [(1, False), (2, False)]
            assert places(await member.append(b"c")) == [(3, False)]
            assert await member.seqs() == []
            await eventually(lambda member=member: member.texts == [b"a", b"b", b"c"])

    async def test_other_bounds_hold_at_once(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        await member.append(*[b"x"] * 10)

        member.log.retain(Retention(4, 3600.0, 1000))
        assert await member.seqs() == [7, 8, 9, 10]

    async def test_holds_says_whether_events_are_kept(self, world: SharedWorld) -> None:
        member = await Member(world.history, retention=Retention(100, 10.0, 1000)).is_open()

        assert not await world.history.holds("r", "c")
        await member.fill(1)
        assert await world.history.holds("r", "c")
        assert not await world.history.holds("r", "other")
        world.advance(11)
        assert not await world.history.holds("r", "c")

    async def test_a_sweep_drops_what_is_old_and_keeps_what_is_young(self, world: SharedWorld) -> None:
        member = await Member(world.history, retention=Retention(100, 10.0, 1000)).is_open()
        await member.fill(2)
        world.advance(8)
        await member.fill(1)
        world.advance(4)

        world.history.sweep()
        assert await member.seqs() == [3]

    # --- deletion -----------------------------------------------------------------------------------------------

    async def test_a_deleted_log_tells_so_and_begins_anew_in_another_epoch(self, world: SharedWorld) -> None:
        member = await Member(world.history).is_open()
        await member.append(b"a", keys=("k",))
        assert await world.history.delete("r", "c") is True
        await eventually(lambda: member.is_deleted)
        member.log.close()
        assert await world.history.delete("r", "c") is False
        assert await world.history.note("r", "c") is None
        assert await world.history.channels("r") == []

        again = await Member(world.history, note=b"new").is_open()
        assert again.opened == Opened(again.epoch, 0, b"new", True)
        assert again.epoch != member.epoch
        assert places(await again.append(b"a", keys=("k",))) == [(1, False)]

    async def test_logs_do_not_mix(self, world: SharedWorld) -> None:
        one, two = await Member(world.history).is_open(), await Member(world.history, channel="d").is_open()
        far = await Member(world.history, room="r.c").is_open()
        await one.fill(3)
        await two.fill(1)

        await eventually(lambda: (one.seq, two.seq, far.seq) == (3, 1, 0))
        assert len({one.epoch, two.epoch, far.epoch}) == 3
