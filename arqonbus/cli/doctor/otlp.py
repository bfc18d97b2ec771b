"""OTLP: whether what a server exports gets anywhere: address, token, protocol. Asked with an empty export."""

from __future__ import annotations

import http.client
import os
import ssl
import time
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from arqonbus.cli.kit.measures import Finding
from arqonbus.config import Settings
from arqonbus.telemetry.environment import Signal, Wishes, plan

__all__ = ["check_otlp"]

Name = Literal["traces", "metrics"]

_METHODS: Final[Mapping[Name, str]] = {
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
}
_SERVER: Final = "start the collector, or mend telemetry.endpoint (OTEL_EXPORTER_OTLP_ENDPOINT)"
_TOKEN: Final = "mend the token in OTEL_EXPORTER_OTLP_HEADERS"  # noqa: S105 - words, no token
_PATH: Final = (
    "the address is no OTLP receiver: over HTTP it ends before /v1/traces, usually with port 4318; 4317 is gRPC"
)
_LATER: Final = "the collector works, and has too much to do or nowhere to send it; see its log"


def check_otlp(settings: Settings, variables: Mapping[str, str] = os.environ) -> list[Finding]:
    """Look at the receivers of traces and metrics. Blocks: for the timeout of an export each, at most.

    Args:
        settings: of the server
        variables: of its environment, which win
    """
    wishes = settings.telemetry
    planned = plan(variables, Wishes(wishes.endpoint, wishes.protocol, wishes.timeout_s, wishes.interval_s))
    found = [Finding("otlp", "warning", words, "mend it; it is ignored now") for words in planned.ignored]
    signals: tuple[tuple[Name, Signal], ...] = (("traces", planned.traces), ("metrics", planned.metrics))
    for name, signal in signals:
        if signal.exporter == "otlp":
            found.append(_check(name, signal, variables))
    return found or [Finding("otlp", "ok", "nothing is exported (telemetry.endpoint)")]


def _check(name: Name, signal: Signal, variables: Mapping[str, str]) -> Finding:
    endpoint = _endpoint(name, signal, variables)
    ask = _over_grpc if signal.protocol == "grpc" else _over_http
    what = f"otlp {name}"
    began_at = time.perf_counter()
    verdict, words, do = ask(name, endpoint, _headers(name, variables), signal.timeout_s)
    ms = (time.perf_counter() - began_at) * 1000
    shown = _without_login(endpoint)
    return Finding(what, verdict, f"{shown} {words}" + (f", in {ms:.0f} ms" if verdict == "ok" else ""), do)


_Answer = tuple[Literal["ok", "warning", "wrong"], str, str]
_TAKEN: Final[_Answer] = ("ok", "takes what it is sent", "")


def _over_http(name: Name, endpoint: str, headers: Mapping[str, str], timeout_s: float) -> _Answer:
    parts = urlsplit(endpoint)
    host = parts.hostname or "localhost"
    try:
        if parts.scheme == "https":
            trusted = ssl.create_default_context(cafile=os.environ.get("OTEL_EXPORTER_OTLP_CERTIFICATE") or None)
            client: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port or 443, timeout=timeout_s, context=trusted
            )
        else:
            client = http.client.HTTPConnection(host, parts.port or 80, timeout=timeout_s)
        try:
            client.request("POST", parts.path or "/", b"", {**headers, "Content-Type": "application/x-protobuf"})
            status = client.getresponse().status
        finally:
            client.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        return "wrong", f"does not answer: {_reason(error)}", _SERVER
    return _judged(status)


def _judged(status: int) -> _Answer:
    if 200 <= status < 300:
        return _TAKEN
    if status in (401, 403, 407):
        return "wrong", f"does not accept the token: it says {status}", _TOKEN
    if status in (429, 502, 503, 504):
        return "warning", f"takes nothing now: it says {status}", _LATER
    return "wrong", f"is not what it should be: it says {status}", _PATH


def _over_grpc(name: Name, endpoint: str, headers: Mapping[str, str], timeout_s: float) -> _Answer:
    import grpc  # type: ignore[import-untyped] # comes with the exporters, without types

    parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    where = f"{parts.hostname or 'localhost'}:{parts.port or 4317}"
    safe = parts.scheme == "https"
    channel = grpc.secure_channel(where, grpc.ssl_channel_credentials()) if safe else grpc.insecure_channel(where)
    try:
        call = channel.unary_unary(_METHODS[name])
        call(b"", timeout=timeout_s, metadata=[(key.lower(), value) for key, value in headers.items()])
    except grpc.RpcError as error:
        code, details = error.code().name, (error.details() or "")[:200]
        if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return "wrong", f"does not accept the token: {code}", _TOKEN
        if code in ("UNAVAILABLE", "DEADLINE_EXCEEDED") and "onnect" in details or code == "DEADLINE_EXCEEDED":
            return "wrong", f"does not answer: {details or code}", _SERVER
        if code in ("UNAVAILABLE", "RESOURCE_EXHAUSTED"):
            return "warning", f"takes nothing now: {code}", _LATER
        return "wrong", f"is not what it should be: {code} {details}", _PATH
    finally:
        channel.close()
    return _TAKEN


def _endpoint(name: Name, signal: Signal, variables: Mapping[str, str]) -> str:
    """Give the address as the exporter makes it."""
    if signal.endpoint is not None:
        return signal.endpoint
    own = variables.get(f"OTEL_EXPORTER_OTLP_{name.upper()}_ENDPOINT", "").strip()
    if own:
        return own
    shared = variables.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip()
    if shared:
        return shared if signal.protocol == "grpc" else f"{shared.rstrip('/')}/v1/{name}"
    return "http://localhost:4317" if signal.protocol == "grpc" else f"http://localhost:4318/v1/{name}"


def _headers(name: Name, variables: Mapping[str, str]) -> dict[str, str]:
    """Read `key=value,key=value`, values as in URLs (W3C Baggage, as the specification of the exporters has it)."""
    text = variables.get(f"OTEL_EXPORTER_OTLP_{name.upper()}_HEADERS") or variables.get(
        "OTEL_EXPORTER_OTLP_HEADERS", ""
    )
    pairs = (pair.partition("=") for pair in text.split(",") if "=" in pair)
    return {unquote(key).strip(): unquote(value).strip() for key, _, value in pairs}


def _without_login(url: str) -> str:
    scheme, separator, rest = url.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
