"""The suite's own WebSocket, against a server that speaks it by the letter."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from arqonbus.testing.conformance.socket import BINARY, Closed, HandshakeRefused, Socket, frame, get

pytestmark = pytest.mark.integration


@asynccontextmanager
async def served(handler: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None, max_size=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
async def test_text_of_every_size_goes_both_ways(size: int) -> None:
    async with served(echo) as url:
        socket = await Socket.open(url, {})
        await socket.send("é" * (size // 2))

        assert await socket.recv() == "é" * (size // 2)
        await socket.drop()


async def test_fragments_and_pings_of_the_server_make_one_message() -> None:
    async def fragments(connection: ServerConnection) -> None:
        await (await connection.ping(b"x"))
        await connection.send(["a", "b", "c"])
        await connection.wait_closed()

    async with served(fragments) as url:
        socket = await Socket.open(url, {})

        assert await socket.recv() == "abc"
        await socket.drop()


async def test_the_end_tells_its_code() -> None:
    async def leave(connection: ServerConnection) -> None:
        await connection.close(4100, "slow")

    async with served(leave) as url:
        socket = await Socket.open(url, {})
        with pytest.raises(Closed) as end:
            await socket.recv()

    assert end.value.code == 4100


async def test_a_close_of_ours_is_answered() -> None:
    async with served(echo) as url:
        socket = await Socket.open(url, {})
        await socket.close(1000)
        with pytest.raises(Closed) as end:
            await socket.recv()

    assert end.value.code == 1000


async def test_a_connection_that_vanishes_ends_with_1006() -> None:
    async def vanish(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with served(vanish) as url:
        socket = await Socket.open(url, {})
        with pytest.raises(Closed) as end:
            await socket.recv()
        await socket.drop()

    assert end.value.code == 1006


async def test_frames_of_other_kinds_can_be_sent() -> None:
    got: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def keep(connection: ServerConnection) -> None:
        got.set_result(await connection.recv())
        await connection.wait_closed()

    async with served(keep) as url:
        socket = await Socket.open(url, {})
        await socket.send_bytes(frame(BINARY, b"12", is_final=False) + frame(0, b"3"))

        assert await got == b"123"
        await socket.drop()


async def test_a_handshake_that_is_refused_tells_status_and_text() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    with pytest.raises(HandshakeRefused) as refusal:
        await Socket.open(url, {})
    page = await get(url, "/health")
    server.close()

    assert (refusal.value.status, refusal.value.text) == (400, "no")
    assert page == (400, "no")
