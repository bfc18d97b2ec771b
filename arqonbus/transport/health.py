"""Answers of `/health`, `/ready` and `/version`, for probes and people, and of `/metrics` where that is wanted.

Pure: what is ready is decided elsewhere and asked through a callable. On the path before any session: `greeting` reads
an HTTP head, `handshake` sees one of these paths and answers from here.
"""

import json
from collections.abc import Callable
from typing import Final

from arqonbus.transport.response import http_response

__all__ = ["PATHS", "Health", "Metrics", "Readiness"]

Readiness = Callable[[], tuple[bool, str]]
"""() -> (ready, why): `why` is a short text of ours, empty when all is well. Asked by every probe: cheap,
never raises."""

PATHS: Final = frozenset({"/health", "/ready", "/version"})

Metrics = Callable[[str], tuple[str, str]]
"""(field Accept of the request) -> content type, text. Asked every few seconds."""


class Health:
    """Answers the probes of one listener.

    `/health` is 200 as long as the process can answer at all; `/ready` is 200 only when the server takes work, else
    503, and says in `why` what is not as it should be; `/version` names the software and the protocol.
    """

    __slots__ = ("_metrics", "_protocol", "_readiness", "_version")

    def __init__(
        self, readiness: Readiness, version: str, protocol: str = "1.0", metrics: Metrics | None = None
    ) -> None:
        """Keep what to ask and to tell.

        Args:
            readiness: See `Readiness`.
            version: Of the software.
            protocol: Of the wire, major.minor.
            metrics: Writes the numbers; None: `/metrics` is not found.
        """
        self._metrics = metrics
        self._readiness = readiness
        self._version = version
        self._protocol = protocol

    def has(self, path: str) -> bool:
        """Whether it answers there."""
        return path in PATHS or (path == "/metrics" and self._metrics is not None)

    def answer(self, path: str, *, is_draining: bool, with_body: bool = True, accept: str = "") -> bytes:
        """Build the HTTP response for a path that `has` holds; another path is a KeyError."""
        if path == "/metrics":
            return self._numbers(accept, with_body)
        status, content = {"/health": self._health, "/ready": self._ready, "/version": self._about}[path](is_draining)
        fields = {"Retry-After": "1"} if status == 503 else {}
        return http_response(
            status,
            json.dumps(content) + "\n",
            content_type="application/json",
            fields=fields,
            with_body=with_body,
        )

    def _numbers(self, accept: str, with_body: bool) -> bytes:
        content_type, text = self._metrics(accept) if self._metrics is not None else ("text/plain", "")
        return http_response(200, text, content_type=content_type, with_body=with_body)

    def _health(self, is_draining: bool) -> tuple[int, dict[str, object]]:
        return 200, {"status": "draining" if is_draining else "ok"}

    def _ready(self, is_draining: bool) -> tuple[int, dict[str, object]]:
        ready, why = (False, "draining") if is_draining else self._readiness()
        return 200 if ready else 503, {"ready": ready, "why": why} if why else {"ready": ready}

    def _about(self, _is_draining: bool) -> tuple[int, dict[str, object]]:
        return 200, {"version": self._version, "protocol": self._protocol}
