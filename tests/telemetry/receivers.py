"""Real OTLP receivers in the test's own process, over HTTP and over gRPC, and collectors that misbehave.

They speak the protocol with the classes of opentelemetry-proto, which the exporters depend on. ``Taken`` is what came.
"""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span

LIMIT_S = 10.0


@dataclass
class Taken:
    """What a receiver took. ``behave`` says what it does first: it may sleep, and returns an HTTP status."""

    port: int = 0
    behave: Callable[[], int] = lambda: 200
    traces: list[Any] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    n_calls: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    """Of the last call, names in small letters."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in list(self.traces)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def latest(self) -> dict[str, Metric]:
        """The metrics of the last export, by name."""
        if not self.metrics:
            return {}
        resources = self.metrics[-1].resource_metrics
        return {metric.name: metric for resource in resources for s in resource.scope_metrics for metric in s.metrics}

    @property
    def resource(self) -> dict[str, str]:
        """The resource attributes of the last export."""
        request = (self.traces or self.metrics)[-1]
        (resource,) = request.resource_spans if self.traces else request.resource_metrics
        return attributes_of(resource.resource)

    def wait_for(self, condition: Callable[[Taken], bool], limit_s: float = LIMIT_S) -> None:
        until = time.monotonic() + limit_s
        while not condition(self):
            assert time.monotonic() < until, f"nothing of that came within {limit_s} s; {self.n_calls} calls"
            time.sleep(0.01)


def attributes_of(holder: Any) -> dict[str, Any]:
    """Read the attributes of a span, point or resource."""
    found = {}
    for pair in holder.attributes:
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind) if kind else None
    return found


def hang() -> int:
    """Take the call and never answer, as a collector behind a dead link."""
    time.sleep(30)
    return 200


@contextmanager
def http_receiver(behave: Callable[[], int] = lambda: 200) -> Iterator[Taken]:
    """Take OTLP over HTTP at a free port."""
    taken = Taken(behave=behave)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.n_calls += 1
            taken.headers = {name.lower(): value for name, value in self.headers.items()}
            status = taken.behave()
            if status == 200:
                data = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                if self.path == "/v1/traces":
                    taken.traces.append(trace_service_pb2.ExportTraceServiceRequest.FromString(data))
                else:
                    assert self.path == "/v1/metrics", self.path
                    taken.metrics.append(metrics_service_pb2.ExportMetricsServiceRequest.FromString(data))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A client that gave up waiting is no error here."""

    server = Server(("127.0.0.1", 0), Handler)
    taken.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    500: grpc.StatusCode.INTERNAL,
    503: grpc.StatusCode.UNAVAILABLE,
}


@contextmanager
def grpc_receiver(behave: Callable[[], int] = lambda: 200) -> Iterator[Taken]:
    """Take OTLP over gRPC at a free port."""
    taken = Taken(behave=behave)

    def take(request: Any, context: grpc.ServicerContext, kept: list[Any], answer: Any) -> Any:
        taken.n_calls += 1
        taken.headers = {key: str(value) for key, value in context.invocation_metadata()}
        status = taken.behave()
        if status != 200:
            context.abort(_CODES[status], "told to")
        kept.append(request)
        return answer

    class Traces(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            return take(request, context, taken.traces, trace_service_pb2.ExportTraceServiceResponse())

    class Metrics(metrics_service_pb2_grpc.MetricsServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:
            return take(request, context, taken.metrics, metrics_service_pb2.ExportMetricsServiceResponse())

    server = grpc.server(futures.ThreadPoolExecutor(4))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Traces(), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)
    taken.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield taken
    finally:
        server.stop(0.1)


@contextmanager
def black_hole() -> Iterator[Taken]:
    """Listen, and never accept: connections open, nothing comes back."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield Taken(port=listening.getsockname()[1])


@contextmanager
def nobody() -> Iterator[Taken]:
    """A port that refuses: nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    yield Taken(port=port)
