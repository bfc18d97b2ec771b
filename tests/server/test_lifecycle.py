"""The life of a real process: exit codes, and what it says at start and end."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[Bus]:
    bus = Bus(tmp_path, settings=["server.drain_timeout_s = 30.0", "server.drain_spread_s = 30.0"])
    yield bus.start()
    bus.kill()


def lines(bus: Bus) -> list[dict[str, Any]]:
    return [json.loads(line) for line in bus.errors.read_text("utf-8").splitlines()]


@contextmanager
def welcomed(bus: Bus) -> Iterator[ClientConnection]:
    with connect(bus.url) as client:
        assert json.loads(client.recv())["event"] == "welcome"
        yield client


def test_the_first_line_says_what_listens_where_and_what_is_off(bus: Bus) -> None:
    bus.stop()

    (started,) = (line for line in lines(bus) if line["event"] == "server_started")
    assert started["addresses"] == f"127.0.0.1:{bus.port}"
    assert "TLS" in started["off"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_without_clients_a_signal_ends_it_at_once_with_0(bus: Bus, number: signal.Signals) -> None:
    bus.signal(number)

    assert bus.wait(5) == 0
    assert lines(bus)[-1]["event"] == "server_stopped"


def test_the_drain_is_over_when_the_last_client_has_left(bus: Bus) -> None:
    with welcomed(bus) as client:
        bus.signal(signal.SIGTERM)
        assert json.loads(client.recv())["event"] == "draining"

    assert bus.wait(5) == 0


def test_a_second_signal_ends_it_at_once_with_128_and_its_number(bus: Bus) -> None:
    with welcomed(bus) as client:
        bus.signal(signal.SIGTERM)
        assert json.loads(client.recv())["event"] == "draining"

        bus.signal(signal.SIGINT)

        assert bus.wait(5) == 128 + signal.SIGINT
    assert lines(bus)[-1]["clients_cut"] == 1


def test_plain_asyncio_serves_too(tmp_path: Path) -> None:
    bus = Bus(tmp_path, settings=["server.uvloop = false"]).start()
    try:
        with welcomed(bus):
            pass
        bus.stop()
    finally:
        bus.kill()

    (started,) = (line for line in lines(bus) if line["event"] == "server_started")
    assert started["loop"] == "asyncio"
