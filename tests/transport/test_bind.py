"""Addresses: stale socket files, and errors that say what to do."""

import errno
import os
import socket

import pytest

from arqonbus.transport.bind import Bind, ListenError, clear_stale, tcp_error, unix_error


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "bus.sock")


def leave_a_socket(path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    return sock


def test_nothing_there_is_fine(path):
    clear_stale(path)

    assert not os.path.exists(path)


def test_the_socket_of_a_dead_server_is_removed(path):
    leave_a_socket(path).close()
    clear_stale(path)

    assert not os.path.exists(path)


def test_the_socket_of_a_live_server_stays(path):
    with leave_a_socket(path) as sock:
        sock.listen()
        with pytest.raises(ListenError, match="a server answers there already"):
            clear_stale(path)

    assert os.path.exists(path)


def test_a_file_that_is_no_socket_stays(path):
    with open(path, "w") as file:
        file.write("precious")
    with pytest.raises(ListenError, match="a file of that name exists"):
        clear_stale(path)

    assert os.path.exists(path)


def test_a_path_through_a_file_is_an_error(path):
    with open(path, "w"):
        pass
    with pytest.raises(ListenError, match=r"server\.unix_socket"):
        clear_stale(path + "/below")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EADDRINUSE, "x"), "the port is taken"),
        (OSError(errno.EACCES, "x"), "need rights"),
        (OSError(errno.EADDRNOTAVAIL, "x"), "no network interface"),
        (OSError(errno.ENOMEM, "Out Of Memory"), "out of memory"),
        (socket.gaierror(-2, "x"), "the name of the host is unknown"),
    ],
)
def test_a_tcp_error_says_what_to_do(error, words):
    message = str(tcp_error(Bind(host="bus", port=9), error))

    assert message.startswith("cannot listen on bus port 9: ")
    assert words in message


def test_all_interfaces_have_a_name():
    assert "all interfaces" in str(tcp_error(Bind(host=""), OSError(errno.EADDRINUSE, "x")))


def test_a_unix_error_says_what_to_do():
    assert str(unix_error("/x", OSError(errno.EACCES, ""))) == (
        "cannot listen on /x: not permitted; the folder must be writable; see server.unix_socket"
    )
