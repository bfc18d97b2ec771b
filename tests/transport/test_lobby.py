"""The lobby: who is let in, and what is counted."""

import pytest

from arqonbus.transport.handshake import Handshake
from arqonbus.transport.health import Health
from arqonbus.transport.lobby import TROUBLES, Limits, Lobby, Statistics, Timeouts, hang_up


class Guest:
    def __init__(self) -> None:
        self.slot = -1
        self.dues: list[float] = []

    def due(self, now: float) -> None:
        self.dues.append(now)

    def abort(self) -> None:
        raise AssertionError


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def lobby(time):
    limits = Limits(half_open=3, half_open_per_ip=2, connections=1)
    return Lobby(lambda *_: None, Handshake(Health(lambda: (True, ""), "1")), limits, Timeouts(), time)


def test_one_address_has_a_bound_and_all_together_have_one(lobby):
    assert [lobby.enter(Guest(), ip) for ip in ("a", "a", "a", "b", "b")] == [True, True, False, True, False]
    assert lobby.statistics() == Statistics(half_open=3, accepted=5, refused_half_open=1, refused_half_open_per_ip=1)


def test_the_unix_socket_counts_in_all_only(lobby):
    assert [lobby.enter(Guest(), "") for _ in range(4)] == [True, True, True, False]


def test_a_guest_that_opens_makes_room_and_fills_the_house(lobby):
    greeting, connection = Guest(), Guest()
    lobby.enter(greeting, "a")
    assert lobby.is_full is False

    lobby.promote(greeting, connection, "a")

    assert lobby.is_full is True
    assert lobby.statistics() == Statistics(open=1, accepted=1, opened=1)
    lobby.leave(connection, "a", was_half_open=False)
    assert lobby.statistics() == Statistics(accepted=1, opened=1)


def test_a_guest_that_leaves_half_open_is_forgotten(lobby):
    guests = [Guest(), Guest()]
    for guest in guests:
        lobby.enter(guest, "a")
    for guest in guests:
        lobby.leave(guest, "a", was_half_open=True)

    assert lobby.statistics() == Statistics(accepted=2)
    assert lobby._half_open_by_ip == {}


def test_a_tick_wakes_who_is_due(lobby, time):
    guest = Guest()
    lobby.enter(guest, "a")
    lobby.wheel.put(guest, 0.5)

    time.now = 100.4
    lobby.tick()
    time.now = 101.0
    lobby.tick()

    assert guest.dues == [101.0]
    assert lobby.clock.now == 101.0


def test_after_a_sleep_of_the_process_one_tick_wakes_nobody(lobby, time):
    guest = Guest()
    lobby.enter(guest, "a")
    lobby.wheel.put(guest, 0.5)

    time.now = 200.0
    lobby.tick()
    assert guest.dues == []
    time.now = 300.0
    lobby.tick()

    assert guest.dues == [300.0]


def test_a_guest_that_left_is_not_woken(lobby, time):
    guest = Guest()
    lobby.enter(guest, "a")
    lobby.wheel.put(guest, 0.5)
    lobby.leave(guest, "a", was_half_open=True)
    time.now = 100.9
    lobby.tick()

    assert guest.dues == []


def test_troubles_are_all_counters_of_what_went_wrong(lobby):
    assert set(Statistics.__struct_fields__) - set(TROUBLES) == {
        "open",
        "half_open",
        "accepted",
        "opened",
        "bytes_in",
        "bytes_out",
    }
    lobby.counters.no_pong += 2
    lobby.counters.protocol_errors += 1

    assert lobby.n_troubles == 3


@pytest.mark.parametrize(
    ("closing", "can_eof", "called"), [(True, True, []), (False, True, ["write_eof"]), (False, False, ["close"])]
)
def test_hanging_up_ends_our_side_or_closes(closing, can_eof, called):
    class Transport:
        def __init__(self) -> None:
            self.calls: list[str] = []

        def is_closing(self):
            return closing

        def can_write_eof(self):
            return can_eof

        def write_eof(self):
            self.calls.append("write_eof")

        def close(self):
            self.calls.append("close")

    transport = Transport()
    hang_up(transport)

    assert transport.calls == called
