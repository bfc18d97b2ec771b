"""Addresses to listen on: what to check before, and one line that says why it did not work. No event loop here."""

import contextlib
import errno
import os
import socket
import stat
from typing import Final

import msgspec

from arqonbus.errors import ArqonError

__all__ = ["Bind", "ListenError", "bind_tcp", "clear_stale", "reserve_tcp", "tcp_error", "unix_error"]

_PROBE_S: Final = 0.5  # a live server accepts, or its queue refuses, at once; this is for a machine under load

_TCP_ADVICE: Final = {
    errno.EADDRINUSE: "the port is taken; stop the program that uses it, or choose another server.port",
    errno.EACCES: "not permitted; ports below 1024 need rights, choose another server.port",
    errno.EADDRNOTAVAIL: "no network interface has this address; see server.host",
}
_UNIX_ADVICE: Final = {
    errno.EACCES: "not permitted; the folder must be writable",
    errno.ENOENT: "there is no such folder",
}


class ListenError(ArqonError):
    """The listener could not start. One line: what does not work, why, and the setting to look at."""


class Bind(msgspec.Struct, frozen=True):
    """Where to listen; at least one of the two."""

    host: str | None = "127.0.0.1"
    """Name or address; "" is all interfaces; None is no TCP."""
    port: int = 9100
    """0 is any free one."""
    unix_socket: str = ""
    """Path; "" is no Unix socket."""
    backlog: int = 4096
    """Connections that the system keeps until they are accepted; at 100, a burst of 5,000 needs half a minute."""
    shared: bool = False
    """Whether other processes of this user listen at the same TCP port: the system gives each connection to one."""


def bind_tcp(bind: Bind, *, is_listening: bool = True) -> list[socket.socket]:
    """Listen on every address of the host, without blocking; port 0 becomes the same free port for all.

    Raises:
        ListenError: an address can't be had; then none is kept.
    """
    sockets: list[socket.socket] = []
    port = bind.port
    try:
        kind = socket.SOCK_STREAM
        for family, _, _, _, address in socket.getaddrinfo(bind.host or None, port, type=kind, flags=socket.AI_PASSIVE):
            sock = socket.socket(family, kind)
            sockets.append(sock)
            _bind(sock, (address[0], port, *address[2:]), bind.shared)
            if is_listening:
                sock.listen(bind.backlog)
            port = sock.getsockname()[1]
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise tcp_error(bind, error) from error
    return sockets


def reserve_tcp(bind: Bind) -> list[socket.socket]:
    """Take a port for processes that share it, without listening: port 0 becomes one that all of them can have.

    Raises:
        ListenError: an address can't be had, or somebody listens there already, even one who would share it.
    """
    for sock in bind_tcp(bind):
        sock.close()
    return bind_tcp(msgspec.structs.replace(bind, shared=True), is_listening=False)


def _bind(sock: socket.socket, address: tuple[object, ...], shared: bool) -> None:
    sock.setblocking(False)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a restart need not wait for old connections
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # IPv4 has a socket of its own
    sock.bind(address)


def tcp_error(bind: Bind, error: OSError) -> ListenError:
    """Say why a TCP address could not be had."""
    where = f"{bind.host or 'all interfaces'} port {bind.port}"
    if isinstance(error, socket.gaierror):
        return ListenError(f"cannot listen on {where}: the name of the host is unknown; see server.host")
    return ListenError(f"cannot listen on {where}: {_TCP_ADVICE.get(error.errno or 0, _words(error))}")


def unix_error(path: str, error: OSError) -> ListenError:
    """Say why a Unix socket could not be made."""
    advice = _UNIX_ADVICE.get(error.errno or 0, _words(error))
    return ListenError(f"cannot listen on {path}: {advice}; see server.unix_socket")


def clear_stale(path: str) -> None:
    """Remove the socket file that a dead server left behind, and only such a one.

    Raises:
        ListenError: something else has that name, a server answers there, or the file can't be removed.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise unix_error(path, error) from error
    if not stat.S_ISSOCK(mode):
        raise ListenError(f"cannot listen on {path}: a file of that name exists; see server.unix_socket")
    if _is_answered(path):
        raise ListenError(f"cannot listen on {path}: a server answers there already; see server.unix_socket")
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        raise unix_error(path, error) from error


def _is_answered(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PROBE_S)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return False
        except OSError:
            return True  # full, slow or not permitted: somebody's, so don't take it away
    return True


def _words(error: OSError) -> str:
    return (error.strerror or str(error) or "unknown error").lower()
