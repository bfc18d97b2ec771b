"""Run: one seed from its first step to an empty bus. Trouble first, then everything heals, and all must be well."""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from typing import Any

from msgspec import Struct

from arqonbus.testing.end import End
from arqonbus.testing.guest import Guest
from arqonbus.testing.plan import Address, Plan, draw
from arqonbus.testing.steps import STEPS
from arqonbus.testing.world import SimulatedBus, World

__all__ = ["Outcome", "run_seed"]

MOST_HEALS = 8  # rounds of coming back until everybody is in what it wants; one does without refusals
LONGEST_WAIT_S = 20.0  # beside the grace, that a session may stay without a connection: far more than it should
N_LAST_STEPS = 20  # of a run whose server drains
TICK_S = 1 / 1024  # virtual times are multiples of it: sums of them are exact, so that a timer is due when it fires
MOST_TICKS = 40  # between two steps


class Outcome(Struct, frozen=True):
    """What one seed came to."""

    seed: int
    broken: tuple[str, ...]  # promises, the first first; empty: all were kept
    n_turns: int
    n_messages: int  # that clients sent and the bus took
    n_connections: int
    n_dropped: int  # deliveries of events that clients bore to lose
    virtual_s: float
    trace: tuple[str, ...] = ()


def run_seed(seed: int, bus_type: type[SimulatedBus] = SimulatedBus, *, trace: bool = False) -> Outcome:
    """Run one seed; the same one always runs the same way.

    Args:
        seed: any integer.
        bus_type: the bus to try.
        trace: keep all steps, for people.
    """
    return _Run(draw(seed), bus_type, trace).run()


class _Run:
    def __init__(self, plan: Plan, bus_type: type[SimulatedBus], trace: bool) -> None:
        self._plan = plan
        self._world = World(plan, bus_type, trace)
        self._ledger = self._world.ledger
        self._steps = [STEPS[name] for name, weight in plan.weights.items() if weight]
        self._end = End(self._world)
        self._bounds = list(accumulate(weight for weight in plan.weights.values() if weight))

    def run(self) -> Outcome:
        """Do all, until the first promise is broken."""
        well = (self._heal, self._catch_up, self._compare_members, self._compare_history, self._end.say_goodbye)
        for stage in (self._trouble, *((self._drain, self._end.drain_over) if self._plan.drains else well)):
            stage()
            if self._ledger.broken:
                break
        statistics = self._world.bus.system.statistics()
        return Outcome(
            seed=self._plan.seed,
            broken=tuple(self._ledger.broken),
            n_turns=statistics.turns,
            n_messages=self._world.bus.counters.messages_in,
            n_connections=sum(len(guest.visits) for guest in self._world.guests),
            n_dropped=self._world.bus.counters.dropped,
            virtual_s=self._world.manual.clock.time() - 1000,
            trace=tuple(self._ledger.trace or ()),
        )

    # --- trouble ------------------------------------------------------------------------------------------------------

    def _trouble(self) -> None:
        for guest in self._world.guests:
            self._world.connect(guest)
        for _ in range(self._plan.n_steps):
            self._step()
            if self._ledger.broken:
                return

    def _step(self) -> None:
        world, random = self._world, self._world.random
        step = self._steps[bisect(self._bounds, random.random() * self._bounds[-1])]
        step(world, random.choice(world.guests))
        self._let_run(random.random())
        for guest in world.guests:
            if random.random() < 0.4:
                guest.see(1 if random.random() < 0.3 else 1000)
        world.pass_time(int(random.random() * MOST_TICKS) * TICK_S, is_calm=False)

    def _let_run(self, luck: float) -> None:
        if luck < self._plan.calm:
            self._world.manual.run_until_idle()
        elif luck < 0.8:
            self._world.run_turns(self._world.random.randint(1, 8))

    def _drain(self) -> None:
        """Let the trouble go on while the server does not: who comes back now is too late or just in time."""
        self._world.drain()
        for _ in range(N_LAST_STEPS):
            self._step()
            if self._ledger.broken:
                return

    # --- healing ------------------------------------------------------------------------------------------------------

    def _heal(self) -> None:
        """Let nothing fail any more; everybody comes back, sends again what was not answered, joins what it wants."""
        world = self._world
        world.heal()
        for _ in range(MOST_HEALS):
            world.pump()
            if self._ledger.broken or not sum([self._come_back(guest) for guest in world.guests]):
                return
            world.pump()
            world.pass_time(1.0, is_calm=True)

    def _come_back(self, guest: Guest) -> int:
        guest.hang_up_superseded()
        if guest.visit is None:
            self._return(guest)
            return 1
        n_joins = guest.take_up()
        n_events = len(guest.unanswered)
        for message_id, address in guest.unanswered.items():
            if guest.ready is not None:
                guest.ready.publish(address, message_id, ack=True)
        if not self._plan.settings.channels.auto_create:  # what nobody may make stays refused
            guest.unanswered.clear()
        return n_joins + n_events

    def _return(self, guest: Guest) -> None:
        if self._world.random.random() < 0.5:
            self._world.resume(guest)
        else:
            self._world.connect(guest)

    # --- what must be true now ----------------------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """One more event in each channel; everybody must be at the top of all that it is in."""
        world = self._world
        for address in self._plan.addresses:
            world.random.choice(world.guests).publish(address)
        world.pump()
        for guest in world.guests:
            visit = guest.visit
            if visit is None:
                self._ledger.fail("catch-up", f"{guest.name} cannot stay connected though all is well")
                continue
            visit.finish()
            for address, seat in visit.seats.by_address.items():
                reached = (seat.epoch, seat.next - 1)
                if reached != (self._ledger.current.get(address), self._ledger.top(address)):
                    self._ledger.fail("catch-up", f"{visit.who} is at {':'.join(address)} {seat.next - 1}")
            if self._plan.settings.channels.auto_create and guest.take_up():
                self._ledger.fail("catch-up", f"{visit.who} is not in all that it wants: {sorted(guest.wants)}")

    def _compare_members(self) -> None:
        """Nobody is a member whose connection is gone and who may not come back any more; all others are."""
        world = self._world
        world.pass_time(self._plan.settings.server.resume_grace_s + LONGEST_WAIT_S, is_calm=True)
        world.pump()
        for address in self._plan.addresses:
            answer = self._ask("members", room=address[0], channel=address[1], limit=1000)
            listed = {member["client"] for member in answer["members"]} if answer is not None else set()
            there = [guest.visit for guest in world.guests if guest.visit is not None]
            seated = {visit.client for visit in there if address in visit.seats.by_address}
            if listed != seated:
                ghosts = [self._ledger.called(one) for one in sorted(listed - seated)]
                missed = [self._ledger.called(one) for one in sorted(seated - listed)]
                self._ledger.fail("members", f"{':'.join(address)} lists {ghosts} too many and misses {missed}")

    def _compare_history(self) -> None:
        """History, read page by page, is what was stored, as far back as it must reach."""
        for address in self._plan.addresses:
            after, n_read, more = 0, 0, True
            while more and not self._ledger.broken:
                page = self._page(address, after)
                if page is None:
                    break
                for event in page["messages"]:
                    if event["seq"] != (after or event["seq"] - 1) + 1:
                        self._ledger.fail("history", f"{':'.join(address)}: {event['seq']} comes after {after}")
                    after = event["seq"]
                    self._ledger.compare("history", address, page["epoch"], event)
                n_read, more = n_read + len(page["messages"]), page["more"]
            top = self._ledger.top(address)
            if self._plan.keeps_long and n_read != min(top, self._plan.settings.history.limit):
                self._ledger.fail("history", f"{':'.join(address)} has {n_read} of {top} events")

    def _page(self, address: Address, after: int) -> dict[str, Any] | None:
        return self._ask("history", room=address[0], channel=address[1], after=after, limit=50, order="asc")

    def _ask(self, command: str, **args: Any) -> dict[str, Any] | None:
        """Run a command for the first guest; None: it is refused."""
        guest = self._world.guests[0]
        message_id = guest.ask(command, **args)
        self._world.pump()
        answer = guest.visit.answers.get(message_id) if guest.visit is not None else None
        if answer is None:
            self._ledger.fail(command, f"{args['room']}:{args['channel']}: no answer")
        found: dict[str, Any] | None = answer.get("result") if answer is not None else None
        return found
