"""The clients of one process, at a real server."""

import secrets
from time import monotonic_ns

import msgspec
import pytest

from arqonbus.cli.bench.crew import Crew
from arqonbus.cli.bench.outcome import Outcome
from arqonbus.cli.bench.plan import Part, Plan, Shape
from arqonbus.client import CannotConnect, connect
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


def plan(url: str, shape: Shape, **more: object) -> Plan:
    room = f"bench-{secrets.token_hex(4)}"
    usual = Plan(url, shape, clients=3, rate=200.0, duration_s=0.1, warmup_s=0.05, size=64, processes=1, room=room)
    return msgspec.structs.replace(usual, **more)


async def outcome_of(run: Plan, part: Part, *, more: int = 0, quiet_s: float = 2.0) -> Outcome:
    """Do a run; `more`: events that are said to have been sent, and were not."""
    async with Crew(run, part) as crew:
        await crew.prepare()
        ends = await crew.send(monotonic_ns())
        return await crew.finish({address: seq + more for address, seq in ends.items()}, quiet_s=quiet_s)


@pytest.mark.parametrize(("shape", "times"), [("fanout", 3), ("pairs", 1), ("requests", 1)])
async def test_what_is_sent_comes_and_is_counted(shape: Shape, times: int, server: Bus) -> None:
    part = Part((0, 1, 2), sends=True, serves=shape == "requests")

    outcome = await outcome_of(plan(server.url, shape), part)

    assert (outcome.sent, outcome.unsent, outcome.refused) == (30, 0, 0)
    assert (outcome.received, outcome.expected, outcome.measured) == (30 * times, 30 * times, 20 * times)
    assert (outcome.lost, outcome.duplicates, outcome.reordered, outcome.cut) == (0, 0, 0, 0)
    assert outcome.latency.latencies().n == outcome.measured
    assert outcome.lag.latencies().n == 20
    assert outcome.took_s > 0.1
    assert len(outcome.cpu) == 1


async def test_what_does_not_come_is_lost(server: Bus) -> None:
    outcome = await outcome_of(plan(server.url, "fanout"), Part((0, 1, 2), sends=True), more=5, quiet_s=0.1)

    assert (outcome.received, outcome.lost, outcome.expected) == (90, 15, 105)


async def test_requests_that_nobody_answers_are_lost(server: Bus) -> None:
    outcome = await outcome_of(plan(server.url, "requests"), Part((0, 1, 2), sends=True))

    assert (outcome.received, outcome.lost, outcome.expected) == (0, 30, 30)


async def test_a_payload_has_the_size_that_was_asked_for(server: Bus) -> None:
    run = plan(server.url, "fanout", size=500)
    async with connect(server.url) as bus, bus.subscribe(f"{run.room}:all") as channel:
        await outcome_of(run, Part((0,), sends=True))

        assert len(bytes((await channel.get(timeout_s=5)).raw)) == 500


async def test_a_server_that_is_not_there_is_an_error() -> None:
    run = plan("ws://127.0.0.1:9/", "fanout", connect_s=0.2)
    async with Crew(run, Part((0,), sends=True)) as crew:
        with pytest.raises(CannotConnect):
            await crew.prepare()
