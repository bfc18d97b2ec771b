"""The opening handshake: an HTTP head -> Accept or Answer. Decides; sends nothing.

Pure. The parsing and the accept key are those of websockets' Sans-I/O `ServerProtocol`, which lives for one call. Here
live the decisions: path, origin, subprotocol, credentials, compression. Bodies are constant text of ours: no text of a
client ever comes back. Who the client is gets decided later, by its session: a wrong token is told over the WebSocket,
since browsers can't see an HTTP 401.

Source: RFC 6455 4.2 (server handshake), 10.2 (origin); RFC 6750 2 (bearer token).
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from websockets.datastructures import Headers, MultipleValuesError
from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from arqonbus.routing.socket import Hello
from arqonbus.transport.health import Health
from arqonbus.transport.response import http_response
from arqonbus.transport.wire import SILENT

__all__ = [
    "SUBPROTOCOL",
    "TOKEN_PREFIX",
    "Accept",
    "Answer",
    "Handshake",
    "bad_request",
    "head_end",
    "timed_out",
    "too_large",
]

SUBPROTOCOL: Final = "arqonbus.v1"
TOKEN_PREFIX: Final = "arqonbus.token."  # noqa: S105 - a name, no secret

_END: Final = b"\r\n\r\n"
_MAX_QUERY_FIELDS: Final = 16
_MAX_PROFILE_CHARS: Final = 128  # as the profile of the connect command
_MAX_TRACEPARENT: Final = 128  # characters; version 00 has 55, later ones may append
_RETRY_AFTER_S: Final = "1"

# 4 KiB windows (2**12) and little memory for the tables: about 64 KiB less a connection than zlib's defaults, at a few
# per cent of size on JSON. The same values as websockets' own server.
_DEFLATE: Final = ServerPerMessageDeflateFactory(
    server_max_window_bits=12, client_max_window_bits=12, compress_settings={"memLevel": 5}
)

_BODIES: Final = {
    400: "this is no valid WebSocket handshake",
    403: "the origin of this page is not allowed; the server's setting server.origins lists those that are",
    404: "nothing here; see the server's setting server.path",
    405: "expected a GET request",
    408: "the request did not come in time; the server's setting server.handshake_timeout_s is the bound",
    414: "the request line is too long",
    426: "expected a WebSocket handshake; open this address with a WebSocket client",
    431: "the request head is too large; the server's setting limits.handshake_bytes is the bound",
    500: "internal error",
    503: "the server is draining",
    505: "expected HTTP/1.1",
}
_FIELDS: Final = {
    405: {"Allow": "GET"},
    426: {"Upgrade": "websocket"},
    503: {"Retry-After": _RETRY_AFTER_S},
}


class Accept(msgspec.Struct, frozen=True):
    """The client becomes a WebSocket."""

    hello: Hello
    """What the session is told."""
    response: bytes
    """The 101 response, to be sent first."""
    extensions: Sequence[Extension]
    """Negotiated ones, for the scanner; empty on a plain connection."""


class Answer(msgspec.Struct, frozen=True):
    """The client gets a plain HTTP response, and the connection ends."""

    status: int
    response: bytes


class _Refused(Exception):
    """Carries an answer out of the depth of one decision."""

    def __init__(self, status: int, body: str = "") -> None:
        super().__init__(status)
        self.answer = Answer(status, _refusal(status, body))


class Handshake:
    """Decides on handshakes by fixed rules. One for all connections of a listener; holds no state of any."""

    __slots__ = ("_allow_query_token", "_extensions", "_health", "_origins", "_path")

    def __init__(
        self,
        health: Health,
        *,
        path: str = "/",
        origins: Sequence[str] = (),
        compression: bool = False,
        query_token: bool = False,
    ) -> None:
        """Keep the rules.

        Args:
            health: Answers the probes' paths.
            path: Where the WebSocket is, without a query.
            origins: Pages that may connect, each as the browser says it (`https://app.example`); "*" allows all. No
                Origin field (no browser), and the origin that the Host field names, are always allowed.
            compression: Whether to accept permessage-deflate.
            query_token: Whether `?token=` is read. URLs end up in logs; leave it off where it can be.
        """
        self._health = health
        self._path = path
        self._origins = frozenset(origins)
        self._extensions = [_DEFLATE] if compression else []
        self._allow_query_token = query_token

    def decide(self, head: bytes, remote: str, *, is_draining: bool = False) -> Accept | Answer:
        """Decide on one head.

        Args:
            head: All bytes up to and with the empty line.
            remote: Address of the peer, for the session.
            is_draining: Whether new clients are sent away.
        """
        protocol = ServerProtocol(
            extensions=self._extensions, select_subprotocol=_select_subprotocol, logger=SILENT, max_size=None
        )
        protocol.receive_data(head)
        events = protocol.events_received()
        if not events or not isinstance(events[0], Request):
            return _unreadable(b"".join(protocol.data_to_send()))
        request = events[0]
        try:
            return self._decide(protocol, request, remote, is_draining)
        except _Refused as refused:
            return refused.answer
        except MultipleValuesError:
            return Answer(400, _refusal(400, "expected each header field once"))

    def _decide(self, protocol: ServerProtocol, request: Request, remote: str, is_draining: bool) -> Accept | Answer:
        path, _, query = request.path.partition("?")
        if self._health.has(path) and request.method in ("GET", "HEAD"):
            with_body, accept = request.method == "GET", ",".join(request.headers.get_all("Accept"))
            response = self._health.answer(path, is_draining=is_draining, with_body=with_body, accept=accept)
            return Answer(int(response[9:12]), response)
        if path != self._path:
            raise _Refused(404)
        if is_draining:
            raise _Refused(503)
        self._check_origin(request.headers)
        answer = protocol.accept(request)
        if answer.status_code != 101:
            wrong = isinstance(protocol.handshake_exc, NegotiationError)
            raise _Refused(answer.status_code, f"expected the subprotocol {SUBPROTOCOL}, or none" if wrong else "")
        hello = self._hello(protocol, request.headers, query, remote)
        protocol.send_response(answer)
        return Accept(hello, b"".join(protocol.data_to_send()), protocol.extensions)

    def _check_origin(self, headers: Headers) -> None:
        """Refuse a page of a foreign site: a browser connects wherever a page says, from inside the user's network."""
        origin = headers.get("Origin")
        if origin is None or origin in self._origins or "*" in self._origins:
            return
        host = headers.get("Host")
        if host is None or origin not in (f"http://{host}", f"https://{host}"):
            raise _Refused(403)

    def _hello(self, protocol: ServerProtocol, headers: Headers, query: str, remote: str) -> Hello:
        fields = _read_query(query)
        traceparent = headers.get("traceparent")
        return Hello(
            remote=remote,
            token=self._token(headers, fields),
            client_type=fields.get("client_type"),
            screen_name=fields.get("screen_name"),
            compressed=bool(protocol.extensions),
            subprotocol=protocol.subprotocol,
            traceparent=traceparent if traceparent is not None and len(traceparent) <= _MAX_TRACEPARENT else None,
        )

    def _token(self, headers: Headers, query: dict[str, str]) -> str | None:
        """Read the credentials: header first, then subprotocol entry, then query if that is allowed."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            return token.strip()
        for name in _offered(headers):
            if name.startswith(TOKEN_PREFIX):
                return name.removeprefix(TOKEN_PREFIX)
        return query.get("token") if self._allow_query_token else None


def head_end(data: bytes | bytearray, start: int = 0) -> int:
    """Return the position after the empty line that ends an HTTP head, or -1 while there is none from `start` on."""
    at = data.find(_END, start)
    return at if at < 0 else at + len(_END)


def too_large() -> Answer:
    """Answer a head over the bound."""
    return Answer(431, _refusal(431))


def timed_out() -> Answer:
    """Answer a head that did not come in time."""
    return Answer(408, _refusal(408))


def bad_request() -> Answer:
    """Answer bytes that can't be the start of a request."""
    return Answer(400, _refusal(400))


def _refusal(status: int, body: str = "") -> bytes:
    return http_response(status, (body or _BODIES.get(status, _BODIES[400])) + "\n", fields=_FIELDS.get(status, {}))


def _unreadable(reply: bytes) -> Answer:
    """Answer what is no HTTP request; `reply` is what websockets would say: a 4xx about sizes, or nothing."""
    status = int(reply[9:12]) if reply[:9] == b"HTTP/1.1 " else 400
    return Answer(status, _refusal(status))


def _select_subprotocol(_protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    if SUBPROTOCOL in offered:
        return Subprotocol(SUBPROTOCOL)
    if all(name.startswith(TOKEN_PREFIX) for name in offered):
        return None
    raise NegotiationError("no subprotocol in common")


def _offered(headers: Headers) -> list[str]:
    """Return the subprotocols of a request whose handshake was accepted, so that their grammar is checked."""
    return [name.strip() for value in headers.get_all("Sec-WebSocket-Protocol") for name in value.split(",")]


def _read_query(query: str) -> dict[str, str]:
    """Return the query's fields; the first of a name counts.

    Raises:
        _Refused: too many fields, or a profile field that is too long.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=False, max_num_fields=_MAX_QUERY_FIELDS)
    except ValueError:
        raise _Refused(400, f"expected at most {_MAX_QUERY_FIELDS} query parameters") from None
    fields = dict(reversed(pairs))
    for name in ("client_type", "screen_name"):
        if len(fields.get(name, "")) > _MAX_PROFILE_CHARS:
            raise _Refused(400, f"query parameter {name}: expected at most {_MAX_PROFILE_CHARS} characters")
    return fields
