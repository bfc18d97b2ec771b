"""Cases: presence, as far as it is a race, and what becomes of a client that is lost for good."""

import asyncio
from typing import Final

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.peer import Frame, Peer, kind_of
from arqonbus.testing.conformance.stage import Stage
from arqonbus.testing.conformance.verdict import Failed, Skipped, check

__all__ = ["CASES", "Roll"]

GRACE_LIMIT_S: Final = 15.0
"""How long a lost client may be waited for; the server's default is 10 s."""

N_CLIENTS: Final = 12
N_ROUNDS: Final = 6
_LOOKS: Final = 40  # until the last announcement has come


class Roll:
    """Who is in a channel, kept from rows and announcements alone."""

    def __init__(self, rows: list[Frame]) -> None:
        self.present = {row["client"] for row in rows}

    def hear(self, frame: Frame) -> None:
        """Take in one announcement. Raises Failed: it cannot be true."""
        kind = kind_of(frame)
        if kind not in ("system/member_joined", "system/member_left"):
            return
        client = frame["payload"]["client"]
        if kind == "system/member_joined":
            if client in self.present:
                raise Failed("joins of who is not in", frame)
            self.present.add(client)
        else:
            if client not in self.present:
                raise Failed("leaves of who is in", frame)
            self.present.discard(client)
        check(len(self.present), frame["payload"]["count"], f"count of {kind}")


async def races(stage: Stage) -> None:
    """Watchers that come amid joins and leaves know exactly who is in at the end."""
    keeper = await stage.member("x")
    clients = await stage.peers_of(N_CLIENTS)
    coming = [asyncio.create_task(_come_and_go(stage, peer, number)) for number, peer in enumerate(clients)]
    watchers: list[tuple[Peer, Frame]] = []
    for _ in range(4):
        watcher = await stage.peer()
        watchers.append((watcher, await watcher.join(stage.room, "x", presence=True)))
        await asyncio.sleep(0.01)
    await asyncio.gather(*coming)
    if any("present" not in answer for _, answer in watchers):
        raise Skipped("the server takes a few members for a crowd (channels.presence_max)")
    for watcher, answer in watchers:
        await _caught_up(stage, keeper, watcher, answer["present"])


async def _come_and_go(stage: Stage, peer: Peer, number: int) -> None:
    for _ in range(N_ROUNDS):
        await peer.join(stage.room, "x")
        await peer.ask("leave_channel", room=stage.room, channel="x")
    if number % 2:
        await peer.join(stage.room, "x")


async def _caught_up(stage: Stage, keeper: Peer, watcher: Peer, rows: list[Frame]) -> None:
    """See that what a watcher knows becomes what the server lists. Raises Failed: it does not, or cannot be true."""
    start = next(place for place, frame in enumerate(watcher.frames) if kind_of(frame) == "response")
    for _ in range(_LOOKS):
        await asyncio.sleep(0.05)  # announcements come from the channel, or another node: no answer waits for them
        members = (await keeper.ask("members", room=stage.room, channel="x"))["members"]
        roll, listed = Roll(rows), sorted(row["client"] for row in members)
        for frame in watcher.frames[start:]:
            roll.hear(frame)
        if sorted(roll.present) == listed:
            return
    check(listed, sorted(roll.present), "who is in, by rows and announcements")


async def lost(stage: Stage) -> None:
    """Who is lost for good has left as lost, and then its will is published; not before."""
    watcher, victim = await stage.member("x", presence=True), await stage.member("x")
    await watcher.take("system/member_joined")
    await victim.ask("set_will", will={"room": stage.room, "channel": "x", "payload": "gone"})
    await victim.cut()
    if not await watcher.until(lambda: bool(watcher.seqs()), GRACE_LIMIT_S):
        raise Skipped(f"the server waits for lost clients longer than {GRACE_LIMIT_S:g} s (server.resume_grace_s)")
    place = await watcher.place("system/member_left")
    left = watcher.frames[place]["payload"]
    check((victim.id, "lost", 1), (left["client"], left["reason"], left["count"]), "client, reason, count")
    will = await watcher.place("event")
    event = watcher.frames[will]
    check((victim.id, "gone", 1), (event["from"], event["payload"], event["seq"]), "from, payload, seq of the will")
    check(True, place < will, "the leave before the will")
    late = await stage.open()
    result = await late.ask("connect", resume={"ticket": victim.ticket} if victim.ticket else {})
    check(False, result["client"] == victim.id, "the ticket continues nobody by now")


CASES: Final = (
    Case("presence: watchers amid joins and leaves", ("013/FR-001", "013/SC-001"), races),
    Case("presence: a client that is lost, and its will", ("013/FR-002", "013/FR-008", "006/FR-003"), lost),
)
