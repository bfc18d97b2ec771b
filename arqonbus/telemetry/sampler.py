"""Samplers: which messages are traced. Decided once for each message, where it comes in.

Pure: no clock, no SDK. The default traces every message at low traffic and at most so many a second under load; the
six names that OpenTelemetry defines work as everywhere. ``OTEL_TRACES_SAMPLER`` chooses, see ``environment``.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Final, Protocol

from arqonbus.telemetry.context import TraceContext

__all__ = [
    "RATE_LIMITED",
    "SAMPLERS",
    "AlwaysOff",
    "AlwaysOn",
    "Bucket",
    "ParentBased",
    "RateLimited",
    "Ratio",
    "Sampler",
    "Source",
    "named",
]

RATE_LIMITED: Final = "arqonbus_ratelimited"
"""Name of the default sampler; its argument is the number of new traces a second."""

SOURCE_RATE: Final = 20.0
"""Traces a second that one client may ask for by a sampled ``traceparent``."""

NODE_FACTOR: Final = 4.0
"""All clients together may ask for so many times the rate of new traces."""

_MASK: Final = (1 << 64) - 1


class Bucket:
    """So many a second, with a burst. Full at the start. 0.1 us a question, and one comparison when it is empty.

    Holds one number, the moment from which it gives again: the form of the token bucket that needs no refill.
    """

    __slots__ = ("_interval_s", "_tolerance_s", "opens_at")

    def __init__(self, rate: float, burst: float) -> None:
        """Args: ``rate`` a second, 0: never; ``burst`` at once, at least 1."""
        self._interval_s = 1.0 / rate if rate > 0 else math.inf
        # A thousandth more, for rounding: the last one of a burst must not fail by a bit. The rate stays exact.
        self._tolerance_s = (max(burst, 1.0) - 0.999) * self._interval_s if rate > 0 else 0.0
        self.opens_at = -math.inf if rate > 0 else math.inf

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        opens_at = self.opens_at
        if now < opens_at:
            return False
        # A full bucket gives `burst` at once: its debt starts from now, not from when it was last asked.
        self.opens_at = max(now - self._tolerance_s, opens_at) + self._interval_s
        return True


class Source:
    """What one client may ask of the sampler. Owned by its session; made with it, where there is a tracer."""

    __slots__ = ("bucket", "is_debug")

    def __init__(self, *, is_debug: bool = False) -> None:
        """Args: ``is_debug``: an operator asked that all messages of this client be traced."""
        self.is_debug = is_debug
        self.bucket: Bucket | None = None  # made with the first sampled traceparent, since most clients send none


class Sampler(Protocol):
    """Decides for one message. Called by the loop's thread only."""

    def root(self, now: float) -> int:
        """Give the id of a new trace, or 0: the message is not traced."""

    def remote(self, parent: TraceContext, source: Source, now: float) -> bool:
        """Say whether a message is traced whose sender traces it already."""


class RateLimited:
    """New traces: at most ``rate`` a second. Of senders that trace: bounded for each and for all, so that a client
    that marks every message cannot switch the whole cost on.
    """

    __slots__ = ("_bits", "_node", "opening")

    def __init__(self, rate: float, bits: Callable[[int], int] = random.getrandbits) -> None:
        """Args: ``rate``: new traces a second, from 0; ``bits``: gives so many random bits."""
        # A burst as large as the rate would make the first second give twice the rate.
        self.opening = Bucket(rate, rate / 5)
        self._node = Bucket(rate * NODE_FACTOR, rate * NODE_FACTOR / 5)
        self._bits = bits

    def root(self, now: float) -> int:
        """See Sampler."""
        return (self._bits(128) or 1) if self.opening.take(now) else 0

    def remote(self, parent: TraceContext, source: Source, now: float) -> bool:
        """See Sampler."""
        if source.bucket is None:
            source.bucket = Bucket(SOURCE_RATE, SOURCE_RATE)
        return source.bucket.take(now) and self._node.take(now)


class AlwaysOn:
    """Traces everything. A load that nothing bounds."""

    def __init__(self, bits: Callable[[int], int] = random.getrandbits) -> None:
        """Args: as of RateLimited."""
        self._bits = bits

    def root(self, now: float) -> int:
        """See Sampler."""
        return self._bits(128) or 1

    def remote(self, parent: TraceContext, source: Source, now: float) -> bool:
        """See Sampler."""
        return True


class AlwaysOff:
    """Traces nothing."""

    def root(self, now: float) -> int:
        """See Sampler."""
        return 0

    def remote(self, parent: TraceContext, source: Source, now: float) -> bool:
        """See Sampler."""
        return False


class Ratio:
    """Traces a share of all, decided by the trace id alone, as every OpenTelemetry SDK does."""

    def __init__(self, ratio: float, bits: Callable[[int], int] = random.getrandbits) -> None:
        """Args: ``ratio`` from 0 to 1."""
        self._bound = round(ratio * (1 << 64))
        self._bits = bits

    def root(self, now: float) -> int:
        """See Sampler."""
        trace_id = self._bits(128) or 1
        return trace_id if trace_id & _MASK < self._bound else 0

    def remote(self, parent: TraceContext, source: Source, now: float) -> bool:
        """See Sampler."""
        return parent.trace_id & _MASK < self._bound


class ParentBased:
    """New traces as another sampler says; a message whose sender traces it is always traced."""

    def __init__(self, root: Sampler) -> None:
        """Args: ``root``: decides on messages without a context."""
        self.root = root.root

    def remote(self, parent: TraceContext, source: Source, now: float) -> bool:
        """See Sampler."""
        return True


def _ratio(argument: str) -> Sampler:
    ratio = float(argument or 1.0)
    if not 0.0 <= ratio <= 1.0:
        raise ValueError(f"expected a ratio from 0 to 1, got {argument}")
    return Ratio(ratio)


SAMPLERS: Final[dict[str, Callable[[str], Sampler]]] = {
    "always_on": lambda _: AlwaysOn(),
    "always_off": lambda _: AlwaysOff(),
    "traceidratio": _ratio,
    "parentbased_always_on": lambda _: ParentBased(AlwaysOn()),
    "parentbased_always_off": lambda _: ParentBased(AlwaysOff()),
    "parentbased_traceidratio": lambda argument: ParentBased(_ratio(argument)),
}
"""The samplers that OpenTelemetry names, by name; each is made from its argument, empty: the default."""


def named(name: str, argument: str, default_rate: float) -> Sampler | None:
    """Make a sampler by its name; None: the name is not ours.

    Args:
        name: one of ``SAMPLERS`` or ``RATE_LIMITED``; empty: the latter.
        argument: empty: the default of that sampler.
        default_rate: new traces a second, for ``RATE_LIMITED`` without an argument.

    Raises:
        ValueError: the argument is none for that sampler
    """
    if name in ("", RATE_LIMITED):
        rate = float(argument) if argument else default_rate
        if not 0 <= rate < math.inf:
            raise ValueError(f"expected new traces a second, got {argument}")
        return RateLimited(rate)
    make = SAMPLERS.get(name)
    return None if make is None else make(argument)
