"""Roll: who is in a channel at the moment of a join, given to the rosters that wait for it. Pure; rule R47."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw

from arqonbus.client.errors import ClientError
from arqonbus.client.results import Join, MemberInfo, MemberPage
from arqonbus.client.seat import Seat

__all__ = ["MOST_LISTED", "ListMembers", "call_roll"]

MOST_LISTED: Final = 1000
"""Members that are listed by the command members; more are only counted, where the server sends no list by itself."""

ListMembers: TypeAlias = Callable[[str | None, Callable[[Raw | ClientError, float], None], float], None]
"""Asks for one page of members: a cursor or None, who takes the answer, and when."""


def call_roll(seats: Iterable[Seat], result: Join, list_members: ListMembers, now: float) -> None:
    """Give who is there to the seats that follow it and have no list yet; ask for it where the join does not say."""
    waiting = [seat for seat in seats if seat.roster is not None and not seat.roster.is_known]
    if waiting and result.present is None and result.members <= MOST_LISTED:
        list_members(None, partial(_page, waiting, (), list_members), now)
        return
    for seat in waiting:
        _start(seat, result.present, result.members)


def _page(
    waiting: list[Seat],
    before: tuple[MemberInfo, ...],
    list_members: ListMembers,
    answer: Raw | ClientError,
    now: float,
) -> None:
    if isinstance(answer, ClientError):
        for seat in waiting:
            seat.end(answer, at_once=False)
        return
    page = msgspec.json.decode(answer, type=MemberPage)
    members = (*before, *page.members)
    if page.cursor is not None and len(members) < MOST_LISTED:
        list_members(page.cursor, partial(_page, waiting, members, list_members), now)
        return
    for seat in waiting:
        _start(seat, members if page.cursor is None else None, page.count)


def _start(seat: Seat, members: tuple[MemberInfo, ...] | None, count: int) -> None:
    if seat.roster is not None:
        seat.roster.reset(members, count)
    seat.start()
