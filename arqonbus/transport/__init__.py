"""The way in and out: sockets, TLS, HTTP handshake, WebSocket frames, keepalive.

One connection on its way: `listener` accepts, `greeting` reads the HTTP head, `handshake` decides, `connection` carries
the open WebSocket with `wire` as its scanner; `lobby` holds what they share. `response`, `health`, `handshake`, `wire`,
`keepalive` are pure. Knows sessions only as a Ref that takes mail; nothing below the transport imports it.
"""

from arqonbus.transport.bind import Bind, ListenError
from arqonbus.transport.handshake import Handshake
from arqonbus.transport.health import Health
from arqonbus.transport.listener import Listener
from arqonbus.transport.lobby import Limits, Statistics, Timeouts
from arqonbus.transport.tls import Tls

__all__ = ["Bind", "Handshake", "Health", "Limits", "ListenError", "Listener", "Statistics", "Timeouts", "Tls"]
