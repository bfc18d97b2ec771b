"""The lean connection speaks WebSocket well enough for real servers, and says when it is over."""

import asyncio
import json
import secrets

import pytest

from arqonbus.cli.bench.link import PONG, Link, Round, _frame_at, frame
from arqonbus.client import CannotConnect, Denied, Rejected, Unauthorized, connect
from arqonbus.testing.chaos import ChaosProxy
from tests.specs.bus import Bus, free_port
from tests.telemetry.receivers import black_hole, http_receiver

pytestmark = pytest.mark.integration

Event = tuple[int, int, int]


async def opened(url: str, events: list[Event] | None = None, token: str | None = None, timeout_s: float = 5.0) -> Link:
    kept: list[Event] = [] if events is None else events
    return await Link.open(url, token, timeout_s, Round(), lambda *event: kept.append(event))


async def joined(link: Link, address: str) -> None:
    await link.ask({"type": "command", "command": "join_channel", "args": {"room": address}})


async def has(events: list[Event], n: int) -> None:
    async with asyncio.timeout(5):
        while len(events) < n:
            await asyncio.sleep(0.005)


@pytest.fixture
def address() -> str:
    return f"link-{secrets.token_hex(4)}:one"


@pytest.mark.parametrize("size", [1, 200, 70_000])
async def test_events_of_any_size_come_with_their_seq_and_time(size: int, server: Bus, address: str) -> None:
    events: list[Event] = []
    link = await opened(server.url, events)
    await joined(link, address)
    for due in (7, 8):
        await link.send(json.dumps({"type": "event", "room": address, "payload": [due, "x" * size]}).encode())
    await has(events, 2)
    link.close()

    assert [(seq, due) for seq, due, _ in events] == [(1, 7), (2, 8)]
    assert 0 < events[0][2] <= events[1][2]


async def test_what_others_publish_is_no_event_of_the_load(server: Bus, address: str) -> None:
    events: list[Event] = []
    link = await opened(server.url, events)
    await joined(link, address)
    async with connect(server.url) as bus:
        await bus.publish(address, {"not": "ours"}, ack=True)
        await bus.publish(address, [5, ""], ack=True)
    await has(events, 1)
    link.close()

    assert events[0][:2] == (2, 5)


async def test_refusals_are_errors_of_those_who_ask_and_counted_of_others(server: Bus) -> None:
    link = await opened(server.url)
    with pytest.raises(Denied):
        await link.ask({"type": "event", "room": "_telemetry:activity", "payload": 1, "ack": True})
    with pytest.raises(Rejected):
        await link.ask({"type": "command", "command": "fly"})
    await link.send(b'{"type":"event","room":"_telemetry:activity","payload":1}')
    await link.ask({"type": "command", "command": "ping"})

    assert link.refused == 1
    assert not link.is_cut
    link.close()
    link.close()


async def test_a_token_opens_and_a_wrong_one_does_not(locked_server: Bus) -> None:
    (await opened(locked_server.url, token="key-of-alice")).close()
    with pytest.raises(Unauthorized):
        await opened(locked_server.url, token="guessed")


async def test_nobody_there_no_websocket_and_silence_are_told() -> None:
    with pytest.raises(CannotConnect, match="no session at"):
        await opened(f"ws://127.0.0.1:{free_port()}/")
    with http_receiver() as other, pytest.raises(CannotConnect, match="expected a WebSocket, got HTTP 501"):
        await opened(other.url.replace("http", "ws"))
    with black_hole() as hole, pytest.raises(CannotConnect, match="within 0.1 s"):
        await opened(hole.url.replace("http", "ws"), timeout_s=0.1)


async def test_a_server_without_tls_is_no_session(server: Bus) -> None:
    with pytest.raises(CannotConnect):
        await opened(server.url.replace("ws://", "wss://"))


async def test_a_cut_ends_what_waits_and_is_told(server: Bus, address: str) -> None:
    async with ChaosProxy("127.0.0.1", server.port) as proxy:
        link = await opened(proxy.url)
        proxy.is_deaf = True
        waiting = asyncio.create_task(link.ask({"type": "command", "command": "ping"}))
        await asyncio.sleep(0)
        proxy.cut()
        with pytest.raises(CannotConnect):
            await waiting
        with pytest.raises(CannotConnect):
            await link.send(b"{}")

    assert link.is_cut


async def test_a_bus_that_takes_no_more_holds_a_sender_up(server: Bus, address: str) -> None:
    async with ChaosProxy("127.0.0.1", server.port) as proxy:
        link = await opened(proxy.url)
        proxy.stall()
        text = json.dumps({"type": "event", "room": address, "payload": [1, "x" * 500_000]}).encode()
        assert not await link.send(text)
        async with asyncio.timeout(5):
            while link._may_write.is_set():
                await link.send(text)
        sending = asyncio.create_task(link.send(text))
        await asyncio.sleep(0.01)
        assert not sending.done()
        proxy.heal()

        assert await asyncio.wait_for(sending, 5)
        link.close()


async def test_all_sockets_of_a_round_have_its_time() -> None:
    round = Round()
    times = []
    for _ in range(3):
        round.enter()
        times.append(round.at_ns)
    await asyncio.sleep(0)
    round.enter()

    assert len(set(times)) == 1
    assert round.at_ns > times[0]


async def test_frames_are_found_whole_wherever_they_are_cut() -> None:
    data = b"".join(bytes((0x81, len(body))) + body for body in (b"", b"one", b"x" * 125))
    data += b"\x81\x7e" + (300).to_bytes(2, "big") + b"y" * 300
    found = []
    link = Link(Round(), lambda *_: None)
    link._is_upgraded = True
    link._take = lambda opcode, body: found.append((opcode, bytes(body)))  # type: ignore[method-assign]
    for at in range(0, len(data), 7):
        link.data_received(data[at : at + 7])

    assert found == [(1, b""), (1, b"one"), (1, b"x" * 125), (1, b"y" * 300)]
    assert _frame_at(b"\x81", 0) is None
    assert _frame_at(b"\x81\x7f\0", 0) is None


async def test_a_ping_is_answered() -> None:
    written = []
    link = Link(Round(), lambda *_: None)
    link._is_upgraded = True

    class Transport(asyncio.Transport):
        def write(self, data: object) -> None:
            written.append(data)

    link._transport = Transport()
    link.data_received(b"\x89\x02hi")

    assert written == [frame(b"hi", PONG)]


def test_a_frame_has_the_length_that_it_says() -> None:
    assert frame(b"hi") == b"\x81\x82\0\0\0\0hi"
    assert frame(b"x" * 126)[:4] == b"\x81\xfe\x00\x7e"
    assert frame(b"x" * 65_536)[:10] == b"\x81\xff" + (65_536).to_bytes(8, "big")
