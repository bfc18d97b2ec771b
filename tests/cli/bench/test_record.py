"""A run is written down, read again, and doubted where it must be."""

import msgspec
import pytest

from arqonbus.cli.bench.outcome import Outcome
from arqonbus.cli.bench.record import doubts, read_record, record_of
from arqonbus.client import Status
from arqonbus.client.results import Storage
from tests.cli.bench.test_outcome import times
from tests.cli.bench.test_plan import plan

MS = 1_000_000
STATUS = Status("node-1", "1.0", 1.0, 0, 0, 0, 0, 0, 0, Storage("memory", "ok"), draining=False)
GOOD = Outcome(
    sent=300,
    expected=1500,
    received=1500,
    measured=1000,
    took_s=2.99,
    latency=times(*[2 * MS] * 99, 8 * MS),
    lag=times(MS // 10),
    cpu=(0.5, 0.9),
)


def test_a_run_is_written_down() -> None:
    run = record_of(plan(), GOOD, STATUS)

    assert (run.valid, run.doubts, run.server, run.server_version) == (True, (), "node-1", "1.0")
    assert (run.sent_per_s, run.received_per_s) == (100.0, 500.0)
    assert run.latency_ms["p50"] == pytest.approx(2, rel=0.01)
    assert run.latency_ms["max"] == 8.0
    assert [count for _, count in run.histogram] == [99, 1]


def test_what_was_written_as_json_is_read_again() -> None:
    run = record_of(plan(), GOOD, STATUS)

    assert read_record(msgspec.json.encode(run)) == run


@pytest.mark.parametrize("text", [b"", b"[]", b'{"type":"status","v":1}', b'{"type":"bench","v":1}'])
def test_anything_else_is_told_to_be_none(text: bytes) -> None:
    with pytest.raises(ValueError, match="expected what `arqonbus bench --json` wrote"):
        read_record(text)


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"unsent": 3}, "3 of 303 messages were not sent in time"),
        ({"lag": times(3 * MS)}, "the generator was 3.0 ms late at p99, of 2.0 ms measured"),
        ({"cpu": (0.3, 0.96)}, "a process of the generator used 96% of a core"),
        ({"measured": 0}, "nothing came that was sent after the warm-up"),
    ],
)
def test_a_run_is_doubted_when_the_generator_did_not_keep_its_schedule(change: dict[str, object], doubt: str) -> None:
    assert doubts(msgspec.structs.replace(GOOD, **change)) == (doubt,)


def test_a_rate_that_could_not_be_kept_is_that_of_the_time_it_took() -> None:
    run = record_of(plan(), msgspec.structs.replace(GOOD, took_s=6.0), STATUS)

    assert run.sent_per_s == 50.0


def test_lateness_that_is_small_beside_what_is_measured_is_none() -> None:
    assert doubts(msgspec.structs.replace(GOOD, lag=times(3 * MS), latency=times(20 * MS))) == ()
