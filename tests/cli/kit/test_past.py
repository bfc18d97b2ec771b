"""What sub --since shows before it goes on live."""

from argparse import ArgumentTypeError
from typing import Any

import pytest

from arqonbus.cli.kit.past import Since, since_of, tell_past
from arqonbus.client import Gap, Message, Options, Position
from arqonbus.testing.local import LocalBus

ADDRESS = "lab:readings"


def test_a_place_is_read() -> None:
    assert since_of("all") == Since("all")
    assert since_of("latest") == Since("latest", 1)
    assert since_of("latest:20") == Since("latest", 20)
    assert since_of("41") == Since("seq", 41)
    assert since_of("sAh6Aoyb:41") == Since("seq", 41, "sAh6Aoyb")


@pytest.mark.parametrize("text", ["", "first", "latest:", "latest:x", "-1", "e:", "1.5"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="expected all, latest"):
        since_of(text)


async def told(since: str, *, n: int, keeps: int | None = None, most: int = 10_000) -> tuple[list[int], list[Gap], Any]:
    """Publish so many events, and tell the past of the channel."""
    async with LocalBus() as local, local.connect() as bus:
        epoch = (await bus.create_channel(ADDRESS, Options(history_limit=keeps))).epoch
        for number in range(n):
            await bus.publish(ADDRESS, number)
        await bus.ping()
        seqs: list[int] = []
        gaps: list[Gap] = []

        def show(message: Message[Any]) -> bool:
            seqs.append(message.seq)
            return len(seqs) < most

        position = await tell_past(bus, ADDRESS, since_of(since.replace("EPOCH", epoch)), show, gaps.append)
        assert position is None or position.epoch == epoch
        return seqs, gaps, position and position.seq


@pytest.mark.parametrize(
    ("since", "shown"),
    [("all", [1, 2, 3, 4, 5]), ("latest", [5]), ("latest:2", [4, 5]), ("latest:99", [1, 2, 3, 4, 5]), ("3", [4, 5]),
     ("EPOCH:3", [4, 5]), ("5", []), ("0", [1, 2, 3, 4, 5])],
)  # fmt: skip
async def test_the_past_is_shown_from_the_place_on(since: str, shown: list[int]) -> None:
    assert await told(since, n=5) == (shown, [], 5)


async def test_more_than_a_page_is_shown() -> None:
    seqs, gaps, position = await told("all", n=2500, keeps=3000)

    assert (seqs, gaps, position) == (list(range(1, 2501)), [], 2500)


async def test_what_is_kept_no_more_is_a_gap() -> None:
    seqs, (gap,), _ = await told("2", n=10, keeps=3)

    assert seqs == [8, 9, 10]
    assert (gap.first, gap.last, gap.missed, gap.reason) == (3, 7, 5, "evicted")


async def test_all_begins_with_what_is_kept_and_misses_nothing() -> None:
    assert await told("all", n=10, keeps=3) == ([8, 9, 10], [], 10)


async def test_a_channel_without_history_says_that_everything_is_missing() -> None:
    seqs, (gap,), position = await told("2", n=10, keeps=0)

    assert (seqs, position) == ([], 10)
    assert (gap.first, gap.last) == (3, 10)


@pytest.mark.parametrize("since", ["another:2", "99"])
async def test_a_place_of_another_epoch_shows_what_is_kept_and_says_that_more_may_be_missing(since: str) -> None:
    seqs, (gap,), position = await told(since, n=4)

    assert (seqs, position) == ([1, 2, 3, 4], 4)
    assert (gap.missed, gap.reason, gap.exact) == (0, "epoch_changed", False)


async def test_it_stops_when_there_are_enough() -> None:
    assert await told("all", n=5, most=2) == ([1, 2], [], 2)


async def test_a_channel_that_is_not_there_has_no_past() -> None:
    async with LocalBus() as local, local.connect() as bus:
        assert await tell_past(bus, "no:where", Since("all"), lambda message: True, lambda gap: None) is None


async def test_a_position_can_be_gone_on_from() -> None:
    async with LocalBus() as local, local.connect() as bus:
        await bus.publish(ADDRESS, "a", ack=True)
        position = await tell_past(bus, ADDRESS, Since("all"), lambda message: True, lambda gap: None)
        await bus.publish(ADDRESS, "b", ack=True)

        async with bus.subscribe(ADDRESS, since=position) as handle:
            assert (await handle.get()).data == "b"
        assert isinstance(position, Position)
