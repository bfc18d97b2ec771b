"""Steps about sockets that say exactly the bytes they are told to."""

import asyncio

from tests.specs.client import ABNORMAL, PATIENCE_S, RawClient, frame
from tests.specs.faults import FAULTS
from tests.specs.step_registry import step
from tests.specs.world import World

_OP_CONTINUATION, _OP_TEXT = 0, 1
_FRAGMENT = 3
_POLL_S = 0.02


@step("raw client {string} is connected")
async def raw_is_connected(world: World, name: str) -> None:
    """Do the handshake and take the welcome."""
    await _upgraded(world, name)
    await world.welcome(name)


@step("raw client {string} connects")
async def raw_connects(world: World, name: str) -> None:
    """Open a TCP connection and say nothing."""
    await world.open_socket(name)


@step("raw client {string} pings with {string}")
async def raw_pings(world: World, name: str, payload: str) -> None:
    """Send a ping frame."""
    await _raw(world, name).ping(payload.encode())


@step("raw client {string} pings {int} times")
async def raw_pings_often(world: World, name: str, times: int) -> None:
    """Send pings as fast as the socket takes them."""
    for _ in range(times):
        await _raw(world, name).ping(b"flood")


@step("client {string} is cut off by the bus")
async def is_cut_off_by_the_bus(world: World, name: str) -> None:
    """The connection ends without a close frame."""
    code = await world.inbox(name).closed()
    assert code == ABNORMAL, f"expected the end without a close frame, came {code}"


@step("raw client {string} gets the pong {string}")
async def raw_gets_pong(world: World, name: str, payload: str) -> None:
    """The pong carries the payload of the ping."""
    await _until(lambda: payload.encode() in _raw(world, name).pongs, f"no pong {payload}")


@step("raw client {string} was pinged")
async def raw_was_pinged(world: World, name: str) -> None:
    """A ping frame came."""
    await _until(lambda: _raw(world, name).pings > 0, "no ping came")


@step("raw client {string} breaks the rules with {string}")
async def raw_breaks_the_rules(world: World, name: str, fault: str) -> None:
    """Send the bytes of a fault."""
    for chunk in FAULTS[fault]:
        await _raw(world, name).send_bytes(chunk)


@step("a new client is served")
async def new_client_is_served(world: World) -> None:
    """The bus goes on."""
    await world.join_in("new")
    await world.succeed("new", "ping")


@step("raw client {string} sends a command in fragments of 3 bytes with a ping after each")
async def raw_sends_fragments(world: World, name: str) -> None:
    """One text message in small pieces, control frames between them."""
    text = b'{"type":"command","id":"k","command":"ping"}'
    pieces = [text[at : at + _FRAGMENT] for at in range(0, len(text), _FRAGMENT)]
    for number, piece in enumerate(pieces):
        opcode = _OP_TEXT if number == 0 else _OP_CONTINUATION
        await _raw(world, name).send_bytes(frame(opcode, piece, fin=number == len(pieces) - 1))
        if number < len(pieces) - 1:
            await _raw(world, name).ping(b"between")


@step("raw client {string} connects and sends a byte of its handshake every 0.1 s")
async def raw_sends_handshake_slowly(world: World, name: str) -> None:
    """A slow handshake goes on until the bus hangs up."""
    client = await world.open_socket(name)
    task = asyncio.create_task(_drip(client))
    world.stack.callback(task.cancel)


@step("raw client {string} connects and sends {int} bytes of headers")
async def raw_floods_headers(world: World, name: str, size: int) -> None:
    """A handshake whose headers never end."""
    client = await world.open_socket(name)
    line = b"X-Filler: " + b"x" * 88 + b"\r\n"
    await client.send_bytes(b"GET / HTTP/1.1\r\nHost: bus\r\n" + line * (size // len(line)))


@step("raw client {string} is hung up on within {int} s")
async def raw_is_hung_up_on(world: World, name: str, limit_s: int) -> None:
    """The bus ends the connection before any WebSocket."""
    await _raw(world, name).ended(limit_s)


@step("raw client {string} was answered with status {int}")
async def raw_was_answered(world: World, name: str, status: int) -> None:
    """The HTTP status that came before the end."""
    assert _raw(world, name).status == status, f"expected {status}, came {_raw(world, name).status}"


async def _upgraded(world: World, name: str) -> None:
    client = await world.open_socket(name)
    await client.upgrade(world.bus.host)


async def _drip(client: RawClient) -> None:
    for byte in b"GET / HTTP/1.1\r\n" + b"X-Filler: 1\r\n" * 100:
        await client.send_bytes(bytes([byte]))
        await asyncio.sleep(0.1)


async def _until(condition: object, words: str) -> None:
    assert callable(condition)
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(_POLL_S)
    except TimeoutError:
        raise AssertionError(words) from None


def _raw(world: World, name: str) -> RawClient:
    client = world.clients[name]
    assert isinstance(client, RawClient)
    return client
