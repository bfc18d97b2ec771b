"""Guest: one simulated client over all its connections: what it wants, and how it takes it up again after a loss."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from arqonbus.protocol.codes import NORMAL
from arqonbus.protocol.payloads import Overflow
from arqonbus.testing.plan import Address
from arqonbus.testing.visit import Visit

__all__ = ["Guest"]


class Guest:
    """One client. Its user, if it has one, outlives its connections.

    Args:
        name: in traces.
        user: empty: nobody knows it.
        random: of the run.
        overflows: what its joins ask for, one of them at random.
    """

    def __init__(self, name: str, user: str, random: Random, overflows: Sequence[Overflow | None] = (None,)) -> None:
        self.name = name
        self.user = user
        self.visit: Visit | None = None
        self.visits: list[Visit] = []  # all so far
        self.superseded: list[Visit] = []  # that another one is about to take the place of; still read
        self.wants: set[Address] = set()  # memberships to be taken up after a loss
        self.wants_all: set[str] = set()  # rooms, likewise
        self.positions: dict[Address, dict[str, Any]] = {}  # the last seen of each channel
        self.unanswered: dict[str, Address] = {}  # events to be sent again, by id, in order
        self._lately: list[tuple[str, Address]] = []  # events that may be sent again for no reason
        self._random = random
        self._overflows = overflows
        self._n_events = 0
        self._n_commands = 0

    # --- connections --------------------------------------------------------------------------------------------------

    def arrive(self, visit: Visit) -> None:
        """Have a new connection; one that was there stays till the server ends it."""
        if self.visit is not None:
            self.positions |= self.visit.seats.positions()
            self.superseded.append(self.visit)
        self.visit = visit
        self.visits.append(visit)
        if not self.user and visit.comeback is None:
            self._forget_events()

    @property
    def last_known(self) -> Visit | None:
        """The newest connection whose ticket has come."""
        return next((visit for visit in reversed(self.visits) if visit.ticket is not None), None)

    def _forget_events(self) -> None:
        """Repeat nothing: another client id is another sender, for whom a repetition would be a new event."""
        self.unanswered.clear()
        self._lately.clear()

    @property
    def ready(self) -> Visit | None:
        """The connection, once its client knows who it is by it."""
        return self.visit if self.visit is not None and self.visit.is_ready else None

    def depart(self) -> None:
        """Have none any more; remember what was seen."""
        if self.visit is not None:
            self.take_answers()
            self.positions |= self.visit.hang_up()
            self.visit = None

    def hang_up_superseded(self) -> None:
        """End the connections whose place another one was to take, and did not."""
        for visit in self.superseded:
            visit.line.notice(NORMAL)
        self.superseded.clear()

    def see(self, most: int) -> int:
        """Read up to ``most`` messages, and notice the end of the connection. Returns how many were read."""
        n_read = sum([visit.read(most) for visit in self.superseded])
        if self.visit is not None:
            n_read += self.visit.read(most)
        self.take_answers()
        self.superseded = [visit for visit in self.superseded if not visit.line.is_cut]
        if self.visit is not None and self.visit.line.is_cut:
            self.depart()
            if self.superseded:  # the connection that was to take its place had its own place taken by it
                self.visit = self.superseded.pop()
        return n_read

    def take_answers(self) -> None:
        """Strike off what was answered; what was refused for the moment is kept, sometimes."""
        for visit in (*self.superseded, *([self.visit] if self.visit is not None else [])):
            if visit.has_become_another:
                visit.has_become_another = False
                if not self.user:
                    self._forget_events()
            for message_id, is_final in visit.settled:
                if is_final or self._random.random() < 0.3:
                    self.unanswered.pop(message_id, None)
            visit.settled.clear()

    # --- events -------------------------------------------------------------------------------------------------------

    def publish(self, address: Address) -> None:
        """Send one event: with or without an id, with or without ``ack``."""
        if self.ready is None:
            return
        has_id = self._random.random() < 0.8
        ack = has_id and self._random.random() < 0.8
        message_id = None
        if has_id:
            self._n_events += 1
            message_id = f"{self.name}-{self._n_events}"
            self._lately = [*self._lately[-4:], (message_id, address)]
            if ack:
                self.unanswered[message_id] = address
        self.ready.publish(address, message_id, ack)

    def resend(self) -> None:
        """Send again what was not answered, in order, or one of the last for no reason."""
        if self.ready is None:
            return
        if self.unanswered and self._random.random() < 0.7:
            for message_id, address in self.unanswered.items():
                self.ready.publish(address, message_id, ack=True)
        elif self._lately:
            message_id, address = self._random.choice(self._lately)
            self.ready.publish(address, message_id, ack=True)

    # --- commands -----------------------------------------------------------------------------------------------------

    def ask(self, command: str, **args: Any) -> str:
        """Send a command. Returns its id; without a connection it is not sent."""
        self._n_commands += 1
        message_id = f"k{self._n_commands}"
        if self.ready is not None:
            self.ready.ask(message_id, command, **args)
        return message_id

    def join(self, address: Address, recover: str | None) -> None:
        """Join one channel, with the last position seen there if there is one."""
        self.wants.add(address)
        room, channel = address
        position = self._position(address)
        overflow = self._random.choice(self._overflows)
        if position is not None and self._random.random() < 0.9:
            self.ask("join_channel", room=room, channel=channel, since=position, recover=recover, overflow=overflow)
        else:
            n = self._random.choice((0, 0, 2, 1000))
            self.ask("join_channel", room=room, channel=channel, replay=n, overflow=overflow)

    def _position(self, address: Address) -> dict[str, Any] | None:
        """Give the last position seen; a member's own position may move on before the join is read."""
        if self.visit is not None:
            seat = self.visit.seats.by_address.get(address)
            if seat is not None:
                return {"epoch": seat.epoch, "seq": seat.next - 1}
            if address in self.visit.seats.seen:
                return self.visit.seats.seen[address]
        return self.positions.get(address)

    def to_show(self) -> dict[Address, dict[str, Any]]:
        """Give positions for a resuming connect: of nearly all that it wants and has seen something of."""
        known = self.positions | (self.visit.seats.positions() if self.visit is not None else {})
        wanted = [a for a in known if a in self.wants or a[0] in self.wants_all]
        return {address: known[address] for address in sorted(wanted) if self._random.random() < 0.9}

    def leave(self, address: Address) -> None:
        """Leave one channel."""
        self.wants.discard(address)
        self.ask("leave_channel", room=address[0], channel=address[1])

    def join_all(self, room: str) -> None:
        """Join a room as a whole."""
        self.wants_all.add(room)
        self.ask("join_channel", room=room, channel="*", overflow=self._random.choice(self._overflows))

    def leave_all(self, room: str) -> None:
        """Leave a room as a whole."""
        self.wants_all.discard(room)
        self.ask("leave_channel", room=room, channel="*")

    def take_up(self) -> int:
        """Join again what it wants and is not in. Returns how many joins that were."""
        if self.ready is None:
            return 0
        seats = self.ready.seats
        missing = sorted(a for a in self.wants if a not in seats.by_address or not seats.by_address[a].direct)
        rooms = sorted(self.wants_all - seats.rooms.keys())
        for room in rooms:
            self.join_all(room)
        for address in missing:
            self.join(address, self._random.choice((None, "strict", "best_effort", "latest")))
        return len(missing) + len(rooms)
