"""Plays the frame vectors: each frame of a client goes over a connection of its own, and the answer is judged."""

import json
from collections.abc import Iterable
from typing import Any, Final

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.peer import Peer
from arqonbus.testing.conformance.socket import Closed
from arqonbus.testing.conformance.stage import Stage
from arqonbus.testing.conformance.vectors import FrameVector, frames
from arqonbus.testing.conformance.verdict import Failed

__all__ = ["UNREADABLE", "frame_cases"]

UNREADABLE: Final = frozenset(
    {"invalid_json", "invalid_envelope", "unsupported_version", "unknown_type", "unknown_command", "invalid_args"}
)
"""Codes that say that the input is wrong. A right frame may be refused with any other."""

_PROBE: Final = "behind-the-vector"


def frame_cases() -> list[Case]:
    """Make a case of each frame of a client."""
    return [_case(vector) for vector in frames() if vector.direction == "client"]


def _case(vector: FrameVector) -> Case:
    async def play(stage: Stage) -> None:
        peer = await stage.peer()
        try:
            await peer.socket.send(vector.text.replace("$room", stage.room))
            await peer.send({"type": "command", "id": _PROBE, "command": "ping"})
        except Closed as end:
            raise Failed("an answer", str(end)) from end
        _judge(vector, await _answers(peer))

    return Case(f"frame: {vector.name}", (vector.proves,), play, is_light=True)


async def _answers(peer: Peer) -> list[dict[str, Any]]:
    """Collect the responses up to that of the ping behind the vector."""
    found: list[dict[str, Any]] = []
    while True:
        response = await peer.take("response")
        if response.get("request_id") == _PROBE:
            return found
        found.append(response)


def _judge(vector: FrameVector, answers: Iterable[dict[str, Any]]) -> None:
    refusals = [answer for answer in answers if answer.get("status") == "error"]
    wrong = [answer for answer in refusals if answer["error"].get("code") in UNREADABLE]
    if vector.valid:
        if wrong:
            raise Failed("a frame that can be read", wrong[0]["error"])
        return
    expected = {"request_id": vector.request_id, "code": vector.code, "retryable": False}
    got = [{"request_id": one["request_id"], **_told(one["error"])} for one in refusals]
    if got != [expected]:
        raise Failed(f"one refusal {json.dumps(expected)}", json.dumps(got))
    if not refusals[0]["error"].get("message"):
        raise Failed("a message for people", refusals[0])


def _told(error: dict[str, Any]) -> dict[str, Any]:
    return {"code": error.get("code"), "retryable": error.get("retryable")}
