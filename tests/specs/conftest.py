"""What scenarios without settings of their own share: a bus, and nodes over one Redis."""

from collections.abc import Iterator

import pytest

from tests.specs.bus import Bus
from tests.specs.cluster import Cluster


@pytest.fixture(scope="session")
def shared_bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """One bus with the default settings, started by the first scenario that talks to it.

    At the end it has to stop as asked, without a traceback in its life.
    """
    bus = Bus(tmp_path_factory.mktemp("shared-bus"))
    yield bus
    bus.stop()


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nodes with the default settings; nobody may harm them. Started by the first scenario that names them."""
    cluster = Cluster(tmp_path_factory.mktemp("shared-cluster"))
    yield cluster
    cluster.stop()
