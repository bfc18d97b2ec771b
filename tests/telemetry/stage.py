"""A tracer whose spans are kept, with time and ids that a test can foretell."""

from __future__ import annotations

from itertools import count

from arqonbus.telemetry.meters import Meters
from arqonbus.telemetry.sampler import AlwaysOn, Sampler
from arqonbus.telemetry.tracer import Over, Span, Tracer


class Stage:
    """``spans`` holds what was recorded; each look at the clock is a microsecond after the last."""

    def __init__(
        self, sampler: Sampler | None = None, *, most_deliveries: int = 16, most_debugged: int = 0, records: bool = True
    ) -> None:
        self.spans: list[Span] = []
        self.meters = Meters()
        ids, times = count(1), count(1_000_000, 1000)

        def record(over: Over) -> None:
            self.spans.append(over.span(lambda: next(ids)))

        self.tracer = Tracer(
            sampler or AlwaysOn(lambda _: next(ids)),
            self.meters,
            record if records else None,
            most_deliveries=most_deliveries,
            most_debugged=most_debugged,
            clock_ns=lambda: next(times),
            bits=lambda _: next(ids),
        )

    def names(self) -> list[str]:
        return [span.name or span.row.name for span in self.spans]

    def count_of(self, name: str, label: str = "") -> int:
        """Observations of one series."""
        return next(
            one.histogram.snapshot().count
            for one in self.meters.series()
            if one.row.name == name and one.label == label
        )
