"""Clients whose every message is traced have bounds of their own."""

from arqonbus.telemetry.debugging import DEBUG_RATE, Debugging


def test_so_many_clients_have_it_at_once_and_whoever_leaves_makes_room() -> None:
    debugging = Debugging(2)

    assert [debugging.enter() for _ in range(3)] == [True, True, False]
    debugging.leave()
    assert [debugging.enter() for _ in range(2)] == [True, False]


def test_none_has_it_where_none_may() -> None:
    assert not Debugging(0).enter()


def test_all_of_them_share_a_bound_of_traces() -> None:
    debugging = Debugging(1)

    taken = [debugging.take(5.0) for _ in range(int(DEBUG_RATE) * 2)]

    assert taken.count(True) == DEBUG_RATE
    assert debugging.take(6.0)
