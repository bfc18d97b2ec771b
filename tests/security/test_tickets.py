"""Tickets: what they prove, and that nobody else can write one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.security.tickets import Tickets

TICKETS = Tickets(b"0123456789abcdef")


def test_a_ticket_proves_the_client_it_was_issued_to() -> None:
    assert TICKETS.client_of(TICKETS.issue("c-7Q2")) == "c-7Q2"


def test_another_secret_reads_nothing_of_it() -> None:
    assert Tickets(b"another secret, 16+").client_of(TICKETS.issue("c-7Q2")) is None


@pytest.mark.parametrize(
    "ticket", ["", ".", "c-7Q2", "c-7Q2.", ".00", "c-7Q2.é", "c-7Q2." + "0" * 32, "x" * 10_000, "\ud800.0"]
)
def test_what_we_did_not_write_proves_nobody(ticket: str) -> None:
    assert TICKETS.client_of(ticket) is None


def test_the_digest_of_one_client_is_no_use_to_another() -> None:
    digest = TICKETS.issue("c-1").rpartition(".")[2]

    assert TICKETS.client_of(f"c-2.{digest}") is None


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes, got 3"):
        Tickets(b"abc")


@given(st.text(max_size=300))
def test_any_text_is_read_without_a_fault(ticket: str) -> None:
    assert TICKETS.client_of(ticket) is None


def test_a_secret_of_all_servers_is_taken_on_and_older_tickets_stay_good() -> None:
    mine, theirs = Tickets(bytes(16)), Tickets(bytes(range(32)))
    before = mine.issue("c-1")
    mine.adopt(bytes(range(32)))
    mine.adopt(bytes(range(32)))

    assert mine.issue("c-2") == theirs.issue("c-2")
    assert mine.client_of(before) == "c-1"
    assert mine.client_of(theirs.issue("c-3")) == "c-3"
    with pytest.raises(ValueError, match="at least 16 bytes"):
        mine.adopt(b"short")
