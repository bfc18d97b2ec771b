"""A record as lines: what is known, and never wider or longer than the terminal."""

import msgspec
import pytest

from arqonbus.cli.kit.measures import TopChannel, TopRecord
from arqonbus.cli.top.rates import record_of
from arqonbus.cli.top.sample import Sample, Stats
from arqonbus.cli.top.view import size, view
from tests.cli.top.test_rates import AT, LATER, STATUS, row


def record(**changes: object) -> TopRecord:
    before = {f"room:channel-{n}": row(n) for n in range(30)}
    now = {f"room:channel-{n}": row(n * 2, members=n) for n in range(30)}
    made = record_of(Sample(0.0, STATUS, before), Sample(2.0, LATER, now), AT)
    return msgspec.structs.replace(made, **changes)


def full(**changes: object) -> TopRecord:
    inside = {"members": 7, "slow_consumers": 2, "loop_lag_ms": 1.5, "clients_behind": 1, "bytes_behind": 2_500_000}
    queues = {"queues": {"channel": 4}, "cpu": 0.42, "memory_bytes": 36_000_000, "source": "metrics"}
    return record(bytes_in_per_s=22_500.0, bytes_out_per_s=1e6, **inside, **queues, **changes)


def test_everything_that_is_known_is_shown() -> None:
    lines = view(full(), "rate", 100, None, note="q quits")

    assert lines[:7] == [
        "arqonbus 1.0  node-1  up 1m  store memory ok   q quits",
        "connections 3   rooms 1   channels 2   members 7",
        "in 100.0/s   out 500.0/s   errors 0.5/s   bytes in 22.5 kB/s out 1.0 MB/s",
        "slow consumers 2   behind 1 (2.5 MB)   mailboxes channel 4   loop lag 1.5 ms   cpu 42%",
        "memory 36.0 MB",
        "",
        f"{'CHANNEL':<48}  EVENTS/S  MEMBERS         SEQ  WAITING        KIND",
    ]
    assert lines[7] == f"{'room:channel-29':<48}      14.5       29          58        0        user"
    assert len(lines) == 7 + 30


def test_what_the_server_does_not_tell_is_said_to_be_missing() -> None:
    assert "the server does not tell" in view(record(), "rate", 100, None)[3]
    stats = record_of(Sample(0.0, STATUS), Sample(2.0, LATER, stats=Stats(1, 2, 0.5)), AT)
    assert view(stats, "rate", 100, None)[3] == "slow consumers 2   loop lag 0.5 ms"


@pytest.mark.parametrize("columns", [1, 10, 20, 40, 80, 200])
@pytest.mark.parametrize("rows", [1, 5, 8, 24])
def test_it_fits_any_terminal(columns: int, rows: int) -> None:
    lines = view(full(), "rate", columns, rows, note="q quits")

    assert len(lines) <= rows
    assert max(map(len, lines)) <= columns


def test_a_narrow_terminal_keeps_the_first_columns() -> None:
    titles = next(line for line in view(record(), "rate", 33, None) if line.startswith("CHANNEL"))

    assert titles.split() == ["CHANNEL", "EVENTS/S", "MEMBERS"]


def test_trouble_is_painted_and_is_a_word_too() -> None:
    def paint(text: str, colour: str) -> str:
        return f"<{colour}>{text}"

    well = view(full(), "rate", 100, None, paint=paint)
    draining = view(full(draining=True), "rate", 100, None, paint=paint)
    degraded = view(full(state="degraded"), "rate", 100, None, paint=paint)

    assert not well[1].startswith("<yellow>")
    assert draining[1].startswith("<yellow>") and "draining" in draining[0]
    assert degraded[1].startswith("<yellow>") and "memory degraded" in degraded[0]


def test_a_name_of_a_long_channel_is_cut() -> None:
    long = TopChannel(address="r" * 64, members=1, per_s=1.0, seq=1, waiting=0, kind="user")

    assert "rrr… " in view(record(rows=(long,)), "rate", 80, None)[-1]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (123_456, "123 kB"),
        (4.5e6, "4.5 MB"),
        (7e9, "7.0 GB"),
        (2e13, "20.0 TB"),
    ],
)
def test_bytes_are_written_short(number: float, text: str) -> None:
    assert size(number) == text
