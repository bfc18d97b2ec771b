"""Samplers of other packages: found by the entry points that OpenTelemetry defines, and asked in our way.

Imported by ``setup`` alone, when OTEL_TRACES_SAMPLER has a name that neither we nor the specification know.
"""

from __future__ import annotations

import random
from importlib.metadata import entry_points
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Sampler as OtherSampler
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from arqonbus.telemetry.context import TraceContext
from arqonbus.telemetry.sampler import Sampler, Source

__all__ = ["GROUP", "Foreign", "load"]

GROUP: Final = "opentelemetry_traces_sampler"
_NAME: Final = "publish {room}:{channel}"
_ATTRIBUTES: Final = {"messaging.system": "arqonbus", "messaging.operation.name": "publish"}
_NOWHERE: Final = Context()


class Foreign:
    """Asks a sampler of the SDK's kind. Several us a message: for rates that allow it."""

    def __init__(self, sampler: OtherSampler) -> None:
        """Keep it."""
        self._sampler = sampler

    def root(self, now: float) -> int:
        """See Sampler."""
        trace_id = random.getrandbits(128) or 1
        return trace_id if self._ask(_NOWHERE, trace_id) else 0

    def remote(self, parent: TraceContext, source: Source, now: float) -> bool:
        """See Sampler."""
        span = SpanContext(parent.trace_id, parent.span_id, True, TraceFlags(parent.flags))
        return self._ask(set_span_in_context(NonRecordingSpan(span), _NOWHERE), parent.trace_id)

    def _ask(self, context: Context, trace_id: int) -> bool:
        result = self._sampler.should_sample(context, trace_id, _NAME, SpanKind.SERVER, _ATTRIBUTES, ())
        return bool(result.decision.is_sampled())  # type: ignore[no-untyped-call]  # untyped in the SDK


def load(name: str, argument: str) -> Sampler:
    """Make the sampler that a package offers under the name.

    Raises:
        LookupError: none does
    """
    for found in entry_points(group=GROUP, name=name):
        return Foreign(found.load()(argument))
    raise LookupError(f"no sampler of the name {name}")
