"""A worker group: workers share the events of one channel, each event goes to one of them; whoever watches sees all.

One of the three workers leaves in the midst of it, and finishes first what it was given.
"""

import asyncio
import os
from collections import Counter

from arqonbus.client import Message, connect

URL = os.environ.get("ARQONBUS_URL", "ws://127.0.0.1:9100/")
N_ORDERS = 60
billed: Counter[int] = Counter()  # number of the order: how often it was billed


async def work(started: asyncio.Barrier, shift_is_over: asyncio.Event) -> int:
    """Join the group, and do what it gives until the shift is over; give how many orders were left undone."""

    async def bill(order: Message) -> None:
        await asyncio.sleep(0.002)
        billed[order.data["number"]] += 1

    async with connect(URL) as bus, bus.subscribe("shop:orders", group="billing") as orders:
        working = asyncio.create_task(orders.run(bill, concurrency=4))
        await started.wait()
        await shift_is_over.wait()
        drained = await bus.drain()  # leaves the group first: nothing new comes, what was given is done
        await working
        return drained.unread


async def watch(started: asyncio.Barrier) -> int:
    """Read the channel without a group, as a dashboard does; give how many orders were seen."""
    async with connect(URL) as bus, bus.subscribe("shop:orders") as orders:
        await started.wait()
        return len({(await orders.get(timeout_s=10)).seq for _ in range(N_ORDERS)})


async def main() -> None:
    started, noon, evening = asyncio.Barrier(5), asyncio.Event(), asyncio.Event()
    async with connect(URL) as bus, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(work(started, noon))
        tasks.create_task(work(started, evening))
        tasks.create_task(work(started, evening))
        watching = tasks.create_task(watch(started))
        await started.wait()

        for number in range(N_ORDERS):
            await bus.publish("shop:orders", {"number": number}, ack=True)
            if number == N_ORDERS // 2:
                noon.set()

        print(f"one worker left at noon, with {await first} orders undone")
        print(f"the dashboard saw {await watching} orders")
        evening.set()

    print(f"{len(billed)} orders were billed, {billed.total() - len(billed)} of them twice")


asyncio.run(main())
