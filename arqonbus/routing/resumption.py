"""Resumption: one connect that brings channels back, from its first join to its one answer. Pure.

What the client names by position, and what its old connection was a member of, is joined; each join says what it
replayed. The answer is made when all have answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from arqonbus.errors import Refusal
from arqonbus.protocol.names import ALL_CHANNELS
from arqonbus.protocol.payloads import (
    JoinChannelArgs,
    JoinChannelResult,
    Overflow,
    Position,
    Resume,
    Resumed,
    address,
)

__all__ = ["Resumption", "Step", "outcome_of"]

NONE_BEARS: Final[Mapping[tuple[str, str], Overflow]] = MappingProxyType({})

Step = tuple[str, str, JoinChannelArgs, dict[str, Position]]
"""One join: room, channel or *, args, and for * the positions of its channels."""


class Resumption:
    """The state of one resuming connect. Owned by the session, which has no other command in work meanwhile.

    Raises:
        InvalidArgs: a position names no channel.
    """

    __slots__ = ("_asked", "_is_planned", "_waits_for", "request_id", "resumed")

    def __init__(self, request_id: str | None, resume: Resume) -> None:
        self.request_id = request_id
        self._asked = {address(place): Position(place.epoch, place.seq) for place in resume.positions or ()}
        self._is_planned = False  # before that it is not known what to wait for
        self._waits_for: set[tuple[str, str]] = set()
        self.resumed: list[Resumed] = []

    def plan(
        self, memberships: Iterable[tuple[str, str]], overflows: Mapping[tuple[str, str], Overflow] = NONE_BEARS
    ) -> list[Step]:
        """Say what to join: the memberships of the old connection, with what they bear, and what was asked for beside
        them.
        """
        memberships = list(memberships)
        whole_rooms = {room for room, channel in memberships if channel == ALL_CHANNELS}
        steps: list[Step] = []
        for room in sorted(whole_rooms):
            covered = {c: p for (r, c), p in self._asked.items() if r == room and (r, c) not in memberships}
            place = (room, ALL_CHANNELS)
            steps.append((*place, JoinChannelArgs(*place, overflow=overflows.get(place)), covered))
        direct = [place for place in memberships if place[1] != ALL_CHANNELS]
        others = [place for place in self._asked if place not in memberships and place[0] not in whole_rooms]
        for place in (*direct, *others):
            args = JoinChannelArgs(*place, since=self._asked.get(place), overflow=overflows.get(place))
            steps.append((*place, args, {}))
        self._is_planned = True
        self._waits_for = {(room, channel) for room, channel, _, _ in steps}
        return steps

    def joined(self, room: str, channel: str, result: object, resumed: Iterable[Resumed]) -> None:
        """Note a join that was done."""
        self._waits_for.discard((room, channel))
        self.resumed += resumed
        if isinstance(result, JoinChannelResult) and channel != ALL_CHANNELS:
            self.resumed.append(outcome_of(result))

    def refused(self, room: str, channel: str, refusal: Refusal) -> None:
        """Note a join that was refused: the channel is not resumed, and the answer says why."""
        self._waits_for.discard((room, channel))
        asked = self._asked.get((room, channel), Position("-", 0))
        self.resumed.append(Resumed(room, channel, asked.epoch, asked.seq, False, refusal.code))

    @property
    def is_done(self) -> bool:
        """Whether all joins have answered."""
        return self._is_planned and not self._waits_for


def outcome_of(result: JoinChannelResult) -> Resumed:
    """Write the result of a join as one entry of ``resumed``."""
    epoch, seq = str(result.epoch), result.seq if isinstance(result.seq, int) else 0
    return Resumed(result.room, result.channel, epoch, seq, result.recovered, result.reason, result.lost)
