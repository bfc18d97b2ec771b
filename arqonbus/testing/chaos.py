"""Chaos: a TCP proxy that cuts, delays and stalls what passes through it, by hand or at random from a seed.

    async with ChaosProxy("127.0.0.1", 9100, seed=7) as proxy:
        async with connect(proxy.url) as bus:        # through the proxy
            proxy.cut()                              # by hand
            await proxy.torment(30)                  # or at random, for 30 seconds

It stands between a client and a server and knows neither: any program that speaks TCP may be tried with it. The faults
and their times follow from the seed; what they hit follows from what the programs do, so a run is alike, not equal.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Final, Literal, Self, TypeAlias

from msgspec import Struct

__all__ = ["DEFAULT_WEIGHTS", "ChaosProxy", "Fault", "FaultKind"]

FaultKind: TypeAlias = Literal["cut", "close", "stall", "delay", "trickle", "half_open", "refuse"]
"""What can happen.

- `cut`: both sides are reset at once.
- `close`: both sides end in order.
- `stall`: nothing passes for a while, then all of it.
- `delay`: everything comes later.
- `trickle`: everything comes in small pieces.
- `half_open`: the server's side is reset, the client's stays open and silent.
- `refuse`: new connections are reset for a while, and those that stand.
"""

DEFAULT_WEIGHTS: Final[Mapping[FaultKind, float]] = MappingProxyType(
    {"cut": 5, "close": 2, "stall": 3, "delay": 2, "trickle": 2, "half_open": 1, "refuse": 1}
)
"""How often each fault comes, beside the others."""

_CHUNK: Final = 65_536
_TRICKLE: Final = 7  # bytes; less than a frame's head and any envelope, so that every boundary is hit
_TRICKLE_S: Final = 0.001
_FLUSH_S: Final = 1.0  # for what is left when one side has ended


class Fault(Struct, frozen=True):
    """One thing that happened."""

    at_s: float  # since the start of the torment
    kind: FaultKind
    lasts_s: float  # 0: at once over


class _Pair:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.is_half_open = False

    def reset(self) -> None:
        """End both sides without a word."""
        self.client.transport.abort()
        self.server.transport.abort()

    def close(self) -> None:
        """End both sides in order."""
        self.client.close()
        self.server.close()

    def half_open(self) -> None:
        """Take the server away; the client hears nothing more, not even the end."""
        self.is_half_open = True
        self.server.transport.abort()


class ChaosProxy:
    """A proxy in front of one server. Runs in one event loop; ends with its `async with`.

    Args:
        host: of the server
        port: of the server
        seed: of what `torment` does
        listen: address to listen on; the port is chosen by the system, see `port`
    """

    def __init__(self, host: str, port: int, *, seed: int = 0, listen: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._listen = listen
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._pairs: set[_Pair] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._passing = asyncio.Event()  # cleared: a stall
        self._passing.set()
        self._server: asyncio.Server | None = None
        self.delay_s = 0.0  # that every piece waits, each way
        self.is_trickling = False
        self.is_refusing = False
        self.is_deaf = False  # what servers say is thrown away; what clients say passes
        self.faults: list[Fault] = []  # that `torment` made
        self.connections = 0  # that were accepted so far

    # --- life -------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, self._listen, 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        self.heal()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None  # noqa: S101 - asked inside `async with` only
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """Where a client of the bus connects."""
        return f"ws://{self._listen}:{self.port}/"

    # --- faults by hand ---------------------------------------------------------------------------------------------

    def cut(self) -> None:
        """Reset every connection."""
        self._each(_Pair.reset)

    def close(self) -> None:
        """End every connection in order, as TCP does; nothing of WebSocket is said."""
        self._each(_Pair.close)

    def half_open(self) -> None:
        """Reset the server's side of every connection; the client's stays open, and nothing comes any more."""
        self._each(_Pair.half_open)

    def stall(self) -> None:
        """Hold back everything, both ways, until `heal`."""
        self._passing.clear()

    def heal(self) -> None:
        """Let everything pass again, at once and whole."""
        self._passing.set()
        self.delay_s = 0.0
        self.is_trickling = self.is_refusing = self.is_deaf = False

    def _each(self, fault: Callable[[_Pair], None]) -> None:
        for pair in list(self._pairs):
            fault(pair)

    # --- faults at random -------------------------------------------------------------------------------------------

    async def torment(
        self,
        seconds: float,
        *,
        every_s: float = 1.0,
        longest_s: float = 1.5,
        weights: Mapping[FaultKind, float] = DEFAULT_WEIGHTS,
    ) -> None:
        """Make trouble for a while, then heal.

        Args:
            seconds: how long
            every_s: mean time between the end of one fault and the next
            longest_s: longest time of one that lasts
            weights: how often each kind comes; a kind that is not there never does
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        kinds = list(weights)
        while (left_s := start + seconds - loop.time()) > 0:
            await asyncio.sleep(min(left_s, self._random.expovariate(1 / every_s)))
            kind = self._random.choices(kinds, [weights[kind] for kind in kinds])[0]
            lasts_s = self._random.uniform(0.05, longest_s) if kind in _LASTING else 0.0
            self.faults.append(Fault(round(loop.time() - start, 3), kind, round(lasts_s, 3)))
            self._begin(kind)
            await asyncio.sleep(lasts_s)
            self.heal()

    def _begin(self, kind: FaultKind) -> None:
        match kind:
            case "cut":
                self.cut()
            case "close":
                self.close()
            case "half_open":
                self.half_open()
            case "stall":
                self.stall()
            case "delay":
                self.delay_s = self._random.uniform(0.01, 0.3)
            case "trickle":
                self.is_trickling = True
            case "refuse":
                self.is_refusing = True
                self.cut()

    # --- what passes ------------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a callback of start_server runs in a task
        self._tasks.add(task)
        self.connections += 1
        try:
            await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            return  # the far side is gone, or the proxy ends: both are no error of a proxy
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_refusing:
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        pair = _Pair(writer, far_writer)
        self._pairs.add(pair)
        ways = ((reader, pair.server), (far_reader, pair.client))
        pumps = [asyncio.create_task(self._pump(source, pair, drain)) for source, drain in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            pair.close()  # behind what is still to be written
            async with asyncio.timeout(_FLUSH_S):
                await asyncio.gather(writer.wait_closed(), far_writer.wait_closed(), return_exceptions=True)
        except TimeoutError:
            return  # nobody reads it
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._pairs.discard(pair)
            pair.reset()

    async def _pump(self, reader: asyncio.StreamReader, pair: _Pair, writer: asyncio.StreamWriter) -> None:
        """Pass on what one side says to the other, until one of them ends."""
        try:
            while chunk := await reader.read(_CHUNK):
                await self._passing.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if not pair.is_half_open and not (self.is_deaf and writer is pair.client):
                    await self._write(chunk, writer)
        except OSError:
            pass  # reset: the same as an end, for a proxy
        if pair.is_half_open and writer is pair.client:
            await asyncio.Event().wait()  # the server is gone; the client is not to know

    async def _write(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        step = _TRICKLE if self.is_trickling else len(chunk)
        for at in range(0, len(chunk), step):
            writer.write(chunk[at : at + step])
            await writer.drain()
            if self.is_trickling:
                await asyncio.sleep(_TRICKLE_S)


_LASTING: Final = frozenset({"stall", "delay", "trickle", "refuse"})
