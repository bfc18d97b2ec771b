"""Mail of the shared store: frozen, like all mail."""

import msgspec
import pytest

from arqonbus.routing import mail, shared_mail


@pytest.mark.parametrize("name", [name for name in shared_mail.__all__ if not name.startswith("Shared")])
def test_it_is_frozen(name: str) -> None:
    assert getattr(shared_mail, name).__struct_config__.frozen


def test_channels_and_rooms_may_be_told_it() -> None:
    assert shared_mail.Heard in mail.ChannelMail.__args__
    assert shared_mail.RoomHeard in mail.RoomMail.__args__
    assert issubclass(shared_mail.Settled, msgspec.Struct)
