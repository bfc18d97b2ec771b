"""Plan: what a run does, and which part of it each process does. Pure data and arithmetic; travels as JSON."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = ["SHAPES", "Part", "Plan", "Shape", "parts"]

Shape: TypeAlias = Literal["fanout", "pairs", "requests"]

SHAPES: Final[dict[Shape, str]] = {
    "fanout": "one sender, all clients read the same channel",
    "pairs": "each client has a channel of its own, sends to it and reads it",
    "requests": "each client asks a service, and waits for the answer",
}


class Plan(Struct, frozen=True):
    """One run."""

    url: str
    shape: Shape
    clients: int  # readers of a fan-out, pairs, or those who ask
    rate: float  # messages a second, of all senders together
    duration_s: float  # that is measured
    warmup_s: float  # before it, that is sent but not measured
    size: int  # bytes of the payload, at least
    processes: int
    room: str  # of this run alone
    token: str | None = None
    connect_s: float = 10.0  # that each client has to connect

    @property
    def n_messages(self) -> int:
        """How many are sent, those of the warm-up included."""
        return max(1, round((self.warmup_s + self.duration_s) * self.rate))

    def due_ns(self, n: int, start_ns: int) -> int:
        """Say when message `n`, counted from 0, is to be sent. Even distances, without the sum of rounding errors."""
        return start_ns + round(n * 1e9 / self.rate)

    def measured_from_ns(self, start_ns: int) -> int:
        """Say from when on it is measured."""
        return start_ns + round(self.warmup_s * 1e9)


class Part(Struct, frozen=True):
    """What one process does."""

    readers: tuple[int, ...]  # numbers of clients that read (or send to themselves, or ask)
    sends: bool  # whether it sends: a fan-out has one process that does
    serves: bool = False  # whether the service stands in it
    first: int = 0  # which messages it sends: this one,
    step: int = 1  # and every so-manieth after it


def parts(plan: Plan) -> list[Part]:
    """Share the run out.

    With several processes the sender of a fan-out, and the service, have one for themselves: what measures is not to
    wait for what makes the load.
    """
    everybody = range(plan.clients)
    if plan.processes == 1:
        return [Part(tuple(everybody), sends=True, serves=plan.shape == "requests")]
    if plan.shape == "pairs":
        n = min(plan.processes, plan.clients)
        return [Part(tuple(everybody[i::n]), sends=True, first=i, step=n) for i in range(n)]
    n = min(plan.processes - 1, plan.clients)
    shares = [tuple(everybody[i::n]) for i in range(n)]
    if plan.shape == "fanout":
        return [Part((), sends=True), *(Part(share, sends=False) for share in shares)]
    asking = [Part(share, sends=True, first=i, step=len(shares)) for i, share in enumerate(shares)]
    return [Part((), sends=False, serves=True), *asking]
