"""Whole runs, in processes of their own."""

import asyncio

import pytest

from arqonbus.cli.bench.coordinator import WorkerFailed, run_plan
from arqonbus.client import connect
from arqonbus.testing.chaos import ChaosProxy
from tests.cli.bench.test_crew import plan
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration

STALL_S = 0.4


async def test_processes_share_a_run_and_their_counts_add_up(server: Bus) -> None:
    outcome = await run_plan(plan(server.url, "fanout", processes=3))

    assert (outcome.sent, outcome.received, outcome.measured, outcome.lost) == (30, 90, 60, 0)
    assert outcome.refused == 0
    assert len(outcome.cpu) == 3


@pytest.mark.proves("011/SC-005")
async def test_a_server_that_stands_still_shows_in_every_message_that_was_due_meanwhile(server: Bus) -> None:
    """No coordinated omission: 0.4 s of 100 messages a second are 40 late ones, not one."""
    async with ChaosProxy("127.0.0.1", server.port) as proxy, connect(server.url) as bus:
        wanted = plan(proxy.url, "pairs", rate=100.0, duration_s=1.2, warmup_s=0.0)
        async with bus.subscribe(f"{wanted.room}:*") as channels:
            run = asyncio.create_task(run_plan(wanted))
            await channels.get(timeout_s=15)
        proxy.stall()
        await asyncio.sleep(STALL_S)
        proxy.heal()
        outcome = await run

    late = sum(count for lowest, count in outcome.latency.rows if lowest > STALL_S / 2 * 1e9)
    assert late >= 0.8 * 100 * STALL_S / 2
    assert outcome.latency.highest_ns > 0.9 * STALL_S * 1e9
    assert outcome.lost == 0


async def test_a_process_that_may_not_come_in_ends_the_run_with_its_reason(locked_server: Bus) -> None:
    with pytest.raises(WorkerFailed) as raised:
        await run_plan(plan(locked_server.url, "fanout", processes=2, token="guessed"))

    assert raised.value.code == "unauthenticated"
