"""The outbox against a socket that does as it is told."""

from __future__ import annotations

from arqonbus.protocol.frames import text_frame
from arqonbus.routing.mail import Deliver
from arqonbus.routing.outbox import Outbox, OutboxBounds
from tests.flow.world import FakeSocket

WIDE = OutboxBounds(size_bytes=10_000, messages=1000, soft_bytes=10_000, soft_s=5.0, age_s=60.0)


def deliver(text: bytes, n: int = 1) -> Deliver:
    return Deliver(text_frame(text) * n, (text,) * n)


def outbox(bounds: OutboxBounds = WIDE, with_texts: bool = False) -> tuple[Outbox, FakeSocket]:
    socket = FakeSocket()
    return Outbox(socket, bounds, with_texts), socket


def blocked(bounds: OutboxBounds = WIDE) -> tuple[Outbox, FakeSocket]:
    """An outbox whose socket took one more frame than it liked."""
    box, socket = outbox(bounds)
    socket.is_congested = True
    box.waiting.append(deliver(b"first"))
    box.flush()
    socket.buffered = 0
    return box, socket


def test_nothing_is_written_when_nothing_waits() -> None:
    box, socket = outbox()

    box.flush()

    assert socket.n_writes == 0


def test_what_waits_is_written_in_one_piece_and_in_order() -> None:
    box, socket = outbox()
    for text in (b"a", b"b", b"c"):
        box.waiting.append(deliver(text))

    box.flush()

    assert (socket.texts, socket.n_writes, list(box.waiting)) == ([b"a", b"b", b"c"], 1, [])


def test_a_compressed_connection_gets_the_texts_of_one_and_of_many() -> None:
    box, socket = outbox(with_texts=True)
    box.waiting.append(deliver(b"a"))
    box.flush()
    box.waiting += [deliver(b"b", 2), deliver(b"c")]
    box.flush()

    assert socket.given == [(b"a",), (b"b", b"b", b"c")]


def test_many_frames_come_without_texts_where_the_connection_needs_none() -> None:
    box, socket = outbox()
    box.waiting += [deliver(b"a"), deliver(b"b")]

    box.flush()

    assert socket.given == [()]


def test_it_is_blocked_when_the_socket_says_so_and_goes_on_when_that_is_over() -> None:
    box, socket = blocked()
    assert box.is_blocked

    box.waiting += [deliver(b"second"), deliver(b"third")]
    socket.is_congested = False
    box.writable()

    assert (socket.texts, box.is_blocked) == ([b"first", b"second", b"third"], False)


def test_within_its_bounds_nobody_is_too_slow() -> None:
    box, _ = blocked()
    box.waiting.append(deliver(b"x" * 100))

    assert box.why_too_slow(0.0) is None
    assert (box.size, box.n_messages) == (102, 1)


def test_more_bytes_than_allowed_are_too_many() -> None:
    box, socket = blocked(OutboxBounds(200, 1000, 200, 5.0, 60.0))
    socket.buffered = 10_000  # one turn may write more than the bound to a reader that is fast enough
    box.waiting.append(deliver(b"x" * 100))
    assert box.why_too_slow(0.0) is None

    box.waiting.append(deliver(b"x" * 100))

    assert box.why_too_slow(0.0) == "more than 200 bytes wait"


def test_more_messages_than_allowed_are_too_many() -> None:
    box, _ = blocked(OutboxBounds(10_000, 3, 10_000, 5.0, 60.0))
    box.waiting.append(deliver(b"x", 3))
    assert box.why_too_slow(0.0) is None

    box.waiting.append(deliver(b"x"))

    assert box.why_too_slow(0.0) == "more than 3 messages wait"


def test_a_message_may_wait_for_so_long_only() -> None:
    box, _ = blocked(OutboxBounds(10_000, 1000, 10_000, 5.0, 10.0))
    assert box.why_too_slow(0.0) is None
    box.waiting.append(deliver(b"x"))

    assert box.why_too_slow(100.0) is None
    assert box.why_too_slow(110.0) is None
    assert box.why_too_slow(110.1) == "a message waits for more than 10.0 s"


def test_the_soft_bound_may_be_exceeded_for_a_while() -> None:
    box, socket = blocked(OutboxBounds(10_000, 1000, 500, 5.0, 60.0))
    socket.buffered = 501
    assert box.why_too_slow(0.0) is None
    assert box.why_too_slow(4.9) is None

    assert box.why_too_slow(5.0) == "more than 500 bytes wait for 5.0 s"


def test_the_time_over_the_soft_bound_must_be_without_a_break() -> None:
    box, socket = blocked(OutboxBounds(10_000, 1000, 500, 5.0, 60.0))
    for second, size in enumerate((501, 501, 501, 500, 501, 501, 501, 501, 501)):
        socket.buffered = size
        assert box.why_too_slow(float(second)) is None

    assert box.why_too_slow(9.0) is not None


def test_without_a_membership_that_bears_losses_there_is_no_backlog() -> None:
    box, _ = outbox()
    box.set_overflow(("r", "c"), "disconnect", (), lambda *loss: None, 0.0)
    box.set_overflow(("r", "c"), None, (), lambda *loss: None, 0.0)

    assert (box.backlog, box.overflows) == (None, {})


def test_an_outbox_without_its_socket_keeps_what_memberships_bear_and_nothing_else() -> None:
    box, _ = blocked()
    box.set_overflow(("r", "c"), "conflate", [("r", "d")], lambda *loss: None, 0.0)
    box.waiting.append(deliver(b"x"))
    unplugged = box.unplugged()
    unplugged.set_overflow(("r", "e"), "drop_oldest", (), lambda *loss: None, 0.0)
    unplugged.waiting.append(deliver(b"y"))
    unplugged.flush()

    assert unplugged.overflows == {("r", "d"): "disconnect", ("r", "c"): "conflate", ("r", "e"): "drop_oldest"}
    assert (unplugged.waiting, unplugged.is_blocked) == ([], False)


def test_what_is_cleared_is_counted_and_gone() -> None:
    box, _ = blocked()
    box.waiting += [deliver(b"x", 3), deliver(b"y")]
    box.why_too_slow(0.0)

    assert box.clear() == 4
    assert (list(box.waiting), box.size, box.n_messages) == ([], 0, 0)
