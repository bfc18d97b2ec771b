"""Worker: what a server knows of its supervisor, where it has one: its number, and when it is ready or has to go."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable

import msgspec
from msgspec import Struct

from arqonbus.config import Settings

__all__ = ["Worker", "settings_of_worker"]


class Worker(Struct, frozen=True):
    """One of several servers on one port, each a process. Its supervisor has the other ends of the pipes."""

    number: int  # 1 .. workers
    lifeline: int  # pipe that ends when the supervisor does, however it does; nothing is ever written to it
    ready: int  # pipe; takes one byte

    def say_ready(self) -> None:
        """Tell the supervisor that clients are taken. Once."""
        with contextlib.suppress(OSError):  # the lifeline tells it better
            os.write(self.ready, b"1")
        os.close(self.ready)

    def watch(self, loop: asyncio.AbstractEventLoop, on_orphaned: Callable[[], None]) -> None:
        """Call once when the supervisor is gone."""

        def ended() -> None:
            loop.remove_reader(self.lifeline)
            on_orphaned()

        loop.add_reader(self.lifeline, ended)


def settings_of_worker(settings: Settings, number: int, name: str, port: int) -> Settings:
    """Give the settings of one of the workers.

    All have one port. They are drained one after the other within the time that one server has, so each has its share.

    Args:
        settings: of all of them.
        number: of the worker, from 1.
        name: of all of them; each has its own, with its number.
        port: that was taken for them.
    """
    server = settings.server
    return msgspec.structs.replace(
        settings,
        server=msgspec.structs.replace(
            server,
            name=f"{name}-{number}",
            port=port,
            drain_timeout_s=server.drain_timeout_s / server.workers,
            drain_spread_s=server.drain_spread_s / server.workers,
        ),
    )
