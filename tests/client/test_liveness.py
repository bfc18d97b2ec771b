"""Liveness: judged by the clock, and never by a timer that came late."""

import pytest

from arqonbus.client.liveness import LATE_S, PROBE_S, SILENCE_S, Liveness
from arqonbus.client.timers import Timers

HEARTBEAT_S = 20.0


class Watch:
    """A liveness with its timers and what it said."""

    def __init__(self) -> None:
        self.timers = Timers()
        self.silences: list[float] = []
        self.liveness = Liveness(self.timers, self.silences.append)
        self.liveness.start(HEARTBEAT_S, 0.0)


@pytest.mark.rules("R17")
def test_any_frame_counts_as_life() -> None:
    watch = Watch()
    for now in range(0, 100, 10):
        watch.liveness.heard(now)
        watch.timers.run(now)

    watch.timers.run(90 + HEARTBEAT_S + SILENCE_S - 0.1)

    assert watch.silences == []


@pytest.mark.rules("R17")
def test_a_look_at_its_time_that_finds_silence_is_the_end() -> None:
    watch = Watch()

    watch.timers.run(HEARTBEAT_S + SILENCE_S)

    assert watch.silences == [HEARTBEAT_S + SILENCE_S]
    assert watch.liveness.probe is None


@pytest.mark.rules("R17")
def test_a_look_that_comes_late_asks_first() -> None:
    watch = Watch()

    watch.timers.run(HEARTBEAT_S + SILENCE_S + LATE_S + 60)

    assert watch.silences == []
    assert watch.liveness.probe is not None and b'"command":"ping"' in watch.liveness.probe


@pytest.mark.rules("R17")
def test_an_answer_to_the_question_is_life() -> None:
    watch = Watch()
    late = HEARTBEAT_S + SILENCE_S + 60
    watch.timers.run(late)
    watch.liveness.heard(late + 1)

    watch.timers.run(late + PROBE_S)

    assert watch.silences == []
    assert watch.timers.next_at == late + 1 + HEARTBEAT_S + SILENCE_S


@pytest.mark.rules("R17")
def test_no_answer_to_the_question_is_the_end() -> None:
    watch = Watch()
    late = HEARTBEAT_S + SILENCE_S + 60
    watch.timers.run(late)

    watch.timers.run(late + PROBE_S)

    assert watch.silences == [late + PROBE_S]


@pytest.mark.rules("R17", "R41")
def test_silence_says_nothing_while_we_do_not_read() -> None:
    watch = Watch()
    watch.liveness.is_paused = True

    watch.timers.run(HEARTBEAT_S + SILENCE_S)

    assert watch.silences == []
    assert watch.timers.next_at == 2 * (HEARTBEAT_S + SILENCE_S)


def test_a_watch_that_is_stopped_looks_no_more() -> None:
    watch = Watch()

    watch.liveness.stop()

    assert watch.timers.next_at is None
