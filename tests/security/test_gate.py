"""The gate: every action, on names of clients and of the server."""

import pytest

from arqonbus.errors import Forbidden
from arqonbus.security.gate import Action, Gate, Identity

SOMEBODY = Identity("c-1", None, True)
WRITES = {Action.PUBLISH, Action.CREATE, Action.DELETE, Action.BROADCAST}


def may(action: Action, room: str | None, channel: str | None) -> bool:
    try:
        Gate().authorize(SOMEBODY, action, room, channel)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(
    ("room", "channel"), [("science", "explore"), ("science", "*"), ("science", None), (None, None)]
)
def test_clients_may_do_all_but_administrate(action, room, channel):
    assert may(action, room, channel) == (action is not Action.ADMIN)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(("room", "channel"), [("_telemetry", "activity"), ("_telemetry", None), ("science", "_own")])
def test_clients_may_read_but_not_write_the_servers_names(action, room, channel):
    assert may(action, room, channel) == (action not in WRITES and action is not Action.ADMIN)


def test_a_refusal_says_what_was_expected_and_not_the_name():
    with pytest.raises(Forbidden, match="expected a name of a client's own, got one of the server's .* for publish"):
        Gate().authorize(SOMEBODY, Action.PUBLISH, "_telemetry", "activity")


def test_permissions_are_all_but_admin():
    assert set(Gate().permissions(SOMEBODY)) == set(Action) - {Action.ADMIN}


def test_the_words_of_the_actions_are_those_of_the_contract():
    assert [action.value for action in Action] == [
        "publish",
        "subscribe",
        "create",
        "delete",
        "history",
        "presence",
        "broadcast",
        "private",
        "admin",
    ]


def test_what_is_no_reason_to_refuse_is_asked_without_an_error():
    assert Gate().allows(SOMEBODY, Action.CREATE, "science", "explore")
    assert not Gate().allows(SOMEBODY, Action.CREATE, "_telemetry", "activity")


def test_the_users_that_are_named_may_administrate():
    gate = Gate(["root"])

    assert gate.allows(Identity("c-1", "root", False), Action.ADMIN, None, None)
    assert not gate.allows(Identity("c-2", "ann", False), Action.ADMIN, None, None)
    assert not gate.allows(SOMEBODY, Action.ADMIN, None, None)
    assert set(gate.permissions(Identity("c-1", "root", False))) == set(Action)
