"""Resuming under attack: two at once, half-way ends, forged places, and what must not be left behind."""

from random import Random
from typing import Any

import pytest

from arqonbus.errors import Forbidden
from arqonbus.protocol.envelope import System
from arqonbus.protocol.payloads import ChannelDeleted
from arqonbus.routing.fanout import deliver_one
from arqonbus.routing.mail import DrainAll, LeaveNow, Lost, Parted
from arqonbus.security.gate import Action, Gate, Identity
from tests.flow.test_resume import GRACE, after_answer, resumed
from tests.flow.world import Client, World, settings


def by_turns(**wanted: Any) -> World:
    """A world whose rounds are single turns, so that something may be put between any two."""
    return World(settings(**GRACE, **wanted), order=lambda n: 0)


def post_resume(client: Client, ticket: str, *places: tuple[str, str, str, int]) -> None:
    """Put a resuming connect before the bus, without letting it run."""
    positions = [{"room": r, "channel": c, "epoch": e, "seq": s} for r, c, e, s in places]
    client.post_command("connect", "k", resume={"ticket": ticket, "positions": positions})


def answer(client: Client, message_id: str = "k") -> Any:
    return client._answer_to(message_id)


def private(sender: Client, name: str) -> Any:
    """Send a private message; give what its acknowledgement says."""
    sender.n_sent += 1
    sender.send({"type": "private", "to": [name], "payload": "hi", "ack": True, "id": f"p{sender.n_sent}"})
    return answer(sender, f"p{sender.n_sent}")


def members(client: Client, room: str, channel: str | None = None) -> set[str]:
    args = {"room": room, **({"channel": channel} if channel else {})}
    return {member["client"] for member in client.command("members", **args)["members"]}


# --- nobody waits for ever ---------------------------------------------------------------------------------------


def test_a_ticket_shown_in_the_moment_in_which_the_grace_ends_is_answered() -> None:
    """The old session ends in the very turn in which it is asked: nobody answers for it but itself."""
    world = World(settings(**GRACE))
    lost = world.member("r", "c")
    ticket = lost.ticket
    lost.lose()
    back = world.connect()
    world.manual.clock.advance(10.5)
    post_resume(back, ticket)
    world.run()

    assert answer(back)["client"] == back.id


def test_the_ticket_of_a_session_that_died_while_it_took_over_is_answered() -> None:
    """The one in the middle is gone before it took over; who comes after it gets the client from the first."""
    world = by_turns()
    lost, sender = world.member("r", "c"), world.connect()
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    lost.lose()
    middle = world.connect()
    post_resume(middle, ticket, ("r", "c", epoch, 0))
    for _ in range(2):
        world.manual.run_round()
    middle.session.stop("failed: on purpose")
    back = world.connect()
    post_resume(back, ticket, ("r", "c", epoch, 0))
    world.run()
    sender.event("r", "c", 1)

    assert "client" in answer(back)
    assert after_answer(back) == [1]
    world.advance(60)
    assert members(sender, "r", "c") == {answer(back)["client"]}


def test_two_connections_that_show_each_others_ticket_end_both() -> None:
    world = World(settings(**GRACE))
    one, two, other = world.connect(), world.connect(), world.connect()
    post_resume(one, two.ticket)
    post_resume(two, one.ticket)
    world.run()
    world.advance(60)

    assert (one.close_code, two.close_code) == (4504, 4504)
    assert other.command("status")["connections"] == 1
    assert not one.session.alive and not two.session.alive


# --- nothing is left behind --------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", range(12))
def test_wherever_a_resuming_session_dies_no_ghost_is_left(rounds: int) -> None:
    world = by_turns()
    lost, sender = world.member("r", "c"), world.connect()
    lost.join("r", "d")
    lost.join("s", "*")
    sender.event("s", "e", 1)
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    lost.lose()
    middle = world.connect()
    post_resume(middle, ticket, ("r", "c", epoch, 0))
    for _ in range(rounds):
        world.manual.run_round()
    middle.session.stop("failed: on purpose")
    world.advance(60)

    for room, channel in (("r", "c"), ("r", "d"), ("s", "e")):
        assert sender.command("members", room=room, channel=channel).get("count", 0) == 0, (room, channel)
    assert not lost.session.alive


def test_a_join_that_was_in_work_when_another_connection_came_is_handed_over() -> None:
    """The old connection asked for it, so the client is in it, and its end later takes it out."""
    for rounds in range(6):
        world = by_turns()
        old, sender = world.member("r", "c"), world.connect()
        ticket, new = old.ticket, world.connect()
        old.post_command("join_channel", "j", room="r", channel="d")
        for _ in range(rounds):
            world.manual.run_round()
        post_resume(new, ticket)
        world.run()
        sender.event("r", "d", "here")

        memberships = new.command("whoami")["memberships"]
        assert {(m["room"], m["channel"]) for m in memberships} == {("r", "c"), ("r", "d")}, rounds
        assert new.payloads() == ["here"], rounds
        new.lose(1000)
        assert members(sender, "r", "d") == set(), rounds


def test_what_was_sent_before_the_other_connection_came_is_published_before_what_that_one_sends() -> None:
    world = World(settings(**GRACE))
    old, watcher = world.member("r", "c"), world.member("r", "c")
    ticket, new = old.ticket, world.connect()
    for n in range(60):
        old.post_event("r", "c", n)
    post_resume(new, ticket)
    new.post_event("r", "c", "new")
    world.run()

    assert old.close_code == 4504
    assert watcher.payloads() == [*range(60), "new"]


def test_a_client_that_was_thrown_out_for_being_slow_while_it_resumed_may_come_back_as_who_it_was() -> None:
    world = World(settings(limits__outbox_messages=2, **GRACE))
    lost, sender = world.member("r", "c"), world.connect()
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    lost.lose()
    back = world.connect()
    back.socket.is_congested = True
    for _ in range(3):
        back.event("r", "x", 1, ack=True, id="a")
    back.lose()
    again = world.connect()
    result = resumed(again, ("r", "c", epoch, 0), ticket=ticket)

    assert result["client"] == lost.id
    assert sender.command("members", room="r", channel="c")["count"] == 1


# --- what the client is told and what it may ---------------------------------------------------------------------


def test_a_private_message_in_the_middle_of_a_take_over_is_delivered_or_absent_but_not_lost() -> None:
    for rounds in range(12):
        world = by_turns()
        lost, sender = world.member("r", "c"), world.connect()
        ticket, name = lost.ticket, lost.id
        back = world.connect()
        post_resume(back, ticket)
        for _ in range(rounds):
            world.manual.run_round()
        told = private(sender, name)
        world.run()

        n_read = sum(m["type"] == "private" for m in (*back.received(), *lost.received()))
        assert told["delivered"] == n_read, rounds


def test_a_resume_keeps_to_the_bound_of_memberships() -> None:
    """Else a client that comes back with new positions each time has as many as it likes."""
    world = World(settings(limits__memberships=3, **GRACE))
    client = world.member("r", "c0")
    epoch = client.join("r", "c0")["epoch"]
    places = [("r", f"n{n}", epoch, 0) for n in range(4)]

    back = world.connect()
    result = resumed(back, *places, ticket=client.ticket)

    assert len(back.command("whoami")["memberships"]) == 3
    reasons = {entry["channel"]: entry.get("reason") for entry in result["resumed"]}
    assert reasons["c0"] is None
    assert [reasons[f"n{n}"] for n in (2, 3)] == ["limit_exceeded", "limit_exceeded"]


def test_a_resume_keeps_the_wish_to_be_told_of_joins_and_leaves() -> None:
    world = World(settings(**GRACE))
    lost = world.member("r", "c", presence=True)
    ticket = lost.ticket
    lost.lose()
    back = world.connect()
    resumed(back, ticket=ticket)
    back.take()

    world.member("r", "c")

    assert back.told() == ["member_joined"]


def test_a_channel_joined_twice_over_is_seen_in_order_and_once() -> None:
    """A member of the room as a whole and of the channel by name, while others go on publishing."""
    for rounds in range(16):
        world = by_turns()
        sender, lost = world.connect(), world.connect()
        sender.event("r", "c", 0)
        lost.join("r", "*")
        position = lost.join("r", "c")
        ticket = lost.ticket
        lost.lose()
        for n in range(3):
            sender.event("r", "c", f"missed {n}")
        back = world.connect()
        post_resume(back, ticket, ("r", "c", position["epoch"], position["seq"]))
        for _ in range(rounds):
            world.manual.run_round()
            sender.post_event("r", "c", "live")
        world.run()

        seqs = [event["seq"] for event in back.events()]
        assert seqs == list(range(2, 2 + len(seqs))), rounds
        assert len(seqs) == 3 + rounds


def test_a_member_of_the_whole_room_is_told_of_every_channel_of_it() -> None:
    """One that it knew and that is gone, and one that came meanwhile: nothing is missed in silence."""
    world = World(settings(**GRACE))
    sender, lost = world.connect(), world.connect()
    for channel in ("a", "gone"):
        sender.event("r", channel, 1)
    places = [("r", p["channel"], p["epoch"], p["seq"]) for p in lost.join("r", "*")["positions"]]
    ticket = lost.ticket
    lost.lose()
    sender.command("delete_channel", room="r", channel="gone", force=True)
    sender.event("r", "new", 1)

    result = resumed(world.connect(), *places, ticket=ticket)

    told = {entry["channel"]: (entry["recovered"], entry.get("reason"), entry["seq"]) for entry in result["resumed"]}
    assert told == {"a": (True, None, 1), "new": (False, None, 1), "gone": (False, "not_found", 1)}


def test_replays_of_a_whole_room_share_the_bound_of_one() -> None:
    """Else they fill the outbox of a client that has just come back, which is closed for it each time."""
    world = World(settings(limits__outbox_soft_bytes=40_000, limits__outbox_bytes=40_000, **GRACE))
    sender, lost = world.connect(), world.connect()
    for channel in "abcd":
        sender.event("r", channel, 0)
    places = [("r", p["channel"], p["epoch"], p["seq"]) for p in lost.join("r", "*")["positions"]]
    ticket = lost.ticket
    lost.lose()
    for channel in "abcd":
        for _ in range(10):
            sender.event("r", channel, "x" * 1000)

    back = world.connect()
    result = resumed(back, *places, ticket=ticket)

    assert {entry["reason"] for entry in result["resumed"]} == {"over_limit"}
    assert after_answer(back) == []


# --- drain -------------------------------------------------------------------------------------------------------


def test_a_client_that_resumes_while_the_server_drains_is_told_once() -> None:
    world = World(settings(**GRACE))
    old = world.member("r", "c")
    ticket, new = old.ticket, world.connect()
    world.bus.registry.signal(DrainAll(10_000, 5_000))
    post_resume(new, ticket)
    world.run()

    assert [m["event"] for m in new.received() if m["type"] == "system"].count("draining") == 1
    world.advance(6)
    assert new.close_code == 4000
    assert new.socket.closed == (4000, "drain over")


def test_the_drain_of_the_old_connection_does_not_take_the_memberships_away() -> None:
    world = by_turns()
    watcher, old = world.member("r", "c", presence=True), world.member("r", "c")
    ticket, new = old.ticket, world.connect()
    watcher.take()
    post_resume(new, ticket)
    for _ in range(3):
        world.manual.run_round()
    old.session.signal(LeaveNow())
    world.run()

    assert watcher.told() == []
    assert answer(new)["client"] == old.id


def test_who_is_away_when_the_server_drains_is_not_counted_as_drained_or_told() -> None:
    world = World(settings(**GRACE))
    lost = world.member("r", "c")
    lost.lose()
    world.bus.registry.signal(DrainAll(10_000, 1_000))
    world.run()
    world.advance(2)

    assert lost.session.alive


# --- permissions -------------------------------------------------------------------------------------------------


class FickleGate(Gate):
    """A gate that takes permissions away."""

    def __init__(self) -> None:
        self.forbidden: set[tuple[str, str | None]] = set()
        self.breaks = False

    def authorize(self, identity: Identity, action: Action, room: str | None, channel: str | None) -> None:
        if self.breaks:
            raise RuntimeError("a gate that breaks")
        if action is Action.SUBSCRIBE and (room or "", channel) in self.forbidden:
            raise Forbidden("expected the permission to subscribe")
        super().authorize(identity, action, room, channel)


def gated_world() -> tuple[World, FickleGate]:
    world, gate = by_turns(), FickleGate()
    world.plant_gate(gate)
    return world, gate


def test_a_permission_that_is_gone_ends_the_membership_and_others_stay() -> None:
    world, gate = gated_world()
    lost, sender = world.member("r", "c"), world.connect()
    lost.join("r", "d")
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    lost.lose()
    sender.event("r", "c", "secret")
    gate.forbidden.add(("r", "c"))

    back = world.connect()
    result = resumed(back, ("r", "c", epoch, 0), ticket=ticket)
    sender.event("r", "c", "secret")
    sender.event("r", "d", "open")

    told = {entry["channel"]: (entry["recovered"], entry.get("reason")) for entry in result["resumed"]}
    assert told == {"c": (False, "forbidden"), "d": (False, None)}
    assert back.payloads() == ["open"]
    assert members(sender, "r", "c") == set()
    assert members(sender, "r", "d") == {lost.id}


def test_a_member_of_a_whole_room_that_may_not_be_it_any_more_gets_nothing_of_its_new_channels() -> None:
    world, gate = gated_world()
    lost, sender = world.member("r", "*"), world.connect()
    lost.join("r", "d")
    ticket = lost.ticket
    lost.lose()
    gate.forbidden.add(("r", "*"))

    back = world.connect()
    resumed(back, ticket=ticket)
    sender.event("r", "new", "secret")
    sender.event("r", "d", "open")

    assert back.payloads() == ["open"]
    assert members(sender, "r", "new") == set()


# --- faults ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", range(8))
def test_a_fault_in_the_middle_of_a_resume_leaves_nobody_without_an_answer_or_an_end(rounds: int) -> None:
    world, gate = gated_world()
    lost = world.member("r", "c")
    ticket = lost.ticket
    lost.lose()
    back = world.connect()
    post_resume(back, ticket, ("r", "d", "e", 0))
    for _ in range(rounds):
        world.manual.run_round()
    gate.breaks = True
    world.run()
    gate.breaks = False
    back.post_command("ping", "after")
    world.run()

    answered = [m for m in back.received() if m["type"] == "response" and m["request_id"] == "k"]
    assert answered or back.close_code == 1011
    world.advance(60)


# --- what is not a position --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resume",
    [
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": -1}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": 2**53}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": 10**400}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": 1.5}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": "1"}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": True}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "", "seq": 1}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e" * 65, "seq": 1}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": 7, "seq": 1}]},
        {"positions": [{"room": "r", "channel": "*", "epoch": "e", "seq": 1}]},
        {"positions": [{"room": "r", "epoch": "e", "seq": 1}]},
        {"positions": [{"channel": "c", "epoch": "e", "seq": 1}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": 1, "more": 1}]},
        {"positions": [{"room": "r", "channel": "c", "epoch": "e", "seq": 1}] * 1001},
        {"positions": {"room": "r"}},
        {"positions": [None]},
        {"ticket": ""},
        {"ticket": "x" * 257},
        {"ticket": 7},
        {"positons": []},
        [],
        "ticket",
    ],
)
def test_a_resume_that_is_none_is_refused_and_the_client_stays(resume: Any) -> None:
    world = World(settings(**GRACE))
    client = world.connect()

    error = client.command("connect", resume=resume)

    assert error["code"] == "invalid_args"
    assert client.command("ping")["time"]
    assert client.command("whoami")["memberships"] == []


def test_the_largest_position_is_read_and_is_of_another_epoch() -> None:
    world = World()
    epoch = world.connect().join("r", "c")["epoch"]

    (entry,) = resumed(world.connect(), ("r", "c", epoch, 2**53 - 1))["resumed"]

    assert (entry["recovered"], entry["reason"]) == (False, "epoch_changed")


def test_a_channel_named_twice_counts_once_with_the_last_position() -> None:
    world = World()
    sender = world.connect()
    epoch = sender.join("r", "c")["epoch"]
    for n in range(3):
        sender.event("r", "c", n)

    client = world.connect()
    result = resumed(client, ("r", "c", epoch, 0), ("r", "c", epoch, 2))

    assert len(result["resumed"]) == 1
    assert after_answer(client) == [2]


def test_connect_a_second_time_is_a_conflict_and_changes_nothing() -> None:
    world = World(settings(**GRACE))
    victim, client = world.member("r", "c"), world.connect()
    client.command("connect")

    assert client.command("connect", resume={"ticket": victim.ticket})["code"] == "conflict"
    assert victim.close_code is None
    assert client.command("whoami")["client"] == client.id


def test_a_ticket_of_ones_own_continues_nobody() -> None:
    world = World(settings(**GRACE))
    client = world.connect()

    result = resumed(client, ticket=client.ticket)

    assert (result["client"], result["resumed"], client.close_code) == (client.id, [], None)


def test_a_ticket_of_another_server_continues_nobody() -> None:
    world, other = World(settings(**GRACE)), World(settings(**GRACE))
    elsewhere = other.member("r", "c")

    result = resumed(world.connect(), ticket=elsewhere.ticket)

    assert result["resumed"] == []
    assert elsewhere.close_code is None


def test_the_ticket_of_a_client_that_is_there_and_does_not_read_closes_it_and_continues_it() -> None:
    world = World(settings(**GRACE))
    slow, sender = world.member("r", "c"), world.connect()
    epoch, ticket = slow.join("r", "c")["epoch"], slow.ticket
    slow.socket.is_congested = True
    for n in range(5):
        sender.event("r", "c", n)

    back = world.connect()
    result = resumed(back, ("r", "c", epoch, 0), ticket=ticket)

    assert (result["client"], slow.close_code) == (slow.id, 4504)
    assert after_answer(back) == [0, 1, 2, 3, 4]
    slow.session.signal(Lost(1006, ""))
    world.advance(60)
    assert members(sender, "r", "c") == {slow.id}


def test_a_ticket_goes_on_to_be_good_for_whoever_continues() -> None:
    """The ticket of the welcome in between names a connection that went on as another client."""
    world = World(settings(**GRACE))
    lost = world.member("r", "c")
    ticket = lost.ticket
    lost.lose()
    middle = world.connect()
    between = middle.ticket
    post_resume(middle, ticket)
    world.run()
    middle.lose()

    back = world.connect()
    result = resumed(back, ticket=between)

    assert result["client"] == lost.id


def test_a_broadcast_counts_those_who_have_a_connection() -> None:
    world = World(settings(**GRACE))
    lost, sender = world.member("r", "c"), world.member("r", "c")
    lost.lose()

    sender.send({"type": "broadcast", "room": "r", "payload": 1, "ack": True, "id": "b"})

    assert answer(sender, "b") == {"delivered": 1}


@pytest.mark.parametrize("seed", range(40))
def test_however_many_connections_show_one_ticket_one_of_them_has_the_client(seed: int) -> None:
    """In whatever order they are handled: a session that handed over long ago is asked after its heir is gone, too."""
    random = Random(seed)
    world = World(settings(**GRACE), order=random.randrange)
    sender, first = world.connect(), world.member("r", "c")
    epoch, ticket = first.join("r", "c")["epoch"], first.ticket
    sender.event("r", "c", "missed")
    heirs = [world.connect() for _ in range(6)]
    for heir in heirs:
        post_resume(heir, ticket, ("r", "c", epoch, 0))
        for _ in range(random.randrange(12)):
            world.manual.run_round()
    world.run()
    sender.event("r", "c", "live")
    world.advance(60)

    open_ones = [heir for heir in heirs if heir.close_code is None]
    assert [heir.close_code for heir in (first, *heirs)].count(4504) == 6
    assert [answer(heir)["client"] for heir in open_ones] == [first.id]
    assert after_answer(open_ones[0]) == ["missed", "live"]
    assert members(sender, "r", "c") == {first.id}
    assert sender.command("status")["connections"] == 2


def test_the_end_of_a_channel_that_is_joined_again_by_then_is_not_told_behind_the_answer() -> None:
    """What the client reads would else be that it is in, and then that it is not."""
    world = by_turns()
    lost = world.member("r", "c")
    epoch, ticket = lost.join("r", "c")["epoch"], lost.ticket
    lost.lose()
    back = world.connect()
    post_resume(back, ticket, ("r", "c", epoch, 0))
    told = deliver_one(System("channel_deleted", ChannelDeleted("failed"), "r", "c"))
    while not back.session._cell.mailbox.held:
        world.manual.run_round()
    for _ in range(4):
        world.manual.run_round()
    back.session.signal(Parted(None, "r", "c", None, told))
    world.run()

    assert [entry["recovered"] for entry in answer(back)["resumed"]] == [True]
    assert "channel_deleted" not in back.told()
    back.session.signal(Parted(None, "r", "c", None, told))
    world.run()
    assert back.told() == ["channel_deleted"]
    assert back.command("whoami")["memberships"] == []
