"""The shared store as one server has it: what it says of it, and how it starts and ends with it."""

from __future__ import annotations

import http.client
import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arqonbus.config.settings import Redis, Server, Settings
from arqonbus.errors import ConfigError
from arqonbus.server.store import Notices, Store, place_of
from arqonbus.storage.redis_address import parse
from arqonbus.telemetry.logs import EventLog
from tests.specs.bus import Bus
from tests.storage.redis_server import RedisServer, free_port, require_redis


class Lines(EventLog):
    """Keeps what would be logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def debug(self, event: str, /, **fields: object) -> None:
        self.lines.append(("debug", event, fields))

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, /, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    @property
    def shown(self) -> list[tuple[str, str, dict[str, object]]]:
        return [line for line in self.lines if line[0] != "debug"]


# --- what it says -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://me:hush@host", "redis://host:6379"),
        ("rediss://:hush@host:7000/2", "rediss://host:7000/2"),
        ("unix://me:hush@/run/redis.sock?db=1", "unix:///run/redis.sock"),
        ("redis+sentinel://:hush@a,b:2/main", "redis+sentinel://a:26379,b:2/main"),
        ("rediss+cluster://me:hush@a:1,b:2", "rediss+cluster://a:1,b:2"),
    ],
)
def test_a_place_is_shown_without_the_password(url: str, place: str) -> None:
    assert place_of(parse(url)) == place


def test_each_change_of_the_state_is_one_line_with_its_reason() -> None:
    log = Lines()
    notices = Notices(log, lambda: 0.0, "redis://h")

    notices("redis_lost", reason="the other end closed")
    notices("redis_state", state="holding", at="h:1")
    notices("redis_lost", reason="refused")
    notices("redis_state", state="local", at="")
    notices("redis_state", state="resync", at="h:1")
    notices("redis_state", state="up", at="h:1")

    assert notices.troubles == {"redis_lost": 2}
    assert log.shown == [
        ("warning", "storage_holding", {"at": "h:1", "reason": "the other end closed"}),
        ("warning", "storage_local", {"at": "redis://h", "reason": "refused"}),
        ("info", "storage_up", {"at": "h:1"}),
    ]


def test_one_fault_of_many_channels_is_ten_lines_a_second_and_a_count() -> None:
    log, now = Lines(), [5.0]
    notices = Notices(log, lambda: now[0], "redis://h")

    for i in range(25):
        notices("redis_log_renumbered", channel=str(i), reason="rewound")
    now[0] = 6.0
    notices("redis_log_renumbered", channel="last", reason="rewound")

    assert len(log.shown) == 12
    assert log.shown[-2] == ("warning", "lines_kept_back", {"what": "redis_log_renumbered", "lines": 15})
    assert log.shown[-1][2]["channel"] == "last"


def test_what_happens_where_nothing_is_wrong_is_no_warning() -> None:
    log = Lines()
    notices = Notices(log, lambda: 1.0, "redis://host:6379")

    notices("node_joined", node="b")
    notices("node_lost", node="b")

    assert log.lines == [("info", "node_joined", {"node": "b"}), ("warning", "node_lost", {"node": "b"})]
    assert notices.troubles == {"node_lost": 1}


async def test_a_url_that_cannot_be_read_is_told_without_it() -> None:
    settings = Settings(redis=Redis(url="redis+sentinel://:hush@host"))

    with pytest.raises(ConfigError) as told:
        Store(settings, "node-1")

    assert str(told.value).startswith("redis.url: expected the name that the Sentinels know")
    assert "hush" not in str(told.value)


async def test_two_lives_of_one_server_have_two_names() -> None:
    settings = Settings(server=Server(name="mine"), redis=Redis(url="redis://127.0.0.1:1"))

    first, second = (Store(settings, "mine").history.store.setup.node for _ in range(2))

    assert first.startswith("mine.") and second.startswith("mine.")
    assert first != second


@pytest.mark.parametrize(("required", "ok"), [(True, True), (False, True), (True, False), (False, False)])
async def test_without_redis_it_says_so_and_why_it_must_not_start_where_it_is_required(
    required: bool, ok: bool
) -> None:
    url = f"redis://:hush@127.0.0.1:{free_port()}"
    store = Store(Settings(redis=Redis(url=url, required=required, degraded_ok=ok, hold_s=0.2)), "mine")

    assert store.readiness() == (True, "storage: Redis does not answer; what is published waits for it")
    assert store.numbers()["arqonbus.storage.held"] == 0
    problem = await store.begin()

    assert store.readiness() == (ok, "storage: Redis does not answer; this server goes on by itself")
    assert bool(problem) is required
    assert store.numbers()["arqonbus.storage.troubles"] == {"redis_lost": 1}
    assert "hush" not in problem
    if required:
        assert problem.startswith(f"expected Redis at {store.place} to serve within 0.2 s (redis.required)")
        assert "Connection refused" in problem or "Connect call failed" in problem
    await store.end(1.0)


# --- a process --------------------------------------------------------------------------------------------------


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    require_redis()
    with RedisServer(tmp_path / "redis") as server:
        yield server


def bus_with(tmp_path: Path, server: RedisServer, *settings: str) -> Bus:
    return Bus(tmp_path, [f'redis.url = "{server.url}"', "redis.timeout_s = 0.3", "redis.hold_s = 0.5", *settings])


def ready(bus: Bus) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", bus.port, timeout=2)
    connection.request("GET", "/ready")
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def eventually(holds: Callable[[], bool]) -> None:
    ends_at = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < ends_at, "expected it to hold in the end"
        time.sleep(0.02)


@pytest.mark.integration
def test_a_server_with_redis_says_so_and_tells_its_outage_and_its_end(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    bus = bus_with(tmp_path, redis_server, "redis.degraded_ok = false").start()
    try:
        assert ready(bus) == (200, {"ready": True})

        redis_server.kill()
        eventually(lambda: ready(bus)[0] == 503)
        assert ready(bus)[1]["why"] == "storage: Redis does not answer; this server goes on by itself"

        redis_server.start()
        eventually(lambda: ready(bus) == (200, {"ready": True}))
    finally:
        bus.stop()
    assert bus.wait() == 0

    lines = [json.loads(line) for line in bus.errors.read_text("utf-8").splitlines()]
    assert [line["event"] for line in lines if line["event"].startswith("storage_")] == [
        "storage_up",
        "storage_holding",
        "storage_local",
        "storage_up",
    ]


@pytest.mark.integration
def test_a_server_that_requires_redis_ends_with_2_where_there_is_none(tmp_path: Path) -> None:
    settings = [f'redis.url = "redis://:hush@127.0.0.1:{free_port()}"', "redis.hold_s = 0.2", "redis.required = true"]
    bus = Bus(tmp_path, settings)

    with pytest.raises(AssertionError, match="ended with 2"):
        bus.start()

    said = bus.errors.read_text("utf-8")
    assert "arqonbus: expected Redis at redis://127.0.0.1:" in said
    assert "hush" not in said


@pytest.mark.integration
def test_a_signal_ends_a_server_that_still_waits_for_redis(tmp_path: Path) -> None:
    settings = [f'redis.url = "redis://127.0.0.1:{free_port()}"', "redis.hold_s = 60", "log.level = 'debug'"]
    bus = Bus(tmp_path, settings)
    bus._wait_until_ready = lambda: eventually(lambda: b"redis_lost" in bus.errors.read_bytes())  # type: ignore[method-assign]
    bus.start()

    bus.signal(signal.SIGTERM)

    assert bus.wait(5) == 0
