"""Answering: the work of ``arqonbus reply``. Requests in, answers out; programs are run without a shell."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import shlex
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Raw

from arqonbus.cli.kit.connection import DEFAULT_TIMEOUT_S, connected
from arqonbus.cli.kit.exits import Exit
from arqonbus.cli.kit.failures import Failure, note
from arqonbus.cli.kit.messages import gap_text
from arqonbus.cli.kit.output import Output
from arqonbus.cli.kit.payloads import payload_of
from arqonbus.cli.kit.records import AnsweredRecord
from arqonbus.cli.kit.running import race
from arqonbus.client import Bus, Gap, Message, ReplyError, SubscribeOptions

__all__ = ["Answering"]

_SHOWN: Final = 200
"""Characters of what a program said of its failure that go to the one who asked."""


class Answering:
    """One run of ``reply``.

    Args:
        options: of the command line

    Raises:
        Failure: the answer or the program cannot be read
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._out = Output(as_json=options.json)
        self._data = None if options.data is None else payload_of(options.data, as_text=options.text)
        self._argv = [] if options.program is None else _argv(options.program)
        self._timeout_s: float = options.timeout or DEFAULT_TIMEOUT_S
        self._n_taken = 0
        self._n_answered = 0
        self._is_over = asyncio.Event()

    async def run(self, options: argparse.Namespace) -> int:
        """Answer requests. Raises ClientError."""
        channel = options.channel
        how: SubscribeOptions = {"group": options.group, "when_full": "block", "on_gap": self._lose}
        async with connected(options) as bus, bus.subscribe(channel, type=Raw, **how) as requests:
            self._note(f"answering {channel}; Ctrl-C ends")

            async def answer(request: Message[Any]) -> None:
                await self._answer(bus, request)

            await race(self._is_over.wait(), requests.run(answer, concurrency=options.concurrency))
        return Exit.OK

    def say_good_bye(self) -> None:
        """Say what was done."""
        self._note(f"{self._n_answered} answer{'' if self._n_answered == 1 else 's'}")

    async def _answer(self, bus: Bus, request: Message[Any]) -> None:
        options = self._options
        if options.count is not None and self._n_taken >= options.count:
            return
        self._n_taken += 1
        code = ""
        try:
            await bus.reply(request, await self._answer_of(request))
        except ReplyError as error:
            code = error.code
            await bus.reply_error(request, error.code, error.message)
            if not self._out.as_json:
                note(f"answered {request.id} with an error: {error.message}")
        if self._out.as_json:
            where, who = options.channel, request.sender
            self._out.record(AnsweredRecord(address=where, id=request.id, sender=who, ok=not code, code=code))
        self._n_answered += 1
        if self._n_answered == options.count:
            self._is_over.set()

    async def _answer_of(self, request: Message[Any]) -> Raw:
        if self._argv:
            return await self._run(request)
        return request.raw if self._data is None else self._data

    async def _run(self, request: Message[Any]) -> Raw:
        """Let the program make the answer. Raises ReplyError."""
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv, stdin=pipe, stdout=pipe, stderr=pipe, env=_environment(request)
            )
        except OSError as error:
            raise ReplyError("exec_failed", f"{self._argv[0]} cannot be run") from error
        try:
            async with asyncio.timeout(self._timeout_s):
                out, err = await process.communicate(bytes(request.raw))
        except TimeoutError:
            raise ReplyError("exec_timeout", f"no answer within {self._timeout_s:g} s") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode != 0:
            said = err.decode("utf-8", "replace").strip()[:_SHOWN]
            raise ReplyError("exec_failed", f"exit code {process.returncode}" + (f": {said}" if said else ""))
        try:
            return payload_of(out.rstrip(b"\r\n"), as_text=self._options.text)
        except Failure as failure:
            raise ReplyError("exec_failed", failure.message) from failure

    def _lose(self, gap: Gap) -> None:
        note(gap_text(gap, self._options.channel))

    def _note(self, text: str) -> None:
        if not self._options.quiet:
            note(text)


def _argv(program: str) -> list[str]:
    try:
        argv = shlex.split(program)
    except ValueError as error:
        raise Failure(Exit.USAGE, f"--exec: {str(error).lower()}", code="usage") from error
    if not argv:
        raise Failure(Exit.USAGE, "--exec: expected a program", code="usage")
    return argv


def _environment(request: Message[Any]) -> Mapping[str, str]:
    # Names without ARQONBUS_, which the program's own arqonbus would take for settings; no token, which is not its.
    kept = {name: value for name, value in os.environ.items() if name != "ARQONBUS_TOKEN"}
    return {**kept, "REQUEST_ID": request.id, "REQUEST_FROM": request.sender, "REQUEST_CHANNEL": request.address}
