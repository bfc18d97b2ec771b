"""Mail about groups: frozen, like all mail, and known to channels and rooms."""

from arqonbus.routing import group_mail, mail


def test_it_is_frozen() -> None:
    for name in ("AckWork", "DeleteGroup", "DescribeGroup", "Gone"):
        assert getattr(group_mail, name).__struct_config__.frozen


def test_channels_and_rooms_may_be_told_it() -> None:
    for kind in (group_mail.AckWork, group_mail.DescribeGroup, group_mail.DeleteGroup):
        assert kind in mail.ChannelMail.__args__
        assert kind in mail.RoomMail.__args__
    assert group_mail.Gone in mail.ChannelMail.__args__
