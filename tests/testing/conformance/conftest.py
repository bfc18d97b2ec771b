"""A server for all tests of the suite."""

from collections.abc import Iterator

import pytest

from arqonbus.testing.conformance.stage import Target
from tests.specs.bus import Bus


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """One with a short grace, so that a client is lost for good within a second."""
    bus = Bus(tmp_path_factory.mktemp("conformance"), ["server.resume_grace_s = 1.0"])
    bus.start()
    yield bus
    bus.stop()


@pytest.fixture
def target(server: Bus) -> Target:
    """The same, as the suite knows it."""
    return Target(server.url)
