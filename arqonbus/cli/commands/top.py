"""``arqonbus top``: what a server does now, on a screen that is drawn again and again."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from arqonbus.cli.kit.connection import add_connection, connected, seconds, url_of
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.parser import Parser

if TYPE_CHECKING:
    from arqonbus.cli.kit.measures import TopRecord
    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.top.collector import Collector
    from arqonbus.cli.top.rates import Sort
    from arqonbus.cli.top.sample import Sample
    from arqonbus.cli.top.screen import Screen
    from arqonbus.client import Bus, StateChange

__all__ = ["add", "run"]

SORTS = ("rate", "members", "seq", "waiting", "name")
"""As in `arqonbus.cli.top.rates`, which is too slow to import here; a test compares."""

KEYS = "q quits, s sorts"


def add(parser: Parser) -> None:
    """Say what the command takes."""
    parser.add_example("arqonbus top", "a screen of its own, until q or Ctrl-C")
    parser.add_example("arqonbus top --sort members --every 5")
    parser.add_example("arqonbus top --once", "one look, as text")
    parser.add_example("arqonbus top --json", "one object for each look, for programs")
    parser.add_argument("--every", metavar="SECONDS", type=seconds, default=1.0, help="between two looks (default: 1)")
    parser.add_argument("--sort", choices=SORTS, default="rate", help="order of the channels (default: rate)")
    parser.add_argument("--once", action="store_true", help="look twice, for the rates, show it, and end")
    add_connection(parser)


def run(options: argparse.Namespace) -> int:
    """Look until it is enough."""
    from arqonbus.cli.kit.output import Output
    from arqonbus.cli.kit.running import run_async

    looking = _Looking(options, Output(as_json=options.json))
    return run_async(looking.run, options, on_interrupt=None if options.once else lambda: Exit.OK)


class _Looking:
    """One call of the command."""

    def __init__(self, options: argparse.Namespace, out: Output) -> None:
        import asyncio

        self._options = options
        self._out = out
        self._sort: Sort = options.sort
        self._record: TopRecord | None = None
        self._note = KEYS
        self._is_over = asyncio.Event()
        self._bus: Bus
        self._screen: Screen | None = None

    async def run(self, options: argparse.Namespace) -> int:
        """Look again and again."""
        from arqonbus.cli.top.collector import Collector
        from arqonbus.cli.top.screen import Screen

        async with connected(options, on_state=self._changed) as self._bus:
            collector = Collector(self._bus, url_of(options))
            await collector.open()
            if self._out.as_json or options.once or not (self._out.is_terminal and sys.platform != "win32"):
                await self._look(collector)
                return Exit.OK
            with Screen(self._pressed, self._draw) as self._screen:
                try:
                    await self._look(collector)
                finally:
                    self._screen = None  # nothing may be drawn on the screen that was there before
        return Exit.OK

    async def _look(self, collector: Collector) -> None:
        from datetime import UTC, datetime

        from arqonbus.cli.top.rates import record_of

        before = await collector.sample()
        while not await self._is_done():
            now = await self._sampled(collector)
            if now is None:
                continue
            at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self._record, before = record_of(before, now, at), now
            self._show()
            if self._options.once:
                return

    def _changed(self, change: StateChange) -> None:
        """Say on the screen what becomes of the connection; figures stay those of the last look."""
        self._note = KEYS if change.after == "connected" else change.after
        self._draw()

    async def _sampled(self, collector: Collector) -> Sample | None:
        """Read a sample; None: not this time."""
        from arqonbus.client import BusClosed, ClientError

        try:
            return await collector.sample()
        except BusClosed:
            raise
        except ClientError:
            return None

    async def _is_done(self) -> bool:
        """Wait until the next look is due; True: there is none."""
        import asyncio

        try:
            async with asyncio.timeout(self._options.every):
                await self._is_over.wait()
        except TimeoutError:
            return False
        return True

    def _show(self) -> None:
        from arqonbus.cli.kit.terminal import width
        from arqonbus.cli.top.view import view

        if self._record is None:
            return
        if self._out.as_json:
            self._out.record(self._record)
        elif self._screen is not None:
            self._draw()
        else:
            columns = width() if self._out.is_terminal else 120
            for line in view(self._record, self._sort, columns, None, paint=self._out.painted):
                self._out.line(line)

    def _draw(self) -> None:
        from arqonbus.cli.top.view import view

        if self._screen is None:
            return
        columns, rows = self._screen.size
        if self._record is None:
            self._screen.draw([self._note[:columns]])
            return
        note = f"sort {self._sort}   {self._note}"
        self._screen.draw(view(self._record, self._sort, columns, rows, paint=self._out.painted, note=note))

    def _pressed(self, key: str) -> None:
        if key in ("q", "Q"):
            self._is_over.set()
        elif key in ("s", "S"):
            self._sort = SORTS[(SORTS.index(self._sort) + 1) % len(SORTS)]  # type: ignore[assignment] # one of them
            self._draw()
