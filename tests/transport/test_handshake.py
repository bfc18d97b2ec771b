"""Decisions on HTTP heads: every rule with the request that breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.routing.socket import Hello
from arqonbus.transport.handshake import (
    Accept,
    Answer,
    Handshake,
    bad_request,
    head_end,
    timed_out,
    too_large,
)
from arqonbus.transport.health import Health

HEALTH = Health(lambda: (True, ""), "1.2.3")
UPGRADE = {
    "Host": "bus.example",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def head(
    target: str = "/", *lines: str, method: str = "GET", version: str = "HTTP/1.1", **changes: str | None
) -> bytes:
    """Write a request; `changes` replace fields of UPGRADE (underscores for dashes), None takes one away."""
    fields = {**UPGRADE, **{name.replace("_", "-"): value for name, value in changes.items()}}
    rows = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"{method} {target} {version}", *rows, *lines, "", ""]).encode()


def decide(request: bytes, *, is_draining: bool = False, **rules) -> Accept | Answer:
    return Handshake(HEALTH, **rules).decide(request, "1.2.3.4:5", is_draining=is_draining)


def status(request: bytes, **more) -> int:
    decision = decide(request, **more)
    return decision.status if isinstance(decision, Answer) else 101


def hello(request: bytes, **rules) -> Hello:
    decision = decide(request, **rules)
    assert isinstance(decision, Accept)
    return decision.hello


def test_a_handshake_is_accepted_with_the_key_of_the_rfc():
    decision = decide(head())

    assert isinstance(decision, Accept)
    assert decision.response.startswith(b"HTTP/1.1 101 Switching Protocols\r\n")
    assert b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in decision.response
    assert decision.response.endswith(b"\r\n\r\n")
    assert decision.hello == Hello(remote="1.2.3.4:5")


@pytest.mark.parametrize(
    ("request_head", "expected"),
    [
        (head(method="POST"), 405),
        (head(method="HEAD"), 405),
        (head(version="HTTP/1.0"), 505),
        (head("/other"), 404),
        (head("/%2e"), 404),
        (head(Upgrade=None, Connection=None), 426),
        (head(Upgrade="h2c"), 426),
        (head(Connection="keep-alive"), 426),
        (head(Sec_WebSocket_Key=None), 400),
        (head(Sec_WebSocket_Key="short"), 400),
        (head("/", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400),
        (head(Sec_WebSocket_Version="8"), 400),
        (head("/", "Origin: http://a.example", "Origin: http://b.example"), 400),
        (head("/", "Authorization: Bearer a", "Authorization: Bearer b"), 400),
        (head("/", "Content-Length: 5"), 400),
        (head("/", "Transfer-Encoding: chunked"), 400),
        (head("/", "no colon here"), 400),
        (head("/", "Bad Name: x"), 400),
        (head("/", "X: a\x00b"), 400),
        (head("/" + "a" * 9000), 414),
        (head("/", "X: " + "a" * 9000), 431),
        (head("/", *["X: 1"] * 200), 431),
        (b"GET /\r\n\r\n", 400),
        (b"\x16\x03\x01\r\n\r\n", 400),
        ("GET /ü HTTP/1.1\r\n\r\n".encode(), 400),
        (b"GET / HTTP/1.1\nHost: x\n\r\n\r\n", 400),
    ],
)
def test_what_is_no_handshake_gets_a_4xx_or_505(request_head, expected):
    decision = decide(request_head)

    assert isinstance(decision, Answer)
    assert decision.status == expected
    assert decision.response.startswith(b"HTTP/1.1 %d " % expected)
    assert b"\r\nConnection: close\r\n" in decision.response


@given(st.binary(max_size=300))
def test_noise_is_answered_and_never_raises(noise):
    assert status(noise + b"\r\n\r\n") in range(400, 506)


CANARY = "canary-8d1f"


@pytest.mark.parametrize(
    "request_head",
    [
        head(f"/{CANARY}"),
        head(f"/?client_type={CANARY * 20}"),
        head(Sec_WebSocket_Key=CANARY),
        head("/", f"Origin: http://{CANARY}"),
        head("/", f"Sec-WebSocket-Protocol: {CANARY}"),
        head("/", f"Sec-WebSocket-Protocol: x, arqonbus.token.{CANARY}"),
        head(Upgrade=CANARY),
        head("/", CANARY),
    ],
)
def test_no_text_of_a_client_comes_back_in_a_refusal(request_head):
    decision = decide(request_head)

    assert isinstance(decision, Answer)
    assert CANARY.encode() not in decision.response


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://bus.example", 101),
        ("https://bus.example", 101),
        ("https://app.example", 101),
        ("https://app.example:444", 403),
        ("http://app.example", 403),
        ("https://APP.EXAMPLE", 403),
        ("https://app.example.evil.example", 403),
        ("https://evil.example", 403),
        ("http://bus.example:9100", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_threat_01_only_listed_and_own_origins_connect(origin, expected):
    assert status(head("/", f"Origin: {origin}"), origins=["https://app.example"]) == expected


def test_a_refused_origin_is_told_the_setting():
    decision = decide(head("/", "Origin: https://evil.example"))

    assert isinstance(decision, Answer)
    assert b"server.origins" in decision.response


def test_a_star_allows_every_origin():
    assert status(head("/", "Origin: null"), origins=["*"]) == 101


def test_an_origin_without_a_host_to_compare_is_refused():
    assert status(head("/", "Origin: http://bus.example", Host=None)) == 403


@pytest.mark.parametrize(
    ("offer", "chosen"),
    [
        (None, None),
        ("arqonbus.v1", "arqonbus.v1"),
        ("soap, arqonbus.v1", "arqonbus.v1"),
        ("arqonbus.v1, arqonbus.token.T", "arqonbus.v1"),
        ("arqonbus.token.T", None),
    ],
)
def test_a_subprotocol_is_chosen(offer, chosen):
    lines = [] if offer is None else [f"Sec-WebSocket-Protocol: {offer}"]
    decision = decide(head("/", *lines))

    assert isinstance(decision, Accept)
    assert decision.hello.subprotocol == chosen
    assert (b"Sec-WebSocket-Protocol: arqonbus.v1\r\n" in decision.response) == (chosen is not None)
    assert b"arqonbus.token" not in decision.response


@pytest.mark.parametrize("offer", ["soap", "arqonbus.v2", "soap, arqonbus.token.T"])
def test_only_unknown_subprotocols_are_refused_with_the_known_one(offer):
    decision = decide(head("/", f"Sec-WebSocket-Protocol: {offer}"))

    assert isinstance(decision, Answer)
    assert decision.status == 400
    assert b"arqonbus.v1" in decision.response


@pytest.mark.parametrize(
    ("target", "lines", "token"),
    [
        ("/", [], None),
        ("/", ["Authorization: Bearer T1"], "T1"),
        ("/", ["Authorization: bearer  T1 "], "T1"),
        ("/", ["Authorization: Basic T1"], None),
        ("/", ["Authorization: Bearer"], None),
        ("/", ["Sec-WebSocket-Protocol: arqonbus.v1, arqonbus.token.T2"], "T2"),
        ("/", ["Authorization: Bearer T1", "Sec-WebSocket-Protocol: arqonbus.v1, arqonbus.token.T2"], "T1"),
        ("/?token=T3", ["Sec-WebSocket-Protocol: arqonbus.v1, arqonbus.token.T2"], "T2"),
        ("/?token=T3&token=T4", [], "T3"),
    ],
)
def test_credentials_are_read_header_first_then_subprotocol_then_query(target, lines, token):
    assert hello(head(target, *lines), query_token=True).token == token


def test_threat_02_a_token_in_the_query_is_ignored_unless_allowed():
    assert hello(head("/?token=T3")).token is None


def test_the_query_gives_the_profile():
    found = hello(head("/?client_type=worker&screen_name=J%C3%BCrgen+K&other=1"))

    assert (found.client_type, found.screen_name) == ("worker", "Jürgen K")


@pytest.mark.parametrize("name", ["client_type", "screen_name"])
@pytest.mark.parametrize(("size", "expected"), [(128, 101), (129, 400)])
def test_a_profile_field_of_the_query_is_bounded(name, size, expected):
    assert status(head(f"/?{name}={'x' * size}")) == expected


def test_the_number_of_query_fields_is_bounded():
    assert status(head("/?" + "&".join(f"a{n}=1" for n in range(17)))) == 400


@pytest.mark.parametrize(("given_value", "kept"), [("00-ab-cd-01", "00-ab-cd-01"), ("x" * 129, None)])
def test_the_trace_context_is_passed_on_unless_it_is_endless(given_value, kept):
    assert hello(head("/", f"traceparent: {given_value}")).traceparent == kept


OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"


def test_compression_is_agreed_only_when_switched_on():
    on, off = decide(head("/", OFFER), compression=True), decide(head("/", OFFER))

    assert isinstance(on, Accept)
    assert isinstance(off, Accept)
    assert (on.hello.compressed, len(on.extensions)) == (True, 1)
    assert (off.hello.compressed, len(off.extensions)) == (False, 0)
    assert b"Sec-WebSocket-Extensions" not in off.response


def test_a_client_that_does_not_offer_compression_gets_none():
    assert hello(head(), compression=True).compressed is False


def test_another_path_may_be_the_way_in():
    assert status(head("/bus?x=1"), path="/bus") == 101
    assert status(head("/"), path="/bus") == 404


@pytest.mark.parametrize("target", ["/health", "/ready", "/version", "/ready?x=1"])
def test_probes_are_answered_without_an_upgrade(target):
    decision = decide(head(target, Upgrade=None, Connection=None, Sec_WebSocket_Key=None))

    assert isinstance(decision, Answer)
    assert decision.status == 200


def test_a_probe_by_head_gets_no_body():
    decision = decide(head("/ready", method="HEAD"))

    assert isinstance(decision, Answer)
    assert decision.response.endswith(b"\r\n\r\n")


def test_a_post_to_a_probe_is_no_probe():
    assert status(head("/ready", method="POST")) == 404


def test_while_draining_new_clients_are_sent_away_and_probes_answered():
    refused = decide(head(), is_draining=True)

    assert isinstance(refused, Answer)
    assert refused.status == 503
    assert b"\r\nRetry-After: 1\r\n" in refused.response
    assert status(head("/ready"), is_draining=True) == 503
    assert status(head("/health"), is_draining=True) == 200


@pytest.mark.parametrize(
    ("data", "start", "end"), [(b"a\r\n\r\nb", 0, 5), (b"a\r\n\r", 0, -1), (b"\r\n\r\n", 0, 4), (b"x\r\n\r\n", 2, -1)]
)
def test_the_end_of_a_head_is_found(data, start, end):
    assert head_end(data, start) == end


def test_answers_without_a_request_have_their_status():
    assert (too_large().status, timed_out().status, bad_request().status) == (431, 408, 400)
    assert too_large().response.startswith(b"HTTP/1.1 431 ")
