"""Cases: one order for everybody, no repeats, and the shares of groups, with many publishers at once."""

import asyncio
from collections import Counter
from typing import Final

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.peer import Frame, Peer, Refused
from arqonbus.testing.conformance.stage import Stage
from arqonbus.testing.conformance.verdict import Failed, Skipped, check

__all__ = ["CASES", "contiguous"]

N_MEMBERS: Final = 8
N_PUBLISHERS: Final = 8
N_EVENTS: Final = 25  # of each publisher


def contiguous(seqs: list[int], first: int, last: int, what: str) -> None:
    """See that these are all seqs from first to last, in order. Raises Failed, naming the first that is not."""
    wanted = list(range(first, last + 1))
    if seqs == wanted:
        return
    place = next((n for n, pair in enumerate(zip(seqs, wanted, strict=False)) if pair[0] != pair[1]), len(seqs))
    near = slice(max(0, place - 2), place + 3)
    raise Failed(f"{what}: seqs {first} to {last} in order, as here {wanted[near]}", seqs[near])


async def one_order(stage: Stage) -> None:
    """Every member sees the same order, which keeps that of each publisher and agrees with the acknowledgements."""
    members = [await stage.member("x") for _ in range(N_MEMBERS)]
    publishers = await stage.peers_of(N_PUBLISHERS)
    acks = await asyncio.gather(*(_publish(stage, peer) for peer in publishers))
    total = N_PUBLISHERS * N_EVENTS
    seen = await asyncio.gather(*(member.take_all("event", total) for member in members))
    for number, events in enumerate(seen, 1):
        contiguous([event["seq"] for event in events], 1, total, f"at member {number}")
        check([_story(event) for event in seen[0]], [_story(event) for event in events], f"member 1 and {number} alike")
    for peer, placed in zip(publishers, acks, strict=True):
        own = [event for event in seen[0] if event["from"] == peer.id]
        check(list(range(N_EVENTS)), [event["payload"] for event in own], "the order of one publisher")
        check(placed, [event["seq"] for event in own], "the seqs of its acknowledgements")


def _story(event: Frame) -> tuple[int, str, str]:
    return event["seq"], event["from"], event["id"]


async def _publish(stage: Stage, peer: Peer) -> list[int]:
    return [(await peer.publish(stage.room, "x", n))["seq"] for n in range(N_EVENTS)]


async def repeats(stage: Stage) -> None:
    """One id sent many times at once is one event, and every answer names its seq."""
    member, sender = await stage.member("x"), await stage.peer()
    head = {"type": "event", "room": stage.room, "channel": "x", "ack": True}
    for n in range(40):
        await sender.send({**head, "id": "same", "payload": "same"})
        await sender.send({**head, "id": f"other-{n}", "payload": n})
    answers = await sender.take_all("response", 80)
    placed = [answer["result"] for answer in answers if answer["request_id"] == "same"]
    check([1] * 40, [result["seq"] for result in placed], "the first seq in every answer")
    check([False] + [True] * 39, [result["duplicate"] for result in placed], "duplicate")
    events = await member.take_all("event", 41)
    contiguous([event["seq"] for event in events], 1, 41, "at the member")
    await member.quiet()
    check(1, sum(event["id"] == "same" for event in events), "events with that id")


async def shares(stage: Stage) -> None:
    """Each event goes to one member of a group, everybody has a share, and an ordinary member gets all."""
    workers = [await _worker(stage) for _ in range(3)]
    member, publisher = await stage.member("x"), await stage.peer()
    total = 60
    await publisher.publish_many(stage.room, "x", list(range(total)))
    all_events = await member.take_all("event", total)
    contiguous([event["seq"] for event in all_events], 1, total, "at the ordinary member")
    await asyncio.gather(*(worker.quiet_after_events() for worker in workers))
    got = Counter(seq for worker in workers for seq in worker.seqs())
    check({seq: 1 for seq in range(1, total + 1)}, dict(sorted(got.items())), "times that the group got each event")
    check([True] * 3, [bool(worker.seqs()) for worker in workers], "a share for every worker")


async def _worker(stage: Stage) -> Peer:
    try:
        return await stage.member("x", group="workers")
    except Refused as refused:
        if refused.code == "conflict":  # of servers that share their channels only durable ones have groups
            raise Skipped(f"the server has no ordinary groups: {refused.got}") from refused
        raise


async def shares_of_who_leaves(stage: Stage) -> None:
    """What a worker that leaves was not sent goes to the others: nothing is lost, nothing done twice."""
    workers = [await _worker(stage) for _ in range(3)]
    publisher = await stage.peer()
    total = 300
    publishing = asyncio.create_task(publisher.publish_many(stage.room, "x", list(range(total))))
    await workers[0].until(lambda: len(workers[0].frames) > 10)
    await workers[0].ask("leave_channel", room=stage.room, channel="x")
    await publishing
    await workers[1].until(lambda: sum(len(worker.seqs()) for worker in workers) >= total)
    await asyncio.gather(*(worker.quiet_after_events() for worker in workers))
    got = Counter(seq for worker in workers for seq in worker.seqs())
    check({seq: 1 for seq in range(1, total + 1)}, dict(sorted(got.items())), "times that the group got each event")


CASES: Final = (
    Case("order: many publishers, many members, one order", ("004/FR-001", "004/SC-001"), one_order),
    Case("duplicates: one id sent forty times at once is one event", ("006/FR-001",), repeats),
    Case("groups: each event goes to one worker, and evenly", ("015/FR-001", "015/FR-002"), shares),
    Case("groups: who leaves gives back what it was not sent", ("015/FR-005",), shares_of_who_leaves),
)
