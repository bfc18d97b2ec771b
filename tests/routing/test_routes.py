"""Routes: what a session remembers of addresses, and how much."""

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.routing.routes import MAX_ROUTES, Routes


def probe() -> Probe[object]:
    return Probe(ActorSystem(ManualDispatcher().dispatcher))


def test_an_address_leads_to_the_ref_given_last() -> None:
    routes, old, new = Routes(), probe().ref, probe().ref
    routes.remember(("r", "c"), old)
    routes.remember(("r", "c"), new)

    assert routes.get(("r", "c")) is new
    assert routes.get(("r", None)) is None


def test_a_forgotten_address_is_unknown() -> None:
    routes = Routes()
    routes.remember(("r", "c"), probe().ref)

    routes.forget(("r", "c"))
    routes.forget(("never", "there"))

    assert routes.get(("r", "c")) is None


def test_past_the_bound_the_address_learnt_first_goes() -> None:
    routes, ref = Routes(), probe().ref
    for n in range(MAX_ROUTES + 1):
        routes.remember(("r", f"c{n}"), ref)

    assert len(routes) == MAX_ROUTES
    assert routes.get(("r", "c0")) is None
    assert routes.get(("r", "c1")) is ref


def test_an_address_known_already_pushes_nobody_out() -> None:
    routes, ref = Routes(), probe().ref
    for n in range(MAX_ROUTES):
        routes.remember(("r", f"c{n}"), ref)

    routes.remember(("r", "c5"), ref)

    assert routes.get(("r", "c0")) is ref
