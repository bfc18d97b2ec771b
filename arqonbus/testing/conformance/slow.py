"""Cases: a client that does not read. It harms nobody, and is closed, or told what it lost."""

import asyncio
from typing import Final

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.order import contiguous
from arqonbus.testing.conformance.peer import Frame, Peer, kind_of
from arqonbus.testing.conformance.socket import ABNORMAL
from arqonbus.testing.conformance.stage import Stage
from arqonbus.testing.conformance.verdict import Failed, Skipped, check

__all__ = ["CASES", "ranges"]

SLOW_CONSUMER: Final = 4100
PAYLOAD: Final = "x" * 32 * 1024
N_EVENTS: Final = 640  # 20 MiB: more than the default outbox of 4 MiB and what two sockets hold
BATCH: Final = 16  # events between two looks at those who read: this process must not be slow itself
READ_LIMIT_S: Final = 20.0


async def closed(stage: Stage) -> None:
    """Who does not read is closed with 4100, got an unbroken beginning, and held up nobody."""
    others = [await stage.member("x") for _ in range(3)]
    slow = await stage.member("x")
    publisher = await stage.peer()
    await slow.stop_reading()
    await _flood(stage, publisher, others)
    slow.read()
    if not await slow.until(lambda: slow.code is not None or len(slow.seqs()) == N_EVENTS, READ_LIMIT_S):
        raise Failed("a close, or every event", f"{len(slow.seqs())} of {N_EVENTS} events, and nothing more")
    contiguous(slow.seqs(), 1, len(slow.seqs()), "what the slow reader got")
    if slow.code is None:
        raise Skipped(f"the server held {N_EVENTS * len(PAYLOAD) >> 20} MiB for one client without closing it")
    if slow.code not in (SLOW_CONSUMER, ABNORMAL):  # cut, where even a close frame found no room
        raise Failed(f"the close {SLOW_CONSUMER}", slow.code)
    await _back(stage, slow)


async def _back(stage: Stage, slow: Peer) -> None:
    """Whoever was closed for slowness comes back with its position, and is told the truth about the rest."""
    info = await (await stage.peer()).ask("channel_info", room=stage.room, channel="x")
    late = await stage.peer()
    since = {"epoch": info["epoch"], "seq": len(slow.seqs())}
    answer = await late.join(stage.room, "x", since=since, recover="best_effort")
    replayed, lost = answer["replayed"], answer.get("lost") or {"from": 1, "to": 0}
    check(N_EVENTS - since["seq"], replayed + lost["to"] - lost["from"] + 1, "events replayed and lost on the way back")
    seqs = [event["seq"] for event in await late.take_all("event", replayed, READ_LIMIT_S)]
    contiguous(seqs, N_EVENTS - replayed + 1, N_EVENTS, "what came on the way back")


async def drop_oldest(stage: Stage) -> None:
    """Who may lose its oldest events stays, and events and gaps together are all that was published."""
    slow = await _bearing(stage, "drop_oldest")
    contiguous(ranges(slow.frames), 1, N_EVENTS, "events and gaps")
    check(N_EVENTS, slow.seqs()[-1], "the newest event")


async def conflate(stage: Stage) -> None:
    """Who wants the newest event only gets it in the end, and gaps name the rest."""
    slow = await _bearing(stage, "conflate")
    contiguous(ranges(slow.frames), 1, N_EVENTS, "events and gaps")
    if len(slow.seqs()) == N_EVENTS:
        raise Skipped("the server's sockets held everything")


async def _bearing(stage: Stage, overflow: str) -> Peer:
    others, slow = [await stage.member("x")], await stage.member("x", overflow=overflow)
    publisher = await stage.peer()
    await slow.stop_reading()
    await _flood(stage, publisher, others)
    slow.read()
    if not await slow.until(lambda: slow.code is not None or N_EVENTS in slow.seqs()[-1:], READ_LIMIT_S):
        raise Failed("the newest event", f"{len(slow.seqs())} events, up to {slow.seqs()[-1:]}")
    check(None, slow.code, "no close")
    return slow


def ranges(frames: list[Frame]) -> list[int]:
    """List the seqs of events, and of all that gaps name, as they came."""
    found: list[int] = []
    for frame in frames:
        kind = kind_of(frame)
        if kind == "event":
            found.append(frame["seq"])
        elif kind == "system/gap":
            found += range(frame["payload"]["from"], frame["payload"]["to"] + 1)
    return found


async def _flood(stage: Stage, publisher: Peer, others: list[Peer]) -> None:
    """Publish all, no faster than those read who read; see that they get everything, in order."""
    limit = publisher.welcome["limits"]["max_message_bytes"]
    if limit < 2 * len(PAYLOAD):
        raise Skipped(f"the server takes {limit} bytes a message, too few to fill a connection")
    for _ in range(N_EVENTS // BATCH):
        await publisher.publish_many(stage.room, "x", [PAYLOAD] * BATCH)
        await asyncio.gather(*(peer.take_all("event", BATCH, READ_LIMIT_S) for peer in others))
    for peer in others:
        contiguous(peer.seqs(), 1, N_EVENTS, "at a member that reads")


CASES: Final = (
    Case("slow reader: closed with 4100 while others flow on", ("004/FR-006", "006/FR-004"), closed),
    Case("slow reader: drop_oldest, and gaps that say so", ("014/FR-002", "014/FR-004"), drop_oldest),
    Case("slow reader: conflate, and gaps that say so", ("014/FR-002", "014/FR-003"), conflate),
)
