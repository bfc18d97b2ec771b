"""Counts in buckets, with the last traced observation of each."""

from arqonbus.telemetry.histogram import Exemplar, Histogram


def test_a_bound_belongs_to_its_own_bucket() -> None:
    histogram = Histogram((1, 2, 5))

    for value in (0, 1, 1.5, 2, 5, 6, 100):
        histogram.observe(value)

    snapshot = histogram.snapshot()
    assert snapshot.counts == (2, 2, 1, 2)
    assert (snapshot.count, snapshot.total) == (7, 115.5)


def test_each_bucket_keeps_the_first_observation_of_its_last_trace() -> None:
    histogram = Histogram((1, 2), now_ns=lambda: 99)

    histogram.observe(0.5, 7, 8)
    histogram.observe(0.6, 9, 10)
    histogram.observe(0.7)
    histogram.observe(0.8, 9, 11)  # of the same trace
    histogram.observe(3.0)

    assert histogram.snapshot().exemplars == (Exemplar(0.6, 99, 9, 10), None, None)


def test_a_snapshot_stays_as_it_is() -> None:
    histogram = Histogram((1,))
    before = histogram.snapshot()

    histogram.observe(0.5)

    assert before.counts == (0, 0)
