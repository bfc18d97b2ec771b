"""Real forks of this process; they end without going on with its tests."""

from __future__ import annotations

import os
import signal
import time

import pytest

from arqonbus.server.child import CRASHED, Child

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


def end_of(child: Child) -> int:
    ends_at = time.monotonic() + 10
    while (code := child.reap()) is None:
        assert time.monotonic() < ends_at
        time.sleep(0.005)
    return code


def say_and_end(ready: int) -> int:
    os.write(ready, b"1")
    return 7


def sleep(_: int) -> int:
    time.sleep(60)
    return 0


def crash(_: int) -> int:
    raise RuntimeError("on purpose")


def test_it_says_that_it_is_ready_and_ends_with_its_code() -> None:
    child = Child(1)
    child.start(say_and_end, 5.0)

    child.listen()
    assert (child.is_ready, child.started_at) == (True, 5.0)

    assert end_of(child) == 7
    assert (child.pid, child.is_ready, child.ready) == (0, False, -1)
    assert child.reap() is None


def test_one_that_is_killed_gives_the_signal() -> None:
    child = Child(1)
    child.start(sleep, 0.0)
    assert child.reap() is None

    child.signal(signal.SIGKILL)

    assert end_of(child) == -signal.SIGKILL
    child.signal(signal.SIGKILL)  # nobody is there any more


def test_one_that_raises_has_crashed(capfd: pytest.CaptureFixture[str]) -> None:
    child = Child(1)
    child.start(crash, 0.0)
    child.listen()

    assert not child.is_ready
    assert end_of(child) == CRASHED
    assert "RuntimeError: on purpose" in capfd.readouterr().err


def test_it_can_be_started_again() -> None:
    child = Child(1)
    for _ in range(2):
        child.start(say_and_end, 0.0)
        assert end_of(child) == 7
