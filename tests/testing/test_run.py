"""A run: the same seed, the same story."""

from arqonbus.testing.run import run_seed


def test_a_seed_runs_the_same_way_each_time() -> None:
    first, second = run_seed(5, trace=True), run_seed(5, trace=True)

    assert first == second
    assert (first.broken, len(first.trace) > 20) == ((), True)


def test_a_trace_changes_nothing() -> None:
    plain, traced = run_seed(6), run_seed(6, trace=True)

    assert (plain.n_turns, plain.n_messages, plain.virtual_s) == (traced.n_turns, traced.n_messages, traced.virtual_s)
    assert plain.trace == ()


def test_a_run_meets_what_it_is_for() -> None:
    """Over a few seeds everything that can go wrong does, or the simulation proves less than it seems to."""
    story = "\n".join("\n".join(run_seed(seed, trace=True).trace) for seed in range(40))

    for event in (
        "is cut, unnoticed",
        "stops reading",
        "reads on",
        "resume",
        "refuses",
        "is deleted",
        "is told of the end",
        "unavailable",
        "internal",
        "everything heals",
        "with the ticket of g",
        "the server drains",
    ):
        assert event in story, event
