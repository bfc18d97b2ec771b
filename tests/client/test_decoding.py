"""How a payload becomes what the reader asked for."""

from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypedDict

import msgspec
import pytest
from msgspec import Raw

from arqonbus.client.decoding import decoder_for
from arqonbus.client.errors import DecodeError


@dataclass
class Point:
    x: int
    y: int = 0


class Dot(msgspec.Struct):
    x: int
    y: int = 0


class Row(TypedDict):
    x: int


class Pair(NamedTuple):
    x: int
    y: int


class Model:
    """Reads itself, as models of pydantic do."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    @classmethod
    def model_validate_json(cls, text: bytes) -> Self:
        if b"x" not in text:
            raise ValueError("x is missing")
        return cls(text)


class Wrapper:
    """A class of the program that takes the JSON value."""

    def __init__(self, value: Any) -> None:
        self.value = value


@pytest.mark.rules("R39")
@pytest.mark.parametrize(
    ("wanted", "text", "value"),
    [
        (None, b'{"x":[1,null]}', {"x": [1, None]}),
        (Point, b'{"x":1}', Point(1)),
        (Dot, b'{"x":1,"z":2}', Dot(1)),
        (Row, b'{"x":1}', {"x": 1}),
        (Pair, b"[1,2]", Pair(1, 2)),
        (int, b"7", 7),
        (list[int], b"[7]", [7]),
        (int | None, b"null", None),
        (dict[str, Point], b'{"a":{"x":1}}', {"a": Point(1)}),
        (lambda value: value["x"] * 2, b'{"x":4}', 8),
    ],
)
def test_a_payload_is_read_as_what_was_asked_for(wanted: Any, text: bytes, value: Any) -> None:
    assert decoder_for(wanted)(Raw(text)) == value


@pytest.mark.rules("R39")
def test_models_that_read_themselves_and_classes_of_the_program() -> None:
    assert decoder_for(Model)(Raw(b'{"x":1}')).text == b'{"x":1}'
    assert decoder_for(Wrapper)(Raw(b'{"x":1}')).value == {"x": 1}
    assert bytes(decoder_for(Raw)(Raw(b"1"))) == b"1"


@pytest.mark.rules("R39")
@pytest.mark.parametrize(
    ("wanted", "text"), [(Point, b'{"x":"a"}'), (int, b"1.5"), (Model, b"{}"), (lambda v: v["y"], b"{}")]
)
def test_a_payload_that_does_not_fit_is_a_decode_error(wanted: Any, text: bytes) -> None:
    with pytest.raises(DecodeError, match="expected a payload of") as caught:
        decoder_for(wanted)(Raw(text))
    assert caught.value.__cause__ is not None


def test_what_is_no_type_is_an_error_at_once() -> None:
    with pytest.raises(TypeError):
        decoder_for(7)
