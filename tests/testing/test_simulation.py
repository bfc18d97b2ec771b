"""The simulation from outside: many seeds, the command line."""

import json
import logging
from typing import Any

import pytest

from arqonbus.storage.history import History
from arqonbus.testing.simulation import SimulatedBus, main, run_seeds


def test_many_seeds_are_summed_up() -> None:
    seen: list[tuple[int, int]] = []
    summary = run_seeds(10, 3, progress=lambda n_done, n_failed: seen.append((n_done, n_failed)))

    assert (summary.first, summary.n_seeds, summary.failed) == (10, 3, ())
    assert summary.n_turns > 100
    assert run_seeds(0, 20).n_dropped > 0
    assert seen == [(1, 0), (2, 0), (3, 0)]


class Broken(SimulatedBus):
    """Gives its channels no history."""

    def wrap_history(self, history: History) -> Any:
        return None


def test_it_stops_at_the_most_failures_that_it_shall_show() -> None:
    summary = run_seeds(0, 10, Broken, most_failures=2)

    assert [outcome.seed for outcome in summary.failed] == [0, 1]
    assert summary.n_seeds == 2


def test_a_broken_promise_is_an_exit_code_and_a_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "1"], Broken) == 1

    out = capsys.readouterr().out
    assert "seed 0: failure: registry/_telemetry raised" in out
    assert "BROKEN failure" in out


def test_the_log_is_quiet_meanwhile_and_as_before_afterwards() -> None:
    before, levels = logging.getLogger("arqonbus").level, []
    run_seeds(0, 1, progress=lambda n_done, n_failed: levels.append(logging.getLogger("arqonbus").level))

    assert (levels, logging.getLogger("arqonbus").level) == ([logging.CRITICAL + 1], before)


def test_the_command_line_prints_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2", "--first", "4"]) == 0

    out = capsys.readouterr().out
    assert "seeds          2 from 4" in out
    assert "failed         0" in out


def test_the_command_line_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["n_seeds"] == 2


def test_one_seed_is_told_step_by_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seed", "3", "--trace"]) == 0

    assert "everything heals" in capsys.readouterr().out
