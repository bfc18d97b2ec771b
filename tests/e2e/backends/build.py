"""python -m tests.e2e.backends.build: build the collector, Jaeger, Prometheus and Docker Compose from their Go modules.

Into ``~/.cache/arqonbus/backends``, or where ARQONBUS_BACKENDS says; about 20 minutes and 8 GB the first time, nothing
later: what is built is used by every checkout. One compiler at a time and with the least priority, so that the machine
stays of use; a run that was ended goes on where it was. Web pages are left out; the HTTP APIs are whole.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CACHE = Path(os.environ.get("ARQONBUS_BACKENDS") or Path.home() / ".cache" / "arqonbus" / "backends")
BIN = CACHE / "bin"

COLLECTOR = "v0.159.0"
"""Version of the collector, as in docker-compose.yml. Its configuration providers count from v1."""
PROVIDERS = "v1.65.0"
JAEGER = "v1.76.0"
"""Version of the module; it is Jaeger 2.13.0, the last one whose tag the module proxy takes."""
PROMETHEUS = "v0.314.0"
"""Version of the module; it is Prometheus 3.14.0."""
COMPOSE = "v2.40.3"
"""Of Docker Compose; it reads and checks a file without Docker."""

_CORE = "go.opentelemetry.io/collector"
_CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib"
_PARTS = {
    "receivers": [f"{_CORE}/receiver/otlpreceiver"],
    "processors": [f"{_CORE}/processor/memorylimiterprocessor"],
    "exporters": [f"{_CORE}/exporter/otlpexporter", f"{_CORE}/exporter/otlphttpexporter"],
    "connectors": [f"{_CONTRIB}/connector/spanmetricsconnector"],
    "extensions": [f"{_CONTRIB}/extension/healthcheckextension"],
}
"""What otel/collector.yaml uses, out of the 250 modules of the contrib distribution."""


def main() -> None:
    """Build what is not there yet."""
    BIN.mkdir(parents=True, exist_ok=True)
    for name, build in _BUILDS.items():
        if (BIN / name).exists():
            print(f"{name}: there")
            continue
        print(f"{name}: building")
        build(_folder(name))
        print(f"{name}: built")


def collector(folder: Path) -> None:
    """Build a collector of the few parts that are used."""
    go(folder, "install", f"{_CORE}/cmd/builder@{COLLECTOR}")
    (folder / "manifest.yaml").write_text(manifest(), "utf-8")
    _run(folder, str(BIN / "builder"), "--config=manifest.yaml", "--ldflags=-s -w")
    shutil.copy(folder / "dist" / "otelcol", BIN / "otelcol")


def manifest() -> str:
    """Write what the builder of the collector reads."""
    lines = ["dist:", "  name: otelcol", "  output_path: ./dist", f"  version: {COLLECTOR[1:]}"]
    lines.append("  module: example.invalid/otelcol")
    for kind, modules in _PARTS.items():
        lines += [f"{kind}:", *(f"  - gomod: {module} {COLLECTOR}" for module in modules)]
    lines.append("providers:")
    lines += [f"  - gomod: {_CORE}/confmap/provider/{name}provider {PROVIDERS}" for name in ("env", "file", "yaml")]
    return "\n".join(lines) + "\n"


def jaeger(folder: Path) -> None:
    """Build Jaeger v2."""
    command(folder, "github.com/jaegertracing/jaeger", JAEGER, "cmd/jaeger", "jaeger")


def prometheus(folder: Path) -> None:
    """Build Prometheus."""
    command(folder, "github.com/prometheus/prometheus", PROMETHEUS, "cmd/prometheus", "prometheus")


def promtool(folder: Path) -> None:
    """Build what checks Prometheus' files."""
    command(folder, "github.com/prometheus/prometheus", PROMETHEUS, "cmd/promtool", "promtool")


def compose(folder: Path) -> None:
    """Build Docker Compose."""
    command(folder, "github.com/docker/compose/v2", COMPOSE, "cmd", "docker-compose")


_BUILDS = {
    "otelcol": collector,
    "prometheus": prometheus,
    "promtool": promtool,
    "docker-compose": compose,
    "jaeger": jaeger,
}
"""By the name of the program; the slowest one last."""


def command(folder: Path, module: str, version: str, path: str, name: str) -> None:
    """Build one command of a module from an empty module beside it: some refuse ``go install`` from outside."""
    go(folder, "mod", "init", f"example.invalid/{name}")
    found = json.loads(go(folder, "mod", "download", "-json", f"{module}@{version}"))
    # The checksums of everything below it come with the module, whose own was verified just now.
    shutil.copy(Path(found["Dir"]) / "go.sum", folder / "go.sum")
    (folder / "go.sum").chmod(0o644)
    go(folder, "get", f"{module}/{path}@{version}")
    go(folder, "build", "-ldflags=-s -w", "-o", str(BIN / name), f"{module}/{path}")


def go(folder: Path, *words: str) -> str:
    """Run the go command; returns what it printed."""
    return _run(folder, "go", *words)


def _run(folder: Path, *words: str) -> str:
    places = {"GOPATH": CACHE / "go", "GOCACHE": CACHE / "gocache", "GOBIN": BIN}
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}}
    environment |= {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false -trimpath -modcacherw -p=1", "GOTOOLCHAIN": "local"}
    nice = ["nice", "-n", "19"] if shutil.which("nice") else []
    ended = subprocess.run([*nice, *words], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return ended.stdout


def _folder(name: str) -> Path:
    folder = CACHE / "build" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    if shutil.which("go") is None:
        sys.exit("expected the go command, 1.26 or newer")
    main()
