"""Wire: one connection to one Redis, many calls at a time.

redis-py opens the connection (TCP, TLS, Unix socket, authentication, database); from then on the bytes are ours: all
calls of one tick of the loop go out in one write, and answers are parsed in one go for each read. One call costs a
quarter of what it costs through redis-py's own reading and writing. For that its stream and its writer are taken, by
two private attributes; ``open`` looks whether they are there, and pyproject.toml bounds the versions.

A wire ends once, for good: by ``close``, or because the other end is gone or too slow. Whoever waits is then told which
of the two holds: the call went out and may have been executed, or it certainly was not.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

import hiredis
from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from arqonbus.errors import StorageError

__all__ = ["Home", "ReplyError", "Wire", "WireLost", "code_of"]

READ_BYTES = 65_536

Home: TypeAlias = Callable[[Any], None]
"""Takes the one answer to a call: a value, a ReplyError, or a WireLost. Must not raise."""


class ReplyError(StorageError):
    """Redis answered with an error: the command had no effect."""

    @property
    def code(self) -> str:
        """The first word, such as ``NOSCRIPT`` or ``MOVED``."""
        return str(self).partition(" ")[0]


class WireLost(StorageError):
    """The wire ended before an answer came.

    Attributes:
        was_sent: whether the call may have reached Redis, and so may have been executed.
    """

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.was_sent = was_sent


def code_of(answer: object) -> str:
    """Give the code of an answer that is an error; empty for any other."""
    return answer.code if isinstance(answer, ReplyError) else ""


class Wire:
    """One connection. For calls, whose answers come in their order; or, with ``on_push``, for subscriptions.

    Args:
        connection: a new one of redis-py, RESP 2, without timeouts of its own.
        timeout_s: within which it must connect, and within which each call must be answered; else the wire ends.
        on_lost: called once when the wire ends by itself, in a later round than the call that found it out.
        on_push: takes everything that Redis says on a wire for subscriptions, where answers are not told from news.
    """

    def __init__(
        self,
        connection: AbstractConnection,
        timeout_s: float,
        on_lost: Callable[[str], None],
        on_push: Callable[[Any], None] | None = None,
    ) -> None:
        self._connection = connection
        self._timeout_s = timeout_s
        self._on_lost = on_lost
        self._on_push = on_push
        self._loop = asyncio.get_running_loop()
        self._out: list[bytes] = []  # packed commands of this tick
        self._n_unsent = 0  # of _waiting, from the newest: those whose bytes are in _out
        self._waiting: deque[tuple[Home, float]] = deque()  # those who called, oldest first, with when
        self._reading: asyncio.Task[None] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._is_over = False
        self.heard_at = self._loop.time()  # when Redis last said anything

    # --- life ---------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect. Raises StorageError, at the latest after the wire's timeout."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._connection.connect()  # type: ignore[no-untyped-call] # redis-py does not annotate it
        except TimeoutError as error:
            self._abort_connection()
            raise StorageError(f"expected a connection within {self._timeout_s} s") from error
        except (RedisError, OSError) as error:
            self._abort_connection()
            raise StorageError(_words(error)) from error
        reader, writer = self._connection._reader, self._connection._writer
        if reader is None or writer is None:
            raise StorageError("expected an open connection of redis-py")
        self._transport = writer.transport
        self.heard_at = self._loop.time()
        self._reading = self._loop.create_task(self._read(reader))

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._transport is not None and not self._is_over

    @property
    def n_waiting(self) -> int:
        """Calls without an answer yet."""
        return len(self._waiting)

    def close(self) -> None:
        """End it. Whoever waits gets WireLost; ``on_lost`` is not called. Idempotent."""
        self._end("closed")

    def lose(self, reason: str) -> None:
        """End it because something is wrong with it, as if the other end had gone."""
        if not self._is_over:
            self._end(reason)
            self._loop.call_soon(self._on_lost, reason)

    def _end(self, reason: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._reading is not None:
            self._reading.cancel()
        self._abort_connection()
        waiting, n_sent = self._waiting, len(self._waiting) - self._n_unsent
        self._waiting, self._out = deque(), []
        for i, (home, _) in enumerate(waiting):
            home(WireLost(reason, was_sent=i < n_sent))

    def _abort_connection(self) -> None:
        writer = self._connection._writer
        if writer is not None:
            writer.transport.abort()
            self._connection._reader = self._connection._writer = None  # else its __del__ warns

    # --- calls --------------------------------------------------------------------------------------------------

    def call(self, home: Home, *args: str | bytes | int) -> None:
        """Send one command; its answer comes to ``home``, in the order of calls. Never raises.

        ``home`` is called within this call only if the wire is over already.
        """
        if self._is_over or self._transport is None:
            home(WireLost("not connected", was_sent=False))
            return
        self._waiting.append((home, self._loop.time()))
        self._n_unsent += 1
        self.send(*args)

    def send(self, *args: str | bytes | int) -> None:
        """Send one command that nobody waits for; for wires with ``on_push``. Lost if the wire is."""
        if self._is_over:
            return
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(hiredis.pack_command(args))  # type: ignore[arg-type] # its stub forgets that tuples have any length

    async def request(self, *args: str | bytes | int) -> Any:
        """Send one command and wait for its answer. Raises ReplyError, WireLost."""
        answered: asyncio.Future[Any] = self._loop.create_future()

        def home(answer: Any) -> None:
            if answered.done():  # whoever waited was cancelled
                return
            if isinstance(answer, StorageError):
                answered.set_exception(answer)
            else:
                answered.set_result(answer)

        self.call(home, *args)
        return await answered

    def check(self, now: float) -> None:
        """End the wire if its oldest call waits for longer than it may. To be called a few times in each timeout."""
        if self._waiting and now - self._waiting[0][1] > self._timeout_s:
            self.lose(f"expected an answer within {self._timeout_s} s")

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out and self._transport is not None and not self._is_over:
            self._n_unsent = 0
            self._transport.write(b"".join(out))

    # --- answers ------------------------------------------------------------------------------------------------

    async def _read(self, reader: asyncio.StreamReader) -> None:
        parser = hiredis.Reader(replyError=ReplyError)
        take = self._take if self._on_push is None else self._on_push
        try:
            while True:
                chunk = await reader.read(READ_BYTES)
                if not chunk:
                    self.lose("Redis closed the connection")
                    return
                self.heard_at = self._loop.time()
                parser.feed(chunk)
                while (answer := parser.gets()) is not False:
                    take(answer)
                    if self._is_over:
                        return
        except (OSError, hiredis.HiredisError) as error:
            self.lose(_words(error))
        finally:
            self.lose("reading ended")  # without effect but for a bug: a wire that nobody reads must not look open

    def _take(self, answer: Any) -> None:
        if not self._waiting:
            self.lose("expected an answer to a call, got one that nobody waits for")
            return
        home, _ = self._waiting.popleft()
        home(answer)


def _words(error: BaseException) -> str:
    """Say what went wrong on one line, bounded; passwords are in no message of redis-py."""
    return " ".join(f"{error or type(error).__name__}".split())[:200]
