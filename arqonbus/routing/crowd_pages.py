"""CrowdPages: pages of members that other nodes have to be asked for, since they tell of a crowd only how many it is.

Pure; owned by a room's census.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from arqonbus.protocol.payloads import MemberInfo
from arqonbus.routing.census_letters import RowsLetter
from arqonbus.routing.census_mail import Beside

__all__ = ["CrowdPages"]


class _Asked(Struct):
    mail: Any  # ListMembers
    waits_for: set[str]  # nodes
    rows: dict[str, MemberInfo]
    least: str | None = None  # how far all those that have more have told; None: they have told all


class CrowdPages:
    """What is asked, by number."""

    __slots__ = ("_asked",)

    def __init__(self) -> None:
        self._asked: dict[int, _Asked] = {}

    def ask(self, number: int, mail: Any, nodes: set[str]) -> None:
        """Wait for those nodes, to answer ``mail``."""
        self._asked[number] = _Asked(mail, nodes, {})

    def take(self, letter: RowsLetter) -> tuple[Any, Beside] | None:
        """Take one node's rows. Gives the mail, and what to answer it with beside, if that was the last one."""
        asked = self._asked.get(letter.number)
        if asked is None or letter.node not in asked.waits_for:
            return None
        asked.waits_for.discard(letter.node)
        asked.rows.update({row.client: row for row in letter.rows})
        if letter.has_more and letter.rows:
            last = letter.rows[-1].client
            asked.least = last if asked.least is None else min(asked.least, last)
        return None if asked.waits_for else self.give_up(letter.number)

    def give_up(self, number: int) -> tuple[Any, Beside] | None:
        """Answer with what there is; None: it is answered."""
        asked = self._asked.pop(number, None)
        if asked is None:
            return None
        return asked.mail, Beside(tuple(asked.rows.values()), asked.least, not asked.waits_for)
