"""Answers of `/health`, `/ready` and `/version`, for probes and people.

Pure: what is ready is decided elsewhere and asked through a callable. On the path before any session: `greeting` reads
an HTTP head, `handshake` sees one of these paths and answers from here.
"""

import json
from collections.abc import Callable
from typing import Final

from arqonbus.transport.response import http_response

__all__ = ["PATHS", "Health", "Readiness"]

Readiness = Callable[[], tuple[bool, str]]
"""() -> (ready, why): `why` is a short text of ours, empty when ready. Asked by every probe: cheap, never raises."""

PATHS: Final = frozenset({"/health", "/ready", "/version"})


class Health:
    """Answers the probes of one listener.

    `/health` is 200 as long as the process can answer at all; `/ready` is 200 only when the server takes work, else 503
    with the reason; `/version` names the software and the protocol.
    """

    __slots__ = ("_protocol", "_readiness", "_version")

    def __init__(self, readiness: Readiness, version: str, protocol: str = "1.0") -> None:
        """Keep what to ask and to tell.

        Args:
            readiness: See `Readiness`.
            version: Of the software.
            protocol: Of the wire, major.minor.
        """
        self._readiness = readiness
        self._version = version
        self._protocol = protocol

    def answer(self, path: str, *, is_draining: bool, with_body: bool = True) -> bytes:
        """Build the HTTP response for one of `PATHS`; another path is a KeyError."""
        status, content = {"/health": self._health, "/ready": self._ready, "/version": self._about}[path](is_draining)
        fields = {"Retry-After": "1"} if status == 503 else {}
        return http_response(
            status,
            json.dumps(content) + "\n",
            content_type="application/json",
            fields=fields,
            with_body=with_body,
        )

    def _health(self, is_draining: bool) -> tuple[int, dict[str, object]]:
        return 200, {"status": "draining" if is_draining else "ok"}

    def _ready(self, is_draining: bool) -> tuple[int, dict[str, object]]:
        ready, why = (False, "draining") if is_draining else self._readiness()
        return (200, {"ready": True}) if ready else (503, {"ready": False, "why": why})

    def _about(self, _is_draining: bool) -> tuple[int, dict[str, object]]:
        return 200, {"version": self._version, "protocol": self._protocol}
