import pytest

from arqonbus.security.gate import Action
from tests.commands.calls import Closed, client_card, view


@pytest.mark.parametrize(("closed", "may"), [((), True), ((Action.CREATE,), False)])
def test_a_view_knows_what_a_client_may(closed: tuple[Action, ...], may: bool) -> None:
    assert view(gate=Closed(*closed)).may(client_card(), Action.CREATE, "r", "c") is may
