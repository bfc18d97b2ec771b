"""Plain HTTP responses as bytes."""

from arqonbus.transport.response import http_response


def test_a_response_says_its_length_in_bytes_and_ends_the_connection():
    response = http_response(404, "näh\n", fields={"X-Mine": "1"})

    assert response == (
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n"
        b"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\nX-Mine: 1\r\n"
        b"\r\nn\xc3\xa4h\n"
    )


def test_the_answer_to_head_tells_the_length_and_sends_no_body():
    response = http_response(200, "body", with_body=False)

    assert b"Content-Length: 4\r\n" in response
    assert response.endswith(b"\r\n\r\n")
