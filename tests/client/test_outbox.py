"""The outbox: bounded, in order, and clear about what becomes of each message."""

import pytest

from arqonbus.client.outbox import AfterLoss, Item, Outbox


def item(id: str, *, size: int = 10, **more: object) -> Item:
    return Item(id, b"x" * size, **more)  # type: ignore[arg-type]


def ids(items: list[Item]) -> list[str]:
    return [one.id for one in items]


def popped(outbox: Outbox) -> list[str]:
    found = []
    while (one := outbox.pop()) is not None:
        found.append(one.id)
    return found


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(3, 100)


@pytest.mark.rules("R19")
def test_messages_go_out_in_the_order_of_the_calls(outbox: Outbox) -> None:
    for id in "abc":
        outbox.put(item(id))

    assert popped(outbox) == ["a", "b", "c"]
    assert outbox.is_empty


@pytest.mark.rules("R21")
def test_the_bounds_count_what_waits_and_what_is_not_answered(outbox: Outbox) -> None:
    outbox.put(item("a", answered=True))
    outbox.put(item("b", size=80))
    assert (outbox.messages, outbox.bytes) == (2, 90)
    assert outbox.fits(10) and not outbox.fits(11)
    outbox.put(item("c"))
    assert not outbox.fits(0)

    popped(outbox)
    assert (outbox.messages, outbox.bytes) == (1, 10)
    outbox.answered("a")
    outbox.answered("a")

    assert outbox.is_empty


@pytest.mark.rules("R21")
def test_one_message_of_any_size_fits_an_empty_outbox(outbox: Outbox) -> None:
    assert outbox.fits(10_000)


def test_the_sdk_s_own_messages_do_not_count(outbox: Outbox) -> None:
    outbox.put(item("own", size=1000, counted=False, answered=True))

    assert outbox.is_empty and outbox.has_waiting
    assert popped(outbox) == ["own"]


@pytest.mark.rules("R22")
def test_what_waits_too_long_is_thrown_away(outbox: Outbox) -> None:
    outbox.put(item("a", expires_at=5.0))
    outbox.put(item("b", expires_at=9.0))

    assert outbox.next_expiry == 5.0
    assert ids(outbox.expire(5.0)) == ["a"]
    assert outbox.next_expiry == 9.0
    assert popped(outbox) == ["b"]


def test_what_is_withdrawn_does_not_expire_and_is_not_kept(outbox: Outbox) -> None:
    outbox.put(item("a", answered=True, expires_at=5.0))
    outbox.withdraw("a")

    assert outbox.next_expiry is None
    assert outbox.expire(9.0) == []
    assert not outbox.has_waiting


@pytest.mark.rules("R26")
def test_what_is_withdrawn_is_not_sent(outbox: Outbox) -> None:
    outbox.put(item("a", answered=True))
    outbox.put(item("b", answered=True))

    assert outbox.withdraw("a") is False
    assert popped(outbox) == ["b"]
    assert outbox.withdraw("b") is True
    assert outbox.withdraw("nobody") is True
    assert outbox.is_empty


@pytest.mark.rules("R24", "R25")
@pytest.mark.parametrize(
    ("after_loss", "known", "given_up_at_once", "given_up_later", "sent_again"),
    [
        ("if_known", True, [], [], ["m"]),
        ("if_known", False, [], ["m"], []),
        ("again", False, [], [], ["m"]),
        ("give_up", True, ["m"], [], []),
        ("forget", True, [], [], []),
    ],
)
def test_what_becomes_of_a_message_whose_connection_is_lost(
    outbox: Outbox,
    after_loss: AfterLoss,
    known: bool,
    given_up_at_once: list[str],
    given_up_later: list[str],
    sent_again: list[str],
) -> None:
    outbox.put(item("m", answered=True, after_loss=after_loss))
    popped(outbox)

    assert ids(outbox.lost()) == given_up_at_once
    assert ids(outbox.rewind(known=known)) == given_up_later
    assert popped(outbox) == sent_again


@pytest.mark.rules("R19", "R24")
def test_what_is_sent_again_goes_before_all_that_waits(outbox: Outbox) -> None:
    for id in "abc":
        outbox.put(item(id, answered=True, after_loss="if_known"))
    outbox.pop()
    outbox.pop()
    outbox.lost()

    outbox.rewind(known=True)
    outbox.put_first([item("join", counted=False, answered=True)])

    assert popped(outbox) == ["join", "a", "b", "c"]


@pytest.mark.rules("R22")
def test_what_was_sent_once_does_not_expire(outbox: Outbox) -> None:
    outbox.put(item("a", answered=True, after_loss="if_known", expires_at=5.0))
    popped(outbox)
    outbox.lost()
    outbox.rewind(known=True)

    assert outbox.expire(9.0) == []
    assert outbox.next_expiry is None


def test_the_sdk_s_own_messages_are_lost_with_the_connection(outbox: Outbox) -> None:
    outbox.put(item("own", counted=False, answered=True))
    outbox.put(item("mine"))

    outbox.lost()

    assert popped(outbox) == ["mine"]


def test_what_may_not_be_sent_after_all_is_taken_back(outbox: Outbox) -> None:
    outbox.put(item("a", answered=True))
    one = outbox.pop()
    assert one is not None

    outbox.refuse(one)

    assert outbox.is_empty and not outbox.holds("a")


def test_clear_gives_all_that_is_left(outbox: Outbox) -> None:
    outbox.put(item("a", answered=True))
    outbox.put(item("b"))
    outbox.put(item("c"))
    outbox.pop()
    outbox.withdraw("c")

    assert outbox.holds("a") and outbox.holds("b")
    assert ids(outbox.clear()) == ["a", "b"]
    assert outbox.is_empty
