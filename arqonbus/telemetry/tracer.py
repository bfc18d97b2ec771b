"""Tracer: decides whether a message is traced and gives it the context that travels in its mail.

There is one where telemetry is on and none where it is off, so actors ask ``is not None`` and nothing else. It knows
no SDK: where spans go is a callable (``recorder``), and may be None, when only the timings are wanted.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.telemetry.context import TraceContext, format_parent, parse_raw, parse_sampled
from arqonbus.telemetry.debugging import Debugging
from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.sampler import Sampler, Source
from arqonbus.telemetry.span_table import Row

__all__ = ["ALWAYS", "NewId", "Over", "Record", "Span", "Trace", "Tracer", "Waiting"]

MOST_DELIVERIES = 16
"""Deliveries of one message with a span of their own. A trace of a thousand spans is slow to show and tells no more."""


NewId: TypeAlias = Callable[[], int]
"""Makes the id of a span. Callable from any thread."""


class Span(Struct, frozen=True, gc=False):
    """One finished span."""

    row: Row
    trace_id: int
    span_id: int
    parent_id: int
    """0: none, it is the first of its trace."""
    started_ns: int
    """Nanoseconds since 1970, as below."""
    ended_ns: int
    attributes: dict[str, str | int | bool]
    error: str | None = None
    """Why it failed; None: it did not."""
    links: Sequence[TraceContext] = ()
    is_parent_remote: bool = False
    """Whether the span above is of another process."""
    name: str = ""
    """Empty: the row's."""

    def span(self, new_id: NewId) -> Span:
        """See ``Over``."""
        return self


class Over(Protocol):
    """A hop that is over, told by references alone: 0.1 us to make, in the loop's thread.

    Whoever exports makes the span of it, in a thread of its own, so what it refers to never changes any more.
    """

    def span(self, new_id: NewId) -> Span:
        """Make the span."""


Record: TypeAlias = Callable[[Over], None]
"""Takes one hop that is over. Never blocks, never raises."""


class Waiting(Protocol):
    """The receiver of a message."""

    @property
    def depth(self) -> int:
        """Mails that wait for it."""


class Trace(Struct, frozen=True, gc=False):
    """One traced message or command on its way: what its mail carries. None where it is not traced."""

    trace_id: int
    span_id: int
    """Of its first span in this process: publish or command."""
    parent_id: int
    """The sender's span; 0: none."""
    started_ns: int
    """When the session took it, nanoseconds since 1970."""
    size: int
    """Bytes of the message as it came."""
    depth: int
    """Mails that waited for the first actor when it was told."""
    is_recorded: bool
    """Whether it has spans; else it is only timed."""

    @property
    def traceparent(self) -> str | None:
        """What goes into the delivered frame if the sender gave none: the publish span, or nothing."""
        return format_parent(self.trace_id, self.span_id) if self.is_recorded and not self.parent_id else None


class Opening(Protocol):
    """When the next new trace may begin."""

    @property
    def opens_at(self) -> float:
        """Monotonic seconds."""


class _Always(Struct, frozen=True):
    opens_at: float = float("-inf")


ALWAYS: Final[Opening] = _Always()
"""Any time."""


class Tracer:
    """Owned by the server, shared by all actors of one process, used in the loop's thread only.

    Only ``pause`` may be called from another thread.
    """

    __slots__ = (
        "_bits",
        "_paused_until",
        "_root",
        "clock_ns",
        "debugging",
        "meters",
        "most_deliveries",
        "n_sampled",
        "n_throttled",
        "opening",
        "record",
        "sampler",
    )

    def __init__(
        self,
        sampler: Sampler,
        meters: Meters,
        record: Record | None = None,
        *,
        most_deliveries: int = MOST_DELIVERIES,
        most_debugged: int = 0,
        clock_ns: Callable[[], int] = time.time_ns,
        bits: Callable[[int], int] = random.getrandbits,
    ) -> None:
        """Keep the arguments.

        Args:
            sampler: decides.
            meters: take the timings.
            record: takes the spans; None: messages are timed, and no frame carries a context of ours.
            most_deliveries: of one message with a span of their own.
            most_debugged: clients at once whose every message is traced.
            clock_ns: the wall clock.
            bits: gives so many random bits.
        """
        self.sampler = sampler
        self.meters = meters
        self.record = record
        self.most_deliveries = most_deliveries
        self.debugging = Debugging(most_debugged)
        self.clock_ns = clock_ns
        self.n_sampled = 0  # messages and commands that were traced or timed
        self.n_throttled = 0  # whose sender traces them, over the bound of what it may ask for
        self.opening: Opening = getattr(sampler, "opening", ALWAYS)  # before it opens, none asks for a new trace
        self._root = sampler.root
        self._bits = bits
        self._paused_until = 0.0  # monotonic seconds

    def begin(
        self, traceparent: Raw | UnsetType, source: Source, now: float, size: int = 0, to: Waiting | None = None
    ) -> Trace | None:
        """Decide on one message. 0.2 us when the answer is no.

        Args:
            traceparent: the field of the envelope.
            source: the client's.
            now: monotonic seconds; those of the turn will do.
            size: bytes of the message.
            to: the actor that it goes to; only asked when the answer is yes.
        """
        if now < self._paused_until:
            return None
        if traceparent is UNSET:
            trace_id, parent_id = self._root(now), 0
        else:
            parent = parse_sampled(traceparent)
            if parent is None:
                trace_id = parent_id = 0  # not sampled: the sender wants no trace; invalid: it is not asked twice
            elif self.sampler.remote(parent, source, now):
                trace_id, parent_id = parent.trace_id, parent.span_id
            else:
                trace_id = parent_id = 0
                self.n_throttled += not source.is_debug
        if not trace_id:
            if not source.is_debug or not self.debugging.take(now):
                return None
            trace_id, parent_id = self._debugged(traceparent)
        self.n_sampled += 1
        depth = to.depth if to is not None else 0
        return Trace(trace_id, self.new_id(), parent_id, self.clock_ns(), size, depth, self.record is not None)

    def go_on(self, parent: TraceContext, source: Source, now: float) -> Trace | None:
        """Go on with a trace of another node, where an event of it arrives. Args: as of ``begin``."""
        if now < self._paused_until:
            return None
        if not self.sampler.remote(parent, source, now):
            self.n_throttled += 1
            return None
        self.n_sampled += 1
        ids = (parent.trace_id, self.new_id(), parent.span_id)
        return Trace(*ids, self.clock_ns(), 0, 0, self.record is not None)

    def _debugged(self, traceparent: Raw | UnsetType) -> tuple[int, int]:
        parent = parse_raw(traceparent)  # also one that is not sampled: here the sender's wish does not count
        return (self._bits(128) or 1, 0) if parent is None else (parent.trace_id, parent.span_id)

    def new_id(self) -> int:
        """Make the id of a span."""
        return self._bits(64) or 1

    def pause(self, until: float) -> None:
        """Begin no trace before ``until``, monotonic seconds: nobody takes them. Callable from any thread."""
        self._paused_until = until
