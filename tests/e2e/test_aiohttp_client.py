"""A client of aiohttp works against the bus: another WebSocket implementation than ours and than the scenarios'."""

import json
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest

from tests.specs.bus import Bus

pytestmark = pytest.mark.integration

LIMIT_S = 10.0


async def test_an_aiohttp_client_joins_publishes_and_receives(bus: Bus) -> None:
    """Welcome, join, publish, own event, acknowledgement, clean close."""
    async with aiohttp.ClientSession() as session, session.ws_connect(bus.url, protocols=["arqonbus.v1"]) as ws:
        assert ws.protocol == "arqonbus.v1"
        welcome = await _receive(ws)
        assert (welcome["type"], welcome["event"]) == ("system", "welcome")
        await ws.send_json(_command("k1", "join_channel", room="science", channel="explore"))
        assert (await _receive(ws))["result"]["seq"] == 0
        await ws.send_json({"type": "event", "room": "science", "channel": "explore", "id": "e1", "payload": "hi"})
        event = await _receive(ws)
        assert (event["seq"], event["payload"], event["from"]) == (1, "hi", welcome["payload"]["client"])
        await ws.ping(b"still there")
        await ws.send_json(_command("k2", "ping"))
        assert (await _receive(ws))["request_id"] == "k2"
        await ws.close()
        assert ws.close_code == aiohttp.WSCloseCode.OK


async def test_an_aiohttp_client_that_offers_compression_gets_plain_frames_by_default(bus: Bus) -> None:
    """The offer is declined, not a reason to fail."""
    async with aiohttp.ClientSession() as session, session.ws_connect(bus.url, compress=15) as ws:
        assert ws.compress == 0
        assert (await _receive(ws))["event"] == "welcome"


async def test_an_aiohttp_client_may_compress_where_the_bus_allows_it(strict_bus: Bus) -> None:
    """A compressible payload goes there and back."""
    headers = {"Authorization": "Bearer key-of-alice"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(strict_bus.url, compress=15) as ws,
    ):
        assert ws.compress > 0
        welcome = await _receive(ws)
        assert welcome["payload"]["user"] == "alice"
        text = "a word, " * 10_000
        await ws.send_json({"type": "private", "to": [welcome["payload"]["client"]], "payload": text})
        assert (await _receive(ws))["payload"] == text


async def test_a_binary_message_of_an_aiohttp_client_is_closed_with_1003(bus: Bus) -> None:
    """The close code is seen by a client that did not expect it."""
    async with aiohttp.ClientSession() as session, session.ws_connect(bus.url) as ws:
        await _receive(ws)
        await ws.send_bytes(b"{}")
        message = await ws.receive(LIMIT_S)
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert ws.close_code == aiohttp.WSCloseCode.UNSUPPORTED_DATA


@pytest.mark.parametrize("path", ["/health", "/ready", "/version"])
async def test_health_is_asked_with_an_ordinary_http_client(bus: Bus, path: str) -> None:
    """JSON with its content type, and an answer that an HTTP client accepts."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{bus.host}{path}") as response:
        assert response.status == HTTPStatus.OK
        assert response.content_type == "application/json"
        assert isinstance(await response.json(), dict)


async def _receive(ws: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    frame = json.loads(await ws.receive_str(timeout=LIMIT_S))
    assert isinstance(frame, dict)
    return frame


def _command(request: str, command: str, **arguments: object) -> dict[str, object]:
    return {"type": "command", "id": request, "command": command, "args": arguments}
