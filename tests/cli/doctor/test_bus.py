"""What a client finds at a server: real ones, with and without TLS, locked, draining, gone."""

import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from arqonbus.cli.doctor.bus import check_bus, check_certificate, check_ready
from arqonbus.cli.kit.measures import Finding
from tests.cli.doctor.certificates import make_certificate
from tests.specs.bus import Bus, free_port

pytestmark = pytest.mark.integration


async def found(url: str, token: str | None = None, **more: object) -> dict[str, Finding]:
    return {finding.what: finding for finding in await check_bus(url, token, 5.0, **more)}  # type: ignore[arg-type]


async def test_all_is_well_at_a_good_server(server: Bus) -> None:
    findings = await found(server.url)

    assert list(findings) == ["ready", "way in", "clock", "state", "echo"]
    assert {finding.verdict for finding in findings.values()} == {"ok"}
    assert findings["way in"].words == "let in without a token"
    assert findings["echo"].words.endswith("stored: memory")


async def test_a_right_token_is_accepted_and_says_who_it_is(locked_server: Bus) -> None:
    assert (await found(locked_server.url, "key-of-alice"))["way in"].words == "let in as alice"


@pytest.mark.parametrize(
    ("token", "words"),
    [("guessed", "the token is not accepted"), (None, "the server wants a token, and none was given")],
)
async def test_a_wrong_token_and_none_are_told_apart(token: str | None, words: str, locked_server: Bus) -> None:
    findings = await found(locked_server.url, token)

    assert findings["way in"].verdict == "wrong"
    assert findings["way in"].words.startswith(words)
    assert "--token-file" in findings["way in"].do


async def test_a_clock_that_is_off_is_told(server: Bus) -> None:
    finding = (await found(server.url, wall=lambda: time.time() + 90))["clock"]

    assert (finding.verdict, finding.words[:24]) == ("warning", "the server's clock is -9")


async def test_nobody_there_is_one_finding_at_once() -> None:
    began_at = time.monotonic()
    findings = await found(f"ws://127.0.0.1:{free_port()}/")

    assert [finding.what for finding in findings.values()] == ["connection"]
    assert findings["connection"].words.endswith("connection refused")
    assert time.monotonic() - began_at < 2


async def test_channels_that_are_not_made_by_themselves_are_told(tmp_path: Path) -> None:
    bus = Bus(tmp_path, ["channels.auto_create = false"]).start()
    try:
        finding = (await found(bus.url))["echo"]
    finally:
        bus.stop()

    assert finding.verdict == "ok"  # a doctor who asks for one gets it


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bus, str]]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = make_certificate(folder)
    bus = Bus(folder, [f'server.tls_cert = "{certificate}"', f'server.tls_key = "{key}"'], tls=True).start()
    yield bus, certificate
    bus.stop()


async def test_a_certificate_that_nobody_knows_is_wrong(tls_server: tuple[Bus, str]) -> None:
    bus, _ = tls_server
    findings = await found(bus.url)

    assert findings["tls"].verdict == "wrong"
    assert "self-signed" in findings["tls"].words
    assert findings["ready"].verdict == "ok"
    assert "way in" not in findings


def test_a_certificate_that_is_trusted_is_judged_by_its_end(tls_server: tuple[Bus, str]) -> None:
    bus, certificate = tls_server
    finding = check_certificate(bus.url, 5.0, ssl.create_default_context(cafile=certificate))

    assert (finding.verdict, "is good for 89 days" in finding.words) == ("ok", True)


def test_a_server_without_tls_is_told(server: Bus) -> None:
    finding = check_certificate(server.url.replace("ws://", "wss://"), 5.0)

    assert (finding.verdict, finding.words[:6]) == ("wrong", "no TLS")


def test_a_proxy_that_does_not_pass_ready_on_is_a_warning() -> None:
    from tests.telemetry.receivers import http_receiver

    with http_receiver() as receiver:  # answers POST only
        finding = check_ready(receiver.url.replace("http", "ws"), 5.0)

    assert (finding.verdict, finding.words) == ("warning", "/ready says 501")
