import pytest

from arqonbus.commands.last_will import last_will
from arqonbus.commands.request import ToRoom
from arqonbus.errors import Forbidden
from arqonbus.protocol.envelope import Event
from arqonbus.routing.mail import LastWill
from arqonbus.security.gate import Action
from tests.commands.calls import Closed, client_card, view

WILL = Event(room="r", channel="c")


@pytest.mark.parametrize("reason", ["lost", "kicked", "replaced", "failed: RuntimeError"])
def test_a_client_that_is_lost_has_its_will_done(reason: str) -> None:
    card = client_card()

    outcome = last_will(card, WILL, reason, view())

    assert outcome == ToRoom("r", LastWill(card, WILL, may_create=True), create=True)


@pytest.mark.parametrize("reason", ["left", "drained", "system stops"])
def test_a_client_that_went_has_none(reason: str) -> None:
    assert last_will(client_card(), WILL, reason, view()) is None


def test_the_permission_is_asked_again() -> None:
    with pytest.raises(Forbidden):
        last_will(client_card(), WILL, "lost", view(gate=Closed(Action.PUBLISH)))


def test_a_channel_is_made_for_it_only_where_the_client_might_have_made_it() -> None:
    for closed in (view(auto_create=False), view(gate=Closed(Action.CREATE))):
        outcome = last_will(client_card(), WILL, "lost", closed)
        assert outcome is not None and outcome.create is False
        assert isinstance(outcome.mail, LastWill) and outcome.mail.may_create is False
