"""OwnMembers: the members of this node in one room, and what of them the other nodes have yet to be told. Pure."""

from __future__ import annotations

from heapq import nsmallest

from arqonbus.protocol.codec import encode
from arqonbus.protocol.payloads import LeftReason, MemberInfo
from arqonbus.routing.census_letters import Told

__all__ = ["OwnMembers"]

_Left = dict[str, dict[str, LeftReason]]  # channel -> client -> why


class OwnMembers:
    """By channel, and ``*`` for the whole room.

    Joins are told with the next delta, leaves with the one after: so whoever leaves here since it joined elsewhere is
    told there first.

    Args:
        most: members of a channel up to which rows are told; past it how many there are.
    """

    __slots__ = ("_crowds", "_fresh", "_joined", "_most", "_ripe", "_rows")

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: dict[str, dict[str, MemberInfo]] = {}  # channel -> client -> row
        self._crowds: set[str] = set()  # channels of which only the number is told
        self._joined: dict[str, dict[str, MemberInfo]] = {}  # to be told with the next delta
        self._ripe: _Left = {}  # likewise
        self._fresh: _Left = {}  # left since the last delta

    def enter(self, channel: str, row: MemberInfo) -> None:
        """Note that a member came, or changed."""
        self._rows.setdefault(channel, {})[row.client] = row
        self._joined.setdefault(channel, {})[row.client] = row
        for left in (self._fresh, self._ripe):
            left.get(channel, {}).pop(row.client, None)

    def exit(self, channel: str, client: str, reason: LeftReason) -> None:
        """Note that a member went."""
        self._rows.get(channel, {}).pop(client, None)
        self._joined.get(channel, {}).pop(client, None)
        self._fresh.setdefault(channel, {})[client] = reason

    def take(self, *, all_of_it: bool = False) -> tuple[Told, ...]:
        """Give what is to be told now; ``all_of_it``: there is no other time."""
        if all_of_it:
            for channel, left in self._fresh.items():
                self._ripe.setdefault(channel, {}).update(left)
            self._fresh = {}
        joined, ripe = self._joined, self._ripe
        self._joined, self._ripe, self._fresh = {}, self._fresh, {}
        told = [
            self._tell(channel, joined.get(channel, {}), ripe.get(channel, {}))
            for channel in dict.fromkeys((*joined, *ripe))
        ]
        return tuple(one for one in told if one is not None)

    @property
    def has_more(self) -> bool:
        """Whether something is left for the next delta."""
        return any(self._ripe.values()) or any(self._joined.values())

    def everybody(self) -> tuple[Told, ...]:
        """Give all, told so far or not: to be told twice changes nothing."""
        return tuple(
            Told(channel, crowd=len(rows)) if channel in self._crowds else Told(channel, tuple(rows.values()))
            for channel, rows in self._rows.items()
            if rows
        )

    def page(self, channel: str, after: str, limit: int, size_bytes: int) -> tuple[tuple[MemberInfo, ...], bool]:
        """Give rows behind a client, by id, and whether there are more. O(members * log(limit))."""
        rows = self._rows.get(channel, {}).values()
        found = nsmallest(limit + 1, (row for row in rows if row.client > after), key=lambda row: row.client)
        page: list[MemberInfo] = []
        size = 0
        for row in found[:limit]:
            size += len(encode(row))
            if page and size > size_bytes:
                break
            page.append(row)
        return tuple(page), len(page) < len(found)

    def _tell(self, channel: str, joined: dict[str, MemberInfo], left: dict[str, LeftReason]) -> Told | None:
        rows = self._rows.get(channel, {})
        if not rows:
            self._rows.pop(channel, None)
        if len(rows) > (self._most * 4 // 5 if channel in self._crowds else self._most):
            self._crowds.add(channel)
            return Told(channel, crowd=len(rows))
        if channel in self._crowds:
            self._crowds.discard(channel)
            return Told(channel, tuple(rows.values()), is_whole=True)
        return Told(channel, tuple(joined.values()), tuple(left.items())) if joined or left else None
