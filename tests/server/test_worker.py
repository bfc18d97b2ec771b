import asyncio
import os

from arqonbus.server.worker import Worker, settings_of_worker
from tests.flow.world import settings


def test_each_worker_has_a_name_of_its_own_the_port_of_all_and_its_share_of_the_drain() -> None:
    wanted = settings(server__workers=4, server__drain_timeout_s=10.0, server__drain_spread_s=6.0, server__port=0)

    server = settings_of_worker(wanted, 3, "bus", 9100).server

    assert (server.name, server.port) == ("bus-3", 9100)
    assert (server.drain_timeout_s, server.drain_spread_s) == (2.5, 1.5)


async def test_it_says_once_that_it_is_ready_and_sees_the_end_of_its_supervisor() -> None:
    lifeline, ready = os.pipe(), os.pipe()
    worker = Worker(1, lifeline[0], ready[1])
    orphaned = asyncio.Event()

    worker.say_ready()
    assert os.read(ready[0], 10) == b"1"
    assert os.read(ready[0], 10) == b""

    worker.watch(asyncio.get_running_loop(), orphaned.set)
    await asyncio.sleep(0)
    assert not orphaned.is_set()
    os.close(lifeline[1])
    await asyncio.wait_for(orphaned.wait(), 5)
    for fd in (lifeline[0], ready[0]):
        os.close(fd)


async def test_a_supervisor_that_is_gone_already_keeps_nobody_from_being_ready() -> None:
    ready = os.pipe()
    os.close(ready[0])

    Worker(1, -1, ready[1]).say_ready()
