"""How to test a program of the bus: the agents of agents.py, on a bus inside of the test and in virtual time.

Run it with `pytest -o asyncio_mode=auto docs/examples/test_agents.py`; it needs pytest and pytest-asyncio, no server.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import agents
import pytest_asyncio

from arqonbus.client import RequestFailed
from arqonbus.testing.local import LocalBus

pytest_plugins = ["arqonbus.testing.fixtures"]  # in a project it stands in the conftest.py of its root

Start = Callable[..., "asyncio.Task[str]"]


@pytest_asyncio.fixture
async def start(local_bus: LocalBus) -> AsyncIterator[Start]:
    """Start agents, and end those that still run when the test has ended."""
    tasks = []

    async def agent(role: Callable[..., Awaitable[str]], *more: str) -> str:
        async with local_bus.connect(profile={"screen_name": role.__name__}) as bus:
            return await role(bus, "newsroom", *more)

    def start(role: Callable[..., Awaitable[str]], *more: str) -> "asyncio.Task[str]":
        tasks.append(asyncio.create_task(agent(role, *more)))
        return tasks[-1]

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_editor_waits_for_a_writer_who_is_an_hour_late(local_bus: LocalBus, start: Start) -> None:
    start(agents.researcher), start(agents.critic)
    text = start(agents.editor, "why is the sky blue?")
    await local_bus.advance(3600)  # seconds; takes a moment
    assert not text.done()

    start(agents.writer)
    await local_bus.advance(1)

    assert text.result().startswith("TITLE: ")


async def test_a_cut_in_the_midst_of_it_changes_nothing(local_bus: LocalBus, start: Start) -> None:
    for role in (agents.researcher, agents.critic):
        start(role)
    text = start(agents.editor, "why is the sky blue?")
    await local_bus.advance(1)

    local_bus.cut()
    start(agents.writer)
    await local_bus.advance(30)

    assert text.result().endswith("Blue is scattered more than red.")


async def test_a_question_that_nobody_can_answer_is_an_error_of_the_editor(local_bus: LocalBus, start: Start) -> None:
    for role in (agents.researcher, agents.writer, agents.critic):
        start(role)
    text = start(agents.editor, "why is the sky green?")
    await local_bus.advance(1)

    error = text.exception()
    assert isinstance(error, RequestFailed)
    assert (error.code, error.message) == ("unknown", "I know nothing about that")
