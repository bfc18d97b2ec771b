"""Presence: who is here, and who comes and goes. Start it in several terminals, each with a name: presence.py Ana

Ctrl-C leaves. Whoever is cut off is told as "lost" once it can no longer come back.
"""

import asyncio
import os
import signal
import sys

from arqonbus.client import Bus, MemberInfo, connect

URL = os.environ.get("ARQONBUS_URL", "ws://127.0.0.1:9100/")


def name_of(member: MemberInfo) -> str:
    """What a member calls itself; its client id if it says nothing."""
    return member.profile.screen_name or member.client


async def follow(bus: Bus) -> None:
    """Print who is here, and every change, until it is cancelled."""
    # The subscription makes us a member that others see; the presence handle is what we look through.
    async with bus.subscribe("lobby:main"), bus.presence("lobby:main") as here:
        print("here:", ", ".join(sorted(map(name_of, here.members.values()))), flush=True)
        async for change in here:
            if change.client == bus.client or change.member is None:
                continue
            why = "" if change.reason in (None, "left") else f" ({change.reason})"
            print(f"{name_of(change.member)} {change.kind}{why}, {change.count} here", flush=True)


async def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "somebody"
    async with connect(URL, profile={"screen_name": name}) as bus:
        following = asyncio.create_task(follow(bus))
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, following.cancel)
        await asyncio.wait([following])


asyncio.run(main())
