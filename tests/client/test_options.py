"""Options: names that are checked, and the Structs that are made of them."""

import pytest

from arqonbus.client.core import Settings
from arqonbus.client.options import (
    CallOptions,
    ConnectOptions,
    PublishOptions,
    SubscribeOptions,
    check_names,
    picked,
)


def test_names_that_are_known_pass() -> None:
    check_names("publish", {"id": "x", "reply_to": "y"}, PublishOptions)


def test_a_name_that_is_not_known_is_a_type_error_as_python_would_raise() -> None:
    with pytest.raises(TypeError, match=r"^publish\(\) got an unexpected keyword argument 'colour'$"):
        check_names("publish", {"colour": "red"}, PublishOptions)


def test_a_struct_takes_the_options_that_it_has_fields_for() -> None:
    settings = picked(Settings, {"linger_s": 1.0, "token": "x"}, has_token_function=True)

    assert (settings.linger_s, settings.has_token_function) == (1.0, True)


def test_every_setting_of_the_core_is_an_option() -> None:
    names = set(Settings.__struct_fields__) - {"has_token_function"}

    assert names <= set(ConnectOptions.__annotations__)


def test_options_that_build_on_others_have_their_names() -> None:
    assert set(CallOptions.__annotations__) < set(PublishOptions.__annotations__)
    assert "queue" in SubscribeOptions.__annotations__
