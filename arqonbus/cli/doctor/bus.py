"""Bus: what a client finds at a running server: way in, certificate, state, clock, and an event that comes back."""

from __future__ import annotations

import asyncio
import http.client
import json
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from arqonbus import __version__
from arqonbus.cli.doctor.machine import ends_at, judged
from arqonbus.cli.kit.measures import Finding
from arqonbus.client import Bus, CannotConnect, ClientError, Denied, NotFound, Unauthorized, connect

__all__ = ["check_bus", "check_certificate", "check_ready"]

SKEW_S: Final = 1.0
"""More between two clocks, and times of events look wrong to people; tokens end early or late by as much."""

NOBODY: Final = "connection"
"""What a finding is about when nobody answers at all."""

SLOW_MS: Final = 100.0
"""For an event and its way back."""


async def check_bus(
    url: str, token: str | None, timeout_s: float, wall: Callable[[], float] = time.time
) -> list[Finding]:
    """Look at a server as a client does.

    Args:
        url: ws:// or wss://
        token: None: without one
        timeout_s: for the connection, and for each answer
        wall: seconds since 1970
    """
    found = []
    if url.startswith("wss://"):
        found.append(await asyncio.to_thread(check_certificate, url, timeout_s))
    ready = await asyncio.to_thread(check_ready, url, timeout_s)
    found.append(ready)
    if ready.what == NOBODY or any(finding.what == "tls" and finding.verdict == "wrong" for finding in found):
        return found  # a client would try again and again, and say the same in the end
    try:
        async with connect(
            url, token=token, open_timeout_s=timeout_s, timeout_s=timeout_s, profile={"client_type": "arqonbus-cli"}
        ) as bus:
            who = (
                "without a token"
                if token is None
                else f"as {bus.user}"
                if bus.user
                else "with a token that names nobody"
            )
            found.append(Finding("way in", "ok", f"let in {who}"))
            found.append(await _clock(bus, wall))
            found.append(await _state(bus))
            found.append(await _echo(bus))
    except Unauthorized as error:
        do = "give a token of this server: --token-file FILE, or ARQONBUS_TOKEN"
        words = "the token is not accepted" if token else "the server wants a token, and none was given"
        found.append(Finding("way in", "wrong", f"{words}: {error.message}", do))
    except CannotConnect as error:
        found.append(
            Finding("way in", "wrong", error.message, "check the address, and that the server runs: arqonbus run")
        )
    except ClientError as error:
        found.append(Finding("bus", "wrong", f"{error.message} ({error.code})", error.hint))
    return found


async def _clock(bus: Bus, wall: Callable[[], float]) -> Finding:
    before = wall()
    told = datetime.fromisoformat(await bus.ping()).timestamp()
    skew_s = told - (before + wall()) / 2
    if abs(skew_s) > SKEW_S:
        words = f"the server's clock is {skew_s:+.1f} s off this one"
        return Finding("clock", "warning", words, "run a time service (chrony, systemd-timesyncd) on both machines")
    return Finding("clock", "ok", f"{skew_s * 1000:+.0f} ms off")


async def _state(bus: Bus) -> Finding:
    status = await bus.status()
    words = f"{status.server} {status.version}, {status.connections} connections, up {status.uptime_s:.0f} s"
    if status.draining:
        return Finding("state", "warning", f"{words}: it drains, and will go", "start another one")
    if status.storage.state != "ok":
        do = "see what the check of redis says; events wait, then are refused or kept in memory only"
        return Finding("state", "wrong", f"{words}: its store ({status.storage.backend}) is {status.storage.state}", do)
    if status.version != __version__:
        return Finding(
            "state", "warning", f"{words}; this program is {__version__}", "install the same version on both"
        )
    return Finding("state", "ok", f"{words}, store {status.storage.backend}")


async def _echo(bus: Bus) -> Finding:
    """Publish an event and read it again."""
    address = f"doctor-{secrets.token_hex(4)}:echo"
    try:
        async with bus.subscribe(address, create=True) as channel:
            began_at = time.perf_counter()
            ack = await bus.publish(address, "echo", ack=True)
            message = await channel.get(timeout_s=10)
            ms = (time.perf_counter() - began_at) * 1000
    except Denied as error:
        do = "none, if this user is not to publish; else widen its rights"
        return Finding("echo", "warning", f"not tried, this user may not: {error.message}", do)
    except NotFound as error:
        return Finding(
            "echo", "warning", f"not tried: {error.message}", "none, if channels are not to be made by themselves"
        )
    except TimeoutError:
        return Finding(
            "echo", "wrong", "an event was taken by the bus and did not come back within 10 s", "see the log"
        )
    words = f"an event came back in {ms:.1f} ms, stored: {ack.stored}"
    if message.seq != ack.seq:
        return Finding("echo", "wrong", f"expected event {ack.seq}, got {message.seq}", "see the log of the server")
    if ms > SLOW_MS:
        return Finding("echo", "warning", words, "arqonbus ping and arqonbus top show where the time goes")
    return Finding("echo", "ok", words)


def check_ready(url: str, timeout_s: float) -> Finding:
    """Ask `/ready`, as a load balancer does."""
    client = _http(url, timeout_s)
    try:
        client.request("GET", "/ready")
        response = client.getresponse()
        body = response.read(4096)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or "no answer"
        return Finding(NOBODY, "wrong", f"nobody answers at {url}: {why.lower()}", "check the address; arqonbus run")
    finally:
        client.close()
    if response.status == http.HTTPStatus.OK:
        return Finding("ready", "ok", "/ready says 200")
    if response.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
        do = "load balancers send nobody here; the reason says what is missing"
        return Finding("ready", "wrong", f"/ready says 503: {_why(body)}", do)
    words = f"/ready says {response.status}"
    return Finding("ready", "warning", words, "a proxy in between does not pass it on; load balancers need it")


def _why(body: bytes) -> str:
    try:
        return str(json.loads(body)["why"])
    except (ValueError, TypeError, KeyError):
        return "no reason was given"


def _http(url: str, timeout_s: float) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    host = parts.hostname or "127.0.0.1"
    if parts.scheme == "wss":
        # check_certificate judges the certificate; here it is only asked whether the server is ready.
        context = ssl._create_unverified_context()  # noqa: S323
        return http.client.HTTPSConnection(host, parts.port or 443, timeout=timeout_s, context=context)
    return http.client.HTTPConnection(host, parts.port or 80, timeout=timeout_s)


def check_certificate(url: str, timeout_s: float, context: ssl.SSLContext | None = None) -> Finding:
    """Look at the certificate that a server shows.

    Args:
        url: wss://
        timeout_s: for the handshake
        context: whom to trust; None: as every client does by default
    """
    parts = urlsplit(url)
    where = (parts.hostname or "127.0.0.1", parts.port or 443)
    name = f"{where[0]}:{where[1]}"
    try:
        with (
            socket.create_connection(where, timeout_s) as plain,
            (context or ssl.create_default_context()).wrap_socket(plain, server_hostname=where[0]) as safe,
        ):
            return judged(ends_at(safe.getpeercert()), name)
    except ssl.SSLCertVerificationError as error:
        do = "renew it, use the name that it is for, or have clients trust who signed it"
        return Finding("tls", "wrong", f"the certificate of {name}: {error.verify_message or error}", do)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        return Finding("tls", "wrong", f"no TLS at {name}: {why}", "use ws://, or turn TLS on: server.tls_cert")
