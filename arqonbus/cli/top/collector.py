"""Collector: reads a sample of a server, by its commands, its `/metrics` and its activity channel."""

from __future__ import annotations

import asyncio
import http.client
import ssl
import time
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

import msgspec

from arqonbus.cli.top.exposition import Numbers, read
from arqonbus.cli.top.sample import ChannelRow, Sample, Stats
from arqonbus.client import Bus, ClientError, Subscription

__all__ = ["MOST_CHANNELS", "Collector", "fetch_numbers"]

MOST_CHANNELS: Final = 5_000
"""That are read for each sample; more are counted, not shown."""

PAGE: Final = 1_000
ACTIVITY: Final = "_telemetry:activity"
LIMIT_S: Final = 3.0


class Collector:
    """Reads one server.

    Args:
        bus: connected
        url: of the server; `/metrics` is asked there, until it is not found once
    """

    def __init__(self, bus: Bus, url: str) -> None:
        self._bus = bus
        self._url = url
        self._has_metrics = True
        self._activity: Subscription[object] | None = None
        self._stats: Stats | None = None

    async def open(self) -> None:
        """Listen to what the server tells of itself; without effect where it does not, or this client may not."""
        with suppress(ClientError):
            self._activity = await self._bus.subscribe(ACTIVITY, create=False).open()

    async def sample(self) -> Sample:
        """Read one. Raises ClientError: the server does not answer."""
        status = await self._bus.status()
        at = time.monotonic()
        channels: dict[str, ChannelRow] = {}
        cursor = None
        while len(channels) < MOST_CHANNELS:
            page = await self._bus.list_channels(limit=PAGE, cursor=cursor)
            for info in page.channels:
                waiting = sum(group.waiting for group in info.groups)
                row = ChannelRow(info.epoch, info.seq, info.members, waiting, info.kind)
                channels[f"{info.room}:{info.channel}"] = row
            cursor = page.cursor
            if cursor is None:
                break
        numbers = await self._numbers()
        self._listen()
        return Sample(at, status, channels, numbers, self._stats)

    async def _numbers(self) -> Numbers | None:
        if not self._has_metrics:
            return None
        try:
            numbers = await asyncio.to_thread(fetch_numbers, self._url, LIMIT_S)
        except OSError:
            return None  # this time
        self._has_metrics = numbers is not None
        return numbers

    def _listen(self) -> None:
        """Take what has come on the activity channel, and keep the newest numbers."""
        while self._activity is not None and (message := self._activity.get_nowait()) is not None:
            if message.event == "stats":
                with suppress(msgspec.MsgspecError):
                    self._stats = msgspec.json.decode(message.raw, type=Stats)


def fetch_numbers(url: str, timeout_s: float) -> Numbers | None:
    """Ask for `/metrics`. Blocks.

    Args:
        url: of the server, ws:// or wss://
        timeout_s: for the connection, and for the answer

    Returns:
        None: the server has no metrics to show

    Raises:
        OSError: no answer
    """
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    client: http.client.HTTPConnection
    if parts.scheme == "wss":
        context = ssl.create_default_context()
        client = http.client.HTTPSConnection(host, parts.port or 443, timeout=timeout_s, context=context)
    else:
        client = http.client.HTTPConnection(host, parts.port or 80, timeout=timeout_s)
    try:
        client.request("GET", "/metrics", headers={"Accept": "text/plain"})
        response = client.getresponse()
        text = response.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise OSError(f"{host} does not speak HTTP") from error
    finally:
        client.close()
    return read(text) if response.status == http.HTTPStatus.OK else None
