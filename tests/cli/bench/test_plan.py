"""Who does what in a run, and when."""

import pytest

from arqonbus.cli.bench.plan import SHAPES, Part, Plan, Shape, parts


def plan(shape: Shape = "fanout", clients: int = 5, processes: int = 1, **more: float) -> Plan:
    settings = {"rate": 100.0, "duration_s": 2.0, "warmup_s": 1.0, **more}
    return Plan("ws://x/", shape, clients, size=10, processes=processes, room="r", **settings)


def test_messages_are_due_at_even_distances_without_drift() -> None:
    due = [plan(rate=3.0).due_ns(n, 1_000) for n in (0, 1, 3, 3_000_000)]

    assert due == [1_000, 333_334_333, 1_000_001_000, 1_000_000_000_001_000]


def test_the_warm_up_is_sent_but_not_measured() -> None:
    assert plan().n_messages == 300
    assert plan().measured_from_ns(5) == 1_000_000_005


def test_one_process_does_everything() -> None:
    assert parts(plan()) == [Part((0, 1, 2, 3, 4), sends=True)]
    assert parts(plan("requests")) == [Part((0, 1, 2, 3, 4), sends=True, serves=True)]


def test_the_sender_of_a_fan_out_has_a_process_of_its_own() -> None:
    assert parts(plan(processes=3)) == [
        Part((), sends=True),
        Part((0, 2, 4), sends=False),
        Part((1, 3), sends=False),
    ]


def test_the_service_has_a_process_of_its_own() -> None:
    assert parts(plan("requests", processes=3)) == [
        Part((), sends=False, serves=True),
        Part((0, 2, 4), sends=True, first=0, step=2),
        Part((1, 3), sends=True, first=1, step=2),
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("processes", [1, 2, 3, 9])
def test_every_client_and_every_message_is_somebodys_and_nobody_is_idle(shape: Shape, processes: int) -> None:
    run = plan(shape, processes=processes)
    shares = parts(run)

    assert sorted(number for part in shares for number in part.readers) == [0, 1, 2, 3, 4]
    sent = [n for part in shares if part.sends for n in range(part.first, run.n_messages, part.step)]
    assert sorted(sent) == list(range(run.n_messages))
    assert all(part.readers or part.sends or part.serves for part in shares)
