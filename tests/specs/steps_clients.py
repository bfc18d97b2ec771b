"""Steps about opening and ending connections that keep the rules."""

import asyncio
import json
from typing import Any

from websockets.exceptions import InvalidStatus, WebSocketException

from tests.specs.client import Client
from tests.specs.matching import matches
from tests.specs.step_registry import step
from tests.specs.world import World

SUBPROTOCOL = "arqonbus.v1"
SLOW_CONSUMER = 4100
CUT_OFF = 1006
_VERDICT_S = 3.0
"""Shorter than the handshake timeout of the bus."""


@step("client(s) {clients} is/are connected")
async def are_connected(world: World, names: list[str]) -> None:
    """Open connections and take their welcomes."""
    for name in names:
        await world.join_in(name)


@step("client {string} is connected with compression")
async def is_connected_with_compression(world: World, name: str) -> None:
    """Offer permessage-deflate; the bus has to take it."""
    client = await world.join_in(name, compression="deflate")
    assert client.connection.protocol.extensions, "no extension was agreed on"


@step("client {string} offers compression")
async def offers_compression(world: World, name: str) -> None:
    """Offer permessage-deflate."""
    await world.join_in(name, compression="deflate")


@step("client {string} is connected without compression")
async def is_connected_without_compression(world: World, name: str) -> None:
    """The bus took no extension."""
    assert _connected(world, name).connection.protocol.extensions == []


@step("client {string} is connected with the key {string}")
async def is_connected_with_key(world: World, name: str, key: str) -> None:
    """Show a key in the header."""
    await world.join_in(name, additional_headers={"Authorization": f"Bearer {key}"})


@step("client {string} connects")
async def connects(world: World, name: str) -> None:
    """Open a connection; what comes is left to later steps."""
    await world.connect(name)


@step("client {string} connects with:")
async def connects_with(world: World, name: str, table: list[list[str]]) -> None:
    """Open a connection with a path, subprotocols or headers; a refused handshake is kept for later steps."""
    options = dict(table)
    how: dict[str, Any] = {}
    path = options.pop("path", "/")
    if subprotocols := options.pop("subprotocols", ""):
        how["subprotocols"] = [entry.strip() for entry in subprotocols.split(",")]
    try:
        await world.connect(name, path, additional_headers=options, **how)
    except InvalidStatus as refusal:
        world.refused[name] = refusal


@step("client {string} is refused the handshake with {int} saying {string}")
@step("client {string} is answered with status {int} saying {string}")
async def is_refused_the_handshake(world: World, name: str, status: int, words: str) -> None:
    """The handshake ended with an HTTP status and a body that helps."""
    assert name in world.refused, f"client {name} was not refused"
    response = world.refused[name].response
    assert response.status_code == status, f"expected {status}, came {response.status_code} {response.body!r}"
    assert words in response.body.decode(), f"expected {words!r} in {response.body!r}"


@step("client {string} is answered with the subprotocol {string}")
async def is_answered_with_subprotocol(world: World, name: str, subprotocol: str) -> None:
    """The bus chose this one of the offered subprotocols, and serves the client."""
    got = _connected(world, name).connection.subprotocol
    assert got == subprotocol, f"expected the subprotocol {subprotocol}, came {got}"


@step("client {string} is answered with a connection")
async def is_answered_with_connection(world: World, name: str) -> None:
    """The handshake was accepted and the welcome came."""
    _connected(world, name)
    await world.welcome(name)


@step("client {string} is welcomed")
async def is_welcomed(world: World, name: str) -> None:
    """The welcome came."""
    await world.welcome(name)


@step("client {string} is welcomed as {string}")
async def is_welcomed_as(world: World, name: str, user: str) -> None:
    """The welcome came and names the user; a token among the subprotocols was not echoed."""
    welcome = await world.welcome(name)
    assert welcome["payload"]["user"] == user, f"expected user {user}, came {welcome}"
    assert _connected(world, name).connection.subprotocol in (None, SUBPROTOCOL)


@step("the first frame of client {string} is {string}")
async def first_frame_is(world: World, name: str, expected: str) -> None:
    """The very first frame, whatever its type, is as expected."""
    want = json.loads(expected)
    inbox = world.inbox(name)
    await inbox.take(want["event"] if want["type"] == "system" else want["type"])
    assert matches(want, inbox.frames[0], world.names), f"expected {expected}, came {inbox.texts[0]}"


@step("client {string} was never told {string}")
async def was_never_told(world: World, name: str, secret: str) -> None:
    """Nothing that the client received holds the words."""
    assert not [text for text in world.inbox(name).texts if secret in text]


@step("a client with the key {string} is welcomed soon")
async def key_is_welcomed_soon(world: World, key: str) -> None:
    """A key is accepted, at once or after a reload that is under way."""
    for attempt in range(100):
        client = await world.connect(f"{key}-{attempt}", additional_headers={"Authorization": f"Bearer {key}"})
        await client.inbox.first()
        if client.inbox.frames[0]["event"] == "welcome":
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"a client with the key {key} was never welcomed")


@step("a client with the key {string} is refused")
async def key_is_refused(world: World, key: str) -> None:
    """A key is not accepted any more."""
    client = await world.connect(f"refused {key}", additional_headers={"Authorization": f"Bearer {key}"})
    await client.inbox.take("refused")


@step("client(s) {clients} is/are closed with {int}")
async def are_closed_with(world: World, names: list[str], code: int) -> None:
    """The connection ends with this close code."""
    for name in names:
        got = await world.inbox(name).closed()
        assert got == code, f"client {name}: expected close code {code}, came {got}, {world.inbox(name).texts[-3:]}"


@step("client {string} hangs up")
async def hangs_up(world: World, name: str) -> None:
    """Close the connection and wait until the bus knows."""
    await _connected(world, name).connection.close()
    observer = f"observer of {name}"
    await world.join_in(observer)
    for _ in range(100):
        await world.send(observer, f'{{"type":"private","to":["${name}"],"id":"gone","ack":true}}')
        response, _ = await world.inbox(observer).take("response")
        if response["result"]["absent"]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"the bus never noticed that client {name} hung up")


@step("client {string} is cut off")
async def is_cut_off(world: World, name: str) -> None:
    """End the connection without a close frame, as a network does."""
    _connected(world, name).connection.transport.abort()


@step("client {string} stops reading")
async def stops_reading(world: World, name: str) -> None:
    """Leave everything in the socket from now on."""
    await _connected(world, name).stop_reading()


@step("client {string} reads again and was closed as slow")
async def was_closed_as_slow(world: World, name: str) -> None:
    """The connection is over. Past the hard bound the bus cuts it, so that 4100 may stand in the log alone."""
    client = _connected(world, name)
    client.connection.transport.resume_reading()
    client.read()
    code = await client.inbox.closed()
    known = code == SLOW_CONSUMER or (code == CUT_OFF and str(SLOW_CONSUMER) in world.bus.story())
    assert known, f"expected {SLOW_CONSUMER}, came {code}{world.bus.story()}"


@step("a client without a certificate does not get in")
async def without_certificate(world: World) -> None:
    """The handshake of TLS fails, now or at the first read, by its own verdict and not by a timeout."""
    try:
        async with asyncio.timeout(_VERDICT_S):
            await world.join_in("without certificate")
    except TimeoutError:
        raise AssertionError(f"no verdict within {_VERDICT_S} s") from None
    except (OSError, WebSocketException, AssertionError):
        return
    raise AssertionError("a client without a certificate got in")


@step("a client with a certificate is served")
async def with_certificate(world: World) -> None:
    """Show the certificate that the client CA signed."""
    context = world.facts["client tls"]
    await world.join_in("with certificate", ssl=context)
    await world.succeed("with certificate", "ping")


def _connected(world: World, name: str) -> Client:
    assert name not in world.refused, f"client {name} was refused: {world.refused.get(name)}"
    client = world.clients[name]
    assert isinstance(client, Client)
    return client
