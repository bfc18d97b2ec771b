"""Errors: the tree, and what a refusal carries."""

import pytest

from arqonbus import errors
from arqonbus.errors import ArqonError, ConfigError, InternalError, Refusal, StorageError
from arqonbus.protocol.codes import ERRORS

REFUSALS = Refusal.__subclasses__()


def test_every_root_is_an_arqon_error() -> None:
    here = {error for error in ArqonError.__subclasses__() if error.__module__ == errors.__name__}

    assert here == {ConfigError, InternalError, StorageError, Refusal}


def test_a_config_error_tells_all_problems_at_once() -> None:
    error = ConfigError(["arqonbus.toml:3: server.port: expected 0 to 65535, got 70000", "server.pot: unknown key"])

    assert error.problems == (
        "arqonbus.toml:3: server.port: expected 0 to 65535, got 70000",
        "server.pot: unknown key",
    )
    assert str(error) == "arqonbus.toml:3: server.port: expected 0 to 65535, got 70000\nserver.pot: unknown key"


def test_a_refusal_carries_message_details_and_request_id() -> None:
    error = errors.RateLimited("too many messages", details={"retry_after_ms": 250}, request_id="k1")

    assert (error.code, error.message, error.retryable) == ("rate_limited", "too many messages", True)
    assert (error.details, error.request_id) == ({"retry_after_ms": 250}, "k1")
    assert str(error) == "too many messages"


def test_a_refusal_without_additions_has_none() -> None:
    error = errors.NotFound("no channel science:explore")

    assert error.details is None
    assert error.request_id is None
    assert error.retryable is False


def test_a_refusal_keeps_a_copy_of_its_details() -> None:
    details = {"limit": 1}
    error = errors.LimitExceeded("too many", details=details)
    details["limit"] = 2

    assert error.details == {"limit": 1}


def test_refusals_and_the_table_of_codes_are_in_step() -> None:
    assert {kind.code: kind.retryable for kind in REFUSALS} == {row.code: row.retryable for row in ERRORS.values()}
    assert len(REFUSALS) == len(ERRORS) == 18


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.__name__)
def test_the_name_of_a_refusal_is_its_code(kind: type[Refusal]) -> None:
    assert kind.__name__ == "".join(word.capitalize() for word in kind.code.split("_"))


def test_every_error_is_public() -> None:
    kinds = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}

    assert set(errors.__all__) == kinds
