"""Trace context: spans around what is sent and handled, with OpenTelemetry's API if it is there and wanted.

Rules R53 to R55. Nothing of OpenTelemetry is imported before somebody makes an `OpenTelemetry`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final, Protocol

from arqonbus.client.message import Message

__all__ = ["NO_TRACING", "NoTracing", "OpenTelemetry", "Tracing"]

Carrier = dict[str, str]


class Tracing(Protocol):
    """What the bus does for traces."""

    def sending(self, address: str, id: str) -> AbstractContextManager[Carrier]:
        """Span around the sending of a message; gives the fields that continue it, `traceparent` and `tracestate`."""

    def handling(self, message: Message[Any]) -> AbstractContextManager[None]:
        """Span around the handling of a message, which continues the sender's."""


class NoTracing:
    """Makes no spans and adds nothing."""

    def sending(self, address: str, id: str) -> AbstractContextManager[Carrier]:
        """See Tracing."""
        return nullcontext({})

    def handling(self, message: Message[Any]) -> AbstractContextManager[None]:
        """See Tracing."""
        return nullcontext()


NO_TRACING: Final = NoTracing()


class OpenTelemetry:
    """Spans by OpenTelemetry's API, with the attributes of its conventions for messaging.

    Args:
        provider: of tracers; None: the global one

    Raises:
        ImportError: OpenTelemetry's API is not installed
    """

    def __init__(self, provider: Any = None) -> None:
        # Here, so that nobody pays for the import (43 ms) who does not want it.
        from opentelemetry import trace
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace = trace
        self._tracer = trace.get_tracer("arqonbus.client", tracer_provider=provider)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def sending(self, address: str, id: str) -> Iterator[Carrier]:
        """See Tracing."""
        attributes = _attributes("send", "send", address, id)
        kind = self._trace.SpanKind.PRODUCER
        with self._tracer.start_as_current_span(f"send {_room(address)}", kind=kind, attributes=attributes):
            carrier: Carrier = {}
            self._propagator.inject(carrier)
            yield carrier

    @contextmanager
    def handling(self, message: Message[Any]) -> Iterator[None]:
        """See Tracing."""
        fields = {"traceparent": message.traceparent, "tracestate": message.tracestate}
        carrier = {name: text for name, text in fields.items() if text is not None}
        context = self._propagator.extract(carrier)
        sender = self._trace.get_current_span(context).get_span_context()
        address = message.address or message.kind
        with self._tracer.start_as_current_span(
            f"process {_room(address)}",
            context=context,
            kind=self._trace.SpanKind.CONSUMER,
            attributes=_attributes("process", "process", address, message.id),
            links=[self._trace.Link(sender)] if sender.is_valid else None,
        ):
            yield


def _room(address: str) -> str:
    return address.partition(":")[0]


def _attributes(name: str, kind: str, address: str, id: str) -> Mapping[str, str]:
    return {
        "messaging.system": "arqonbus",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": address,
        "messaging.message.id": id,
    }
