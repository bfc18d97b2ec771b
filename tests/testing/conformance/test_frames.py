"""Frame vectors become cases, one for each frame of a client."""

import pytest

from arqonbus.testing.conformance.frames import _judge, frame_cases
from arqonbus.testing.conformance.vectors import FrameVector, frames
from arqonbus.testing.conformance.verdict import Failed

WRONG = FrameVector("w", "001/FR-010", "1.0", "client", "{", False, "invalid_json", None)
RIGHT = FrameVector("r", "001/FR-010", "1.0", "client", "{}", True)


def refusal(code: str, request_id: str | None = None, **more: object) -> dict[str, object]:
    error = {"code": code, "message": "words", "retryable": False, **more}
    return {"type": "response", "request_id": request_id, "status": "error", "error": error}


def test_there_is_a_case_for_each_frame_of_a_client() -> None:
    assert len(frame_cases()) == sum(vector.direction == "client" for vector in frames())


def test_a_wrong_frame_is_refused_once_with_its_code() -> None:
    _judge(WRONG, [refusal("invalid_json")])


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [refusal("invalid_envelope")],
        [refusal("invalid_json", "a1")],
        [refusal("invalid_json", retryable=True)],
        [refusal("invalid_json", message="")],
        [refusal("invalid_json"), refusal("invalid_json")],
    ],
)
def test_anything_else_is_a_fault(answers: list[dict[str, object]]) -> None:
    with pytest.raises(Failed):
        _judge(WRONG, answers)


def test_a_right_frame_may_be_refused_for_what_it_asks_but_not_for_its_shape() -> None:
    _judge(RIGHT, [refusal("not_found"), {"type": "response", "status": "ok"}])

    with pytest.raises(Failed):
        _judge(RIGHT, [refusal("invalid_args")])
