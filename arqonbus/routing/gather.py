"""Gather: one request of a client that each channel of a room has to answer, and one answer made of theirs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, field

from arqonbus.errors import Refusal
from arqonbus.protocol.payloads import ChannelPosition, Resumed
from arqonbus.routing.mail import Join, Leave, StarAnswer

__all__ = ["Gather", "Gathers"]


class Gather(Struct):
    """A join or leave of the whole room, and what its channels have answered so far."""

    request: Join | Leave
    waits_for: set[str]  # names of channels
    positions: list[ChannelPosition]  # of a join
    was_member: bool = False  # of the whole room by the same connection, before a join
    refusal: Refusal | None = None  # the first, if a channel failed
    is_undone: bool = False  # a refused join, whose channels were asked to forget it
    resumed: list[Resumed] = field(default_factory=list)  # of a resuming join


class Gathers:
    """All that wait in one room, by client: a client has one command in work at most."""

    __slots__ = ("_by_client",)

    def __init__(self) -> None:
        self._by_client: dict[str, Gather] = {}

    def start(self, gather: Gather) -> Gather | None:
        """Wait for its channels. Returns the gather if it is complete at once: there is no channel."""
        if not gather.waits_for:
            return gather
        self._by_client[gather.request.card.client] = gather
        return None

    def note(self, answer: StarAnswer) -> Gather | None:
        """Note one channel's answer. Returns the gather if that was the last one; it is struck off then."""
        gather = self._by_client.get(answer.card.client)
        if gather is None or gather.request.card is not answer.card:
            return None  # to a connection that another one has taken the place of
        if answer.position is not None and answer.channel in gather.waits_for:
            gather.positions.append(answer.position)
            gather.resumed += [answer.resumed] if answer.resumed is not None else []
        gather.refusal = gather.refusal or answer.refusal
        return self._done(answer.card.client, gather, answer.channel)

    def skip(self, channel: str) -> list[Gather]:
        """Forget a channel that is gone, and its position. Returns the gathers that are complete by that."""
        for gather in self._by_client.values():
            gather.positions = [position for position in gather.positions if position.channel != channel]
        done = [self._done(client, gather, channel) for client, gather in list(self._by_client.items())]
        return [gather for gather in done if gather is not None]

    def forget(self, client: str) -> None:
        """Drop what a client that is gone waited for."""
        self._by_client.pop(client, None)

    def __iter__(self) -> Iterator[Gather]:
        return iter(self._by_client.values())

    def _done(self, client: str, gather: Gather, channel: str) -> Gather | None:
        gather.waits_for.discard(channel)
        return None if gather.waits_for else self._by_client.pop(client)
