"""Runs cases against a server and says what became of each: light ones side by side, the others one after the other."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct, structs

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.peer import Refused
from arqonbus.testing.conformance.socket import Closed, HandshakeRefused
from arqonbus.testing.conformance.stage import Stage, Target
from arqonbus.testing.conformance.verdict import Failed, Outcome, Skipped

__all__ = ["NoConnection", "Server", "Target", "greet", "run"]

CASE_LIMIT_S: Final = 60.0
"""For one case; the longest, with a slow reader, takes some seconds."""

SIDE_BY_SIDE: Final = 16
"""Light cases at once: they wait more than they do, and each has a room of its own."""


class NoConnection(Exception):
    """The server cannot be reached, or lets this client not in."""


class Server(Struct, frozen=True):
    """Who was asked."""

    url: str
    name: str  # as its welcome says
    version: str  # of the protocol


async def greet(target: Target) -> Server:
    """See that the server is there and lets us in. Raises NoConnection."""
    try:
        async with Stage(target) as stage:
            welcome = (await stage.peer()).welcome
    except (OSError, HandshakeRefused, TimeoutError) as error:
        raise NoConnection(f"no connection to {target.url}: {error or 'it took too long'}") from error
    except Failed as failure:
        raise NoConnection(f"no welcome from {target.url}: got {failure.got}") from failure
    return Server(target.url, str(welcome.get("server")), str(welcome.get("version")))


async def run(cases: Iterable[Case], target: Target, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Ask, and give the outcomes in the order of the cases.

    Args:
        cases: in their order
        target: the server; `greet` has seen that it is there
        tell: is told of each outcome at once
    """
    found = []
    for is_light, some in itertools.groupby(cases, lambda case: case.is_light):
        width = asyncio.Semaphore(SIDE_BY_SIDE if is_light else 1)
        async with asyncio.TaskGroup() as group:
            for task in [group.create_task(_play(case, target, width)) for case in some]:
                outcome = await task
                tell(outcome)
                found.append(outcome)
    return found


async def _play(case: Case, target: Target, width: asyncio.Semaphore) -> Outcome:
    async with width:
        return await _judged(case, target)


async def _judged(case: Case, target: Target) -> Outcome:
    started = time.monotonic()

    def outcome(state: str, **more: object) -> Outcome:
        took_ms = round((time.monotonic() - started) * 1000)
        return Outcome(case.name, state, case.proves, took_ms, **more)  # type: ignore[arg-type] # words of this module

    try:
        # Vectors say exactly what one server answers; what nodes know of each other may come a moment later.
        where = structs.replace(target, also=()) if case.is_light else target
        async with asyncio.timeout(CASE_LIMIT_S), Stage(where) as stage:
            try:
                await case.play(stage)
            finally:
                await stage.tidy()
    except Skipped as skipped:
        return outcome("skipped", reason=str(skipped))
    except Failed as failure:
        if isinstance(failure, Refused) and failure.code == "unavailable":
            return outcome("skipped", reason=f"the server cannot do this now: {failure.got}")
        return outcome("failed", expected=failure.expected, got=failure.got)
    except Closed as end:
        return outcome("failed", expected="an open connection", got=str(end))
    except TimeoutError:
        return outcome("failed", expected=f"an end within {CASE_LIMIT_S:g} s", got="none")
    except (OSError, HandshakeRefused) as error:
        return outcome("failed", expected="a connection", got=str(error))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # A frame without a field that the contract promises: what stumbled over it is ours, the fault is the server's.
        return outcome("failed", expected="frames with the fields of the contract", got=repr(error))
    return outcome("passed")
