"""A supervisor and its workers, as real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.specs.bus import Bus
from tests.storage.redis_server import RedisServer, free_port, require_redis

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


class Workers(Bus):
    """A bus of several processes."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.errors.read_text("utf-8").splitlines() if line.startswith("{")]

    def said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]

    @property
    def pids(self) -> dict[int, int]:
        """Processes of the workers, by the order of their start."""
        assert self.process is not None
        return {n: child.pid for n, child in enumerate(psutil.Process(self.process.pid).children(), 1)}

    def _is_ready(self) -> bool:
        return bool(self.said("server_started"))

    def kill(self) -> None:
        """End all of them; the workers go with their supervisor."""
        super().kill()
        eventually(lambda: not self._answers(), 15)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    @contextmanager
    def clients(self, n: int) -> Iterator[list[ClientConnection]]:
        """Connect some; the system spreads them over the workers."""
        with ExitStack() as stack:
            found = [stack.enter_context(connect(self.url)) for _ in range(n)]
            for client in found:
                assert json.loads(client.recv())["event"] == "welcome"
            yield found


@pytest.fixture
def start(tmp_path: Path, redis_server: RedisServer) -> Iterator[Callable[..., Workers]]:
    started: list[Workers] = []

    def begin(n: int, *settings: str, **how: Any) -> Workers:
        prefix = f'redis.prefix = "t{os.urandom(3).hex()}"'
        lines = [f'redis.url = "{redis_server.url}"', prefix, *settings]
        bus = Workers(tmp_path, lines, arguments=["--workers", str(n)], **how)
        started.append(bus)
        bus.start()
        return bus

    yield begin
    for bus in started:
        bus.kill()


def eventually(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    ends_at = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < ends_at, "expected it to hold in the end"
        time.sleep(0.02)


class OfOne(Workers):
    """One that ends by itself: what answers at its port is another."""

    kill = Bus.kill


def leave_when_told(client: ClientConnection) -> None:
    assert json.loads(client.recv(10))["event"] == "draining"
    client.close()


def test_all_workers_serve_one_port_and_one_line_says_so(start: Callable[..., Workers]) -> None:
    bus = start(3)

    assert len(bus.pids) == 3
    (started,) = bus.said("server_started")
    assert (started["addresses"], started["loop"]) == (f"127.0.0.1:{bus.port}", "3 workers")
    assert sorted(line["worker"] for line in bus.said("worker_started")) == [1, 2, 3]
    bus.stop()
    assert bus.wait() == 0


def test_port_0_becomes_one_port_of_all(start: Callable[..., Workers]) -> None:
    bus = start(2, port=0)

    (started,) = bus.said("server_started")
    bus.port = int(started["addresses"].rpartition(":")[2])

    with bus.clients(8):
        pass


def test_a_worker_that_is_killed_is_started_again_and_its_clients_find_the_others(
    start: Callable[..., Workers],
) -> None:
    bus = start(2)
    before = bus.pids

    os.kill(before[2], signal.SIGKILL)
    eventually(lambda: bool(bus.said("worker_ended")))
    with bus.clients(4):
        pass
    eventually(lambda: len(bus.said("worker_started")) == 3)

    (ended,) = bus.said("worker_ended")
    assert (ended["exit"], ended["again_s"]) == (-9, 0.1)
    assert len(bus.pids) == 2 and before[2] not in bus.pids.values() and before[1] in bus.pids.values()
    assert len(bus.said("server_started")) == 1


def test_a_signal_drains_them_one_after_the_other_and_the_last_is_taken_last(start: Callable[..., Workers]) -> None:
    bus = start(3, "server.drain_timeout_s = 6.0", "server.drain_spread_s = 0.0")
    with bus.clients(9) as clients:
        bus.signal(signal.SIGTERM)
        told = {client: Thread(target=leave_when_told, args=(client,)) for client in clients}
        for thread in told.values():
            thread.start()
        for thread in told.values():
            thread.join(10)

    assert bus.wait(10) == 0
    drains = [line["event"] for line in bus.lines if line["event"] in ("drain_started", "server_stopped")]
    assert drains == ["drain_started", "server_stopped"] * 3
    assert bus.said("supervisor_stopped")[0]["exit"] == 0


def test_clients_that_stay_are_closed_within_the_time_of_one_server(start: Callable[..., Workers]) -> None:
    bus = start(2, "server.drain_timeout_s = 1.0", "server.drain_spread_s = 0.0")
    with bus.clients(6):
        began_at = time.monotonic()

        bus.signal(signal.SIGTERM)

        assert bus.wait(10) == 0
        assert time.monotonic() - began_at < 4.0
    assert len(bus.said("server_stopped")) == 2


def test_a_second_signal_ends_all_at_once(start: Callable[..., Workers]) -> None:
    bus = start(2, "server.drain_timeout_s = 60.0", "server.drain_spread_s = 60.0")
    with bus.clients(6):
        bus.signal(signal.SIGTERM)
        eventually(lambda: bool(bus.said("drain_started")))

        bus.signal(signal.SIGINT)

        assert bus.wait(5) == 128 + signal.SIGINT


def test_a_reload_reaches_all_and_those_that_are_started_later(start: Callable[..., Workers]) -> None:
    bus = start(2, 'auth.keys = {ada = "first"}')
    config = bus.config.read_text("utf-8")
    bus.config.write_text(config.replace("first", "second"), "utf-8")

    bus.signal(signal.SIGHUP)
    eventually(lambda: len(bus.said("reloaded")) == 2)
    for pid in bus.pids.values():
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: len(bus.said("worker_started")) == 4)

    for _ in range(4):
        with connect(bus.url, additional_headers={"Authorization": "Bearer second"}) as client:
            assert json.loads(client.recv())["payload"]["user"] == "ada"


def test_no_worker_outlives_its_supervisor(start: Callable[..., Workers]) -> None:
    bus = start(2)
    workers = [psutil.Process(pid) for pid in bus.pids.values()]

    bus.signal(signal.SIGKILL)

    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []


def test_a_crash_loop_is_given_up_with_words(start: Callable[..., Workers], tmp_path: Path) -> None:
    bus = start(2, module="tests.server.crashing", expected_errors=["worker_keeps_ending"])
    (tmp_path / "crash").touch()

    os.kill(bus.pids[2], signal.SIGKILL)

    assert bus.wait(20) == 1
    assert "ended again and again within seconds of its start, last with 1; giving up" in bus.errors.read_text("utf-8")
    assert [line["again_s"] for line in bus.said("worker_ended")] == [0.1, 0.2, 0.4, 0.8]


def test_without_redis_where_it_is_required_none_starts_and_it_is_said_once(tmp_path: Path) -> None:
    settings = [f'redis.url = "redis://127.0.0.1:{free_port()}"', "redis.hold_s = 0.2", "redis.required = true"]
    bus = Workers(tmp_path, settings, arguments=["--workers", "3"])

    with pytest.raises(AssertionError, match="ended with 2"):
        bus.start()

    assert bus.errors.read_text("utf-8").count("arqonbus: expected Redis at") == 1


def test_a_port_that_others_share_is_taken_all_the_same(start: Callable[..., Workers], tmp_path: Path) -> None:
    first = start(2)
    (tmp_path / "second").mkdir()
    second = OfOne(tmp_path / "second", first.settings, arguments=["--workers", "2"], port=first.port)

    with pytest.raises(AssertionError, match="ended with 2"):
        second.start()

    assert "the port is taken" in second.errors.read_text("utf-8")
