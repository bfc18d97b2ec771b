"""A picture of a trace in Zipkin's page, for Jaeger built from its Go module has none.

Needs Java, Chromium, and Zipkin as ``zipkin.jar`` beside the other backends. Maven has it:
``mvn dependency:copy -Dartifact=io.zipkin:zipkin-server:3.5.1:jar:exec -DoutputDirectory=.``
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.backends.build import BIN
from tests.specs.bus import free_port

JAR = BIN / "zipkin.jar"
START_LIMIT_S = 60.0


def is_here() -> bool:
    """Whether a picture can be made."""
    return JAR.exists() and all(shutil.which(program) for program in ("java", "chromium"))


def zipkin_span(span: dict[str, Any]) -> dict[str, Any]:
    """Give a span of Jaeger's HTTP API as one of Zipkin's, version 2."""
    tags = {tag["key"]: str(tag["value"]) for tag in span["tags"]}
    kind = tags.pop("span.kind", "internal").upper()
    return {
        "traceId": span["traceID"],
        "id": span["spanID"],
        "name": span["operationName"],
        "timestamp": span["startTime"],
        "duration": max(span["duration"], 1),
        "localEndpoint": {"serviceName": "arqonbus"},
        "tags": tags,
        **({"kind": kind} if kind != "INTERNAL" else {}),
        **({"parentId": span["references"][0]["spanID"]} if span["references"] else {}),
    }


def picture(spans: list[dict[str, Any]], path: Path) -> None:
    """Write a picture of Zipkin's page of one trace, as Jaeger's HTTP API gave its spans."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {"PATH": "/usr/bin:/bin", "QUERY_PORT": str(port), "STORAGE_TYPE": "mem"}
    java = [shutil.which("java") or "java", "-Xmx300m", "-jar", str(JAR)]
    with subprocess.Popen(java, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(lambda: _answers(f"{url}/health"))
            body = json.dumps([zipkin_span(span) for span in spans]).encode()
            request = urllib.request.Request(f"{url}/api/v2/spans", body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request).close()
            page = f"{url}/zipkin/traces/{spans[0]['traceID']}"
            _wait_for(lambda: _answers(f"{url}/api/v2/trace/{spans[0]['traceID']}"))
            shot = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,760"]
            shot += ["--virtual-time-budget=8000", f"--screenshot={path}", page]
            subprocess.run(["chromium", *shot], check=True, capture_output=True, timeout=120)
        finally:
            process.terminate()


def _wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + START_LIMIT_S
    while not condition():
        assert time.monotonic() < until, f"Zipkin did not answer within {START_LIMIT_S} s"
        time.sleep(0.5)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
