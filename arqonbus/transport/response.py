"""Plain HTTP responses, as bytes. Each says all it has to say and ends the connection.

Pure. Here live the head and its fixed fields; what to answer is decided in `handshake` and `health`.
Never put text of a client into a field or a body: everything here is our own constant text.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

__all__ = ["http_response"]

_NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


def http_response(
    status: int,
    body: str,
    *,
    content_type: str = "text/plain; charset=utf-8",
    fields: Mapping[str, str] = _NO_FIELDS,
    with_body: bool = True,
) -> bytes:
    """Build one whole HTTP/1.1 response.

    Args:
        status: A final status code known to `http.HTTPStatus`.
        body: Text of the body, sent as UTF-8.
        content_type: Value of the field of that name.
        fields: More header fields; names and values must be ours.
        with_body: False for the answer to a HEAD request: the length is told, the body is not sent.
    """
    content = body.encode()
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(content)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *(f"{name}: {value}" for name, value in fields.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (content if with_body else b"")
