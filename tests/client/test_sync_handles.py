"""The thread of a bus, and handles for blocking code."""

import asyncio
import inspect
import threading
import time

import pytest

from arqonbus.client import presence, subscription
from arqonbus.client.errors import BusClosed
from arqonbus.client.sync_handles import BusThread, Presence, Subscription


async def double(n: int) -> int:
    await asyncio.sleep(0)
    return 2 * n


@pytest.mark.parametrize(
    ("ours", "theirs", "not_ours"),
    [
        (Subscription, subscription.Subscription, {"has_started", "is_done"}),
        (Presence, presence.Presence, {"has_started"}),
    ],
)
def test_names_are_those_of_the_asynchronous_handle(ours: type, theirs: type, not_ours: set[str]) -> None:
    names = {name for name in vars(theirs) if not name.startswith("_")} - not_ours

    assert names <= set(vars(ours))
    for name in names:
        member = inspect.getattr_static(theirs, name)
        if inspect.isfunction(member) and name != "run":
            assert list(inspect.signature(getattr(ours, name)).parameters) == list(inspect.signature(member).parameters)


def test_what_is_run_there_gives_its_result_or_its_error() -> None:
    thread = BusThread()

    assert thread.run(double(4)) == 8
    with pytest.raises(TypeError):
        thread.run(double(None))  # type: ignore[arg-type]
    thread.stop()
    thread.stop()


def test_after_its_end_nothing_runs() -> None:
    thread = BusThread()
    thread.stop()

    with pytest.raises(BusClosed):
        thread.run(double(4))


def test_those_that_wait_at_its_end_are_told() -> None:
    thread = BusThread()
    errors: list[BaseException] = []

    def wait() -> None:
        try:
            thread.run(asyncio.sleep(60))
        except BaseException as error:
            errors.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.05)

    thread.stop()
    waiting.join(5)

    assert [type(error) for error in errors] == [BusClosed]
