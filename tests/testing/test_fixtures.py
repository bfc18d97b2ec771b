"""The fixtures do what a program's conftest expects of them."""

import pytest

from arqonbus.config import Settings
from arqonbus.config.settings import History
from arqonbus.testing import fixtures
from arqonbus.testing.local import LocalBus

# As `pytest_plugins` in a conftest brings them in; only the root conftest may have that.
local_bus = fixtures.local_bus
local_bus_settings = fixtures.local_bus_settings


async def test_a_local_bus_is_there(local_bus: LocalBus) -> None:
    async with local_bus.connect() as bus:
        assert await bus.publish("science:explore", ack=True) is not None


class TestWithSettings:
    """A program changes the settings by a fixture of the same name."""

    @pytest.fixture
    def local_bus_settings(self) -> Settings:
        return Settings(history=History(limit=1))

    async def test_its_settings_hold(self, local_bus: LocalBus) -> None:
        assert local_bus.settings.history.limit == 1


def test_the_public_names_are_the_fixtures() -> None:
    assert fixtures.__all__ == ["local_bus", "local_bus_settings"]
