"""The line: both ends of a connection without a socket."""

import pytest

from arqonbus.protocol.frames import text_frame
from arqonbus.routing.mail import Inbound, Invalid, Lost, Writable
from arqonbus.testing.line import Line, frames_of


class Session:
    """Stands for a session's ref."""

    def __init__(self) -> None:
        self.alive = True
        self.room = 100
        self.mails: list[object] = []
        self.signals: list[object] = []
        self.waiting: list[object] = []

    def tell(self, mail: object, size: int) -> bool:
        if not self.alive or len(self.mails) >= self.room:
            return False
        self.mails.append(mail)
        return True

    def signal(self, mail: object) -> bool:
        self.signals.append(mail)
        return True

    def on_room(self, callback: object) -> None:
        self.waiting.append(callback)


def opened(high_bytes: int = 100, is_compressed: bool = False) -> tuple[Line, Session]:
    line, session = Line(high_bytes, is_compressed), Session()
    line.session = session
    return line, session


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_are_taken_apart(size: int) -> None:
    assert frames_of(text_frame(b"x" * size) + text_frame(b"y")) == [b"x" * size, b"y"]


def test_what_is_no_text_frame_is_an_error() -> None:
    with pytest.raises(ValueError, match="expected a final text frame, got 0x82"):
        frames_of(b"\x82\x00")


def test_what_is_written_is_read_in_order() -> None:
    line, _ = opened()
    assert line.write(text_frame(b"a") + text_frame(b"b"), ()) is True

    assert (line.read(1), line.read(9), line.read(9)) == ([b"a"], [b"b"], [])


def test_a_compressed_line_reads_the_texts() -> None:
    line, _ = opened(is_compressed=True)
    line.write(b"not read", (b"a", b"b"))

    assert line.read(9) == [b"a", b"b"]


def test_a_line_that_holds_much_says_stop_and_tells_when_it_was_read() -> None:
    line, session = opened(high_bytes=10)
    assert line.write(text_frame(b"x" * 20), ()) is False
    assert line.buffered_bytes() == 22

    line.read(1)
    assert (session.signals, line.buffered_bytes()) == ([Writable()], 0)


def test_a_stalled_client_reads_nothing_until_it_reads_on() -> None:
    line, _ = opened()
    line.write(text_frame(b"a"), ())
    line.is_stalled = True
    assert (line.read(9), line.is_quiet) == ([], False)

    line.is_stalled = False
    assert (line.read(9), line.is_quiet) == ([b"a"], True)


def test_messages_reach_the_session_as_envelopes_or_as_refusals() -> None:
    line, session = opened()
    line.send(b'{"type":"command","command":"ping"}')
    line.send(b"nonsense")

    assert [type(mail) for mail in session.mails] == [Inbound, Invalid]


def test_what_a_full_session_does_not_take_waits_in_order() -> None:
    line, session = opened()
    session.room = 0
    line.send(b'{"type":"broadcast","room":"one"}')
    line.send(b'{"type":"broadcast","room":"two"}')
    assert (session.mails, line.is_quiet, len(session.waiting)) == ([], False, 1)

    session.room = 9
    session.waiting[0]()
    assert [mail.envelope.room for mail in session.mails] == ["one", "two"]


def test_a_session_that_is_gone_closes_the_line() -> None:
    line, session = opened()
    session.alive = False
    line.send(b'{"type":"broadcast","room":"one"}')

    assert line.closed == 1011


def test_a_cut_loses_what_was_not_read_and_the_server_notices_later() -> None:
    line, session = opened()
    line.write(text_frame(b"a"), ())
    line.cut()
    assert line.is_open
    assert (line.read(9), line.write(text_frame(b"b"), ()), session.signals) == ([], True, [])

    line.notice()
    line.notice()
    assert not line.is_open
    assert (line.is_over, line.write(text_frame(b"c"), ()), session.signals) == (True, False, [Lost(1006, "")])


def test_a_close_is_seen_behind_what_was_written() -> None:
    line, _ = opened()
    line.write(text_frame(b"a"), ())
    assert line.is_open
    line.close(4100, "slow consumer")
    line.abort()
    assert not line.is_open
    assert (line.closed, line.is_over, line.write(text_frame(b"b"), ())) == (4100, False, False)

    assert (line.read(9), line.is_over) == ([b"a"], True)


def test_it_knows_how_and_when_it_ended() -> None:
    line = Line(1000, False, lambda: 7.0)
    assert (line.stands, line.lost_at) == (True, None)

    line.close(4504, "continued by another connection")
    assert (line.stands, line.closed, line.lost_at, line.noticed) == (False, 4504, 7.0, None)


def test_a_cut_is_an_end_to_the_client_before_it_is_one_to_the_server() -> None:
    line = Line(1000, False, lambda: 7.0)
    line.cut()

    assert (line.stands, line.lost_at) == (False, None)
