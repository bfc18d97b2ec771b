"""The Python SDK against a real server, where a scenario would not show enough."""

import asyncio
import gc
import signal
import tracemalloc
from pathlib import Path

import pytest

from arqonbus.client import Bus as Client
from arqonbus.client import CannotConnect, Gap, connect
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration
LIMIT_S = 30.0
SIZE = 100_000
N_EVENTS = 300


@pytest.mark.rules("R36", "R37", "R41")
async def test_events_that_the_server_dropped_for_a_slow_reader_are_told_exactly(bus: Bus) -> None:
    gaps: list[Gap] = []
    options = {"overflow": "drop_oldest", "when_full": "block", "queue": 1, "on_gap": gaps.append}
    async with (
        connect(bus.url) as fast,
        connect(bus.url) as slow,
        slow.subscribe("science:explore", **options) as channel,  # type: ignore[call-overload]
    ):
        for n in range(N_EVENTS):
            await fast.publish("science:explore", f"{n:0{SIZE}d}", ack=True)

        seqs: list[int] = []
        async with asyncio.timeout(LIMIT_S):
            while not seqs or seqs[-1] < N_EVENTS:
                seqs.append((await channel.get()).seq)

    missing = [seq for gap in gaps for seq in range(gap.first, gap.last + 1)]
    assert {gap.reason for gap in gaps} == {"drop_oldest"}
    assert sorted([*seqs, *missing]) == list(range(1, N_EVENTS + 1))
    assert seqs == sorted(seqs)


@pytest.mark.rules("R34")
async def test_what_the_server_tells_of_itself_is_read_like_a_channel(bus: Bus) -> None:
    async with connect(bus.url) as client, client.subscribe("_telemetry:activity") as activity:
        async with connect(bus.url) as other:
            async with asyncio.timeout(LIMIT_S):
                async for message in activity:
                    if message.event == "client_connected" and message.data["client"] == other.client:
                        break

        assert (message.kind, message.address) == ("telemetry", "_telemetry:activity")
        page = await client.history("_telemetry:activity", limit=1)
        assert page.messages == () or page.messages[0].kind == "telemetry"


@pytest.mark.rules("R15", "R16", "R24")
async def test_a_server_that_drains_is_left_and_found_again(hasty_bus: Bus) -> None:
    async with connect(hasty_bus.url) as client, client.subscribe("science:explore") as channel:
        await client.publish("science:explore", 1, ack=True)
        restart = asyncio.create_task(asyncio.to_thread(_restart, hasty_bus))
        async with asyncio.timeout(LIMIT_S):
            async for change in client.states():
                if change.after == "reconnecting":
                    assert change.code in (4000, 1006)
                    break
            await restart
            while client.state != "connected":
                await asyncio.sleep(0.05)
        await client.publish("science:explore", 2, ack=True)

        assert [(await channel.get(timeout_s=5)).data for _ in range(2)] == [1, 2]


def _restart(bus: Bus) -> None:
    bus.signal(signal.SIGTERM)
    assert bus.wait() == 0
    bus.start()


@pytest.mark.rules("R6", "R49")
async def test_dials_that_fail_leave_nothing_behind(tmp_path: Path) -> None:
    """Half a thousand of them: what is kept of each would show."""

    class Never:
        def random(self) -> float:
            return 0.0

    async def fail(n: int) -> Client:
        client = connect("ws://127.0.0.1:9/", random=Never(), open_timeout_s=None, proxy=None)
        opening = asyncio.create_task(client.open())
        while client.stats().dials < n:
            await asyncio.sleep(0)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await client.close()
        return client

    await fail(50)
    gc.collect()
    tracemalloc.start()
    client = await fail(500)
    gc.collect()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert client.stats().dials >= 500
    assert isinstance(client.error, CannotConnect | None)
    assert kept < 500_000


@pytest.mark.rules("R12", "R29")
async def test_a_hundred_clients_come_back_to_a_server_that_was_away(hasty_bus: Bus) -> None:
    clients = [connect(hasty_bus.url) for _ in range(100)]
    await asyncio.gather(*(client.open() for client in clients))
    channels = [await client.subscribe("science:explore").open() for client in clients]

    await asyncio.to_thread(_restart, hasty_bus)
    await clients[0].publish("science:explore", "back", ack=True, timeout_s=LIMIT_S)
    async with asyncio.timeout(LIMIT_S):
        while any(client.state != "connected" for client in clients):
            await asyncio.sleep(0.05)
    last = await clients[0].publish("science:explore", "all of you", ack=True)

    assert last is not None
    for channel in channels:
        async with asyncio.timeout(LIMIT_S):
            while (await channel.get()).seq < last.seq:
                pass
    await asyncio.gather(*(client.close() for client in clients))
