"""The past of a channel: what ``sub --since`` shows before it goes on live.

It is read page by page, so it may be longer than one join replays.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Any, Final, Literal

from msgspec import Raw, Struct

from arqonbus.client import Bus, Gap, Message, NotFound, Position

__all__ = ["Since", "since_of", "tell_past"]

_PAGE: Final = 1000
_EXPECTED: Final = "expected all, latest, latest:N, SEQ or EPOCH:SEQ"


class Since(Struct, frozen=True):
    """From where somebody wants to read."""

    kind: Literal["all", "latest", "seq"]
    number: int = 0  # of `latest` how many; of `seq` the last one known
    epoch: str | None = None  # of `seq`; None: whatever it is


def since_of(text: str) -> Since:
    """Read the value of ``--since``. For argparse: raises its error."""
    word, colon, rest = text.rpartition(":")
    if text == "all":
        return Since("all")
    if text == "latest" or word == "latest":
        return Since("latest", _whole(rest, text) if colon else 1)
    return Since("seq", _whole(rest, text), word or None)


def _whole(digits: str, text: str) -> int:
    if not digits.isascii() or not digits.isdigit():
        raise ArgumentTypeError(f"{_EXPECTED}, got {text!r}")
    return int(digits)


async def tell_past(
    bus: Bus, address: str, since: Since, show: Callable[[Message[Any]], bool], lose: Callable[[Gap], None]
) -> Position | None:
    """Show what a channel keeps behind a place, in order.

    Args:
        bus: connected
        address: of one channel
        since: the place
        show: told of every message; False: no more are wanted
        lose: told of every gap

    Returns:
        the position from which to go on live; None: from where the channel is, for it is not there yet
    """
    try:
        info = await bus.channel_info(address)
        newest = await bus.history(address, limit=1, order="desc", type=Raw)
    except NotFound:
        return None
    epoch, top = info.epoch, info.seq
    first = newest.first_seq or top + 1
    after, missed = _start(since, epoch, first, top)
    if missed is not None:
        lose(missed)
    while after < top:
        page = await bus.history(address, after=after, order="asc", limit=_PAGE, type=Raw)
        if page.epoch != epoch:
            break  # it began anew; the join says so
        if not page.messages:
            lose(Gap(after + 1, top, top - after, "evicted", True, epoch))
            after = top
        for message in page.messages:
            if message.seq > after + 1:
                lose(Gap(after + 1, message.seq - 1, message.seq - after - 1, "evicted", True, epoch))
            after = message.seq
            if not show(message):
                return Position(epoch, after)
    return Position(epoch, after)


def _start(since: Since, epoch: str, first: int, top: int) -> tuple[int, Gap | None]:
    """Give the seq behind which to read, and what is missing for sure."""
    match since.kind:
        case "all":
            return first - 1, None
        case "latest":
            return max(first - 1, top - since.number), None
        case "seq":
            is_other = since.epoch is not None and since.epoch != epoch
            if is_other or since.number > top:
                return first - 1, Gap(1, first - 1, first - 1, "epoch_changed", False, epoch)
            return since.number, None
