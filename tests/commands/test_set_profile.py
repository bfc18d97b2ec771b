from arqonbus.commands.request import ToClient
from arqonbus.commands.set_profile import set_profile
from arqonbus.protocol.payloads import Profile
from arqonbus.routing.mail import SetProfile
from tests.commands.calls import call, view


def test_the_clients_own_session_takes_it() -> None:
    profile = Profile(screen_name="Ada")

    assert set_profile(call(profile), view()) == ToClient(SetProfile("k1", profile))
