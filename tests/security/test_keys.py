"""API keys: who a token belongs to."""

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arqonbus.security import keys as module
from arqonbus.security.keys import Keys

KEYS = Keys({"ann": "key-a", "bob": "key-b", "eve": "schlüssel"})


@pytest.mark.parametrize(("token", "user"), [("key-a", "ann"), ("key-b", "bob"), ("schlüssel", "eve")])
def test_a_key_is_its_users(token, user):
    assert KEYS.user_of(token) == user


@pytest.mark.parametrize("token", ["", "key-", "key-a ", "KEY-A", "ann", "\ud800", "key-a\x00"])
def test_anything_else_is_nobodys(token):
    assert KEYS.user_of(token) is None


@given(st.text())
def test_no_token_raises(token):
    assert KEYS.user_of(token) in (None, "ann", "bob", "eve")


def test_without_keys_nobody_is_known():
    assert Keys({}).user_of("key-a") is None


def test_threat_20_every_entry_is_compared_whatever_matches(monkeypatch):
    compared = []

    def counting(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return hmac.compare_digest(a, b)

    spy = type("Spy", (), {"compare_digest": staticmethod(counting)})
    monkeypatch.setattr(module, "hmac", spy)

    for token in ("key-a", "schlüssel", "nobody's"):
        KEYS.user_of(token)

    assert len(compared) == 9
    assert {len(side) for pair in compared for side in pair} == {32}


def test_a_key_of_two_users_belongs_to_the_first():
    assert Keys({"ann": "same", "bob": "same"}).user_of("same") == "ann"


def test_an_empty_key_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Keys({"ann": ""})


def test_keys_are_neither_held_nor_shown():
    assert repr(KEYS) == "<Keys of 3 users>"
    assert not any("key-a" in repr(getattr(KEYS, name)) for name in Keys.__slots__)
    assert len(KEYS) == 3
