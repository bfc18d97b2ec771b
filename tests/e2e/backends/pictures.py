"""python -m tests.e2e.backends.pictures: make the pictures of docs/pictures from the running system.

Starts the collector, Jaeger, Prometheus and a bus, has clients talk to it for four minutes, and draws what Jaeger and
Prometheus say of it: the trace of one message, and the two dashboards. Where Zipkin is, too, it shows the trace.
"""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
import time
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from docs.pictures import draw_dashboard, draw_trace
from tests.e2e.backends import zipkin
from tests.e2e.backends.build import ROOT
from tests.e2e.backends.stack import Stack
from tests.specs.bus import Bus

PICTURES = ROOT / "docs" / "pictures"
CHANNELS = ("science:explore", "science:lab", "shop:orders")
MEMBERS, SECONDS = 8, draw_dashboard.SPAN_S + 15


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("stack", "bus"):
            (folder / part).mkdir()
        with Stack(folder / "stack") as stack:
            variables = {
                "OTEL_EXPORTER_OTLP_ENDPOINT": stack.endpoint,
                "OTEL_METRIC_EXPORT_INTERVAL": "2000",
                "OTEL_BSP_SCHEDULE_DELAY": "200",
            }
            bus = Bus(folder / "bus", ['server.name = "node-1"'], variables=variables).start()
            try:
                asyncio.run(talk(bus, SECONDS))
                trace_id = asyncio.run(one_message(bus))
                stack.wait_for(lambda: len(stack.trace(trace_id)) == 6, "the whole trace")
                _write(stack, trace_id)
            finally:
                bus.stop()


def _write(stack: Stack, trace_id: str) -> None:
    with urllib.request.urlopen(f"{stack.jaeger}/api/traces/{trace_id}") as answer:
        found = json.load(answer)
    (PICTURES / "trace.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    (PICTURES / "trace.svg").write_text(draw_trace.draw(found["data"][0]["spans"]), "utf-8")
    if zipkin.is_here():
        zipkin.picture(found["data"][0]["spans"], PICTURES / "trace.png")
    for dashboard, rows in (("overview", 31), ("delivery", 27)):
        path = ROOT / "otel" / "grafana" / "dashboards" / f"{dashboard}.json"
        picture = draw_dashboard.main(stack.prometheus, str(path), rows)
        (PICTURES / f"{dashboard}.svg").write_text(picture, "utf-8")


async def talk(bus: Bus, seconds: float) -> None:
    """Have members come, talk in waves, ask for what is not there, and go."""
    chance = random.Random(7)
    until = time.monotonic() + seconds
    async with AsyncExitStack() as clients:
        members = [await _member(clients, bus, CHANNELS[n % 3]) for n in range(MEMBERS * 3)]
        while (now := time.monotonic()) < until:
            busy = 0.3 + 0.7 * abs(((until - now) / 60) % 2 - 1)  # up and down within two minutes
            for _ in range(round(12 * busy)):
                payload = "x" * chance.randrange(20, 900)
                message = {"type": "event", "room": chance.choice(CHANNELS), "payload": payload}
                await chance.choice(members).send(json.dumps(message))
            if chance.random() < 0.15:
                await chance.choice(members).send('{"type":"command","command":"channel_info","args":{"room":"a:b"}}')
            if chance.random() < 0.1:
                async with AsyncExitStack() as guest:
                    await _member(guest, bus, chance.choice(CHANNELS))
            await asyncio.sleep(0.2)


async def _member(clients: AsyncExitStack, bus: Bus, address: str) -> ClientConnection:
    client = await clients.enter_async_context(connect(bus.url))
    await client.send(json.dumps({"type": "command", "command": "join_channel", "args": {"room": address}}))
    reading = asyncio.create_task(_read(client))
    clients.callback(reading.cancel)
    return client


async def _read(client: ClientConnection) -> None:
    async for _ in client:
        pass


async def one_message(bus: Bus) -> str:
    """Publish one event to three members; gives the id of its trace."""
    async with AsyncExitStack() as clients:
        publisher = await clients.enter_async_context(connect(bus.url))
        members = [await clients.enter_async_context(connect(bus.url)) for _ in range(3)]
        for member in members:
            await member.send('{"type":"command","id":"j","command":"join_channel","args":{"room":"demo:hello"}}')
            await _next(member, "response")
        await publisher.send('{"type":"event","room":"demo:hello","id":"m-1","payload":"hello"}')
        return [(await _next(member, "event"))["traceparent"] for member in members][0].split("-")[1]


async def _next(client: ClientConnection, kind: str) -> dict[str, str]:
    async for text in client:
        message: dict[str, str] = json.loads(text)
        if message["type"] == kind:
            return message
    raise AssertionError("the connection was closed")


if __name__ == "__main__":
    main()
