"""TLS connections: the handshake, its bounds, and the same bus behind it."""

import asyncio
import errno
import json
import socket
import ssl

import pytest
import websockets

from arqonbus.transport import Bind, Limits, Timeouts, Tls
from arqonbus.transport.tls_door import TlsDoor
from tests.transport.certificates import make_authority
from tests.transport.peers import open_client, raw_client, serving
from tests.transport.sessions import EchoSession, Sessions
from tests.transport.test_wire import frame

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_authority(tmp_path_factory.mktemp("tls"), "bus")


@pytest.fixture
def tls(files):
    return Tls(*files)


@pytest.fixture
def trusting(files):
    """How a client connects that trusts the server's certificate."""
    return {"ssl": ssl.create_default_context(cafile=files[0]), "server_hostname": "localhost"}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_websocket_over_tls_echoes(tls, trusting, version):
    context = trusting["ssl"]
    context.minimum_version = context.maximum_version = version
    async with serving(Sessions(EchoSession), tls=tls) as server:
        async with websockets.connect(f"wss://localhost:{server.port}/", ssl=context, max_size=None) as client:
            for size in (1, 65_536, 900_000):
                payload = json.dumps("x" * size)
                await client.send(f'{{"type":"event","room":"r","channel":"c","payload":{payload}}}')
                assert await client.recv() == payload
        session = await server.session()

        assert (await session.lost).code == 1000
        assert session.hello.remote.startswith("127.0.0.1:")


async def test_frames_right_behind_the_head_reach_the_session(tls, trusting):
    async with (
        serving(tls=tls) as server,
        open_client(server.port, **trusting) as client,
    ):
        client.event(b'"over tls"')
        client.send(frame(8, (1000).to_bytes(2)))
        session = await server.session()

        assert await client.read_rest() == b"\x88\x02\x03\xe8"
        assert (await session.lost).code == 1000
        assert session.payloads() == [b'"over tls"']


async def test_probes_and_refusals_come_over_tls(tls, trusting):
    async with serving(tls=tls) as server:
        async with raw_client(server.port, **trusting) as client:
            client.send(b"GET /health HTTP/1.1\r\n\r\n")
            assert b'"status": "ok"' in await client.read_rest()
        await server.until(half_open=0)


async def test_a_broken_stream_is_told_its_code_over_tls(tls, trusting):
    async with (
        serving(tls=tls) as server,
        open_client(server.port, **trusting) as client,
    ):
        client.send(frame(2, b"binary"))

        assert (await client.read_rest())[2:4] == (1003).to_bytes(2)
        await server.until(open=0)


async def test_a_client_that_reads_nothing_over_tls_is_cut(tls, trusting):
    timeouts = Timeouts(close_s=0.2)
    async with serving(tls=tls, timeouts=timeouts) as server, open_client(server.port, limit=1024, **trusting):
        session = await server.session()
        while session.socket.write(b"\x81\x7e\xea\x60" + b"x" * 60_000, ()):
            await asyncio.sleep(0)
        session.socket.close(4100, "slow")

        assert (await asyncio.wait_for(session.lost, 5)).code == 4100


async def test_a_plain_client_gets_no_answer_and_is_forgotten(tls):
    async with serving(tls=tls) as server, raw_client(server.port) as client:
        client.send(b"GET / HTTP/1.1\r\n\r\n" * 10)
        await client.read_rest()

        await server.until(half_open=0, tls_failures=1)


async def test_threat_07_a_silent_tls_handshake_is_cut(tls):
    timeouts = Timeouts(handshake_s=0.15, close_s=0.1)
    async with serving(tls=tls, timeouts=timeouts) as server, raw_client(server.port) as client:
        assert await client.read_rest() == b""
        await server.until(half_open=0, tls_failures=1)


async def test_threat_07_tls_handshakes_count_as_half_open(tls):
    async with serving(tls=tls, limits=Limits(half_open_per_ip=2)) as server:
        async with raw_client(server.port) as first, raw_client(server.port):
            first.send(b"\x16\x03\x01")
            await server.until(half_open=2)
            async with raw_client(server.port) as third:
                assert await third.read_rest() == b""
        await server.until(half_open=0, refused_half_open_per_ip=1)


async def test_a_silent_client_after_tls_is_cut(tls, trusting):
    timeouts = Timeouts(handshake_s=0.2, close_s=0.1)
    async with serving(tls=tls, timeouts=timeouts) as server:
        async with raw_client(server.port, **trusting) as client:
            assert await client.read_rest() == b""
        await server.until(half_open=0, handshake_timeouts=1)


async def test_a_client_that_goes_right_after_tls_is_forgotten(tls, trusting):
    async with serving(tls=tls) as server:
        async with raw_client(server.port, **trusting):
            pass
        await server.until(accepted=1, half_open=0)


async def test_without_a_client_certificate_there_is_no_connection(files, trusting):
    async with serving(tls=Tls(*files, client_ca=files[0])) as server:
        with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
            async with open_client(server.port, **trusting):
                pass
        await server.until(half_open=0, opened=0)
        trusting["ssl"].load_cert_chain(*files)
        async with open_client(server.port, **trusting):
            await server.until(open=1)


async def test_closing_the_listener_cuts_handshakes_too(tls, trusting):
    async with serving(tls=tls) as server, raw_client(server.port) as client:
        await server.until(half_open=1)
        async with open_client(server.port, **trusting):
            await server.listener.close()
            assert server.listener.statistics().open == server.listener.statistics().half_open == 0
        assert await client.read_rest() == b""


async def test_the_unix_socket_is_plain_beside_tls(tls, tmp_path):
    path = str(tmp_path / "bus.sock")
    async with serving(tls=tls, bind=Bind(port=0, unix_socket=path)), open_client(path=path):
        pass


class EmptySocket:
    """A listening socket whose accept fails; it can be watched, and is always readable."""

    def __init__(self, *errors: OSError) -> None:
        self.errors = list(errors)
        self.mine, self.other = socket.socketpair()
        self.other.send(b"x")

    def fileno(self) -> int:
        return self.mine.fileno()

    def accept(self):
        raise self.errors.pop(0) if self.errors else BlockingIOError

    def close(self) -> None:
        self.mine.close()
        self.other.close()


async def test_a_process_without_files_rests_before_it_accepts_again(caplog):
    sock = EmptySocket(OSError(errno.EMFILE, "too many open files"), OSError(errno.EMFILE, "must not be asked"))
    door = TlsDoor(None, None, sock)
    await asyncio.sleep(0.05)
    door.close()
    door.close()

    assert [str(error) for error in sock.errors] == ["[Errno 24] must not be asked"]
    assert [record.msg for record in caplog.records] == ["accept_failed"]


async def test_a_client_that_gives_up_before_accept_is_no_error(caplog):
    sock = EmptySocket(ConnectionAbortedError(), InterruptedError())
    door = TlsDoor(None, None, sock)
    await asyncio.sleep(0.05)
    door.close()

    assert sock.errors == []
    assert caplog.records == []
