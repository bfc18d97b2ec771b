"""What can be read of real servers, with metrics, with activity, with neither."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from arqonbus.cli.top.collector import Collector, fetch_numbers
from arqonbus.client import connect
from tests.specs.bus import Bus, free_port

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    """A server that answers /metrics, and sends `stats`."""
    settings = ["telemetry.metrics = true", "telemetry.stats_interval_s = 0.1"]
    bus = Bus(tmp_path_factory.mktemp("telling"), settings).start()
    yield bus
    bus.stop()


async def test_a_sample_has_the_channels_and_the_numbers(telling: Bus) -> None:
    async with connect(telling.url) as bus, bus.subscribe("top:one"):
        await bus.publish("top:one", 1, ack=True)
        collector = Collector(bus, telling.url)
        await collector.open()
        sample = await collector.sample()

    assert (sample.channels["top:one"].seq, sample.channels["top:one"].members) == (1, 1)
    assert sample.numbers is not None and sample.numbers["arqonbus_connections"] >= 1
    assert sample.status.connections >= 1


async def test_activity_is_listened_to(telling: Bus) -> None:
    async with connect(telling.url) as bus:
        collector = Collector(bus, telling.url)
        await collector.open()
        for _ in range(100):
            stats = (await collector.sample()).stats
            if stats is not None:
                break
            await asyncio.sleep(0.02)

    assert stats is not None and stats.loop_lag_ms is not None


async def test_a_server_that_tells_nothing_of_itself_has_its_status_and_channels(tmp_path: Path) -> None:
    server = Bus(tmp_path, ["telemetry.activity = false"]).start()
    try:
        async with connect(server.url) as bus:
            collector = Collector(bus, server.url)
            await collector.open()
            samples = [await collector.sample() for _ in range(2)]
    finally:
        server.stop()

    assert [(sample.numbers, sample.stats) for sample in samples] == [(None, None)] * 2


async def test_waiting_events_of_groups_are_counted(telling: Bus) -> None:
    async with connect(telling.url) as bus, bus.subscribe("top:group", group="g"):
        row = (await Collector(bus, telling.url).sample()).channels["top:group"]

    assert (row.waiting, row.kind) == (0, "user")


def test_numbers_are_none_where_there_are_none_and_an_error_where_nobody_answers(server: Bus) -> None:
    assert fetch_numbers(server.url, 2.0) is None
    with pytest.raises(OSError):
        fetch_numbers(f"ws://127.0.0.1:{free_port()}/", 2.0)
