"""The numbers of a running server, and their export from a real process."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from arqonbus.config.settings import Settings, Telemetry
from arqonbus.server.observation import Observation, resident_bytes
from arqonbus.telemetry.logs import LogHandle, configure
from arqonbus.telemetry.metrics import METRICS
from arqonbus.transport import Handshake, Health, Listener
from tests.flow.world import World
from tests.specs.bus import Bus
from tests.telemetry.receivers import Taken, grpc_receiver, http_receiver


@pytest.fixture
def logs() -> Iterator[LogHandle]:
    handle = configure("error", "json", io.StringIO())
    yield handle
    handle.close()


def observation(world: World, logs: LogHandle, endpoint: str = "") -> Observation:
    listener = Listener(world.bus.open_session, Handshake(Health(lambda: (True, ""), "1")))
    seen = Observation(Settings(telemetry=Telemetry(endpoint=endpoint)), world.bus.name, logs)
    seen.watch(world.bus, listener)
    return seen


async def test_every_number_of_the_table_is_gathered(logs: LogHandle) -> None:
    with http_receiver() as taken:
        seen = observation(World(), logs, taken.url)
        reading = seen.gather()
        await seen.close()

    wanted = {row.name: row for row in METRICS if row.kind != "histogram"}
    assert set(wanted) == set(reading)
    for name, value in reading.items():
        assert isinstance(value, dict) == bool(wanted[name].label), name


def test_the_numbers_are_those_of_the_bus(logs: LogHandle) -> None:
    world = World()
    client = world.member("science", "explore")
    client.event("science", "explore", 1)

    reading = observation(world, logs).gather()

    assert reading["arqonbus.clients"] == {"there": 1, "away": 0}
    assert (reading["arqonbus.rooms"], reading["arqonbus.channels"], reading["arqonbus.members"]) == (2, 2, 1)
    assert (reading["arqonbus.messages.received"], reading["arqonbus.messages.delivered"]) == (1, 1)
    assert reading["arqonbus.storage.up"] == {"memory": 1}
    size = reading["arqonbus.history.size"]
    assert isinstance(size, int) and size > 50


async def test_without_an_endpoint_nothing_is_traced_nor_gathered_now_and_then(logs: LogHandle) -> None:
    world = World()
    seen = observation(world, logs)

    seen.start()
    world.manual.advance(60)

    assert seen.tracer is None
    assert seen.meters.lag.snapshot().count == 0
    await seen.close()


def test_the_memory_of_this_process_is_known_on_linux() -> None:
    assert (resident_bytes() or 10**8) > 10**6


@pytest.mark.integration
@pytest.mark.parametrize(("receiver", "protocol"), [(http_receiver, "http/protobuf"), (grpc_receiver, "grpc")])
def test_a_process_exports_its_numbers_until_its_end(receiver: object, protocol: str, tmp_path: Path) -> None:
    taken: Taken
    with receiver() as taken:  # type: ignore[operator]
        bus = Bus(
            tmp_path,
            settings=[
                f'telemetry.endpoint = "{taken.url}"',
                f'telemetry.protocol = "{protocol}"',
                "telemetry.interval_s = 0.1",
                'server.name = "node-of-the-test"',
            ],
        ).start()
        try:
            with connect(bus.url) as client:
                assert json.loads(client.recv())["event"] == "welcome"
                taken.wait_for(lambda t: "arqonbus.loop.lag" in t.latest and number(t, "arqonbus.connections") == 1)
        finally:
            bus.stop()

    assert taken.resource["service.instance.id"] == "node-of-the-test"
    assert number(taken, "arqonbus.connections.opened") == 1
    assert taken.latest["arqonbus.loop.lag"].histogram.data_points[0].count >= 1


@pytest.mark.integration
def test_the_standard_variables_are_enough(tmp_path: Path) -> None:
    with http_receiver() as taken:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": taken.url,
            "OTEL_METRIC_EXPORT_INTERVAL": "100",
            "OTEL_SERVICE_NAME": "bus-of-the-lab",
            "OTEL_TRACES_EXPORTER": "none",
        }
        bus = Bus(tmp_path, variables=variables).start()
        try:
            taken.wait_for(lambda t: "arqonbus.rooms" in t.latest)
        finally:
            bus.stop()

    assert taken.resource["service.name"] == "bus-of-the-lab"


def number(taken: Taken, name: str) -> int | None:
    metric = taken.latest.get(name)
    return metric.sum.data_points[0].as_int if metric is not None else None
