"""World: a whole bus in virtual time, with its store watched and its clients simulated. No socket, no event loop.

Everything that may come in any order comes in an order that the seed decides. Order that the bus promises is kept:
each mailbox is first in, first out, whatever the order of the turns.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from msgspec.structs import replace

from arqonbus.actor import Directive, Dispatcher, Props, Ref
from arqonbus.actor.testing import ManualDispatcher
from arqonbus.commands.request import View
from arqonbus.config import Settings
from arqonbus.routing.mail import DrainAll, RegistryMail, SessionMail
from arqonbus.routing.session import Session, SessionSetup
from arqonbus.routing.socket import Hello, Socket
from arqonbus.security import Gate
from arqonbus.server.assembly import Bus
from arqonbus.storage.history import History
from arqonbus.testing.comeback import Comeback, Pledge
from arqonbus.testing.guest import Guest
from arqonbus.testing.kin import before
from arqonbus.testing.ledger import Ledger
from arqonbus.testing.line import Line
from arqonbus.testing.plan import Plan
from arqonbus.testing.post import Post
from arqonbus.testing.promises import Keeping
from arqonbus.testing.visit import Visit
from arqonbus.testing.witness import Faults, Injected, WitnessHistory

__all__ = ["SimulatedBus", "World"]

EPOCH_S = 1000.0  # the fake clock's start
PIECE_BYTES = 400  # of one write to a client that bears losses: connections of simulated clients hold little more
ROOMY_BYTES = 1 << 30  # that a connection of a healthy world holds: no client is too slow any more
MOST_PUMPS = 1000  # rounds of turns and reads until nothing moves; more means that something feeds itself


class SimulatedBus(Bus):
    """The real bus, with its history in the hands of ``wrap_history``.

    To see whether the simulation notices a fault, make a subclass that has it.

    Args:
        settings: see Bus.
        dispatcher: see Bus.
        timestamp: see Bus.
        watch: puts the run's witness around a history.
    """

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        timestamp: Callable[[], str],
        watch: Callable[[History], History],
    ) -> None:
        """Build all."""
        self._watch = watch
        self._n_sessions = 0
        super().__init__(settings, dispatcher, timestamp)

    def wrap_history(self, history: History) -> History:
        """Give the history that channels see, made of the watched one."""
        return history

    def _sessions(self, settings: Settings, gate: Gate) -> SessionSetup:
        setup = super()._sessions(settings, gate)
        return replace(setup, outbox=replace(setup.outbox, piece_bytes=PIECE_BYTES))

    def make_session(self, client: str, socket: Socket, hello: Hello) -> Session:
        """Make the actor of one connection."""
        return Session(self._session_setup, client, socket, hello)

    def open_session(self, socket: Socket, hello: Hello) -> Ref[SessionMail]:
        """See Bus. Client ids are counted here instead of random, so that a trace reads the same each time."""
        self._n_sessions += 1
        client = f"c-{self._n_sessions:016d}"
        return self.system.spawn(Props(lambda: self.make_session(client, socket, hello), self._session_bounds), client)

    def _make_random(self) -> Random:
        return Random(1)  # noqa: S311 - to be repeated

    def _spawn_registry(self, settings: Settings, view: View, timestamp: Callable[[], str]) -> Ref[RegistryMail]:
        self._history: History = self.wrap_history(self._watch(self._history))  # type: ignore[assignment] # as a seam
        return super()._spawn_registry(settings, view, timestamp)


class World:
    """One run's bus and clients.

    Args:
        plan: of the run.
        bus_type: the bus to try.
        trace: keep the steps for people.
    """

    def __init__(self, plan: Plan, bus_type: type[SimulatedBus], trace: bool) -> None:
        self.plan = plan
        self.random = Random(~plan.seed)  # noqa: S311 - to be repeated; another stream than the plan's
        self.manual = ManualDispatcher(order=_order(plan.order, self.random))
        self.faults = Faults()
        self.high_bytes = plan.high_bytes  # that each connection holds for its client
        self.ledger = Ledger(self.manual.clock.time, plan.settings.channels.dedupe_s if plan.dedupes_all else 0.0)
        self.post = Post(self.ledger)
        self.keeping = Keeping(plan.settings.history.limit, plan.keeps_long, plan.replays_all)
        if trace:
            self.ledger.trace = []
        self.bus = bus_type(plan.settings, self.manual.dispatcher, self._timestamp, self._watch)
        self.bus.system._on_failure = self._failed  # private: the bus takes the kernel's hook for its own log
        self.manual.run_until_idle()
        self.n_actors_at_rest = self.bus.system.statistics().actors
        self.pledge = Pledge(plan.settings.server.resume_grace_s, plan.keeps_all_away, self.keeping)
        self.is_draining = False  # nobody new is let in
        self.guests = [Guest(f"g{n}", user, self.random, plan.overflows) for n, user in enumerate(plan.users)]

    def _timestamp(self) -> str:
        self.faults.look_at_clock()
        seconds = self.manual.clock.time() - EPOCH_S
        return f"2026-01-01T{int(seconds // 3600) % 24:02d}:{int(seconds // 60) % 60:02d}:{seconds % 60:06.3f}Z"

    def _watch(self, history: History) -> History:
        return WitnessHistory(history, self.ledger, self.faults)

    def _failed(self, ref: Ref[Any], mail: object, error: Exception, verdict: Directive) -> None:
        name = "/".join(self.ledger.called(part) if part.startswith("c-") else part for part in ref.name.split("/"))
        self.ledger.note(f"{name} fails at {type(mail).__name__}: {error!r}, {verdict.value}")
        path = ref.name.split("/")
        if len(path) > 1:
            self.ledger.shaken.add(path[1])
        if verdict is Directive.STOP and len(path) == 2:  # a room, perhaps one without channels
            self.ledger.ended((path[1], "*"))
        if not isinstance(error, Injected):
            self.ledger.fail("failure", f"{name} raised {error!r} at {type(mail).__name__}")

    # --- clients ------------------------------------------------------------------------------------------------------

    def connect(self, guest: Guest) -> None:
        """Give ``guest`` a new connection; it goes on where it was, as a new client."""
        if not self.is_draining:
            guest.arrive(self._visit(guest))

    def resume(self, guest: Guest, shown: Visit | None = None) -> None:
        """Give ``guest`` a new connection that continues ``shown``, or the last whose ticket it knows."""
        if self.is_draining:
            return
        shown = shown or guest.last_known
        positions = guest.to_show()
        visit = self._visit(guest)
        ticket, earlier = (shown.ticket, before(shown, visit, guest.visits)) if shown is not None else (None, None)
        visit.comeback = Comeback(visit.who, visit.client, ticket, positions, earlier, self.ledger, self.pledge)
        guest.arrive(visit)
        visit.come_back()

    def _visit(self, guest: Guest) -> Visit:
        is_compressed = self.random.random() < 0.2
        line = Line(self.high_bytes, is_compressed, self.manual.clock.time)
        token = f"key of {guest.user}" if guest.user else None
        line.session = self.bus.open_session(line, Hello("192.0.2.1", token, compressed=is_compressed))
        who = f"{guest.name}.{len(guest.visits)}"
        self.ledger.note(f"{who} connects")
        return Visit(who, guest.user, line, self.ledger, self.post, self.keeping)

    def drain(self) -> None:
        """Tell the bus to go, as the server does: nobody new is let in, all who are there leave within the spread."""
        server = self.plan.settings.server
        self.ledger.note("the server drains")
        self.is_draining = self.bus.is_draining = True
        spread_ms = int(server.drain_spread_s * 1000)
        self.bus.registry.signal(DrainAll(int(server.drain_timeout_s * 1000), spread_ms))

    def heal(self) -> None:
        """Let nothing fail any more, and no reader be slow."""
        self.ledger.note("everything heals")
        self.faults.heal()
        self.high_bytes = ROOMY_BYTES
        for guest in self.guests:
            for visit in guest.visits:
                visit.line.is_stalled = False
                visit.line.high_bytes = ROOMY_BYTES
                if visit.line.is_cut:
                    visit.line.notice()

    def lines(self) -> list[Line]:
        """Give all connections that are not over for both sides."""
        return [visit.line for guest in self.guests for visit in guest.visits if not visit.line.is_over]

    # --- time ---------------------------------------------------------------------------------------------------------

    def run_turns(self, most: int) -> None:
        """Run up to ``most`` turns."""
        for _ in range(most):
            if not self.manual.run_round():
                return

    def pass_time(self, seconds: float, is_calm: bool) -> None:
        """Let time pass. In a calm world every timer finds the bus idle; else its mail waits with all others."""
        if is_calm:
            self.manual.advance(seconds)
        else:
            self.manual.clock.advance(seconds)

    def pump(self) -> None:
        """Run and read until nothing moves any more."""
        for _ in range(MOST_PUMPS):
            self.manual.run_until_idle()
            n_read = sum([guest.see(1_000_000) for guest in self.guests])
            if not n_read and all(line.is_quiet for line in self.lines()):
                return
            if self.ledger.broken:
                return
        self.ledger.fail("rest", f"still busy after {MOST_PUMPS} rounds of turns and reads")


def _order(name: str, random: Random) -> Callable[[int], int] | None:
    if name == "fair":
        return None
    draw = random.random
    if name == "newest":
        return lambda n: n - 1 if draw() < 0.8 else int(draw() * n)
    return lambda n: int(draw() * n)
