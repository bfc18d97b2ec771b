from arqonbus.routing.socket import Hello


def test_a_handshake_need_tell_no_more_than_where_the_client_is() -> None:
    hello = Hello("192.0.2.1")

    assert (hello.token, hello.client_type, hello.screen_name, hello.subprotocol, hello.traceparent) == (None,) * 5
    assert hello.compressed is False
