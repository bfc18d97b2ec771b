"""Publishing: the work of ``arqonbus pub``. Payloads in, acknowledgements out."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Final

from msgspec import Raw

from arqonbus.cli.kit.connection import DEFAULT_TIMEOUT_S, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure, note
from arqonbus.cli.kit.output import Column, Output
from arqonbus.cli.kit.payloads import payload_of, read_all, read_lines
from arqonbus.cli.kit.records import AckRecord
from arqonbus.client import Ack, Bus, ClientError, PublishOptions

__all__ = ["Publishing"]

WINDOW: Final = 64
"""Messages that may wait for their acknowledgements at once. They are sent in order all the same."""

OUTBOX_BYTES: Final = 128 * 1024 * 1024
"""What is read is sent: the bound is that of one message on stdin."""


class Publishing:
    """One run of ``pub``.

    Args:
        options: of the command line, checked
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._out = Output(as_json=options.json)
        self._n_sent = 0
        self._n_done = 0
        self._refused: list[ClientError] = []  # of messages without ack
        self._timeout_s: float = options.timeout or DEFAULT_TIMEOUT_S

    async def run(self, options: argparse.Namespace) -> int:
        """Publish everything. Raises ClientError: the first one that was not taken, or that there is no server."""
        payload: Raw | None = None
        if not self._has_lines:
            text = await read_all() if options.data in (None, "-") else options.data
            payload = payload_of(text, as_text=options.text)
        started = time.monotonic()
        async with connected(options, outbox_bytes=OUTBOX_BYTES, on_error=self._refuse) as bus:
            try:
                await self._publish(bus, self._lines() if payload is None else self._again(payload))
                if not options.ack:
                    await bus.ping()  # answered behind all that was refused
            finally:
                if self._has_many:
                    self._sum_up(time.monotonic() - started)
        if self._refused:
            raise self._refused[0]
        return Exit.OK

    @property
    def _has_lines(self) -> bool:
        """Whether each line is a message; so it is when somebody types them."""
        options = self._options
        return bool(options.lines or (options.data in (None, "-") and sys.stdin.isatty()))

    @property
    def _has_many(self) -> bool:
        return self._has_lines or self._options.count > 1

    async def _lines(self) -> AsyncIterator[Raw]:
        if sys.stdin.isatty():
            note("each line is a message; Ctrl-D ends")
        async for line in read_lines():
            yield payload_of(line, as_text=self._options.text)

    async def _again(self, payload: Raw) -> AsyncIterator[Raw]:
        for _ in range(self._options.count):
            yield payload

    async def _publish(self, bus: Bus, payloads: AsyncIterator[Raw]) -> None:
        window = asyncio.Semaphore(WINDOW)
        started, rate = time.monotonic(), self._options.rate
        wrong: Failure | None = None  # a line that is no payload; what came before it is published all the same
        try:
            async with asyncio.TaskGroup() as group:
                try:
                    async for payload in payloads:
                        if rate is not None:
                            await asyncio.sleep(started + self._n_sent / rate - time.monotonic())
                        await window.acquire()
                        self._n_sent += 1
                        group.create_task(self._send(bus, payload, self._n_sent, window))
                except Failure as failure:
                    wrong = failure
        except* ClientError as refused:
            raise refused.exceptions[0] from None
        if wrong is not None:
            raise wrong

    async def _send(self, bus: Bus, payload: Raw, number: int, window: asyncio.Semaphore) -> None:
        options = self._options
        how: PublishOptions = {"timeout_s": self._timeout_s, "metadata": dict(options.header) or None}
        if options.id is not None:
            how["id"] = f"{options.id}-{number}" if self._has_many else options.id
        try:
            ack = await bus.publish(options.channel, payload, ack=options.ack, **how)
        finally:
            window.release()
        self._n_done += 1
        if ack is not None:
            self._show(ack)

    def _show(self, ack: Ack) -> None:
        if self._out.as_json:
            self._out.record(
                AckRecord(
                    address=self._options.channel,
                    id=ack.id,
                    seq=ack.seq,
                    epoch=ack.epoch,
                    duplicate=ack.duplicate,
                    stored=ack.stored,
                    delivered=ack.delivered,
                )
            )
        elif not self._has_many:
            self._show_one(ack)

    def _show_one(self, ack: Ack) -> None:
        if not self._out.is_terminal:
            self._out.table((Column("seq"), Column("epoch"), Column("id")), [(ack.seq, ack.epoch, ack.id)])
            return
        what = "published before" if ack.duplicate else "published"
        members = "" if ack.delivered is None else f", to {ack.delivered} member{'' if ack.delivered == 1 else 's'}"
        kept = "not kept" if ack.stored == "none" else f"kept in {ack.stored}"
        self._out.line(f"{what}: {self._options.channel} #{ack.seq}, {kept}{members}")

    def _sum_up(self, elapsed_s: float) -> None:
        per_s = self._n_done / elapsed_s if elapsed_s > 0 else 0.0
        left = f" of {self._n_sent}" if self._n_done < self._n_sent else ""
        what = "acknowledged" if self._options.ack else "sent"
        plural = "" if self._n_done == 1 and not left else "s"
        note(f"{self._n_done}{left} message{plural} {what} in {elapsed_s:.2f} s ({per_s:.0f}/s)")

    def _refuse(self, error: Exception) -> None:
        if isinstance(error, ClientError):
            self._refused.append(error)
