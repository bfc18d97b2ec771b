"""New connections: heads in pieces, too slow, too long, too many."""

import asyncio

import pytest

from arqonbus.transport import Bind, Limits, Timeouts
from tests.transport.peers import PATIENCE_S, REQUEST, close_code, open_client, raw_client, serving
from tests.transport.test_wire import frame

pytestmark = pytest.mark.integration

SHORT = Timeouts(handshake_s=0.15, close_s=0.15)
EVENT = frame(1, b'{"type":"event","room":"r","channel":"c","payload":"with the head"}')


async def test_a_head_in_pieces_is_read():
    async with serving() as server, raw_client(server.port) as client:
        for at in range(0, len(REQUEST), 7):
            client.send(REQUEST[at : at + 7])
            await asyncio.sleep(0)

        assert (await client.read_head()).startswith(b"HTTP/1.1 101 ")


async def test_frames_right_behind_the_head_reach_the_session():
    async with serving() as server, raw_client(server.port) as client:
        await client.handshake(REQUEST + EVENT + EVENT[:10])
        session = await server.session()

        assert session.payloads() == [b'"with the head"']


async def test_the_session_is_told_who_comes():
    async with serving() as server, open_client(server.port) as client:
        host, port = client.writer.get_extra_info("sockname")

        assert (await server.session()).hello.remote == f"{host}:{port}"


async def test_a_probe_is_answered_and_the_connection_ends():
    async with serving() as server, raw_client(server.port) as client:
        client.send(b"GET /version HTTP/1.1\r\nHost: bus\r\n\r\n")

        assert (await client.read_rest()).endswith(b'{"version": "1.2.3", "protocol": "1.0"}\n')
        await server.until(half_open=0)
        assert server.listener.statistics().refused_handshakes == 0


@pytest.mark.parametrize(
    ("noise", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"\x00" * 50, 400),
        (b"\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n\r\n", 405),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"HELLO\r\n\r\n", 400),
    ],
)
async def test_noise_gets_a_4xx_and_the_connection_ends(noise, status):
    async with serving() as server, raw_client(server.port) as client:
        client.send(noise)

        assert (await client.read_rest()).startswith(b"HTTP/1.1 %d " % status)
        await server.until(half_open=0, refused_handshakes=1)


async def test_threat_07_a_flood_of_header_bytes_is_answered_431():
    async with serving(limits=Limits(handshake_bytes=16384)) as server, raw_client(server.port) as client:
        client.send(REQUEST[:-2] + b"X: " + b"y" * 100_000)

        assert (await client.read_rest()).startswith(b"HTTP/1.1 431 ")
        await server.until(half_open=0, refused_handshakes=1)


async def test_a_whole_head_over_the_bound_is_refused_too():
    limits = Limits(handshake_bytes=len(REQUEST) - 1)
    async with serving(limits=limits) as server, raw_client(server.port) as client:
        client.send(REQUEST)

        assert (await client.read_rest()).startswith(b"HTTP/1.1 431 ")


async def test_a_head_of_exactly_the_bound_is_read():
    async with serving(limits=Limits(handshake_bytes=len(REQUEST))) as server, open_client(server.port):
        await server.until(open=1)


async def test_threat_07_sending_slowly_does_not_stretch_the_deadline():
    async with serving(timeouts=SHORT) as server, raw_client(server.port) as client:

        async def drip() -> None:
            for byte in REQUEST:
                client.send(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        answer = await client.read_rest()
        dripping.cancel()

        assert answer.startswith(b"HTTP/1.1 408 ")
        await server.until(half_open=0, handshake_timeouts=1)


async def test_a_silent_connection_is_cut():
    async with serving(timeouts=SHORT) as server, raw_client(server.port) as client:
        assert await client.read_rest() == b""
        await server.until(half_open=0, handshake_timeouts=1)


async def test_a_refused_client_that_stays_is_cut():
    async with serving(timeouts=SHORT) as server, raw_client(server.port) as client:
        client.send(b"POST / HTTP/1.1\r\n\r\n")
        await client.read_head()

        await server.until(half_open=0)


async def test_a_client_that_goes_before_its_head_is_whole_is_forgotten():
    async with serving() as server, raw_client(server.port) as client:
        client.send(REQUEST[:20])
        await server.until(half_open=1)
        client.writer.transport.abort()

        await server.until(half_open=0)


async def test_a_half_closed_client_is_forgotten():
    async with serving() as server, raw_client(server.port) as client:
        client.send(REQUEST[:20])
        client.writer.write_eof()

        assert await client.read_rest() == b""
        await server.until(half_open=0)


async def test_threat_12_one_address_may_hold_so_many_half_open_connections():
    async with serving(limits=Limits(half_open_per_ip=3)) as server:
        async with raw_client(server.port), raw_client(server.port), raw_client(server.port):
            await server.until(half_open=3)
            async with raw_client(server.port) as fourth:
                assert await fourth.read_rest() == b""
            assert server.listener.statistics().refused_half_open_per_ip == 1
            async with raw_client(server.port, local_addr=("127.0.0.9", 0)) as other:
                assert (await other.handshake()).startswith(b"HTTP/1.1 101 ")
        await server.until(half_open=0)
        async with open_client(server.port):
            pass


async def test_all_addresses_together_may_hold_so_many_half_open_connections():
    async with serving(limits=Limits(half_open=2)) as server, raw_client(server.port), raw_client(server.port):
        await server.until(half_open=2)
        async with raw_client(server.port, local_addr=("127.0.0.9", 0)) as third:
            assert await third.read_rest() == b""

        assert server.listener.statistics().refused_half_open == 1


async def test_open_connections_are_not_half_open():
    limits = Limits(half_open_per_ip=1)
    async with serving(limits=limits) as server, open_client(server.port), open_client(server.port):
        await server.until(open=2, half_open=0)


async def test_the_unix_socket_has_no_bound_of_one_address(tmp_path):
    path = str(tmp_path / "bus.sock")
    limits = Limits(half_open_per_ip=1)
    async with serving(limits=limits, bind=Bind(host=None, unix_socket=path)) as server:
        async with raw_client(path=path), raw_client(path=path):
            await server.until(half_open=2)
        async with open_client(path=path):
            assert (await server.session()).hello.remote == "unix"


async def test_one_connection_too_many_is_told_as_a_websocket():
    async with serving(limits=Limits(connections=1)) as server, open_client(server.port):
        await server.until(open=1)
        async with open_client(server.port) as second:
            first, payload = await second.frame()

            assert (first, close_code(payload)) == (0x88, 4102)
            assert await second.read_rest() == b""
        await server.until(half_open=0, open=1, refused_connections=1)
        assert len(server.sessions.all) == 1


async def test_a_place_that_is_given_up_can_be_had():
    async with serving(limits=Limits(connections=1)) as server:
        async with open_client(server.port):
            await server.until(open=1)
        await server.until(open=0)
        async with open_client(server.port):
            await server.until(open=1)


async def test_a_fault_in_the_decision_cuts_the_connection_and_is_logged_once(caplog):
    async with serving() as server, raw_client(server.port) as client:
        server.listener._lobby.handshake = None
        client.send(REQUEST)

        assert await client.read_rest() == b""
        assert [record.msg for record in caplog.records if record.levelname == "ERROR"] == ["handshake_failed"]


async def test_while_draining_new_clients_are_sent_away_and_old_ones_stay():
    async with serving() as server, open_client(server.port) as old:
        session = await server.session()
        server.listener.drain()
        async with raw_client(server.port) as new:
            assert b"HTTP/1.1 503 " in await new.handshake()
        async with raw_client(server.port) as probe:
            probe.send(b"GET /ready HTTP/1.1\r\n\r\n")
            assert b'"why": "draining"' in await probe.read_rest()
        old.event()
        async with asyncio.timeout(PATIENCE_S):
            while not session.mails:
                await asyncio.sleep(0.005)
