from arqonbus.routing.socket import NO_SOCKET, Hello


def test_a_handshake_need_tell_no_more_than_where_the_client_is() -> None:
    hello = Hello("192.0.2.1")

    assert (hello.token, hello.client_type, hello.screen_name, hello.subprotocol, hello.traceparent) == (None,) * 5
    assert hello.compressed is False


def test_no_socket_is_never_open_and_takes_everything() -> None:
    assert NO_SOCKET.is_open is False
    assert NO_SOCKET.write(b"x", ()) is True
