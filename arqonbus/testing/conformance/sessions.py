"""Plays the session vectors: what clients say, what they must hear, and that they hear nothing else."""

import asyncio
from typing import Any, Final

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.matching import ROOM, Names, filled_in, is_match
from arqonbus.testing.conformance.peer import Frame, Peer, kind_of
from arqonbus.testing.conformance.places import Places
from arqonbus.testing.conformance.stage import Stage
from arqonbus.testing.conformance.vectors import SessionVector, Step, sessions
from arqonbus.testing.conformance.verdict import Failed, Skipped

__all__ = ["Player", "session_cases"]

_CONNECT: Final = "connect"


def session_cases() -> list[Case]:
    """Make a case of each session."""
    return [_case(vector) for vector in sessions()]


def _case(vector: SessionVector) -> Case:
    async def play(stage: Stage) -> None:
        await Player(stage).play(vector)

    return Case(f"session: {vector.name}", (vector.proves,), play, is_light=True)


class Player:
    """Plays one session."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._names: Names = {ROOM: stage.room}
        self._peers: dict[str, Peer] = {}
        self._places: dict[str, Places] = {}  # by client: where it is, for its way back
        self._grouped: set[tuple[str, str]] = set()  # client and id of each join with a group

    async def play(self, vector: SessionVector) -> None:
        """Do each step, then see that nothing is left over. Raises Failed, Skipped."""
        for number, step in enumerate(vector.steps, 1):
            try:
                await self._do(step)
            except Failed as failure:
                raise Failed(f"step {number} at {step.at}: {failure.expected}", failure.got) from failure
        await asyncio.gather(*(peer.quiet() for peer in self._peers.values() if peer.code is None))

    async def _do(self, step: Step) -> None:
        peer = await self._peer(step)
        if step.send is not None:
            frame = filled_in(step.send, self._names)
            self._places[step.at].said(frame)
            if "group" in (frame.get("args") or {}):
                self._grouped.add((step.at, frame["id"]))
            await peer.send(frame)
        elif step.expect is not None:
            await self._expect(step.at, step.expect)
        elif step.quiet_ms is not None:
            await peer.quiet(step.quiet_ms / 1000)
        elif step.close is not None:
            await peer.socket.close(step.close)
            await peer.closed()
        elif step.cut:
            await peer.cut()
        elif step.back is not None:
            await self._back(step.at, step.back)
        elif step.closed is not None:
            code = await peer.closed()
            if code != step.closed:
                raise Failed(f"the close {step.closed}", f"the close {code}")

    async def _peer(self, step: Step) -> Peer:
        if step.at not in self._peers:
            peer = self._peers[step.at] = await self._stage.open()
            self._places[step.at] = Places()
            if step.open is None:
                await self._stage.greeted(peer)
                self._names[f"${step.at}"] = peer.id
        return self._peers[step.at]

    async def _expect(self, at: str, expected: Frame | list[Frame]) -> None:
        last = -1
        for want in expected if isinstance(expected, list) else [expected]:
            place = await self._peers[at].place(kind_of(want))
            got = self._peers[at].frames[place]
            self._places[at].heard(got)
            if not is_match(want, got, self._names):
                self._skip_if_it_may(at, want, got)
                raise Failed(filled_in(want, self._names), got)
            if place < last:
                raise Failed(f"{kind_of(want)} after what is named before it", self._peers[at].frames[-10:])
            last = place

    def _skip_if_it_may(self, at: str, want: Frame, got: Frame) -> None:
        """Raise Skipped where the contract lets a server be without what was asked for."""
        error = got.get("error") or {}
        is_without_groups = error.get("code") == "conflict" and (at, got.get("request_id")) in self._grouped
        if want.get("type") == "response" and (error.get("code") == "unavailable" or is_without_groups):
            raise Skipped(f"the server cannot do this: {error.get('message')}")

    async def _back(self, at: str, want: Frame) -> None:
        """Come back on a new connection, as SDKs do: `connect` first, with the ticket and all positions."""
        before, places = self._peers[at], self._places[at]
        peer = self._peers[at] = await self._stage.open()
        resume: dict[str, Any] = {"positions": places.positions()}
        if before.ticket is not None:
            resume["ticket"] = before.ticket
        await peer.send({"type": "command", "id": _CONNECT, "command": "connect", "args": {"resume": resume}})
        response = _in_order(await peer.take("response"))
        expected = _in_order({"request_id": _CONNECT, "status": "ok", "result": filled_in(want, self._names)})
        if not is_match(expected, response, self._names):
            raise Failed(filled_in(expected, self._names), response)
        peer.id, peer.ticket = response["result"]["client"], response["result"].get("ticket")
        self._names[f"${at}"] = peer.id


def _in_order(response: Frame) -> Frame:
    """Sort what was resumed, whose order is free."""
    result = response.get("result") or {}
    resumed = sorted(result.get("resumed", ()), key=lambda one: (one["room"], one["channel"]))
    return {**response, "result": {**result, "resumed": resumed}}
