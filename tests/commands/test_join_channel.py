from typing import Any

import pytest

from arqonbus.commands.join_channel import join_channel
from arqonbus.commands.request import ToRoom
from arqonbus.errors import InvalidArgs, LimitExceeded
from arqonbus.protocol.payloads import JoinChannelArgs, Position
from arqonbus.routing.mail import Join
from arqonbus.security.gate import Action
from tests.commands.calls import Closed, call, view


@pytest.mark.parametrize(
    ("create", "auto_create", "made"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_the_room_takes_the_client_in_and_is_made_where_that_is_wanted(
    create: bool | None, auto_create: bool, made: bool
) -> None:
    asked = call(JoinChannelArgs("r", "c", create=create), "r", "c")

    outcome = join_channel(asked, view(auto_create=auto_create))

    assert outcome == ToRoom("r", Join(asked.card, "k1", "c", asked.args, made), create=made)


def test_nothing_is_made_for_a_client_that_may_not() -> None:
    asked = call(JoinChannelArgs("r", "c", create=True), "r", "c")

    assert join_channel(asked, view(gate=Closed(Action.CREATE))).create is False


def test_one_more_membership_than_allowed_is_refused() -> None:
    args = JoinChannelArgs("r", "c")

    assert join_channel(call(args, "r", "c", n_memberships=1), view()).room == "r"
    with pytest.raises(LimitExceeded, match="the client has 2 memberships"):
        join_channel(call(args, "r", "c", n_memberships=2), view())


@pytest.mark.parametrize("channel", ["c", "*"])
@pytest.mark.parametrize("overflow", [None, "disconnect", "drop_oldest", "conflate"])
def test_what_the_member_bears_is_for_its_session_to_know(overflow: Any, channel: str) -> None:
    args = JoinChannelArgs("r", channel, overflow=overflow)

    assert join_channel(call(args, "r", channel), view()).mail.args is args


@pytest.mark.parametrize(
    "more", [{"since": Position("e", 1)}, {"recover": "latest"}, {"replay": 1}, {"overflow": "drop_oldest"}]
)
def test_a_group_has_no_replay_and_no_overflow(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgs):
        join_channel(call(JoinChannelArgs("r", "c", group="g", **more), "r", "c"), view())


def test_a_group_is_of_one_channel() -> None:
    args = JoinChannelArgs("r", "c", group="g", replay=0, overflow="disconnect")

    assert join_channel(call(args, "r", "c"), view()).mail.args.group == "g"
    with pytest.raises(InvalidArgs, match="expected one channel"):
        join_channel(call(JoinChannelArgs("r", "*", group="g"), "r", "*"), view())


@pytest.mark.parametrize("more", [{"since": Position("e", 1)}, {"replay": 1}])
def test_a_whole_room_has_no_one_position(more: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgs, match="expected no position"):
        join_channel(call(JoinChannelArgs("r", "*", **more), "r", "*"), view())
