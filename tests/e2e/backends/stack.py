"""The collector, Jaeger and Prometheus as processes, with the files of otel/ that docker-compose.yml gives them."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.e2e.backends.build import BIN, ROOT
from tests.specs.bus import free_port

START_LIMIT_S = 30.0
OTEL = ROOT / "otel"


class Stack:
    """Three processes on loopback, from ``with`` to its end."""

    def __init__(self, folder: Path) -> None:
        """Args: ``folder`` takes their data and output."""
        self._folder = folder
        self._ports = {
            name: free_port() for name in ("grpc", "http", "health", "jaeger", "query", "query_grpc", "prom")
        }
        self._ports["jaeger_health"] = free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Stack:
        try:
            for name in ("prometheus", "jaeger", "otelcol"):
                self.start(name)
            for url in (f"{self.prometheus}/-/ready", f"{self.jaeger}/api/services", self._at("health")):
                self.wait_for(lambda url=url: _is_up(url), f"{url} to answer")
        except BaseException:
            self._end_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end_all()

    def start(self, name: str) -> None:
        """Start one of the three."""
        commands = {
            "prometheus": (self._prometheus(), {}),
            "jaeger": ([str(BIN / "jaeger"), f"--config={OTEL / 'jaeger.yaml'}"], self._jaeger_variables()),
            "otelcol": ([str(BIN / "otelcol"), f"--config={OTEL / 'collector.yaml'}"], self._variables()),
        }
        command, variables = commands[name]
        environment = {"PATH": "/usr/bin:/bin", "GOMAXPROCS": "1", **variables}
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=self._folder)

    def end(self, name: str) -> None:
        """End one of the three."""
        _end(self._processes.pop(name))

    def _end_all(self) -> None:
        for name in list(self._processes):
            self.end(name)

    @property
    def endpoint(self) -> str:
        """Where the collector takes OTLP over HTTP."""
        return self._at("http")

    @property
    def jaeger(self) -> str:
        """Jaeger's HTTP API."""
        return self._at("query")

    @property
    def prometheus(self) -> str:
        """Prometheus' HTTP API."""
        return self._at("prom")

    def services(self) -> list[str]:
        """Names of the services that Jaeger knows."""
        return _get(f"{self.jaeger}/api/services")["data"] or []

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of one trace, as Jaeger has them; none: it does not know it (yet)."""
        try:
            found = _get(f"{self.jaeger}/api/traces/{trace_id}")["data"]
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return []
            raise
        return found[0]["spans"] if found else []

    def query(self, expr: str) -> list[dict[str, Any]]:
        """The result of one PromQL expression.

        Raises:
            AssertionError: Prometheus does not take it.
        """
        return self._ask("query", query=expr)

    def exemplars(self, expr: str) -> list[dict[str, Any]]:
        """The exemplars of the series of an expression, of the last ten minutes."""
        now = time.time()
        return self._ask("query_exemplars", query=expr, start=str(now - 600), end=str(now + 10))

    def monitor(self, what: str) -> list[Any]:
        """The points of one metric of Jaeger's Monitor tab."""
        metrics = _get(f"{self.jaeger}/api/metrics/{what}").get("metrics", [])
        return [point for metric in metrics for point in metric.get("metricPoints", ())]

    def rules(self) -> list[dict[str, Any]]:
        """The alert rules that Prometheus loaded."""
        groups = _get(f"{self.prometheus}/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def wait_for(self, condition: Callable[[], object], what: str, limit_s: float = START_LIMIT_S) -> None:
        """Wait until the condition holds, or fail with what the processes said."""
        until = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < until, f"waited {limit_s} s for {what}{self.story()}"
            time.sleep(0.1)

    def story(self) -> str:
        """What the processes said last."""
        texts = [f"\n--- {path.stem} said ---\n{path.read_text('utf-8', 'replace')[-3000:]}" for path in self._logs()]
        return "".join(texts)

    def _logs(self) -> list[Path]:
        return sorted(self._folder.glob("*.log"))

    def _ask(self, what: str, **values: str) -> list[dict[str, Any]]:
        url = f"{self.prometheus}/api/v1/{what}?{urllib.parse.urlencode(values)}"
        try:
            return _results(_get(url)["data"])
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{values['query']}: {error.read().decode()}") from error

    def _at(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def _host(self, name: str) -> str:
        return f"127.0.0.1:{self._ports[name]}"

    def _prometheus(self) -> list[str]:
        return [
            str(BIN / "prometheus"),
            f"--config.file={OTEL / 'prometheus.yml'}",
            f"--storage.tsdb.path={self._folder / 'tsdb'}",
            f"--web.listen-address={self._host('prom')}",
            "--web.enable-otlp-receiver",
            "--enable-feature=exemplar-storage",
        ]

    def _jaeger_variables(self) -> dict[str, str]:
        return {
            "OTLP_GRPC_LISTEN": self._host("jaeger"),
            "QUERY_HTTP_LISTEN": self._host("query"),
            "QUERY_GRPC_LISTEN": self._host("query_grpc"),
            "HEALTH_LISTEN": self._host("jaeger_health"),
            "PROMETHEUS_URL": self.prometheus,
        }

    def _variables(self) -> dict[str, str]:
        return {
            "OTLP_GRPC_LISTEN": self._host("grpc"),
            "OTLP_HTTP_LISTEN": self._host("http"),
            "HEALTH_LISTEN": self._host("health"),
            "JAEGER_ENDPOINT": self._host("jaeger"),
            "PROMETHEUS_ENDPOINT": f"{self.prometheus}/api/v1/otlp",
            "SPAN_METRICS_INTERVAL": "1s",
        }


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def _results(data: Any) -> list[dict[str, Any]]:
    found = data["result"] if isinstance(data, dict) else data
    return found if isinstance(found, list) else []


def _is_up(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
