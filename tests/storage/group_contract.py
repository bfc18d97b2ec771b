"""What every SharedGroup promises. A test module of an implementation subclasses this and gives ``world``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from arqonbus.storage.shared_group import GroupOptions, Holding, SharedGroup, Work

__all__ = ["BRIEF", "OPTIONS", "GroupContract", "GroupWorld"]

OPTIONS = GroupOptions(ack_wait_s=0.2, max_deliver=3, dead_letter="dead", prefetch=7)

BRIEF = GroupOptions(ack_wait_s=0.2, lasts=False)


class GroupWorld(NamedTuple):
    """One group as two nodes see it, and the channel under it."""

    here: SharedGroup
    there: SharedGroup
    append: Callable[..., Awaitable[Any]]  # texts
    epoch: Callable[[], str]
    wait: Callable[[float], Awaitable[Any]]  # seconds


def shown(works: Sequence[Work]) -> list[tuple[int, int]]:
    return [(work.seq, work.attempt) for work in works]


class GroupContract:
    """Tests of the promises."""

    async def test_what_was_there_before_is_not_the_groups_unless_it_begins_there(self, world: GroupWorld) -> None:
        await world.append(b"a", b"b")
        await world.here.open(OPTIONS, None)
        assert shown(await world.here.take(5)) == []
        await world.append(b"c")
        assert [(w.seq, w.text, w.attempt) for w in await world.here.take(5)] == [(3, b"c", 1)]

    async def test_each_event_is_leased_to_one_node(self, world: GroupWorld) -> None:
        await world.append(*[b"%d" % i for i in range(1, 8)])
        await world.here.open(OPTIONS, 0)
        await world.there.open(OPTIONS, 0)

        assert shown(await world.here.take(3)) == [(1, 1), (2, 1), (3, 1)]
        (fourth,) = await world.there.take(1)
        assert fourth == Work(world.epoch(), 4, b"4", 1)
        assert shown(await world.here.take(0)) == []
        assert shown(await world.here.take(9)) == [(5, 1), (6, 1), (7, 1)]

    async def test_the_options_of_whoever_makes_it_stand(self, world: GroupWorld) -> None:
        assert await world.here.open(OPTIONS, None) == OPTIONS
        assert await world.there.open(GroupOptions(), 0) == OPTIONS

    async def test_what_is_acknowledged_is_done_once_and_by_whom_it_was_leased_to(self, world: GroupWorld) -> None:
        await world.append(b"a", b"b")
        await world.here.open(OPTIONS, 0)
        await world.there.open(OPTIONS, 0)
        works = await world.here.take(2)

        assert await world.there.ack(works) == 0
        assert await world.here.ack(works[:1]) == 1
        assert await world.here.ack(works) == 1
        assert await world.here.ack(works) == 0
        assert await world.here.ack(()) == 0
        standing = await world.here.standing()
        assert standing is not None
        assert (standing.in_work, standing.behind, standing.oldest) == (0, 0, 0)

    async def test_a_lease_that_is_over_goes_to_whoever_looks_and_counts(self, world: GroupWorld) -> None:
        await world.append(b"a", b"b")
        await world.here.open(OPTIONS, 0)
        await world.there.open(OPTIONS, 0)
        first = await world.here.take(2)
        assert shown(await world.there.take(5, 1)) == []
        await world.wait(0.25)

        assert shown(await world.there.take(1)) == []  # it did not look for these
        assert shown(await world.there.take(1, 1)) == [(1, 2)]
        assert await world.here.ack(first[:1]) == 0
        assert await world.here.ack(first[1:]) == 1  # late, but nobody else had it

    async def test_what_is_given_back_is_had_at_once_and_before_new_events(self, world: GroupWorld) -> None:
        await world.append(b"a", b"b", b"c")
        await world.here.open(OPTIONS, 0)
        await world.there.open(OPTIONS, 0)
        first, second = await world.here.take(2)
        await world.here.give_back([first], counts=False)
        await world.here.give_back([second])
        await world.here.give_back([second])
        await world.there.give_back([first])
        taken = await world.there.take(5)

        assert shown(taken) == [(1, 1), (2, 2), (3, 1)]
        await world.here.give_back([first, second])  # not its own any more
        assert await world.there.ack(taken) == 3

    async def test_what_is_given_back_for_later_waits(self, world: GroupWorld) -> None:
        await world.append(b"a")
        await world.here.open(OPTIONS, 0)
        await world.here.give_back(await world.here.take(1), after_s=0.1)

        assert shown(await world.here.take(1, 1)) == []
        await world.wait(0.12)
        assert shown(await world.here.take(1)) == [(1, 2)]

    async def test_how_it_stands_is_told(self, world: GroupWorld) -> None:
        assert await world.here.standing() is None
        await world.append(*[b"x"] * 5)
        await world.here.open(OPTIONS, 0)
        await world.there.open(OPTIONS, 0)
        works = await world.here.take(2, 3)
        await world.there.take(0, 1)
        await world.here.give_back(works[:1])
        again = await world.there.take(1)
        await world.there.ack(again, dead=True)
        standing = await world.there.standing()

        assert standing is not None
        assert (standing.in_work, standing.behind, standing.oldest) == (1, 3, 2)
        assert sorted(standing.by_node.values(), key=lambda one: one.members) == [Holding(1, 0), Holding(3, 1)]
        assert (standing.redelivered, standing.dead, standing.options) == (1, 1, OPTIONS)

    async def test_a_node_that_goes_gives_back_what_it_is_told_to(self, world: GroupWorld) -> None:
        await world.append(b"a")
        await world.here.open(OPTIONS, 0)
        await world.there.open(OPTIONS, 0)
        works = await world.here.take(1, 1)
        world.here.close(works)
        await world.wait(0.02)

        assert shown(await world.there.take(1)) == [(1, 1)]
        standing = await world.there.standing()
        assert standing is not None
        assert [one.members for one in standing.by_node.values()] == [0]

    async def test_a_group_that_does_not_last_is_over_with_its_last_member_on_any_node(self, world: GroupWorld) -> None:
        await world.here.open(BRIEF, None)
        await world.there.open(BRIEF, None)
        await world.append(b"a", b"b", b"c")
        assert shown(await world.here.take(1, 1)) == [(1, 1)]
        world.here.close()
        await world.there.open(BRIEF, None)
        assert shown(await world.there.take(1, 1)) == [(2, 1)]

        world.there.close()
        await world.here.open(BRIEF, None)
        assert shown(await world.here.take(5, 1)) == []
        await world.append(b"d")
        assert shown(await world.here.take(5, 1)) == [(4, 1)]
