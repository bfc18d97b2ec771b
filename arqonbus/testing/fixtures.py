"""Fixtures for pytest, with pytest-asyncio: `pytest_plugins = ["arqonbus.testing.fixtures"]` in your conftest.py.

async def test_a_reading_is_stored(local_bus):
    async with local_bus.connect() as bus:
        ...
        await local_bus.advance(30)
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from arqonbus.config import Settings
from arqonbus.testing.local import LocalBus

__all__ = ["local_bus", "local_bus_settings"]


@pytest.fixture
def local_bus_settings() -> Settings:
    """Settings of `local_bus`; define a fixture of this name to change them."""
    return Settings()


@pytest_asyncio.fixture
async def local_bus(local_bus_settings: Settings) -> AsyncIterator[LocalBus]:
    """A bus inside of the test, in virtual time."""
    async with LocalBus(local_bus_settings) as local:
        yield local
