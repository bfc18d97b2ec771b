"""When the store of a group is asked again. Who is admitted is tested in test_durable_groups."""

import pytest

from arqonbus.routing.durable_group import DurableGroup
from arqonbus.routing.durable_site import Site, away
from arqonbus.storage.shared_group import GroupOptions


@pytest.mark.parametrize(("ack_wait_s", "look_s"), [(30.0, 5.0), (10.0, 2.0), (1.0, 0.2), (0.01, 0.02)])
def test_leases_that_are_over_are_found_a_fifth_of_their_length_later(ack_wait_s: float, look_s: float) -> None:
    site = Site(None)  # type: ignore[arg-type]
    assert site.look_s == 1.0
    site.group = DurableGroup("g", GroupOptions(ack_wait_s=ack_wait_s))

    assert site.look_s == look_s


def test_who_is_refused_for_the_store_may_try_again() -> None:
    assert away().retryable
