"""Case: the drain. It ends the server, so it is the last one, and only played where the caller names the process."""

import asyncio
import os
import signal
import time
from typing import Final

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.stage import Stage
from arqonbus.testing.conformance.verdict import Failed, Skipped, check

__all__ = ["CASES"]

DRAIN_OVER: Final = 4000
_LEEWAY_S: Final = 2.0


async def drain(stage: Stage) -> None:
    """Every client is told by when to leave, and closed with 4000 by then; what it was told before is not lost."""
    pid = stage.target.drain_pid
    if pid is None:
        raise Skipped("give --drain-pid PID to have the server told to drain, which ends it")
    peers = [await stage.member("x") for _ in range(4)]
    publisher = await stage.peer()
    await publisher.publish_many(stage.room, "x", list(range(20)))
    os.kill(pid, signal.SIGTERM)
    asked = time.monotonic()
    told = [(await peer.take("system/draining"))["payload"] for peer in peers]
    for payload in told:
        if not 0 <= payload["spread_ms"] <= payload["deadline_ms"]:
            raise Failed("a spread within the deadline", payload)
    limit_s = told[0]["deadline_ms"] / 1000 + _LEEWAY_S
    codes = await asyncio.gather(*(peer.closed(limit_s) for peer in peers))
    check([DRAIN_OVER] * len(peers), codes, f"the closes, {time.monotonic() - asked:.1f} s after the signal")
    for peer in peers:
        check(list(range(1, 21)), peer.seqs(), "the seqs of what was published before")


CASES: Final = (Case("drain: told, then closed with 4000", ("002/FR-013",), drain),)
