"""Runs the compiled load generator against a server, and what it told."""

from __future__ import annotations

import subprocess
from typing import TypeVar

import msgspec

from tests.bench.build import generator_path
from tests.bench.cases import Case
from tests.bench.failure import BenchFailure
from tests.bench.servers import Running, Side, cores, pinned

__all__ = ["IdleRun", "Run", "run_idle", "run_load"]

_IDLE_MEMBERS = 50  # idle connections per channel, so that the cost of a channel is shared as it is in real use
_WARM_CONNECTIONS = 16  # opened before memory is first read: what a server loads once is not the price of a connection
_EXTRA_S = 120.0  # connects, warm-up, drain


class Run(msgspec.Struct, frozen=True):
    """One measurement; the fields are those that load.c prints."""

    seconds: float
    published: int
    delivered: int
    server_cpu_s: float
    """User and system time of all threads of the server, by the CPU clock of the process."""
    load_cpu_s: float
    p50_us: float
    """Latency from the publisher's write to the member's read."""
    p99_us: float
    p999_us: float
    worst_us: float
    lost: int
    """Deliveries that had not come some seconds after the last publish."""
    misordered: int
    """Deliveries that were not the next one of their publisher."""
    closed: int
    """Connections that the server closed."""

    @property
    def cpu_us_per_delivery(self) -> float:
        return self.server_cpu_s * 1e6 / self.delivered

    @property
    def cpu_us_per_publish(self) -> float:
        return self.server_cpu_s * 1e6 / self.published

    @property
    def deliveries_per_s(self) -> float:
        return self.delivered / self.seconds

    @property
    def faults(self) -> int:
        return self.lost + self.misordered + self.closed


class IdleRun(msgspec.Struct, frozen=True):
    """Memory of the server before and after the connections, in bytes; the fields are those that load.c prints."""

    connections: int
    rss_before: int
    rss_after: int
    server_cpu_s: float

    @property
    def bytes_per_connection(self) -> float:
        return (self.rss_after - self.rss_before) / self.connections

    @property
    def cpu_us_per_connection(self) -> float:
        return self.server_cpu_s * 1e6 / self.connections


Told = TypeVar("Told", bound=msgspec.Struct)


def run_load(side: Side, server: Running, case: Case, seconds: float) -> Run:
    """Drive one case for so many seconds.

    Raises: BenchFailure when the generator gave up, or when nothing was delivered.
    """
    shape = {"groups": case.groups, "members": case.members, "window": case.window, "seconds": seconds}
    arguments = [word for name, value in shape.items() for word in (f"--{name}", str(value))]
    run = _generate(side, server, [*arguments, "--publish", side.texts.publish], seconds, Run)
    if run.delivered == 0 or run.published == 0:
        raise BenchFailure(f"{side.name}, {case.name}: nothing was delivered in {seconds:g} s")
    return run


def run_idle(side: Side, server: Running, connections: int) -> IdleRun:
    """Open that many connections (rounded up to whole channels), each with one membership, and read the memory."""
    members = min(_IDLE_MEMBERS, connections)
    groups = -(-connections // members)
    shape = ["--idle", "--groups", str(groups), "--members", str(members), "--warm", str(_WARM_CONNECTIONS)]
    return _generate(side, server, shape, 0.0, IdleRun)


def _generate(side: Side, server: Running, arguments: list[str], seconds: float, told: type[Told]) -> Told:
    server_words = ["--port", str(server.port), "--pid", str(server.pid), "--join", side.texts.join]
    command = pinned(cores()[1], [str(generator_path()), *server_words, *arguments])
    try:
        done = subprocess.run(command, capture_output=True, timeout=seconds + _EXTRA_S)
    except subprocess.TimeoutExpired as error:
        raise BenchFailure(f"{side.name}: the load generator did not end within {error.timeout:g} s") from error
    if done.returncode != 0:
        raise BenchFailure(f"{side.name}: {done.stderr.decode(errors='replace').strip()}")
    return msgspec.json.decode(done.stdout, type=told)
