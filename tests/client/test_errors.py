"""The tree of errors."""

import re
from pathlib import Path

import pytest

from arqonbus.client import errors
from arqonbus.errors import ArqonError

CLASSES = [
    value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, errors.ClientError)
]
SPEC = (Path(__file__).parents[2] / "docs" / "sdk-spec.md").read_text("utf-8")


@pytest.mark.rules("R52")
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_says_what_happened_its_code_and_what_to_do(kind: type[errors.ClientError]) -> None:
    error = kind("it happened")

    assert isinstance(error, ArqonError)
    assert error.code and error.message == "it happened"
    assert kind is errors.ClientError or error.hint
    assert error.code in str(error) and "it happened" in str(error)


@pytest.mark.rules("R52")
@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_each_stands_in_the_table_of_the_spec(kind: type[errors.ClientError]) -> None:
    assert re.search(rf"^\| (?:- )?`{kind.__name__}`", SPEC, re.MULTILINE)


@pytest.mark.rules("R52")
def test_what_the_server_refuses_is_rejected() -> None:
    rejected = {kind for kind in CLASSES if issubclass(kind, errors.Rejected)}

    assert {kind.__name__ for kind in rejected} == {
        "Rejected",
        "InvalidRequest",
        "Denied",
        "NotFound",
        "Conflict",
        "LimitReached",
        "TryLater",
        "ServerFault",
    }


def test_the_public_names_are_the_classes() -> None:
    assert set(errors.__all__) == {kind.__name__ for kind in CLASSES} | {"ReplyError"}


def test_a_code_and_details_of_its_own_win_over_the_class() -> None:
    error = errors.Rejected("no", code="odd", retryable=True, details={"a": 1})

    assert (error.code, error.retryable, error.details) == ("odd", True, {"a": 1})


@pytest.mark.rules("R46")
def test_a_reply_error_says_its_code_where_it_has_no_words() -> None:
    assert str(errors.ReplyError("busy")) == "busy"
    assert str(errors.ReplyError("busy", "come back later")) == "come back later"
