"""Every test of the transport that needs a loop runs on both: asyncio's own and uvloop's."""

import asyncio

import uvloop


def pytest_asyncio_loop_factories(config, item):
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
