"""From a coroutine to an exit code: signals, pipes, errors."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import textwrap

import pytest

from arqonbus.cli.kit.failures import Failure
from arqonbus.cli.kit.running import race, run_async
from arqonbus.client import NoResponder
from tests.specs.bus import environment

OPTIONS = argparse.Namespace(url="ws://127.0.0.1:1/")


async def signalled(options: argparse.Namespace) -> int:
    os.kill(os.getpid(), options.signal)
    await asyncio.sleep(60)
    return 0


def test_the_result_of_the_work_is_the_exit_code() -> None:
    async def work(options: argparse.Namespace) -> int:
        return 7

    assert run_async(work, OPTIONS) == 7


def test_an_error_of_the_sdk_is_a_failure() -> None:
    async def work(options: argparse.Namespace) -> int:
        raise NoResponder("nobody")

    with pytest.raises(Failure) as failed:
        run_async(work, OPTIONS)

    assert failed.value.exit == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_what_was_to_be_done(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_async(signalled, argparse.Namespace(url=None, signal=number))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_has_no_end(number: signal.Signals) -> None:
    assert run_async(signalled, argparse.Namespace(url=None, signal=number), on_interrupt=lambda: 0) == 0


def test_a_reader_that_goes_away_ends_a_command_that_has_nothing_to_write() -> None:
    code = """
        import argparse, asyncio
        from arqonbus.cli.kit.running import run_async

        async def work(options):
            print("one", flush=True)
            await asyncio.sleep(60)

        try:
            run_async(work, argparse.Namespace(url=None))
        except BrokenPipeError:
            raise SystemExit(9)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    assert process.stdout.readline() == b"one\n"

    process.stdout.close()

    assert process.wait(10) == 9


async def test_the_first_to_end_ends_the_others() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    await race(asyncio.sleep(0), forever(), forever())

    assert ended == ["cancelled", "cancelled"]


async def test_what_the_first_raises_is_raised() -> None:
    async def fail() -> None:
        raise NoResponder("nobody")

    with pytest.raises(NoResponder):
        await race(asyncio.sleep(60), fail())
