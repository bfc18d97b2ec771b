"""Sockets: one WebSocket by the websockets library, against a real listener."""

import ssl as tls
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve

from arqonbus.client.socket import DialError, DialOptions, SocketClosed, dial
from tests.transport.certificates import make_authority

pytestmark = pytest.mark.integration
OPTIONS = DialOptions(proxy=None)


class Peer:
    """A WebSocket server that a test talks through."""

    def __init__(self) -> None:
        self.server: Server
        self.headers: dict[str, str] = {}
        self.frames: list[str | bytes] = []

    async def handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.headers = dict(connection.request.headers.raw_items())
        await connection.send("welcome")
        async for frame in connection:
            self.frames.append(frame)
            if frame == "close":
                await connection.close(4503, "spam")
            elif frame == "cut":
                connection.transport.abort()
            else:
                await connection.send(frame)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{next(iter(self.server.sockets)).getsockname()[1]}/"


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    peer = Peer()
    async with serve(peer.handle, "127.0.0.1", 0, subprotocols=["arqonbus.v1"]) as peer.server:  # type: ignore[list-item]
        yield peer


@pytest.mark.rules("R6")
async def test_it_offers_the_subprotocol_and_the_headers_that_are_given(peer: Peer) -> None:
    socket = await dial(peer.url, DialOptions(proxy=None, headers={"X-From": "here"}))

    assert await socket.recv() == b"welcome"
    assert peer.headers["Sec-WebSocket-Protocol"] == "arqonbus.v1"
    assert peer.headers["X-From"] == "here"
    assert "Sec-WebSocket-Extensions" not in peer.headers
    await socket.close(1000)


async def test_wss_trusts_what_the_system_trusts_unless_it_is_given_a_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_authority(tmp_path, "bus")
    context = tls.create_default_context(tls.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    peer = Peer()
    async with serve(peer.handle, "127.0.0.1", 0, ssl=context) as peer.server:
        url = peer.url.replace("ws://", "wss://")
        with pytest.raises(tls.SSLCertVerificationError):
            await dial(url, OPTIONS)

        trusting = DialOptions(proxy=None, ssl=tls.create_default_context(cafile=certificate))
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        for options in (OPTIONS, trusting):
            socket = await dial(url, options)
            assert await socket.recv() == b"welcome"
            await socket.close(1000)


async def test_frames_are_text_both_ways(peer: Peer) -> None:
    socket = await dial(peer.url, DialOptions(proxy=None, compression=True))
    await socket.recv()

    await socket.send('{"é":1}'.encode())

    assert await socket.recv() == '{"é":1}'.encode()
    assert peer.frames == ['{"é":1}']
    await socket.close(1000)


@pytest.mark.parametrize(("word", "code", "reason"), [(b"close", 4503, "spam"), (b"cut", 1006, "")])
async def test_it_says_how_it_ended(peer: Peer, word: bytes, code: int, reason: str) -> None:
    socket = await dial(peer.url, OPTIONS)
    await socket.recv()
    await socket.send(word)

    with pytest.raises(SocketClosed) as caught:
        await socket.recv()
    assert (caught.value.code, caught.value.reason) == (code, reason)
    with pytest.raises(SocketClosed):
        await socket.send(b"more")
    await socket.close(1000)


async def test_a_connection_that_is_cut_here_ends_without_a_code(peer: Peer) -> None:
    socket = await dial(peer.url, OPTIONS)
    await socket.recv()

    socket.abort()

    with pytest.raises(SocketClosed) as caught:
        await socket.recv()
    assert caught.value.code == 1006


async def test_a_frame_past_the_limit_ends_the_connection(peer: Peer) -> None:
    socket = await dial(peer.url, DialOptions(proxy=None, max_frame_bytes=100))
    await socket.recv()
    await socket.send(b"x" * 200)

    with pytest.raises(SocketClosed) as caught:
        await socket.recv()
    assert caught.value.code == 1009


async def test_what_is_no_address_or_no_server_says_so(peer: Peer) -> None:
    with pytest.raises(DialError, match="no WebSocket at http"):
        await dial("http://127.0.0.1/", OPTIONS)
    port = int(peer.url.rpartition(":")[2].strip("/"))
    peer.server.close()
    await peer.server.wait_closed()
    with pytest.raises(OSError):
        await dial(f"ws://127.0.0.1:{port}/", OPTIONS)
