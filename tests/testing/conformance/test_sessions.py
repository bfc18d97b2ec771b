"""Sessions: steps are done in order, and a fault names its step."""

import msgspec
import pytest

from arqonbus.testing.conformance.sessions import Player, session_cases
from arqonbus.testing.conformance.stage import Stage, Target
from arqonbus.testing.conformance.vectors import SessionVector, sessions
from arqonbus.testing.conformance.verdict import Failed


def vector(*steps: dict[str, object]) -> SessionVector:
    return msgspec.convert({"name": "s", "proves": "x", "since": "1.0", "steps": list(steps)}, SessionVector)


PING = {"at": "a", "send": {"type": "command", "id": "k", "command": "ping", "args": {}}}
PONG = {"at": "a", "expect": {"type": "response", "request_id": "k", "status": "ok"}}


def test_there_is_a_case_for_each_session() -> None:
    assert len(session_cases()) == len(sessions())


@pytest.mark.integration
async def test_a_session_that_is_as_it_says_passes(target: Target) -> None:
    async with Stage(target) as stage:
        await Player(stage).play(vector(PING, PONG, {"at": "a", "close": 1000}))


@pytest.mark.integration
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([PING, {"at": "a", "expect": {"type": "response", "request_id": "other"}}], "step 2 at a: "),
        ([PING], "nothing more"),
        ([PING, PONG, {"at": "a", "closed": 1000}], "step 3 at a: a close"),
        ([PING, {"at": "a", "quiet_ms": 20}], "step 2 at a: nothing more"),
    ],
)
async def test_a_fault_names_its_step(target: Target, steps: list[dict[str, object]], expected: str) -> None:
    impatient = msgspec.structs.replace(target, patience_s=0.2)
    async with Stage(impatient) as stage:
        with pytest.raises(Failed) as failure:
            await Player(stage).play(vector(*steps))

    assert str(failure.value.expected).startswith(expected)
