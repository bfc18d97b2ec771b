"""Guest: one simulated client over all its connections: what it wants, and how it takes it up again after a loss."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

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
        """Have a new connection."""
        self.visit = visit
        self.visits.append(visit)
        if not self.user:  # another connection is another sender to the server: a repetition would be a new event
            self.unanswered.clear()
            self._lately.clear()

    def depart(self) -> None:
        """Have none any more; remember what was seen."""
        if self.visit is not None:
            self.take_answers()
            self.positions |= self.visit.seats.hang_up()
            self.visit = None

    def see(self, most: int) -> int:
        """Read up to ``most`` messages, and notice the end of the connection. Returns how many were read."""
        if self.visit is None:
            return 0
        n_read = self.visit.read(most)
        self.take_answers()
        if self.visit.line.is_cut:
            self.depart()
        return n_read

    def take_answers(self) -> None:
        """Strike off what was answered; what was refused for the moment is kept, sometimes."""
        if self.visit is None:
            return
        for message_id, is_final in self.visit.settled:
            if is_final or self._random.random() < 0.3:
                self.unanswered.pop(message_id, None)
        self.visit.settled.clear()

    # --- events -------------------------------------------------------------------------------------------------------

    def publish(self, address: Address) -> None:
        """Send one event: with or without an id, with or without ``ack``."""
        if self.visit is None:
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
        self.visit.publish(address, message_id, ack)

    def resend(self) -> None:
        """Send again what was not answered, in order, or one of the last for no reason."""
        if self.visit is None:
            return
        if self.unanswered and self._random.random() < 0.7:
            for message_id, address in self.unanswered.items():
                self.visit.publish(address, message_id, ack=True)
        elif self._lately:
            message_id, address = self._random.choice(self._lately)
            self.visit.publish(address, message_id, ack=True)

    # --- commands -----------------------------------------------------------------------------------------------------

    def ask(self, command: str, **args: Any) -> str:
        """Send a command. Returns its id; without a connection it is not sent."""
        self._n_commands += 1
        message_id = f"k{self._n_commands}"
        if self.visit is not None:
            self.visit.ask(message_id, command, **args)
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
        if self.visit is None:
            return 0
        seats = self.visit.seats
        missing = sorted(a for a in self.wants if a not in seats.by_address or not seats.by_address[a].direct)
        rooms = sorted(self.wants_all - seats.rooms)
        for room in rooms:
            self.join_all(room)
        for address in missing:
            self.join(address, self._random.choice((None, "strict", "best_effort", "latest")))
        return len(missing) + len(rooms)
