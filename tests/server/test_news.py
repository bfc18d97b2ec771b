"""What the server tells of itself now and then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from arqonbus.protocol.activities import Activity, Degraded, Restored, Stats
from arqonbus.server.news import News
from arqonbus.telemetry.meters import Meters
from tests.flow.world import World


class Here:
    """News of a world, at a beat of the pulse."""

    def __init__(self, stats_interval_s: float = 0.0) -> None:
        self.world = World()
        self.told: list[Activity] = []
        self.world.bus.emit = self.told.append
        self.meters = Meters()
        self.news = News("node-1", stats_interval_s)
        self.listener: Any = SimpleNamespace(statistics=lambda: SimpleNamespace(open=2))
        self.pipeline: Any = SimpleNamespace(
            spans=SimpleNamespace(failing_since=None), metrics=SimpleNamespace(failing_since=None)
        )

    def beat(self, seconds: float, storage_trouble: str = "") -> None:
        self.world.advance(seconds)
        self.news.beat(self.world.bus, self.listener, self.pipeline, self.meters, storage_trouble)


def test_stats_come_at_their_interval_with_the_lag_since_the_last() -> None:
    here = Here(10.0)
    here.world.member("r", "c").event("r", "c", 1)
    here.meters.lag.observe(0.004)
    here.beat(0)
    here.meters.lag.observe(0.002)
    for _ in range(21):
        here.beat(0.5)

    assert len(here.told) == 2
    first, second = here.told
    assert isinstance(first, Stats) and isinstance(second, Stats)
    assert (first.server, first.connections, first.members, first.messages_in) == ("node-1", 2, 1, 1)
    assert (first.loop_lag_ms, second.loop_lag_ms) == (4.0, 2.0)


def test_without_an_interval_there_are_none() -> None:
    here = Here()

    here.beat(100)

    assert here.told == []


def test_an_export_that_fails_is_told_once_and_so_is_its_end() -> None:
    here = Here()
    here.pipeline.metrics.failing_since = 5.0
    here.beat(1)
    here.beat(1)
    here.pipeline.metrics.failing_since = None
    here.beat(1)
    here.beat(1)

    assert here.told == [Degraded("telemetry", "the export of telemetry fails"), Restored("telemetry", 2.0)]


def test_a_store_that_is_gone_is_told_once_with_the_reason_and_so_is_its_return() -> None:
    here = Here()
    here.beat(1, "Redis does not answer")
    here.beat(1, "Redis is back; catching up")
    here.beat(1)
    here.beat(1)

    assert here.told == [Degraded("storage", "Redis does not answer"), Restored("storage", 2.0)]
