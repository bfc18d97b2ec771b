"""Reload: what SIGHUP changes in a running server, and what it says of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from arqonbus.config import Settings
from arqonbus.errors import ConfigError
from arqonbus.security import Keys
from arqonbus.server.assembly import Bus
from arqonbus.telemetry.logs import LogHandle, get_log
from arqonbus.transport import Handshake, Listener, ListenError, Tls

__all__ = ["RELOADABLE", "Reload"]

RELOADABLE = frozenset(
    {"auth.anonymous", "auth.keys", "log.level", "server.origins", "server.tls_cert", "server.tls_key"}
)
"""Keys whose change takes effect at a reload, for clients that connect from then on. TLS files are read anew even if
their names stay, since certificates are renewed in place."""

_log = get_log("server")


class Reload:
    """Applies new settings. Wrong ones change nothing."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Settings] | None,
        bus: Bus,
        listener: Listener,
        logs: LogHandle,
        handshake: Callable[[Settings], Handshake],
    ) -> None:
        """Keep what is in force now."""
        self._handshake = handshake
        self._settings = settings
        self._read = read
        self._bus = bus
        self._listener = listener
        self._logs = logs

    def run(self) -> None:
        """Read the settings again and apply what can be applied; log what was done and what needs a restart."""
        if self._read is None:
            _log.warning("reload_not_possible", error="this server was started without a source of settings")
            return
        try:
            new = self._read()
            self._apply(new)
        except (ConfigError, ListenError) as error:
            _log.error("reload_refused", error=error)
            return
        changed = sorted(_changes(self._settings, new))
        for key in changed:
            if key not in RELOADABLE:
                _log.warning("reload_needs_restart", key=key)
        self._settings = new
        _log.info("reloaded", changed=" ".join(key for key in changed if key in RELOADABLE))

    def _apply(self, new: Settings) -> None:
        server = new.server
        tls = Tls(server.tls_cert, server.tls_key, server.tls_client_ca) if server.tls_cert else None
        self._listener.renew(self._handshake(new), tls)
        self._bus.keys = Keys(new.auth.keys)
        self._bus.let_in_anonymous(bool(new.auth.anonymous))
        self._logs.set_level(new.log.level)


def _changes(old: Settings, new: Settings) -> Iterator[str]:
    """Name the keys that differ, as section.key."""
    for section in Settings.__struct_fields__:
        before, after = getattr(old, section), getattr(new, section)
        for key, value in msgspec.structs.asdict(after).items():
            if getattr(before, key) != value:
                yield f"{section}.{key}"
