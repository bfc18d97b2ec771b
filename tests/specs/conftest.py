"""The bus that scenarios without settings of their own share."""

from collections.abc import Iterator

import pytest

from tests.specs.bus import Bus


@pytest.fixture(scope="session")
def shared_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """One bus with the default settings, started by the first scenario that talks to it.

    At the end it has to stop as asked, without a traceback in its life.
    """
    bus = Bus(tmp_path_factory.mktemp("shared-bus"))
    yield bus
    bus.stop()
