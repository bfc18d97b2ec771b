"""Recovery: what a reader gets after its link was cut, and how it is told what it will never get.

The reader is connected through a proxy of the test kit, which cuts the link and lets nobody through for a while.
"""

import asyncio
import os
import secrets
from collections.abc import Coroutine
from urllib.parse import urlsplit

from arqonbus.client import Bus, Options, Subscription, connect
from arqonbus.testing.chaos import ChaosProxy

URL = os.environ.get("ARQONBUS_URL", "ws://127.0.0.1:9100/")
KEPT = 5  # events of the channel's history


async def say(bus: Bus, address: str, *numbers: int) -> None:
    for number in numbers:
        await bus.publish(address, number, ack=True)


async def read(reader: Subscription, until: int) -> None:
    """Print what comes: live or replayed, and every gap before it."""
    while True:
        message = await reader.get(timeout_s=20)
        if message.gap is not None:
            gap = message.gap
            print(f"  gap: {gap.missed} events are lost, {gap.first} to {gap.last} ({gap.reason})")
        print(f"  {message.data} {'replayed' if message.replay else 'live'}")
        if message.data == until:
            return


async def main() -> None:
    server = urlsplit(URL)
    address = f"weather:{secrets.token_hex(4)}"
    async with ChaosProxy(server.hostname, server.port) as proxy, connect(URL) as bus, connect(proxy.url) as shaky:
        await bus.create_channel(address, Options(history_limit=KEPT))
        async with shaky.subscribe(address, recover="best_effort") as reader:
            print("connected:")
            await say(bus, address, 1, 2)
            await read(reader, until=2)

            print("cut, 3 events meanwhile:")
            await cut_off(proxy, say(bus, address, 3, 4, 5))
            await read(reader, until=5)
            await say(bus, address, 6)
            await read(reader, until=6)

            print(f"cut, 10 events meanwhile, of which the channel keeps {KEPT}:")
            await cut_off(proxy, say(bus, address, *range(7, 17)))
            await read(reader, until=16)

            stats = reader.stats
            print(f"of 16 events, {stats.given} came and {stats.missed} were owned to: nothing is missed in silence")


async def cut_off(proxy: ChaosProxy, meanwhile: Coroutine) -> None:
    """Cut the link, and keep it cut until something else has happened. The reader comes back by itself."""
    proxy.is_refusing = True
    proxy.cut()
    await meanwhile
    proxy.heal()


asyncio.run(main())
