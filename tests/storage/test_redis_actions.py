"""What a sequencer may want done."""

from typing import get_args

from arqonbus.storage import redis_actions


def test_every_action_is_named() -> None:
    assert {action.__name__ for action in get_args(redis_actions.Action)} == set(redis_actions.__all__) - {
        "Action",
        "Reason",
    }
