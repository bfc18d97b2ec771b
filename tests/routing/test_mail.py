import msgspec
import pytest

from arqonbus.routing import hops, mail
from arqonbus.routing.session import Session


def test_every_mail_is_frozen() -> None:
    kinds = [getattr(mail, name) for name in mail.__all__ if isinstance(getattr(mail, name), type)]

    assert kinds
    assert all(kind.__struct_config__.frozen for kind in kinds if issubclass(kind, msgspec.Struct))


@pytest.mark.parametrize("name", mail.__all__)
def test_every_mail_says_what_it_means(name: str) -> None:
    kind = getattr(mail, name)

    assert not isinstance(kind, type) or (kind.__doc__ or "").strip()


def test_a_session_handles_every_mail_that_it_may_be_told() -> None:
    told = set(mail.SessionMail.__args__)

    assert told - set(Session._handlers) == {mail.Deliver}  # handled by its turn, which is the hot path
    assert set(Session._handlers) - told == {hops.TracedDeliver}  # a Deliver, but for its turn
