"""A promise is kept or broken once, and ends whoever awaits it."""

from __future__ import annotations

import pytest

from arqonbus.actor.testing import ManualDispatcher
from arqonbus.testing.promise import Promise


def test_one_that_is_kept_already_needs_no_loop() -> None:
    promise: Promise[int] = Promise()
    promise.keep(1)
    promise.keep(2)
    promise.fail(ValueError())

    with pytest.raises(StopIteration) as ended:
        promise.__await__().send(None)
    assert ended.value.value == 1


def test_one_that_fails_raises() -> None:
    promise: Promise[int] = Promise()
    promise.fail(ValueError("no"))

    with pytest.raises(ValueError, match="no"):
        promise.__await__().send(None)


def test_a_task_waits_for_it() -> None:
    manual, got = ManualDispatcher(), []
    promise: Promise[int] = Promise()

    async def wait() -> None:
        got.append(await promise)

    manual.create_task(wait())
    manual.run_until_idle()
    assert got == []
    promise.keep(3)
    manual.run_until_idle()
    assert got == [3]
