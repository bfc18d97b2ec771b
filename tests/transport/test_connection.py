"""Open connections: messages, back-pressure, the end from either side, floods, silence."""

import asyncio
import gc
import json
import socket
import zlib

import psutil
import pytest
import websockets

from arqonbus.protocol.frames import text_frame
from arqonbus.routing.mail import Deliver, Inbound, Invalid, Lost, Writable
from arqonbus.transport import Limits, Timeouts
from tests.transport.peers import PATIENCE_S, REQUEST, Client, close_code, open_client, raw_client, serving
from tests.transport.sessions import EchoSession, RecordingSession, Sessions
from tests.transport.test_wire import frame

pytestmark = pytest.mark.integration

CLOSE_1000 = frame(8, (1000).to_bytes(2) + b"bye")


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.005)


async def lost(session: RecordingSession) -> Lost:
    async with asyncio.timeout(PATIENCE_S):
        return await session.lost


def event_text(payload: bytes) -> bytes:
    return b'{"type":"event","room":"r","channel":"c","payload":%s}' % payload


# --- messages -----------------------------------------------------------------------------------------------------


async def test_a_text_message_becomes_inbound_mail_with_its_size():
    async with serving() as server, open_client(server.port) as client:
        client.send(frame(1, event_text(b"[1, 1.10]")))
        session = await server.session()
        await until(lambda: session.mails)

        mail = session.mails[0]
        assert isinstance(mail, Inbound)
        assert mail.size == len(event_text(b"[1, 1.10]"))
        assert bytes(mail.envelope.payload) == b"[1, 1.10]"


async def test_what_is_no_envelope_becomes_invalid_mail_without_a_traceback():
    async with serving() as server, open_client(server.port) as client:
        client.send(frame(1, b'{"type":"event","id":"a1"}'))
        session = await server.session()
        await until(lambda: session.mails)

        mail = session.mails[0]
        assert isinstance(mail, Invalid)
        assert (mail.refusal.code, mail.refusal.request_id) == ("invalid_envelope", "a1")
        assert (mail.refusal.__traceback__, mail.refusal.__cause__, mail.refusal.__context__) == (None, None, None)


async def test_frames_of_a_session_arrive_whole_and_in_order():
    async with serving() as server, open_client(server.port) as client:
        socket_ = (await server.session()).socket

        assert socket_.write(text_frame(b"one") + text_frame(b"two" * 100), ()) is True
        assert await client.frame() == (0x81, b"one")
        assert await client.frame() == (0x81, b"two" * 100)


async def test_threat_30_text_that_is_no_utf8_closes_1007_and_reaches_nobody():
    async with serving() as server, open_client(server.port) as client:
        client.send(frame(1, event_text(b'"\xff"')) + frame(1, event_text(b"1")))
        session = await server.session()

        first, payload = await client.frame()
        assert (first, close_code(payload)) == (0x88, 1007)
        assert (await lost(session)).code == 1007
        assert session.mails == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(2, b"x"), 1003),
        (b"\x81\x02hi", 1002),
        (frame(1, b"{}", bits=0x40), 1002),
        (frame(3, b""), 1002),
        (b"\x81\xff" + (2**62).to_bytes(8), 1009),
    ],
)
async def test_a_broken_stream_is_told_its_code_even_when_the_client_goes_on_sending(data, code):
    async with serving() as server, open_client(server.port) as client:
        client.send(data + b"\xff" * 300_000)
        session = await server.session()

        first, payload = await client.frame()
        assert (first, close_code(payload)) == (0x88, code)
        assert (await lost(session)).code == code
        await server.until(open=0, protocol_errors=1)


async def test_a_message_over_many_reads_arrives():
    big = b'"' + b"x" * 900_000 + b'"'
    async with serving() as server, open_client(server.port) as client:
        client.send(frame(1, event_text(big)))
        session = await server.session()
        await until(lambda: session.mails)

        assert session.payloads() == [big]


# --- back-pressure ------------------------------------------------------------------------------------------------


async def test_a_full_session_stops_the_reading_and_loses_nothing():
    payloads = [b'"%d %s"' % (n, b"x" * 1000) for n in range(20_000)]
    async with serving(Sessions(room=10)) as server, open_client(server.port) as client:
        got: list[bytes] = []
        session = await server.session()
        client.send(b"".join(frame(1, event_text(payload)) for payload in payloads))
        await until(lambda: session.waiting)
        await asyncio.sleep(0.05)
        assert len(session.mails) == 10
        assert session.socket._scanner.pending_bytes <= 32_768  # one read, and one more that may have been under way
        assert client.writer.transport.get_write_buffer_size() > 10_000_000  # it reached the sender

        session.room = 1000
        while len(got) < 20_000:
            left = 20_000 - len(got)
            await until(lambda left=left: session.waiting or len(session.mails) == left)
            got += session.payloads()
            session.make_room()
            await asyncio.sleep(0)

        assert got == payloads


async def test_a_full_transport_says_so_and_tells_when_it_is_writable():
    async with serving() as server, open_client(server.port) as client:
        session = await server.session()
        chunk = text_frame(b"x" * 60_000)
        n_written = 1
        while session.socket.write(chunk, ()):
            n_written += 1
            await asyncio.sleep(0)
        assert session.socket.buffered_bytes() > 0
        assert session.signals == []

        for _ in range(n_written):
            assert await client.frame() == (0x81, b"x" * 60_000)
        await until(lambda: session.signals)

        assert session.signals == [Writable()]
        assert session.socket.write(chunk, ()) is True


async def test_a_session_that_is_gone_closes_the_connection_1011():
    async with serving() as server, open_client(server.port) as client:
        session = await server.session()
        session.alive = False
        client.event()

        first, payload = await client.frame()
        assert (first, close_code(payload)) == (0x88, 1011)


async def test_closing_while_the_session_is_full_still_hears_the_peers_close():
    async with serving(Sessions(room=1), timeouts=Timeouts(close_s=PATIENCE_S)) as server:
        async with open_client(server.port) as client:
            session = await server.session()
            client.event()
            client.event()
            client.send(CLOSE_1000)
            await until(lambda: session.waiting)
            session.socket.close(4500, "enough")

            assert (await lost(session)).code == 4500
        assert server.listener.statistics().close_timeouts == 0


async def test_room_that_comes_after_the_end_is_ignored():
    async with serving(Sessions(room=1)) as server:
        async with open_client(server.port) as client:
            session = await server.session()
            client.event()
            client.event()
            await until(lambda: session.waiting)
            session.socket.abort()
            await lost(session)
        session.make_room()
        await asyncio.sleep(0.01)

        assert session.mails == []


# --- the end ------------------------------------------------------------------------------------------------------


async def test_a_clients_close_is_echoed_and_the_server_ends_the_connection():
    async with serving(timeouts=Timeouts(close_s=PATIENCE_S)) as server, open_client(server.port) as client:
        client.send(CLOSE_1000)

        assert await client.read_rest() == b"\x88\x05\x03\xe8bye"
        assert await lost(await server.session()) == Lost(1000, "bye")


async def test_a_close_without_a_code_is_lost_as_1005():
    async with serving() as server, open_client(server.port) as client:
        client.send(frame(8, b""))

        assert await client.read_rest() == b"\x88\x00"
        assert await lost(await server.session()) == Lost(1005, "")


async def test_a_close_of_ours_waits_for_the_peers_and_keeps_our_code():
    async with serving(timeouts=Timeouts(close_s=PATIENCE_S)) as server, open_client(server.port) as client:
        session = await server.session()
        assert session.socket.is_open
        session.socket.write(text_frame(b"last"), ())
        session.socket.close(4100, "slow")
        assert not session.socket.is_open
        session.socket.close(4500, "again")
        assert session.socket.write(text_frame(b"too late"), ()) is False

        assert await client.frame() == (0x81, b"last")
        assert await client.frame() == (0x88, b"\x10\x04slow")
        client.event()
        client.send(frame(9, b"ping") + frame(8, (4100).to_bytes(2)))
        assert await client.read_rest() == b""
        assert await lost(session) == Lost(4100, "slow")
        assert session.mails == []


async def test_a_peer_that_does_not_answer_a_close_is_cut():
    async with serving(timeouts=Timeouts(close_s=0.1)) as server, open_client(server.port) as client:
        session = await server.session()
        session.socket.close(4000, "drained")

        assert await lost(session) == Lost(4000, "drained")
        assert await client.read_rest() == b"\x88\x09\x0f\xa0drained"
        assert server.listener.statistics().close_timeouts == 1


async def test_a_peer_that_reads_nothing_is_cut_after_a_close():
    async with serving(timeouts=Timeouts(close_s=0.1)) as server, open_client(server.port, limit=1024):
        session = await server.session()
        while session.socket.write(text_frame(b"x" * 60_000), ()):
            await asyncio.sleep(0)
        session.socket.close(4100, "slow")

        assert await lost(session) == Lost(4100, "slow")


async def test_a_close_with_too_much_waiting_is_a_cut_at_once():
    limits = Limits(outbox_bytes=100_000)
    async with serving(limits=limits, timeouts=Timeouts(close_s=60)) as server, open_client(server.port, limit=1024):
        session = await server.session()
        while session.socket.buffered_bytes() <= 100_000:
            session.socket.write(text_frame(b"x" * 60_000), ())
            await asyncio.sleep(0)
        session.socket.close(4100, "slow")

        assert await lost(session) == Lost(4100, "slow")
        assert session.socket.buffered_bytes() == 0


async def test_a_connection_that_breaks_is_lost_as_1006_once():
    async with serving() as server:
        async with open_client(server.port):
            session = await server.session()
        assert await lost(session) == Lost(1006, "")
        session.socket.close(1000, "late")
        session.socket.abort()
        assert session.socket.write(b"", ()) is False
        await asyncio.sleep(0.01)

        assert session.signals == [Lost(1006, "")]


async def test_a_peer_that_only_ends_its_side_is_lost_as_1006():
    async with serving() as server, open_client(server.port) as client:
        client.writer.write_eof()

        assert await client.read_rest() == b""
        assert await lost(await server.session()) == Lost(1006, "")


async def test_an_abort_is_lost_as_1006():
    async with serving() as server, open_client(server.port) as client:
        session = await server.session()
        session.socket.abort()

        assert await lost(session) == Lost(1006, "")
        assert await client.read_rest() == b""


async def test_a_session_may_close_before_it_is_made():
    class Refusing(RecordingSession):
        def __init__(self, socket_, hello, room=None) -> None:
            super().__init__(socket_, hello, room)
            socket_.write(text_frame(b"refused"), ())
            socket_.close(4501, "who are you")

    async with serving(Sessions(Refusing)) as server, open_client(server.port) as client:
        assert await client.frame() == (0x81, b"refused")
        assert await client.frame() == (0x88, b"\x11\x95who are you")
        client.send(frame(8, (4501).to_bytes(2)))

        assert await lost(await server.session()) == Lost(4501, "who are you")


async def test_a_fault_in_open_session_closes_1011_and_is_logged_once(caplog):
    def broken(socket_, hello):
        raise RuntimeError("secret detail")

    async with serving(broken) as server, open_client(server.port) as client:
        first, payload = await client.frame()

        assert (first, payload) == (0x88, b"\x03\xf3internal error")
        assert [record.msg for record in caplog.records if record.levelname == "ERROR"] == ["connection_failed"]


async def test_a_fault_while_reading_closes_1011_and_tells_no_details():
    class Failing(RecordingSession):
        def on_mail(self, mail) -> None:
            raise RuntimeError("secret detail")

    async with serving(Sessions(Failing)) as server, open_client(server.port) as client:
        client.event()
        first, payload = await client.frame()

        assert (first, payload) == (0x88, b"\x03\xf3internal error")
        assert await lost(await server.session()) == Lost(1011, "internal error")


# --- floods -------------------------------------------------------------------------------------------------------


def rss() -> int:
    return psutil.Process().memory_info().rss


async def flood(client: Client, data: bytes) -> None:
    """Send until the connection breaks; read nothing."""
    with pytest.raises((ConnectionError, TimeoutError)):
        async with asyncio.timeout(PATIENCE_S):
            while True:
                client.send(data)
                await client.writer.drain()
                if client.reader.at_eof():
                    raise ConnectionResetError
                await asyncio.sleep(0)


@pytest.mark.parametrize("opcode", [9, 10], ids=["ping", "pong"])
async def test_threat_11_a_flood_of_control_frames_is_cut_and_costs_no_memory(opcode):
    async with serving() as server, open_client(server.port) as client, open_client(server.port) as victim:
        session = await server.session()
        gc.collect()
        before = rss()
        await flood(client, frame(opcode, b"p" * 125) * 2000)

        assert await lost(session) == Lost(1006, "too many control frames")
        assert server.listener.statistics().control_floods == 1
        assert rss() - before < 8_000_000
        victim.send(frame(9, b"still here"))
        assert await victim.frame() == (0x8A, b"still here")


async def test_a_flood_of_a_client_that_reads_is_cut_too():
    async with serving() as server, open_client(server.port) as client:
        client.send(frame(9, b"") * 100)
        answer = await client.read_rest()

        assert answer == b"\x8a\x00" * (len(answer) // 2)
        assert (await lost(await server.session())).code == 1006


async def test_pings_within_the_rate_are_answered():
    async with serving() as server, open_client(server.port) as client:
        client.send(frame(9, b"") * 60)

        assert await client.read(120) == b"\x8a\x00" * 60


async def test_pings_to_a_congested_connection_are_answered_by_the_newest_pong_only():
    async with serving() as server, open_client(server.port, limit=1024) as client:
        session = await server.session()
        n_written = 1
        while session.socket.write(text_frame(b"x" * 60_000), ()):
            n_written += 1
            await asyncio.sleep(0)
        held = session.socket.buffered_bytes()
        client.send(b"".join(frame(9, b"%d" % n) for n in range(50)))
        client.event()
        await until(lambda: session.mails)
        assert session.socket.buffered_bytes() <= held

        for _ in range(n_written):
            assert await client.frame() == (0x81, b"x" * 60_000)
        assert await client.frame() == (0x8A, b"49")


async def test_a_client_that_reads_nothing_is_written_no_more_than_the_transport_takes():
    async with serving(Sessions(EchoSession)) as server, open_client(server.port, limit=1024) as client:
        session = await server.session()
        for _ in range(200):
            client.event(b'"' + b"x" * 60_000 + b'"')
            await asyncio.sleep(0)
        await until(lambda: len(session.queue) > 5)

        assert session.socket.buffered_bytes() < 65_536 + 3 * 60_010


# --- silence ------------------------------------------------------------------------------------------------------


QUICK = Timeouts(handshake_s=1, close_s=0.1, heartbeat_s=0.1, pong_s=0.1)


async def test_a_silent_client_is_pinged_and_closed_4103():
    async with serving(timeouts=QUICK) as server, open_client(server.port) as client:
        assert await client.frame() == (0x89, b"")
        assert await client.frame() == (0x88, b"\x10\x07no answer to a ping")
        assert (await lost(await server.session())).code == 4103
        assert server.listener.statistics().no_pong == 1


async def test_a_client_that_answers_pings_stays():
    async with serving(timeouts=QUICK) as server, open_client(server.port) as client:
        for _ in range(4):
            assert await client.frame() == (0x89, b"")
            client.send(frame(10, b""))

        assert server.listener.statistics().open == 1


async def test_after_silence_of_the_server_the_session_gets_a_heartbeat_to_send():
    async with serving(Sessions(EchoSession), timeouts=QUICK) as server, open_client(server.port) as client:
        texts = []
        while len(texts) < 2:
            first, payload = await client.frame()
            if first == 0x81:
                texts.append(json.loads(payload))
            else:
                client.send(frame(10, b""))

        assert texts == [{"type": "system", "event": "heartbeat", "payload": {}}] * 2
        signals = (await server.session()).signals
        assert [type(mail) for mail in signals] == [Deliver, Deliver]


async def test_a_client_that_has_not_read_what_it_was_sent_needs_no_heartbeat():
    async with serving(timeouts=QUICK) as server, open_client(server.port, limit=1024) as client:
        session = await server.session()
        while session.socket.write(text_frame(b"x" * 60_000), ()):
            await asyncio.sleep(0)
        for _ in range(10):
            client.send(frame(10, b""))
            await asyncio.sleep(0.05)

        assert (server.listener.statistics().open, session.signals) == (1, [])


async def test_a_client_that_is_not_read_is_not_called_dead():
    async with serving(Sessions(room=1), timeouts=QUICK) as server, open_client(server.port) as client:
        session = await server.session()
        client.event()
        client.event()
        await until(lambda: session.waiting)
        await asyncio.sleep(0.5)
        assert server.listener.statistics().open == 1
        session.room = None
        session.make_room()

        await until(lambda: session.mails)


async def test_threat_08_a_client_that_reads_nothing_and_says_nothing_is_closed():
    async with serving(timeouts=QUICK) as server, open_client(server.port, limit=1024):
        session = await server.session()
        while session.socket.write(text_frame(b"x" * 60_000), ()):
            await asyncio.sleep(0)

        assert (await lost(session)).code == 4103


async def test_a_server_that_slept_reads_before_it_judges():
    timeouts = Timeouts(heartbeat_s=0.1, pong_s=1.0, close_s=0.1)
    async with serving(timeouts=timeouts) as server, open_client(server.port) as client:
        assert await client.frame() == (0x89, b"")
        client.send(frame(10, b""))
        lobby = server.listener._lobby
        lobby.time = lambda: asyncio.get_running_loop().time() + 100.0
        lobby.tick()  # in the same turn of the loop: the pong can't have been read

        await asyncio.sleep(0.1)
        assert server.listener.statistics().open == 1


# --- other clients ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_a_client_of_the_websockets_library_echoes(compression):
    sizes = [1, 125, 126, 65_536, 150_000]
    async with serving(Sessions(EchoSession), compression=True) as server:
        url = f"ws://127.0.0.1:{server.port}/"
        async with websockets.connect(url, compression=compression, max_size=None) as client:
            for size in sizes:
                payload = json.dumps("ü" * size)
                await client.send(event_text(payload.encode()).decode())
                assert await client.recv() == payload
            await client.send([event_text(b'"in ')[:-1].decode(), 'pieces"', "}"])
            assert await client.recv() == '"in pieces"'
            await (await client.ping())
        session = await server.session()

        assert session.hello.compressed == (compression is not None)
        assert await lost(session) == Lost(1000, "")


async def test_threat_09_a_decompression_bomb_is_closed_1009_and_costs_no_memory():
    squeezed = zlib.compressobj(wbits=-12)
    bomb = squeezed.compress(b" " * 100_000_000) + squeezed.flush(zlib.Z_SYNC_FLUSH)
    offer = REQUEST[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    async with serving(compression=True) as server, raw_client(server.port) as client:
        assert b"permessage-deflate" in await client.handshake(offer)
        session = await server.session()
        gc.collect()
        before = rss()
        client.send(frame(1, bomb[:-4], bits=0x40))

        first, payload = await client.frame()
        assert (first, close_code(payload)) == (0x88, 1009)
        assert rss() - before < 8_000_000
        assert (await lost(session)).code == 1009


async def test_bytes_one_by_one_give_the_same_messages():
    async with serving() as server, raw_client(server.port) as client:
        client.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = REQUEST + frame(1, event_text(b"1")) + frame(1, event_text(b'"' + b"y" * 200 + b'"'))
        for byte in data:
            client.send(bytes([byte]))
            await asyncio.sleep(0)
        session = await server.session()
        await until(lambda: len(session.mails) == 2)

        assert session.payloads() == [b"1", b'"' + b"y" * 200 + b'"']
