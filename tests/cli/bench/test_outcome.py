"""What processes counted adds up."""

import msgspec

from arqonbus.cli.bench.latencies import Latencies
from arqonbus.cli.bench.outcome import Outcome, Times, added


def times(*ns: int) -> Times:
    latencies = Latencies()
    for one in ns:
        latencies.add(one)
    return Times.of(latencies)


def test_counts_and_times_of_processes_add_up() -> None:
    one = Outcome(sent=3, lost=1, received=2, took_s=1.0, blocked_ms=0.5, latency=times(10, 20), cpu=(0.25,))
    other = Outcome(unsent=4, received=5, duplicates=1, took_s=2.0, latency=times(10), lag=times(7), cpu=(0.5,))

    total = added([one, other])

    assert (total.sent, total.unsent, total.received, total.lost, total.duplicates) == (3, 4, 7, 1, 1)
    assert (total.took_s, total.blocked_ms, total.cpu) == (2.0, 0.5, (0.25, 0.5))
    assert total.latency.rows == [(10, 2), (20, 1)]
    assert total.lag.rows == [(7, 1)]


def test_an_outcome_travels_as_json() -> None:
    outcome = Outcome(sent=3, latency=times(10, 20_000_000), cpu=(0.25,))

    assert msgspec.json.decode(msgspec.json.encode(outcome), type=Outcome) == outcome


def test_nobody_counted_nothing() -> None:
    assert added([]) == Outcome()
