"""How a handle begins."""

import asyncio

import pytest

from arqonbus.client.errors import Expired
from arqonbus.client.opening import Opening


async def test_the_wait_ends_with_the_start() -> None:
    opening = Opening(5.0)
    waiting = asyncio.create_task(opening.wait("it"))
    await asyncio.sleep(0)

    opening.has_started()

    await waiting
    await opening.wait("it")


async def test_a_start_that_does_not_come_is_an_error_that_says_of_what() -> None:
    with pytest.raises(Expired, match="the door was not open within 0.01 s"):
        await Opening(0.01).wait("the door was not open")
