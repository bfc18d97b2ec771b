"""End: how a simulated run ends, by everybody's leaving or by the server's, and what may be left of it: nothing."""

from __future__ import annotations

from arqonbus.protocol import codes
from arqonbus.testing.visit import Visit
from arqonbus.testing.world import World

__all__ = ["End"]

LONGEST_WAIT_S = 20.0  # beside the grace, that a session may stay without a connection: far more than it should
AFTER_SPREAD_S = 1.0  # by then everybody has been closed, whose moment within the spread has passed


class End:
    """One per run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledger = world.ledger

    def say_goodbye(self) -> None:
        """All leave; nothing may be left of them or of their channels."""
        world = self._world
        staying = [guest.visit for guest in world.guests if guest.visit is not None]
        for guest in world.guests:
            if guest.visit is not None:
                guest.visit.line.notice(codes.NORMAL)
                guest.depart()
        world.pump()
        self._nothing_left()
        self._finish(staying)

    def drain_over(self) -> None:
        """The server has let everybody go: each was told once, then closed with 4000."""
        world = self._world
        there = [visit for guest in world.guests for visit in guest.visits if visit.line.stands]
        world.heal()
        world.pump()
        world.pass_time(world.plan.settings.server.drain_spread_s + AFTER_SPREAD_S, is_calm=True)
        world.pump()
        for visit in there:
            self._judge_drain(visit)
        world.pass_time(world.plan.settings.server.resume_grace_s + LONGEST_WAIT_S, is_calm=True)
        self._nothing_left()
        self._finish([])

    def _judge_drain(self, visit: Visit) -> None:
        line = visit.line
        if line.closed is None:
            self._ledger.fail("drain", f"{visit.who} is not closed though the server goes")
        elif line.closed == codes.DRAIN_OVER and visit.n_drains != 1:
            self._ledger.fail("drain", f"{visit.who} was told {visit.n_drains} times that the server goes")
        elif line.closed not in (codes.DRAIN_OVER, codes.REPLACED, codes.SLOW_CONSUMER):
            self._ledger.fail("drain", f"{visit.who} is closed with {line.closed}")

    def _nothing_left(self) -> None:
        world = self._world
        alive = [visit.who for guest in world.guests for visit in guest.visits if visit.line.session.alive]
        if alive or world.bus.directory.n_clients or world.bus.directory.n_away:
            self._ledger.fail("leftover", f"sessions without a connection: {alive}")
        world.pass_time(world.plan.settings.channels.idle_s + 1, is_calm=True)
        n_left = world.bus.system.statistics().actors - world.n_actors_at_rest
        if n_left or world.bus.system.dispatcher.n_ready:
            self._ledger.fail("leftover", f"{n_left} actors too many")

    def _finish(self, staying: list[Visit]) -> None:
        """Compare all that was sent with what became of it; ``staying`` have read all that they were sent."""
        visits = [visit for guest in self._world.guests for visit in guest.visits]
        broken = {name for visit in visits if visit not in staying for name in (visit.client, visit.former)}
        self._world.post.finish(broken)
        refused: dict[tuple[str, str], int] = {}
        for visit in visits:
            for message_id, owed in visit.owed.items():
                key = (visit.client, message_id)
                refused[key] = refused.get(key, 0) + owed.n_refused
        self._ledger.finish(refused)
