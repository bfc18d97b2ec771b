"""One line for each change of state, whatever the number of tries; a pause after a few failures."""

from __future__ import annotations

import logging

import pytest

from arqonbus.telemetry.export_state import BREAK_AFTER, BREAK_S, ExportState, LastWords
from arqonbus.telemetry.logs import get_log


class Here:
    """A state on a clock set by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []
        self.words = LastWords()
        self.state = ExportState("traces", get_log("telemetry"), lambda: self.now, self.words, self.pauses.append)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(record.msg) for record in caplog.records]


def test_a_failure_is_told_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "arqonbus")
    here = Here()
    here.words.handle(logging.LogRecord("opentelemetry.exporter", logging.ERROR, "", 0, "no %s", ("route",), None))

    for _ in range(20):
        here.state.failed(10)
    here.now += 42.0
    here.state.succeeded(5)
    here.state.succeeded(5)

    assert said(caplog) == ["telemetry_export_failing", "telemetry_export_recovered"]
    assert "no route" in caplog.records[0].getMessage()
    assert "lost=200" in caplog.records[1].getMessage() and "after_s=42.0" in caplog.records[1].getMessage()
    assert (here.state.n_exported, here.state.n_failed) == (10, 200)


def test_recording_pauses_after_a_few_failures_in_a_row_and_again_after_each_more() -> None:
    here = Here()
    for _ in range(BREAK_AFTER - 1):
        here.state.failed(1)
    assert here.pauses == []

    here.state.failed(1)
    here.now += BREAK_S
    here.state.failed(1)

    assert here.pauses == [100.0 + BREAK_S, 100.0 + 2 * BREAK_S]


def test_a_success_between_begins_the_count_anew() -> None:
    here = Here()
    for _ in range(10):
        here.state.failed(1)
        here.state.succeeded(1)

    assert here.pauses == []


def test_words_that_cannot_be_formatted_are_kept_as_they_are() -> None:
    words = LastWords()

    words.handle(logging.LogRecord("x", logging.ERROR, "", 0, "%d of %d", ("one",), None))

    assert words.words == "%d of %d"
