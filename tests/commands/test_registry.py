"""The registry: names, commands, private messages, and what becomes of mail whose room is gone."""

from typing import Any

import pytest
from msgspec import UNSET, Raw

from arqonbus.commands.registry import Predefined
from arqonbus.protocol.envelope import Event, Private
from arqonbus.protocol.payloads import ChannelOptions, HistoryArgs, JoinChannelArgs
from arqonbus.routing.mail import (
    Answer,
    Away,
    Bounced,
    Create,
    Deliver,
    Describe,
    Drain,
    DrainAll,
    Join,
    Joined,
    Leave,
    Opened,
    PrivateMail,
    ProfileChanged,
    Publish,
    ReadHistory,
    Receipt,
    Rejoin,
    Replaced,
    Request,
    Resolve,
    Resolved,
    TakeOver,
    TookOver,
)
from arqonbus.security.gate import Action, Gate, Identity
from tests.commands.calls import Closed
from tests.commands.registry_world import RegistryWorld

WANTED = Predefined("r", "c", ChannelOptions(persistent=True), "configured")
OWN = Predefined("_own", "c", ChannelOptions(persistent=True), "system")


def private(world: RegistryWorld, *to: str, ack: bool = True) -> PrivateMail:
    return PrivateMail(world.card, Private(to=list(to), id="p1", ack=ack))


def test_it_makes_what_the_settings_want() -> None:
    world = RegistryWorld(predefined=(WANTED, OWN))

    assert [card.room for card in world.view.directory.room_cards()] == ["r", "_own"]
    ((_, card),) = world.view.directory.room_card("r").channels.values()  # type: ignore[union-attr]
    assert (card.kind, card.created_by) == ("configured", None)


def test_rooms_of_the_server_itself_count_for_no_bound() -> None:
    world = RegistryWorld(predefined=(OWN,), max_rooms=1)

    (joined,) = world.run("join_channel", room="r", channel="c")
    (refused,) = world.run("join_channel", room="s", channel="c")

    assert isinstance(joined, Joined)
    assert refused.result.code == "limit_exceeded"


def test_a_room_that_is_gone_is_forgotten() -> None:
    world = RegistryWorld()
    world.run("create_channel", room="r", channel="c")

    world.manual.advance(61)

    assert world.view.directory.n_rooms == 0
    (answer,) = world.run("channel_info", room="r", channel="c")
    assert answer.result.code == "not_found"


def test_a_client_that_is_gone_is_forgotten() -> None:
    world = RegistryWorld()
    other, _ = world.connect("c-2")

    other.ref.stop()
    world.manual.run_until_idle()

    assert world.view.directory.n_clients == 1
    assert world.tell(private(world, "c-2"))[0].result.absent == ("c-2",)


def test_private_messages_go_to_those_who_are_there() -> None:
    world = RegistryWorld()
    other, _ = world.connect("c-2")

    (receipt,) = world.tell(private(world, "c-2", "c-3"))

    (delivered,) = other.take()
    assert isinstance(delivered, Deliver)
    assert b'"to":["c-2"]' in delivered.texts[0]
    assert (receipt.request_id, receipt.result.delivered, receipt.result.absent) == ("p1", 1, ("c-3",))


def test_private_messages_without_ack_answer_nothing() -> None:
    world = RegistryWorld()
    world.connect("c-2")

    assert world.tell(private(world, "c-2", "c-3", ack=False)) == []


def test_a_private_message_with_a_name_that_reaches_nobody_is_refused() -> None:
    world = RegistryWorld()

    (receipt,) = world.tell(private(world, "c-3", "c-4", ack=False))

    assert (receipt.request_id, receipt.result.code) == ("p1", "not_found")
    assert receipt.result.details == {"absent": ["c-3", "c-4"]}


def test_all_sessions_are_told_to_drain_at_moments_within_the_spread() -> None:
    world = RegistryWorld()
    others = [world.connect(f"c-{n}")[0] for n in range(2, 22)]

    world.registry.signal(DrainAll(10_000, 4_000))
    world.manual.run_until_idle()

    drains = [mail for probe in [world.client, *others] for mail in probe.take()]
    assert {(type(d), d.deadline_ms, d.spread_ms) for d in drains} == {(Drain, 10_000, 4_000)}
    moments = sorted(drain.leave_in_s for drain in drains)
    assert 0 <= moments[0] < 2 < moments[-1] <= 4
    assert len(set(moments)) == 21


def test_it_lets_the_store_forget_now_and_then() -> None:
    world = RegistryWorld()
    world.run("create_channel", room="r", channel="c", options={"history_ttl_s": 5.0})
    world.tell(Resolve(world.card, "r", "c", False))[0].found.tell(
        Publish(world.card, Event(room="r", channel="c", payload=Raw(b"1")))
    )
    world.manual.run_until_idle()
    assert world.history.size > 0

    world.manual.advance(21)

    assert world.history.size == 0


def test_the_ref_of_a_channel_is_given_and_the_channel_made_where_that_is_allowed() -> None:
    world = RegistryWorld()

    (refused,) = world.tell(Resolve(world.card, "r", "c", False))
    (found,) = world.tell(Resolve(world.card, "r", "c", True))

    assert (refused.room, refused.channel, refused.found.code) == ("r", "c", "not_found")
    assert found.found.name == "registry/r/c"


def test_the_ref_of_a_room_is_that_of_a_living_one_only() -> None:
    world = RegistryWorld()
    (refused,) = world.tell(Resolve(world.card, "r", None, True))
    world.run("create_channel", room="r", channel="c")
    (found,) = world.tell(Resolve(world.card, "r", None, False))

    assert refused.found.code == "not_found"
    assert found.found.name == "registry/r"


def test_an_unknown_command_is_refused() -> None:
    (answer,) = RegistryWorld().run("jion_channel")

    assert (answer.result.code, answer.request_id) == ("unknown_command", "k1")
    assert answer.result.message == "no command of the name 'jion_channel', did you mean join_channel - at `$.command`"


def test_wrong_args_are_refused() -> None:
    (answer,) = RegistryWorld().run("history", room="r", channel="c", limit="many")

    assert answer.result.code == "invalid_args"


EVENT = Event(room="gone", channel="c", id="e1")
JOIN = JoinChannelArgs("gone", "c")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda card: Resolve(card, "gone", "c", True), Resolved),
        (lambda card: Join(card, "k1", "c", JOIN, True), Answer),
        (lambda card: Leave(card, "k1", "c"), Answer),
        (lambda card: Create(card, "k1", "c", ChannelOptions()), Answer),
        (lambda card: Describe(card, "k1", "c"), Answer),
        (lambda card: ReadHistory(card, "k1", "c", HistoryArgs("gone", "c")), Answer),
        (lambda card: Bounced("c", Publish(card, EVENT)), Receipt),
    ],
)
def test_mail_that_comes_back_from_a_room_that_cannot_be_made_again_is_answered(make: Any, kind: type) -> None:
    """Its sender waits: it was not told, before, and its session was held for ever."""
    world = RegistryWorld(max_rooms=1)
    world.run("create_channel", room="r", channel="c")

    (answer,) = world.tell(Bounced("gone", make(world.card)))

    refusal = answer.found if isinstance(answer, Resolved) else answer.result
    assert (type(answer), refusal.code) == (kind, "limit_exceeded")


def test_what_the_settings_want_and_cannot_have_is_nobodys_to_be_told() -> None:
    world = RegistryWorld(max_rooms=1)
    world.run("create_channel", room="r", channel="c")

    assert world.tell(Bounced("gone", Create(None, None, "c", ChannelOptions()))) == []


def test_mail_that_comes_back_is_routed_to_the_room_made_again() -> None:
    world = RegistryWorld()

    (answer,) = world.tell(Bounced("r", Join(world.card, "k1", "c", JoinChannelArgs("r", "c"), True)))

    assert (type(answer), answer.room, answer.channel) == (Joined, "r", "c")


def test_no_trace_fields_are_invented() -> None:
    world = RegistryWorld()
    other, _ = world.connect("c-2")

    world.tell(PrivateMail(world.card, Private(to=["c-2"], traceparent=UNSET)))

    assert b"trace" not in other.take()[0].texts[0]


WILL = Event(room="r", channel="c", payload=Raw(b'"gone"'))


def lose(world: RegistryWorld, reason: str) -> list[str]:
    """End the session of a client with a will. Gives the channels that there are then."""
    probe, card = world.connect("c-lost")
    card.will = WILL
    probe.ref.stop(reason)
    world.manual.run_until_idle()
    (answer,) = world.run("list_channels")
    return [info.channel for info in answer.result.channels]


@pytest.mark.parametrize(
    ("reason", "channels"),
    [("lost", ["c"]), ("kicked", ["c"]), ("replaced", ["c"]), ("left", []), ("drained", []), ("system stops", [])],
)
def test_the_will_of_a_client_is_done_when_it_is_lost(reason: str, channels: list[str]) -> None:
    assert lose(RegistryWorld(), reason) == channels


@pytest.mark.parametrize("closed", [Action.PUBLISH, Action.CREATE])
def test_a_will_needs_the_rights_that_its_client_has_at_the_end(
    closed: Action, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("WARNING", "arqonbus"):
        assert lose(RegistryWorld(Closed(closed)), "lost") == []

    (record,) = caplog.records
    assert record.getMessage().startswith("will_not_published client=c-lost room=r channel=c")


def test_a_session_that_another_one_continues_has_its_will_done_by_nobody() -> None:
    world = RegistryWorld()
    old, card = world.connect("c-old")
    _, new = world.connect("c-new")
    card.will = new.will = WILL
    new.client = "c-old"
    world.registry.signal(Opened(new))

    old.ref.stop("lost")
    world.manual.run_until_idle()

    assert world.view.directory.client("c-old") is new
    assert world.view.directory.room("r") is None


def test_a_new_profile_is_passed_on_to_the_rooms_that_there_are() -> None:
    world = RegistryWorld()
    watcher, card = world.connect("c-2")
    world.run("join_channel", room="r", channel="c")
    world.tell(Request(card, "w", "join_channel", Raw(b'{"room":"r","channel":"c","presence":true}'), ()))
    watcher.take()

    world.tell(ProfileChanged(world.card, ("r", "nowhere")))

    (told,) = watcher.take()
    assert b'"event":"member_updated"' in told.texts[0]


class Broken(Gate):
    """A gate that breaks."""

    __slots__ = ()

    def authorize(self, identity: Identity, action: Action, room: str | None, channel: str | None) -> None:
        raise RuntimeError("a gate that breaks")


def test_a_join_of_a_resumption_that_meets_a_fault_is_answered() -> None:
    """Else the connect that it is a part of would wait for ever."""
    world = RegistryWorld(gate=Broken())

    (answer,) = world.tell(Rejoin("r", Join(world.card, "r:c", "c", JoinChannelArgs("r", "c"), True)))

    assert (answer.request_id, answer.result.code) == ("r:c", "internal")


def test_a_take_over_that_meets_a_fault_continues_nobody() -> None:
    world = RegistryWorld()
    no_id: Any = ["that no client has"]

    assert world.tell(TakeOver(world.card, no_id)) == [TookOver(None)]


def test_a_take_over_of_a_session_that_has_just_ended_continues_nobody() -> None:
    world = RegistryWorld()
    other, _ = world.connect("c-2")
    other.ref.stop()
    world.registry.tell(TakeOver(world.card, "c-2"))
    world.manual.run_until_idle()

    assert world.client.take() == [TookOver(None)]


def test_while_it_is_handed_over_a_client_is_absent() -> None:
    world = RegistryWorld()
    other, _ = world.connect("c-2")
    world.tell(TakeOver(world.card, "c-2"))

    (receipt,) = world.tell(private(world, "c-2"))

    assert receipt.result.absent == ("c-2",)
    assert [type(mail) for mail in other.take()] == [Replaced]


def test_who_goes_away_after_another_connection_has_its_id_is_not_let_go_for_want_of_room() -> None:
    world = RegistryWorld()
    other, card = world.connect("c-2")
    world.card.client = "c-2"
    world.registry.signal(Opened(world.card))

    world.registry.signal(Away(card))
    world.manual.run_until_idle()

    assert other.take() == []
    assert world.view.directory.client("c-2") is world.card


def test_who_becomes_another_client_in_a_drain_is_told_once() -> None:
    world = RegistryWorld()
    world.registry.signal(DrainAll(1000, 500))
    world.card.client = "c-0"
    world.registry.signal(Opened(world.card))
    world.manual.run_until_idle()

    assert [type(mail) for mail in world.client.take()] == [Drain]
