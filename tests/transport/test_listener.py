"""The listener: where it listens, what keeps it from that, and how it ends."""

import asyncio
import os
import socket
import ssl
import stat

import pytest

from arqonbus.transport import Bind, Handshake, Health, Limits, Listener, ListenError, Statistics, Tls
from tests.transport.certificates import make_authority
from tests.transport.peers import PATIENCE_S, REQUEST, open_client, raw_client, serving
from tests.transport.sessions import Sessions
from tests.transport.test_wire import frame

pytestmark = pytest.mark.integration


def listener(**more) -> Listener:
    return Listener(Sessions(), Handshake(Health(lambda: (True, ""), "1")), **more)


async def test_port_0_becomes_a_free_port():
    async with serving() as server:
        assert server.listener.port > 0
        assert server.listener.addresses == [f"127.0.0.1:{server.port}"]


async def test_tcp_and_unix_socket_serve_together(tmp_path):
    path = str(tmp_path / "bus.sock")
    async with serving(bind=Bind(port=0, unix_socket=path)) as server, open_client(server.port), open_client(path=path):
        await server.until(open=2)
        assert server.listener.addresses == [f"127.0.0.1:{server.port}", path]
    assert not os.path.exists(path)


async def test_the_unix_socket_alone_has_no_port(tmp_path):
    path = str(tmp_path / "bus.sock")
    async with serving(bind=Bind(host=None, unix_socket=path)) as server:
        assert (server.listener.port, server.listener.addresses) == (0, [path])


async def test_ipv6_is_served():
    if not socket.has_ipv6:
        pytest.skip("no IPv6 in this Python")
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    async with serving(bind=Bind(host="::1", port=0)) as server:
        reader, writer = await asyncio.open_connection("::1", server.port)
        writer.write(b"GET /health HTTP/1.1\r\n\r\n")
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        assert server.listener.addresses == [f"[::1]:{server.port}"]
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_a_taken_port_is_an_error_with_advice_and_leaves_nothing_open(tmp_path):
    path = str(tmp_path / "bus.sock")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=rf"127\.0\.0\.1 port {port}: the port is taken"):
            await listener(bind=Bind(port=port, unix_socket=path)).start()
    assert not os.path.exists(path)


async def test_a_bad_unix_path_is_an_error_and_closes_the_tcp_port(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(ListenError, match="there is no such folder"):
        await listener(bind=Bind(port=port, unix_socket=str(tmp_path / "no" / "bus.sock"))).start()
    await asyncio.sleep(0)

    socket.create_server(("127.0.0.1", port)).close()


@pytest.mark.parametrize("host", ["203.0.113.1", "no-such-host.invalid"])
async def test_a_host_that_is_not_ours_is_an_error(host):
    with pytest.raises(ListenError, match=r"see server\.host"):
        await listener(bind=Bind(host=host, port=0)).start()


async def test_a_path_too_long_for_a_unix_socket_is_an_error(tmp_path):
    with pytest.raises(ListenError, match=r"see server\.unix_socket"):
        await listener(bind=Bind(host=None, unix_socket=str(tmp_path / ("x" * 120)))).start()


async def test_a_bad_tls_file_is_an_error():
    with pytest.raises(ListenError, match=r"server\.tls_cert"):
        await listener(bind=Bind(port=0), tls=Tls("/nowhere/cert.pem")).start()


async def test_a_second_listener_does_not_take_the_unix_socket_of_the_first(tmp_path):
    path = str(tmp_path / "bus.sock")
    async with serving(bind=Bind(host=None, unix_socket=path)):
        with pytest.raises(ListenError, match="a server answers there already"):
            await listener(bind=Bind(host=None, unix_socket=path)).start()
        async with open_client(path=path):
            pass


async def test_a_socket_file_that_is_not_ours_any_more_is_left_alone(tmp_path):
    path = str(tmp_path / "bus.sock")
    async with serving(bind=Bind(host=None, unix_socket=path)):
        os.unlink(path)
        with open(path, "w"):
            pass
    assert stat.S_ISREG(os.stat(path).st_mode)


async def test_close_tells_every_session_before_it_returns():
    async with serving() as server, open_client(server.port), open_client(server.port), raw_client(server.port):
        await server.until(open=2, half_open=1)
        await server.listener.close()

        assert [session.lost.done() for session in server.sessions.all] == [True, True]
        assert server.listener.statistics().half_open == 0
        assert server.listener.addresses == []
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", server.port or 1)
        await server.listener.close()


async def test_new_rules_hold_for_clients_that_come_later():
    foreign = REQUEST[:-2] + b"Origin: https://app.example\r\n\r\n"
    async with serving() as server, open_client(server.port):
        async with raw_client(server.port) as client:
            assert b" 403 " in await client.handshake(foreign)
        health = Health(lambda: (True, ""), "1")
        server.listener.renew(Handshake(health, origins=["https://app.example"]), None)

        async with raw_client(server.port) as client:
            assert b" 101 " in await client.handshake(foreign)
        await server.until(open=1)


async def test_a_renewed_certificate_is_shown_to_clients_that_come_later(tmp_path):
    handshake = Handshake(Health(lambda: (True, ""), "1"))
    old, new = (Tls(*make_authority(tmp_path, name)) for name in ("old", "new"))
    trusting = {"ssl": ssl.create_default_context(cafile=new.cert), "server_hostname": "localhost"}
    async with serving(tls=old) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            async with raw_client(server.port, **trusting):
                pass
        with pytest.raises(ListenError):
            server.listener.renew(handshake, Tls("/nowhere.pem"))
        server.listener.renew(handshake, new)

        async with open_client(server.port, **trusting):
            await server.until(open=1)


async def test_close_and_drain_before_start_do_nothing():
    unstarted = listener()
    unstarted.drain()
    await unstarted.close()

    assert unstarted.statistics() == Statistics()


async def test_statistics_count_what_happened():
    async with serving() as server:
        async with open_client(server.port) as client:
            await server.until(open=1)
            client.send(frame(8, b""))
            await client.read_rest()
        await server.until(open=0)
        found = server.listener.statistics()

        assert (found.accepted, found.opened, found.half_open, found.refused_handshakes) == (1, 1, 0, 0)


async def test_threat_31_a_flood_of_hostile_clients_is_a_handful_of_log_lines(caplog):
    async with serving(limits=Limits(half_open_per_ip=5)) as server:
        async with asyncio.timeout(PATIENCE_S):
            for _ in range(100):
                async with raw_client(server.port) as client:
                    client.send(b"\xff" * 100)
        await server.until(half_open=0)
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]

    assert 1 <= len(warnings) <= 2
    assert len(caplog.records) < 8


async def test_threat_02_tokens_are_in_no_log_line(caplog):
    caplog.set_level(0)
    canary = "canary-5b1e"
    lines = (
        f"Authorization: Bearer {canary}\r\nSec-WebSocket-Protocol: arqonbus.v1, arqonbus.token.{canary}\r\n\r\n"
    ).encode()
    async with serving() as server, raw_client(server.port) as client:
        head = (
            b"GET /?token=%s HTTP/1.1\r\nHost: bus\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" % canary.encode()
        )
        assert (await client.handshake(head + lines)).startswith(b"HTTP/1.1 101 ")
        client.event(b'"%s"' % canary.encode())
        client.send(frame(1, canary.encode()) + frame(2, canary.encode()))
        await client.read_rest()
        session = await server.session()
        assert session.hello.token == canary

    assert not [record for record in caplog.records if canary in f"{record.__dict__}"]
