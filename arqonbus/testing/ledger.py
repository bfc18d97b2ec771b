"""Ledger: what was sent and what was stored in a simulated run, and every broken promise that anybody noticed.

The store's witness writes down what became real; clients compare what they see with it. Nothing here raises, since
half of it is called inside the turns of actors, which would swallow it: the run looks at ``broken`` after each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from arqonbus.protocol.names import is_system
from arqonbus.testing.plan import Address

__all__ = ["Entry", "Ledger", "Sending", "n_ended_of"]


class Sending(Struct, frozen=True):
    """One event on its way from one connection; a repetition is a sending of its own."""

    n: int  # counted over the run; it is the payload
    client: str  # id of the connection
    sender: str  # whose ids are unique: the user, or the connection where nobody is known
    address: Address
    id: str | None


class Entry(Struct, frozen=True):
    """One event that became real."""

    n: int  # of its sending
    client: str
    sender: str
    id: str
    at: float  # virtual seconds


class Ledger:
    """One per run.

    Args:
        now: virtual seconds.
        dedupe_s: for how long an id must be known; 0: not at all.
    """

    def __init__(self, now: Callable[[], float], dedupe_s: float) -> None:
        self.shaken: set[str] = set()  # rooms in which a fault has kept somebody from joining
        self.broken: list[str] = []  # promises, the first first
        self.trace: list[str] | None = None  # steps, for people; None: nobody asked
        self.current: dict[Address, str] = {}  # epoch in force
        self.sendings: list[Sending] = []
        self.now = now
        self._dedupe_s = dedupe_s
        self._streams: dict[tuple[Address, str], list[Entry]] = {}
        self._newest: dict[tuple[Address, str, str, str], Entry] = {}  # (address, epoch, sender, id) -> its last event
        self._n_deleted: dict[Address, int] = {}  # deletions that no answer has told of
        self._n_ended: dict[Address, int] = {}  # channels that stopped, for whatever reason
        self._names: dict[str, str] = {}  # random id -> a name that is the same in each run of the seed

    # --- words ------------------------------------------------------------------------------------------------------

    def name(self, key: str, name: str) -> None:
        """Say what a random id is called in traces."""
        self._names[key] = name

    def called(self, key: str) -> str:
        """Give the name of a random id."""
        return self._names.get(key, "somebody unknown")

    def note(self, step: str) -> None:
        """Write a step into the trace, if one is kept."""
        if self.trace is not None:
            self.trace.append(f"{self.now() - 1000:9.3f} {step}")

    def fail(self, rule: str, what: str) -> None:
        """Note a broken promise."""
        self.broken.append(f"{rule}: {what}")
        self.note(f"BROKEN {rule}: {what}")

    # --- what is sent -------------------------------------------------------------------------------------------------

    def send(self, client: str, sender: str, address: Address, message_id: str | None) -> Sending:
        """Count one sending of an event."""
        sending = Sending(len(self.sendings), client, sender, address, message_id)
        self.sendings.append(sending)
        return sending

    # --- what the store says ------------------------------------------------------------------------------------------

    def opened(self, address: Address, epoch: str, top: int) -> None:
        """A channel has its log. It must be the old one, unless there is none."""
        before = self.current.get(address)
        if before == epoch:
            if top != self.top(address) and not is_system(address[0]):  # what the server tells there is not in here
                self.fail("position", f"{_at(address)} comes back at {top}, but had reached {self.top(address)}")
            return
        if before is not None:
            self.fail("epoch", f"{_at(address)} begins a new epoch, but nobody deleted it")
        self.current[address] = epoch
        self._streams[address, epoch] = []
        self.name(epoch, f"epoch {len(self._streams)}")

    def deleted(self, address: Address) -> None:
        """The channel's log is gone."""
        self.note(f"the log of {_at(address)} is deleted")
        self.current.pop(address, None)
        self._n_deleted[address] = self._n_deleted.get(address, 0) + 1

    def ended(self, address: Address) -> None:
        """A channel has stopped."""
        self._n_ended[address] = self._n_ended.get(address, 0) + 1

    def n_ended(self, place: Address) -> int:
        """Count the channels that stopped at an address, or in a whole room (``*``)."""
        return n_ended_of(self._n_ended, place)

    def ends(self) -> dict[Address, int]:
        """Give the channels that stopped so far, by address. A copy."""
        return dict(self._n_ended)

    def appended(self, address: Address, epoch: str, texts: Sequence[bytes]) -> None:
        """Events became real."""
        stream = self._streams[address, epoch]
        for text in texts:
            self._append(address, epoch, stream, msgspec.json.decode(text))

    def _append(self, address: Address, epoch: str, stream: list[Entry], event: dict[str, Any]) -> None:
        if event["seq"] != len(stream) + 1:
            self.fail("seq", f"{_at(address)} stores seq {event['seq']} after {len(stream)}")
        n = event["payload"]
        known = isinstance(n, int) and 0 <= n < len(self.sendings)
        sending = self.sendings[n] if known else Sending(-1, event["from"], "", address, None)
        if not known or (sending.client, sending.address) != (event["from"], address):
            self.fail("content", f"{_at(address)} {event['seq']} is nothing that anybody sent there")
        if sending.id is not None and sending.id != event["id"]:
            self.fail("content", f"{_at(address)} {event['seq']} has another id than it was sent with")
        entry = Entry(n, sending.client, sending.sender, event["id"], self.now())
        key = (address, epoch, entry.sender, entry.id)
        earlier = self._newest.get(key)
        if earlier is not None and self._dedupe_s and entry.at - earlier.at <= self._dedupe_s:
            self.fail("duplicate", f"{_at(address)} {event['seq']}: id {entry.id} is an event already")
        self._newest[key] = entry
        stream.append(entry)
        self.note(f"stored {_at(address)} {event['seq']} (sending {n}, id {sending.id})")

    # --- what clients see ---------------------------------------------------------------------------------------------

    def top(self, address: Address) -> int:
        """Seq of the newest event of the epoch in force; 0: none."""
        return len(self._streams.get((address, self.current.get(address, "")), ()))

    def entry(self, address: Address, epoch: str, seq: int) -> Entry | None:
        """Give what became real at a position, None: nothing did."""
        stream = self._streams.get((address, epoch), ())
        return stream[seq - 1] if 1 <= seq <= len(stream) else None

    def compare(self, who: str, address: Address, epoch: str, event: dict[str, Any]) -> None:
        """See that ``who`` is shown what everybody is shown."""
        entry = self.entry(address, epoch, event["seq"])
        shown = (event["payload"], event["id"], event["from"])
        if entry is None:
            self.fail("stored", f"{who} sees {_at(address)} {event['seq']}, which was not stored")
        elif shown != (entry.n, entry.id, entry.client):
            self.fail("content", f"{who} sees another {_at(address)} {event['seq']} than was stored")

    def acknowledged(self, who: str, sender: str, address: Address, message_id: str, result: dict[str, Any]) -> None:
        """See that an acknowledgement tells the truth."""
        epoch, seq = result["epoch"], result["seq"]
        entry = self.entry(address, epoch, seq)
        what = f"{who} is told that {message_id} is {_at(address)} {seq}"
        if entry is None:
            self.fail("stored", f"{what}, which was not stored")
        elif (entry.sender, entry.id) != (sender, message_id):
            self.fail("ack", f"{what}, which is {entry.id} of {self.called(entry.client)}")

    def deletion_answered(self, who: str, address: Address) -> None:
        """See that a channel of whose deletion somebody is told has lost its log."""
        self._n_deleted[address] = self._n_deleted.get(address, 0) - 1
        if self._n_deleted[address] < 0:
            self.fail("deleted", f"{who} is told that {_at(address)} is deleted, but its log is still there")

    def finish(self, refused: dict[tuple[str, str], int]) -> None:
        """Check the whole run at its end.

        Args:
            refused: (client, id) -> how many of its sendings were refused.
        """
        sent: dict[tuple[str, str], int] = {}
        for sending in self.sendings:
            if sending.id is not None:
                sent[sending.client, sending.id] = sent.get((sending.client, sending.id), 0) + 1
        for (address, _), stream in self._streams.items():
            last: dict[str, int] = {}
            for seq, entry in enumerate(stream, 1):
                if entry.n <= last.get(entry.client, -1):
                    self.fail("sender order", f"{_at(address)} {seq} overtook an earlier one of its sender")
                last[entry.client] = entry.n
                key = (entry.client, entry.id)
                sent[key] = sent.get(key, 1) - 1
                if sent[key] < refused.get(key, 0):
                    self.fail("refused", f"{_at(address)} {seq} was refused and happened all the same")


def n_ended_of(ends: dict[Address, int], place: Address) -> int:
    """Count the channels of ``ends`` at an address, or in a whole room (``*``)."""
    if place[1] != "*":
        return ends.get(place, 0)
    return sum(n for (room, _), n in ends.items() if room == place[0])


def _at(address: Address) -> str:
    return ":".join(address)
