"""The chaos proxy: each fault does what it says, to a server that sends back what it gets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from arqonbus.testing.chaos import DEFAULT_WEIGHTS, ChaosProxy

pytestmark = pytest.mark.integration
SOON_S = 5.0
QUIET_S = 0.1


class Echo:
    """A server that sends back what it gets, and knows who hung up."""

    def __init__(self) -> None:
        self.port = 0
        self.n_ended = 0
        self.ended = asyncio.Event()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(1000):
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass
        self.n_ended += 1
        self.ended.set()
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.handle, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    yield echo
    server.close()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[ChaosProxy]:
    async with ChaosProxy("127.0.0.1", echo.port, seed=1) as proxy:
        yield proxy


class Caller:
    """A client of the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, text: bytes) -> None:
        self._writer.write(text)

    async def hear(self, n: int) -> bytes:
        async with asyncio.timeout(SOON_S):
            return await self._reader.readexactly(n)

    async def has_ended(self) -> bool:
        async with asyncio.timeout(SOON_S):
            try:
                return await self._reader.read(1) == b""
            except ConnectionResetError:
                return True

    async def is_quiet(self) -> bool:
        try:
            async with asyncio.timeout(QUIET_S):
                await self._reader.read(1)
        except TimeoutError:
            return True
        return False


@pytest.fixture
async def caller(proxy: ChaosProxy) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    caller = Caller(reader, writer)
    caller.say(b"hello")
    assert await caller.hear(5) == b"hello"
    yield caller
    writer.close()


async def test_without_faults_it_passes_everything_both_ways(proxy: ChaosProxy, caller: Caller) -> None:
    caller.say(b"x" * 200_000)

    assert await caller.hear(200_000) == b"x" * 200_000
    assert proxy.connections == 1
    assert proxy.url == f"ws://127.0.0.1:{proxy.port}/"


@pytest.mark.parametrize("fault", ["cut", "close"])
async def test_a_cut_or_close_ends_both_sides(proxy: ChaosProxy, caller: Caller, echo: Echo, fault: str) -> None:
    getattr(proxy, fault)()

    assert await caller.has_ended()
    await asyncio.wait_for(echo.ended.wait(), SOON_S)


async def test_a_stall_holds_everything_back_until_it_is_healed(proxy: ChaosProxy, caller: Caller) -> None:
    proxy.stall()
    caller.say(b"later")
    assert await caller.is_quiet()

    proxy.heal()

    assert await caller.hear(5) == b"later"


async def test_half_open_takes_the_server_away_and_leaves_the_client_in_silence(
    proxy: ChaosProxy, caller: Caller, echo: Echo
) -> None:
    proxy.half_open()
    caller.say(b"anybody?")

    await asyncio.wait_for(echo.ended.wait(), SOON_S)
    assert await caller.is_quiet()


async def test_what_the_server_says_may_be_thrown_away(proxy: ChaosProxy, caller: Caller) -> None:
    proxy.is_deaf = True
    caller.say(b"lost on its way back")
    assert await caller.is_quiet()

    proxy.heal()
    caller.say(b"heard")

    assert await caller.hear(5) == b"heard"


async def test_a_delay_holds_each_piece_back_for_a_while(proxy: ChaosProxy, caller: Caller) -> None:
    proxy.delay_s = 0.05
    loop = asyncio.get_running_loop()
    start = loop.time()
    caller.say(b"later")

    assert await caller.hear(5) == b"later"
    assert loop.time() - start >= 0.1


async def test_a_trickle_passes_everything_in_pieces(proxy: ChaosProxy, caller: Caller) -> None:
    proxy.is_trickling = True
    caller.say(b"0123456789" * 10)

    assert await caller.hear(100) == b"0123456789" * 10


async def test_new_connections_may_be_refused(proxy: ChaosProxy) -> None:
    proxy.is_refusing = True
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

    assert await Caller(reader, writer).has_ended()
    writer.close()


async def test_a_server_that_is_not_there_is_an_end(echo: Echo) -> None:
    async with ChaosProxy("127.0.0.1", 9) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)

        assert await Caller(reader, writer).has_ended()
        writer.close()


async def test_a_client_that_goes_takes_the_server_s_side_along(proxy: ChaosProxy, echo: Echo) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"bye")
    await reader.readexactly(3)

    writer.close()

    await asyncio.wait_for(echo.ended.wait(), SOON_S)


async def test_what_a_torment_does_follows_from_its_seed(echo: Echo) -> None:
    async def kinds(seed: int) -> list[str]:
        async with ChaosProxy("127.0.0.1", echo.port, seed=seed) as proxy:
            await proxy.torment(0.3, every_s=0.01, longest_s=0.06)
            return [fault.kind for fault in proxy.faults]

    first, again, other = await kinds(1), await kinds(1), await kinds(2)

    n = min(len(first), len(again), len(other), 5)
    assert n >= 3
    assert first[:n] == again[:n]
    assert first[:n] != other[:n]


async def test_a_torment_ends_healed_and_makes_only_what_it_may(proxy: ChaosProxy, caller: Caller) -> None:
    await proxy.torment(0.2, every_s=0.01, longest_s=0.06, weights={"stall": 1, "delay": 1, "trickle": 1})
    caller.say(b"still there")

    assert await caller.hear(11) == b"still there"
    assert {fault.kind for fault in proxy.faults} <= {"stall", "delay", "trickle"}


def test_every_fault_has_a_weight() -> None:
    assert set(DEFAULT_WEIGHTS) == {"cut", "close", "stall", "delay", "trickle", "half_open", "refuse"}
