"""Introduction: what a session answers about its client, and who is told of a change."""

from msgspec import Raw

from arqonbus.actor import ActorSystem
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import Empty, Membership, Profile, WhoamiResult
from arqonbus.routing.introduction import introduce
from arqonbus.routing.mail import Answer, ProfileChanged, SetProfile, SetWill, WhoAmI
from arqonbus.security.gate import Gate
from tests.routing.test_roster import card

PLACES = (("r", "a"), ("s", "c"), ("r", "b"))
GROUPS = {("r", "b"): "g"}


class Desk:
    """One client and a probe in place of the registry."""

    def __init__(self) -> None:
        self.manual = ManualDispatcher()
        self.registry = Probe(ActorSystem(self.manual.dispatcher), "registry")
        self.card = card("ada")

    def ask(self, mail: WhoAmI | SetProfile | SetWill, places: tuple[tuple[str, str], ...] = PLACES) -> Answer:
        return introduce(mail, self.card, places, GROUPS, Gate(), self.registry.ref)

    def told(self) -> list[object]:
        self.manual.run_until_idle()
        return self.registry.take()


def test_a_client_is_told_who_it_is_and_where() -> None:
    answer = Desk().ask(WhoAmI("k"), (("r", "*"), ("r", "b")))

    assert answer.request_id == "k"
    assert isinstance(answer.result, WhoamiResult)
    assert (answer.result.client, answer.result.memberships) == (
        "ada",
        (Membership("r", "*"), Membership("r", "b", "g")),
    )
    assert "publish" in answer.result.permissions and "admin" not in answer.result.permissions


def test_a_new_profile_is_told_once_to_each_room() -> None:
    desk = Desk()

    answer = desk.ask(SetProfile("k", Profile(screen_name="Ada", data=Raw(b"1"))))

    assert answer == Answer("k", Profile(screen_name="Ada", data=Raw(b"1")))
    assert desk.told() == [ProfileChanged(desk.card, ("r", "s"))]


def test_a_profile_that_is_as_before_is_no_news() -> None:
    desk = Desk()
    desk.card.profile = Profile(screen_name="Ada", data=Raw(b"1"))

    desk.ask(SetProfile("k", Profile(data=Raw(b"1"))))

    assert desk.told() == []


def test_who_is_in_nothing_has_nobody_to_tell() -> None:
    desk = Desk()

    desk.ask(SetProfile("k", Profile(screen_name="Ada")), ())

    assert desk.told() == []


def test_a_will_is_kept_on_the_card_until_it_is_taken_back() -> None:
    desk, will = Desk(), Event(room="r", channel="c")

    assert desk.ask(SetWill("k", will)) == Answer("k", Empty())
    assert desk.card.will is will
    desk.ask(SetWill("k", None))
    assert desk.card.will is None
