"""What to export, and where: the standard ``OTEL_*`` variables over our own settings.

Pure: reads a mapping, imports no SDK. The exporters read some of the variables themselves (headers, certificates,
compression, an endpoint); here are those that they do not read, or read in a way of their own.

Source: OpenTelemetry specification, SDK environment variables and OTLP exporter configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct

__all__ = ["Exporter", "Plan", "Protocol", "Signal", "Wishes", "plan"]

Exporter: TypeAlias = Literal["otlp", "console", "none"]
Protocol: TypeAlias = Literal["http/protobuf", "grpc"]

MOST_SECONDS: Final = 600.0
"""A larger timeout is in milliseconds, as the specification has it; the Python SDK takes seconds."""

_EXPORTERS: Final[dict[str, Exporter]] = {"otlp": "otlp", "console": "console", "none": "none"}
_PROTOCOLS: Final[dict[str, Protocol]] = {"http/protobuf": "http/protobuf", "grpc": "grpc"}


class Wishes(Struct, frozen=True):
    """What our own settings say."""

    endpoint: str = ""
    """URL of an OTLP receiver, without the path of a signal; empty: none."""
    protocol: Protocol = "http/protobuf"
    timeout_s: float = 5.0
    interval_s: float = 10.0
    """Between two exports of metrics."""


class Signal(Struct, frozen=True):
    """How one signal leaves the process."""

    exporter: Exporter = "none"
    protocol: Protocol = "http/protobuf"
    endpoint: str | None = None
    """For the exporter's constructor; None: it reads the variables."""
    timeout_s: float = 5.0


class Plan(Struct, frozen=True):
    """What to set up."""

    traces: Signal
    metrics: Signal
    interval_ms: float
    """Between two exports of metrics."""
    sampler: str
    """Name of the sampler; empty: the default."""
    sampler_argument: str
    ignored: tuple[str, ...] = ()
    """Variables that could not be used, in words."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is exported: then no SDK is imported."""
        return self.traces.exporter == self.metrics.exporter == "none"


class _Reader:
    """Reads variables and keeps what was wrong with them."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.ignored: list[str] = []

    def text(self, *names: str) -> str:
        """Give the first that is set; an empty one counts as not set, as the specification asks."""
        return next((value for name in names if (value := self._variables.get(name, "").strip())), "")

    def reject(self, names: tuple[str, ...], value: str, expected: str) -> None:
        name = next(name for name in names if self._variables.get(name, "").strip())
        self.ignored.append(f"{name}: expected {expected}, got {value[:60]!a}")

    def number(self, *names: str) -> float | None:
        value = self.text(*names)
        try:
            number = float(value) if value else None
        except ValueError:
            number = -1.0
        if number is not None and not 0 < number < 1e9:
            self.reject(names, value, "a number above 0")
            return None
        return number


def plan(variables: Mapping[str, str], wishes: Wishes) -> Plan:
    """Say what to set up.

    Args:
        variables: of the environment; they win over the wishes.
        wishes: of the settings.
    """
    reader = _Reader(variables)
    interval_ms = reader.number("OTEL_METRIC_EXPORT_INTERVAL") or wishes.interval_s * 1000
    return Plan(
        traces=_signal(reader, "TRACES", "v1/traces", wishes),
        metrics=_signal(reader, "METRICS", "v1/metrics", wishes),
        interval_ms=interval_ms,
        sampler=reader.text("OTEL_TRACES_SAMPLER").lower(),
        sampler_argument=reader.text("OTEL_TRACES_SAMPLER_ARG"),
        ignored=tuple(reader.ignored),
    )


def _signal(reader: _Reader, name: str, path: str, wishes: Wishes) -> Signal:
    if reader.text("OTEL_SDK_DISABLED").lower() == "true":
        return Signal()
    names = (f"OTEL_EXPORTER_OTLP_{name}_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    is_in_environment = bool(reader.text(*names))
    exporter = _exporter(reader, name, "otlp" if is_in_environment or wishes.endpoint else "none")
    protocol = _protocol(reader, name, wishes)
    # The exporters append the path to what a variable says, but not to what the constructor is given; gRPC has none.
    endpoint = wishes.endpoint.rstrip("/") if protocol == "grpc" else f"{wishes.endpoint.rstrip('/')}/{path}"
    return Signal(
        exporter=exporter,
        protocol=protocol,
        endpoint=None if is_in_environment or not wishes.endpoint else endpoint,
        timeout_s=_timeout_s(reader, name, wishes.timeout_s),
    )


def _exporter(reader: _Reader, name: str, default: Exporter) -> Exporter:
    names = (f"OTEL_{name}_EXPORTER",)
    value = reader.text(*names)
    if value and value not in _EXPORTERS:
        reader.reject(names, value, "otlp, console or none")
    return _EXPORTERS.get(value, default)


def _protocol(reader: _Reader, name: str, wishes: Wishes) -> Protocol:
    names = (f"OTEL_EXPORTER_OTLP_{name}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    value = reader.text(*names)
    if value and value not in _PROTOCOLS:
        reader.reject(names, value, "http/protobuf or grpc")
    return _PROTOCOLS.get(value, wishes.protocol)


def _timeout_s(reader: _Reader, name: str, default_s: float) -> float:
    number = reader.number(f"OTEL_EXPORTER_OTLP_{name}_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
    if number is None:
        return default_s
    return number / 1000 if number > MOST_SECONDS else number
