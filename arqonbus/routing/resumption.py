"""Resumption: one connect that brings channels back, from its first join to its one answer. Pure.

What the client names by position, and what its old connection was a member of, is joined; each join says what it
replayed. The answer is made when all have answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from arqonbus.errors import LimitExceeded, NotFound, Refusal
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
NO_GROUPS: Final[Mapping[tuple[str, str], str]] = MappingProxyType({})

Step = tuple[str, str, JoinChannelArgs, dict[str, Position]]
"""One join: room, channel or *, args, and for * the positions of its channels."""


class Resumption:
    """The state of one resuming connect. Owned by the session, which has no other command in work meanwhile.

    Raises:
        InvalidArgs: a position names no channel.
    """

    __slots__ = ("_asked", "_covered", "_is_planned", "_outcomes", "_refused", "_waits_for", "request_id")

    def __init__(self, request_id: str | None, resume: Resume) -> None:
        self.request_id = request_id
        self._asked = {address(place): Position(place.epoch, place.seq) for place in resume.positions or ()}
        self._covered: dict[str, dict[str, Position]] = {}  # room joined as a whole -> what was asked for in it
        self._is_planned = False  # before that it is not known what to wait for
        self._waits_for: set[tuple[str, str]] = set()
        self._outcomes: dict[tuple[str, str], Resumed] = {}
        self._refused: dict[tuple[str, str], Refusal] = {}  # why, of those that were refused

    @property
    def resumed(self) -> list[Resumed]:
        """What became of each channel so far, each once."""
        return list(self._outcomes.values())

    def plan(
        self,
        memberships: Iterable[tuple[str, str]],
        most: int,
        overflows: Mapping[tuple[str, str], Overflow] = NONE_BEARS,
        groups: Mapping[tuple[str, str], str] = NO_GROUPS,
    ) -> list[Step]:
        """Say what to join: the memberships of the old connection, and what was asked for beside them.

        A room as a whole comes after its channels by name: once it is joined their events come, and a replay would
        come too late.

        Args:
            memberships: of the old connection; they go before what it was not in.
            most: memberships that the client may have; past it places are refused.
            overflows: what memberships of the old connection bear.
            groups: of those that are in a group, which.
        """
        memberships = list(memberships)
        whole_rooms = sorted(room for room, channel in memberships if channel == ALL_CHANNELS)
        for room in whole_rooms:
            self._covered[room] = {c: p for (r, c), p in self._asked.items() if r == room}
        direct = [place for place in memberships if place[1] != ALL_CHANNELS]
        others = [place for place in self._asked if place not in memberships and place[0] not in self._covered]
        places = [*direct, *((room, ALL_CHANNELS) for room in whole_rooms), *others]
        for place in places[most:]:
            self.refused(*place, LimitExceeded(f"the client has {most} memberships, which is the most it may have"))
        self._is_planned = True
        self._waits_for = set(places[:most])
        return [self._step(*place, overflows.get(place), groups.get(place)) for place in places[:most]]

    def _step(self, room: str, channel: str, overflow: Overflow | None, group: str | None) -> Step:
        # What a member of a group missed, others got: no position counts.
        since = self._asked.get((room, channel)) if group is None else None
        covered = self._covered[room] if channel == ALL_CHANNELS else {}
        args = JoinChannelArgs(room, channel, since=since, group=group, overflow=overflow)
        return (room, channel, args, covered)

    def joined(self, room: str, channel: str, result: object, resumed: Iterable[Resumed]) -> None:
        """Note a join that was done."""
        self._waits_for.discard((room, channel))
        if channel == ALL_CHANNELS:
            for entry in resumed:
                place = (room, entry.channel)
                if place not in self._outcomes or place in self._refused:  # else it came back by the join by name
                    self._outcomes[place] = entry
            for gone in sorted(self._covered.get(room, {}).keys() - {entry.channel for entry in resumed}):
                if (room, gone) not in self._waits_for:  # else it is joined by name too, and that will be answered
                    self.refused(room, gone, NotFound(f"no channel {room}:{gone}"))
        elif isinstance(result, JoinChannelResult):
            self._outcomes[room, channel] = outcome_of(result)

    def refused(self, room: str, channel: str, refusal: Refusal) -> None:
        """Note a join that was refused: the channel is not resumed, and the answer says why."""
        self._waits_for.discard((room, channel))
        asked = self._asked.get((room, channel), Position("-", 0))
        if (room, channel) not in self._outcomes:  # else it came back with its whole room
            self._outcomes[room, channel] = Resumed(room, channel, asked.epoch, asked.seq, False, refusal.code)
            self._refused[room, channel] = refusal

    def waits_for(self, room: str, channel: str) -> bool:
        """Whether a join has yet to be answered."""
        return (room, channel) in self._waits_for

    def to_be_tried_again(self, memberships: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """Give those that were refused for the moment only: who continues the client tries again."""
        return tuple(place for place in memberships if place in self._refused and self._refused[place].retryable)

    @property
    def is_done(self) -> bool:
        """Whether all joins have answered."""
        return self._is_planned and not self._waits_for


def outcome_of(result: JoinChannelResult) -> Resumed:
    """Write the result of a join as one entry of ``resumed``."""
    epoch, seq = str(result.epoch), result.seq if isinstance(result.seq, int) else 0
    outcome = (result.recovered, result.reason, result.lost, result.group)
    return Resumed(result.room, result.channel, epoch, seq, *outcome)
