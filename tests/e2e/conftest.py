"""The buses that the independent clients talk to."""

from collections.abc import Iterator

import pytest

from tests.specs.bus import Bus


@pytest.fixture
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus with the default settings."""
    yield from _running(Bus(tmp_path_factory.mktemp("bus")))


@pytest.fixture
def hasty_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus that drains within a second."""
    settings = ["server.drain_timeout_s = 2.0", "server.drain_spread_s = 0.5"]
    yield from _running(Bus(tmp_path_factory.mktemp("hasty-bus"), settings))


@pytest.fixture
def strict_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A bus that compresses, and lets nobody in without the key of alice."""
    settings = ["server.compression = true", 'auth.keys.alice = "key-of-alice"', "auth.timeout_s = 1.0"]
    yield from _running(Bus(tmp_path_factory.mktemp("strict-bus"), settings))


def _running(bus: Bus) -> Iterator[Bus]:
    bus.start()
    yield bus
    bus.stop()
