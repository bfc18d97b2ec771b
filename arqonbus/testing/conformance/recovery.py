"""Cases: the recovery matrix. Each position, each way to recover, each retention, against an oracle of a few lines."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from msgspec import Struct

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.order import contiguous
from arqonbus.testing.conformance.peer import Frame, Peer
from arqonbus.testing.conformance.stage import Stage
from arqonbus.testing.conformance.verdict import Failed, Skipped, check

__all__ = ["CASES", "Kept", "expected"]

WAYS: Final = ("strict", "best_effort", "latest")
TOP: Final = 8
ANOTHER: Final = "of-another-life"
_LONG: Final = 1002  # events; a join replays 1,000 at most


class Kept(Struct, frozen=True):
    """What a channel still has."""

    top: int  # seq of the newest event
    first: int | None  # of the oldest event kept; None: none is
    reason: str = "evicted"  # why what is not kept is not


def expected(kept: Kept, since: int, way: str, *, is_same_epoch: bool) -> tuple[dict[str, Any], list[int]]:
    """Say what a join must answer, and which seqs it replays."""
    is_known = is_same_epoch and since <= kept.top
    after = since if is_known else 0
    missing = range(after + 1, kept.top + 1)
    left = [seq for seq in missing if kept.first is not None and seq >= kept.first]
    if is_known and len(left) == len(missing):
        return {"recovered": True, "reason": None, "lost": None, "first_available": None}, left
    replayed = {"strict": [], "best_effort": left, "latest": left[-1:]}[way]
    lost = [seq for seq in missing if seq not in replayed]
    answer = {
        "recovered": False,
        "reason": kept.reason if is_known else "epoch_changed",
        "lost": {"from": lost[0], "to": lost[-1]} if lost else None,
        "first_available": kept.first,
    }
    return answer, replayed


async def _matrix(stage: Stage, channel: str, kept: Kept, sinces: Sequence[int]) -> None:
    peer = await stage.peer()
    epoch = (await peer.ask("channel_info", room=stage.room, channel=channel))["epoch"]
    rows = [(since, way, said) for since in sinces for way in WAYS for said in (epoch, ANOTHER)]
    for since, way, said in rows:
        await _row(stage, channel, kept, (since, way, said), is_same_epoch=said == epoch)


async def _row(stage: Stage, channel: str, kept: Kept, row: tuple[int, str, str], *, is_same_epoch: bool) -> None:
    since, way, epoch = row
    answer, replayed = expected(kept, since, way, is_same_epoch=is_same_epoch)
    peer = await stage.peer()
    result = await peer.join(stage.room, channel, since={"epoch": epoch, "seq": since}, recover=way)
    what = f"since {since} of {'this' if is_same_epoch else 'another'} epoch, {way}"
    check(answer, {key: result.get(key) for key in answer}, what)
    check((len(replayed), kept.top), (result["replayed"], result["seq"]), f"{what}: replayed and seq")
    events = await peer.take_all("event", len(replayed))
    check(replayed, [event["seq"] for event in events], f"{what}: the seqs replayed")
    await peer.ask("ping")
    check([], [frame for frame in peer.untaken() if frame["type"] == "event"], f"{what}: nothing beside")
    await peer.leave()


async def _filled(stage: Stage, channel: str, count: int, **options: Any) -> Peer:
    peer = await stage.peer()
    await stage.channel(peer, channel, **options)
    if count:
        await peer.publish_many(stage.room, channel, list(range(1, count + 1)))
    return peer


async def all_kept(stage: Stage) -> None:
    """Nothing was lost."""
    await _filled(stage, "x", TOP)
    await _matrix(stage, "x", Kept(TOP, 1), (0, 5, TOP, TOP + 1))


async def some_kept(stage: Stage) -> None:
    """History is shorter than what was published."""
    await _filled(stage, "x", TOP, history_limit=3)
    await _matrix(stage, "x", Kept(TOP, 6), (0, 4, 5, 6, TOP, TOP + 1))


async def none_kept(stage: Stage) -> None:
    """There is no history."""
    await _filled(stage, "x", TOP, history_limit=0)
    await _matrix(stage, "x", Kept(TOP, None, "disabled"), (0, 5, TOP))


async def too_old(stage: Stage) -> None:
    """All events were kept and are too old by now."""
    peer = await _filled(stage, "x", TOP, history_ttl_s=0.2)
    for _ in range(100):
        if (await peer.ask("history", room=stage.room, channel="x"))["first_seq"] is None:
            break
        await asyncio.sleep(0.05)
    else:
        raise Failed("an empty history after history_ttl_s", "events that are older")
    await _matrix(stage, "x", Kept(TOP, None), (0, 5, TOP))


async def never_used(stage: Stage) -> None:
    """Nothing was published."""
    await _filled(stage, "x", 0)
    await _matrix(stage, "x", Kept(0, None), (0, 1))


async def made_anew(stage: Stage) -> None:
    """The channel was deleted and made again: another epoch, from 1."""
    peer = await _filled(stage, "x", 3)
    before = (await peer.ask("channel_info", room=stage.room, channel="x"))["epoch"]
    await peer.ask("delete_channel", room=stage.room, channel="x")
    await peer.publish(stage.room, "x", 1)
    info = await peer.ask("channel_info", room=stage.room, channel="x")
    if info["epoch"] == before:
        raise Failed("another epoch after a deletion", before)
    check(1, info["seq"], "seq of the first event")
    await _row(stage, "x", Kept(1, 1), (2, "strict", before), is_same_epoch=False)


async def too_many(stage: Stage) -> None:
    """More than one join replays is missing."""
    peer = await _filled(stage, "x", _LONG, history_limit=2 * _LONG)
    epoch = (await peer.ask("channel_info", room=stage.room, channel="x"))["epoch"]
    for way, n_least in zip(WAYS, (0, 2, 1), strict=True):
        late = await stage.peer()
        answer = await late.join(stage.room, "x", since={"epoch": epoch, "seq": 0}, recover=way)
        n = answer["replayed"]
        told = {key: answer.get(key) for key in ("recovered", "reason", "lost", "first_available")}
        wanted = {
            "recovered": False,
            "reason": "over_limit",
            "lost": {"from": 1, "to": _LONG - n},
            "first_available": 1,
        }
        check(wanted, told, way)
        if not n_least <= n <= {"strict": 0, "best_effort": 1000, "latest": 1}[way]:
            raise Failed(f"{way}: at least {n_least} replayed, and at most 1000", n)
        contiguous([event["seq"] for event in await late.take_all("event", n)], _LONG - n + 1, _LONG, way)


async def amid_traffic(stage: Stage) -> None:
    """A join while others publish: replay, then live, without a hole or a repeat."""
    first = await stage.member("x")
    epoch = (await first.ask("channel_info", room=stage.room, channel="x"))["epoch"]
    publisher = await stage.peer()
    total = 400
    publishing = asyncio.create_task(publisher.publish_many(stage.room, "x", list(range(total))))
    late = []
    for share in range(1, 9):
        await first.until(_has_some(first, enough=share * 40))
        peer = await stage.peer()
        await peer.join(stage.room, "x", since={"epoch": epoch, "seq": 0})
        late.append(peer)
    await publishing
    for peer in (first, *late):
        contiguous([event["seq"] for event in await peer.take_all("event", total)], 1, total, "at each")
        await peer.quiet()


def _has_some(peer: Peer, enough: int) -> Callable[[], bool]:
    return lambda: len(peer.seqs()) >= enough


async def back_and_forth(stage: Stage) -> None:
    """A client that is cut again and again, while others publish, sees each event once and stays who it is."""
    publisher, peer = await stage.peer(), await stage.peer()
    if peer.ticket is None:
        raise Skipped("the welcome has no ticket")
    who, position = peer.id, await peer.join(stage.room, "x")
    seen: list[int] = []
    total = 0
    for _ in range(6):
        publishing = asyncio.create_task(publisher.publish_many(stage.room, "x", list(range(50))))
        total += 50
        await peer.until(_has_some(peer, enough=5))
        await peer.cut()
        seen += peer.seqs()
        at = {"room": stage.room, "channel": "x", "epoch": position["epoch"], "seq": len(seen)}
        peer = await _continued(stage, peer, at)
        check(who, peer.id, "the client id")
        await publishing
    await peer.until(lambda: len(seen) + len(peer.seqs()) >= total)
    contiguous(seen + peer.seqs(), 1, total, "over all connections")


async def _continued(stage: Stage, before: Peer, position: Frame) -> Peer:
    peer = await stage.open()
    resume = {"ticket": before.ticket, "positions": [position]}
    result = await peer.ask("connect", resume=resume)
    check(True, result["resumed"][0]["recovered"], "recovered")
    peer.id, peer.ticket = result["client"], result.get("ticket")
    return peer


CASES: Final = (
    Case("recovery: all is kept", ("006/FR-004",), all_kept),
    Case("recovery: history does not reach back", ("006/FR-004",), some_kept),
    Case("recovery: no history", ("006/FR-004",), none_kept),
    Case("recovery: events that are too old", ("006/FR-004",), too_old),
    Case("recovery: nothing was published", ("006/FR-004",), never_used),
    Case("recovery: deleted and made anew", ("006/FR-004", "003/FR-004"), made_anew),
    Case("recovery: more than one join replays", ("006/FR-004",), too_many),
    Case("recovery: joins amid traffic", ("005/FR-007", "006/FR-004"), amid_traffic),
    Case("recovery: cut again and again amid traffic", ("006/FR-003", "006/SC-001"), back_and_forth),
)
