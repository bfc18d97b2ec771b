"""Comeback: one resuming connect of a simulated client: what it showed, and what the answer to it may say.

What the client had is known to it up to what it has read: memberships that it is sure of, and others that a command
under way or an end that it has not read may have changed. Between these two lies what the server may give it back.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from arqonbus.protocol import codes
from arqonbus.testing.kin import Before
from arqonbus.testing.ledger import Ledger, n_ended_of
from arqonbus.testing.line import Line
from arqonbus.testing.plan import Address
from arqonbus.testing.promises import Keeping, why_wrong
from arqonbus.testing.seats import Seats

__all__ = ["Comeback", "Pledge"]

LOST_REASONS = ("epoch_changed", "evicted", "over_limit", "disabled")
"""Why not all was replayed to a member; another reason is the code of an error, and the client is no member."""

ENDED = (codes.NORMAL, codes.GOING_AWAY, codes.DRAIN_OVER, codes.INTERNAL_ERROR)
"""Ends of a connection after which nobody may continue it."""


class Pledge(Struct, frozen=True):
    """What the server promises in this run about coming back."""

    grace_s: float  # 0: nobody is waited for
    is_sure: bool  # however many are away, each is kept
    keeping: Keeping


class Comeback:
    """See the module.

    Args:
        who: name of the new connection in traces.
        own: the id that the new connection has of itself.
        ticket: shown; None: none.
        positions: shown.
        before: the connection whose ticket it is; None: nobody's.
        ledger: of the run.
        pledge: of the run.
    """

    def __init__(
        self,
        who: str,
        own: str,
        ticket: str | None,
        positions: dict[Address, dict[str, Any]],
        before: Before | None,
        ledger: Ledger,
        pledge: Pledge,
    ) -> None:
        self.ticket = ticket
        self.positions = positions
        self.before = before
        self.possible = frozenset(positions) | (before.held.possible if before is not None else frozenset())
        self.refused: set[Address] = set()  # memberships that were not given back, with an error
        self.sure: dict[Address, int] = {}  # memberships that must be there; once it is answered
        self._ends: dict[Address, int] = {}  # channels that had stopped when it was answered
        self._who = who
        self._own = own
        self._ledger = ledger
        self._pledge = pledge
        self._stood = before is not None and before.line.stands  # the old connection, when this one was sent
        self._lived = before is not None and before.line.session.alive

    def args(self) -> dict[str, Any]:
        """Write the args of connect."""
        places = [{"room": r, "channel": c, **position} for (r, c), position in self.positions.items()]
        return {"resume": {"positions": places, **({"ticket": self.ticket} if self.ticket is not None else {})}}

    def words(self) -> str:
        """Write it for a trace, without random ids."""
        called = self._ledger.called
        places = [f"{_at(place)} {called(p['epoch'])} {p['seq']}" for place, p in self.positions.items()]
        return f"with the ticket of {called(self.before.names[0]) if self.before is not None else 'nobody'}, {places}"

    # --- the answer to connect ----------------------------------------------------------------------------------------

    def answered(self, result: dict[str, Any], seats: Seats) -> None:
        """Judge the answer, and take the seats that it gives. Next the server is asked for the memberships."""
        self._ends = self._ledger.ends()
        self._judge_identity(result["client"])
        seen: set[Address] = set()
        for entry in result["resumed"]:
            address = (entry["room"], entry["channel"])
            if address in seen:
                self._fail("resume", f"is told twice of {_at(address)}")
            seen.add(address)
            reason = entry.get("reason")
            if reason is not None and reason not in LOST_REASONS:
                self.refused.add(address)
                continue
            self._judge_entry(entry, self.positions.get(address))
            seats.resumed(entry, self._next(entry))
        for address in sorted(self.positions.keys() - seen):
            if (address[0], "*") not in self.refused:
                self._fail("resume", f"is told nothing of {_at(address)}, whose position it showed")

    def _next(self, entry: dict[str, Any]) -> int:
        if entry["recovered"]:
            return int(self.positions.get((entry["room"], entry["channel"]), entry)["seq"]) + 1
        return int(entry["seq"]) + 1

    def _judge_entry(self, entry: dict[str, Any], since: dict[str, Any] | None) -> None:
        where = _at((entry["room"], entry["channel"]))
        if since is None:
            if entry["recovered"] or entry.get("reason") or "lost" in entry:
                self._fail("recovery", f"showed no position of {where}, but is told of a recovery")
            return
        replayed = entry["seq"] - since["seq"] if entry["recovered"] else 0
        keeping = self._pledge.keeping
        # Joins that replay together share a bound, so more may be over it than one alone.
        shared = msgspec.structs.replace(keeping, replays_all=keeping.replays_all and len(self.positions) == 1)
        wrong = why_wrong({"since": since}, {"reason": None, **entry, "replayed": replayed}, shared)
        if wrong is not None:
            self._fail("recovery", f"comes back to {where}: the answer {wrong}")

    def _judge_identity(self, client: str) -> None:
        if self.before is None:
            if client != self._own:
                self._fail("resume", f"becomes {self._ledger.called(client)}, whom it did not ask for")
            return
        names, line = self.before.names, self.before.line
        continues = client in names
        if not continues and client != self._own:
            self._fail("resume", f"becomes {self._ledger.called(client)}, whom it did not ask for")
        if continues and not self.before.is_alive:
            self._fail("resume", "continues a connection that was over")
        if not continues and self._must_continue():
            self._fail("resume", f"is not {self._ledger.called(names[0])} any more, though it came in time")
        if continues:
            kin = self.before.kin()
            self.sure = {} if any(one.is_later for one in kin) else self.before.held.sure
            self.possible = self.possible.union(*(one.possible for one in kin))
            self._judge_old_line(line)

    def _must_continue(self) -> bool:
        if self.before is None or not self._lived or not self._pledge.is_sure:
            return False
        later = [one for one in self.before.kin() if one.is_later]
        is_settled = len(self.before.names) == 1 or not later
        return is_settled and all(self._is_waited_for(line) for line in (self.before.line, *(o.line for o in later)))

    def _is_waited_for(self, line: Line) -> bool:
        if line.closed in ENDED or line.noticed in ENDED:
            return False
        return line.lost_at is None or self._ledger.now() - line.lost_at < self._pledge.grace_s

    def _judge_old_line(self, line: Line) -> None:
        """The connection that is continued is told so, unless it had its end before."""
        if self._stood and not line.is_cut and line.closed not in (codes.REPLACED, codes.SLOW_CONSUMER):
            self._fail("replaced", f"continues a connection that was not told, but closed with {line.closed}")

    # --- the memberships that it has now ------------------------------------------------------------------------------

    def listed(self, memberships: list[dict[str, str]], seats: Seats) -> None:
        """Judge what the server says that the client is in, right after the answer, and settle the seats by it."""
        places = {(one["room"], one["channel"]) for one in memberships}
        seats.settle({place: n_ended_of(self._ends, place) for place in places})
        for room, _ in self.possible:
            seats.doubt(room)  # which it may be in for others a little longer than it is itself
        for place in sorted(places - self.possible):
            self._fail("membership", f"is in {_at(place)} after coming back, where it was not")
        for place, n_ended in sorted(self.sure.items()):
            # A join by name that failed is made good by that of the whole room, if the client is in that too.
            is_excused = (place[0], "*") in places or place in self.refused or self._ledger.n_ended(place) != n_ended
            if place not in places and not is_excused:
                self._fail("membership", f"is not in {_at(place)} any more after coming back")

    def _fail(self, rule: str, what: str) -> None:
        self._ledger.fail(rule, f"{self._who} {what}")


def _at(address: Address) -> str:
    return ":".join(address)
