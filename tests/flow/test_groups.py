"""Groups: the members of one share a channel's events. Each event is written to one of them, or owned to be lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from arqonbus.routing.mail import Drain, Lost, Writable
from tests.flow.test_resume import resumed
from tests.flow.world import Client, World, settings

GRACE = {"server__resume_grace_s": 10.0}


def worker(world: World, group: str = "g") -> Client:
    return world.member("r", "c", group=group)


def workers(world: World, n: int, group: str = "g") -> list[Client]:
    return [worker(world, group) for _ in range(n)]


def seqs(client: Client) -> list[int]:
    return [event["seq"] for event in client.events() if event["channel"] == "c"]


def info(client: Client) -> Any:
    return client.command("channel_info", room="r", channel="c").get("groups")


def gaps(client: Client) -> list[tuple[int, int]]:
    told = [m for m in client.received() if m["type"] == "system" and m["event"] == "gap"]
    return [(m["payload"]["from"], m["payload"]["to"]) for m in told if m["channel"] == "c"]


# --- sharing ---------------------------------------------


def test_each_event_goes_to_one_of_the_group_in_turn_and_to_every_ordinary_member() -> None:
    world = World()
    ordinary, (one, two, three) = world.member("r", "c"), workers(world, 3)

    for n in range(1, 7):
        ordinary.event("r", "c", n)

    assert seqs(ordinary) == [1, 2, 3, 4, 5, 6]
    assert (seqs(one), seqs(two), seqs(three)) == ([1, 4], [2, 5], [3, 6])


def test_what_comes_at_once_is_shared_evenly() -> None:
    world = World()
    sender, group = world.connect(), workers(world, 3)

    for n in range(90):
        sender.post_event("r", "c", n)
    world.run()

    assert [len(seqs(one)) for one in group] == [30, 30, 30]
    assert sorted(seq for one in group for seq in seqs(one)) == list(range(1, 91))
    assert all(seqs(one) == sorted(seqs(one)) for one in group)


def test_groups_of_one_channel_know_nothing_of_each_other() -> None:
    world = World()
    sender, (a, b), (alone,) = world.connect(), workers(world, 2, "pair"), workers(world, 1, "single")

    for n in range(4):
        sender.event("r", "c", n)

    assert (seqs(a), seqs(b), seqs(alone)) == ([1, 3], [2, 4], [1, 2, 3, 4])


def test_groups_of_the_same_name_in_two_channels_are_two() -> None:
    world = World()
    client = world.connect()
    for channel in ("c", "d"):
        assert client.join("r", channel, group="g")["group"] == "g"

    client.event("r", "c", 1)
    client.event("r", "d", 2)

    assert client.payloads() == [1, 2]


def test_a_member_may_get_its_own_events() -> None:
    world = World()
    one, two = workers(world, 2)

    for n in range(4):
        one.event("r", "c", n)

    assert sorted(seqs(one) + seqs(two)) == [1, 2, 3, 4]


def test_the_group_is_shown_wherever_the_membership_is() -> None:
    world = World()
    watcher = world.member("r", "c", presence=True)
    assert info(watcher) is None

    client = world.connect()
    answer = client.join("r", "c", group="g")

    assert (answer["group"], answer["members"], answer["replayed"]) == ("g", 2, 0)
    assert client.command("whoami")["memberships"] == [{"room": "r", "channel": "c", "group": "g"}]
    (told,) = [m["payload"] for m in watcher.take() if m["type"] == "system" and m["event"] == "member_joined"]
    assert told["group"] == "g"
    listed = watcher.command("members", room="r", channel="c")["members"]
    assert {m["client"]: m.get("group") for m in listed} == {watcher.id: None, client.id: "g"}
    assert info(watcher) == [{"group": "g", "members": 1, "waiting": 0}]


def test_to_join_again_changes_nothing() -> None:
    world = World()
    one, two = workers(world, 2)

    assert one.join("r", "c", group="g")["members"] == 2
    for n in range(4):
        two.event("r", "c", n)

    assert (seqs(one), seqs(two)) == ([1, 3], [2, 4]) or (seqs(one), seqs(two)) == ([2, 4], [1, 3])


def test_a_group_begins_with_what_comes_after_its_first_join() -> None:
    world = World()
    sender = world.connect()
    sender.event("r", "c", "old")

    client = world.connect()
    assert client.join("r", "c", group="g")["seq"] == 1
    sender.event("r", "c", "new")

    assert client.payloads() == ["new"]


def test_members_hear_system_events_broadcasts_and_the_end_of_the_channel() -> None:
    world = World()
    member, other = worker(world), world.connect()

    other.send({"type": "broadcast", "room": "r", "payload": "all"})
    assert other.command("delete_channel", room="r", channel="c")["code"] == "conflict"
    other.post_event("r", "c", "last")
    other.post_command("delete_channel", "d", room="r", channel="c", force=True)
    world.run()

    assert [m.get("event", m["type"]) for m in member.take()] == ["broadcast", "event", "channel_deleted"]
    assert member.command("whoami")["memberships"] == []
    assert member.join("r", "c", group="g")["members"] == 1
    other.event("r", "c", "anew")
    assert member.payloads() == ["last", "anew"]


# --- what does not go together ---------------------------------------------


@pytest.mark.parametrize(
    ("channel", "more", "word"),
    [
        ("*", {}, "'*'"),
        ("c", {"since": {"epoch": "e", "seq": 0}}, "since"),
        ("c", {"replay": 1}, "replay"),
        ("c", {"recover": "latest"}, "recover"),
        ("c", {"overflow": "conflate"}, "overflow"),
    ],
)
def test_a_group_has_no_whole_room_no_replay_and_no_overflow(channel: str, more: Any, word: str) -> None:
    refusal = World().connect().join("r", channel, group="g", **more)

    assert refusal["code"] == "invalid_args"
    assert word in refusal["message"]


@pytest.mark.parametrize(
    ("first", "second"), [({}, {"group": "g"}), ({"group": "g"}, {}), ({"group": "g"}, {"group": "h"})]
)
def test_one_client_is_in_a_channel_in_one_way_only(first: dict[str, Any], second: dict[str, Any]) -> None:
    world = World()
    client = world.member("r", "c", **first)

    refusal = client.join("r", "c", **second)

    assert refusal["code"] == "conflict"
    assert "leave" in refusal["message"]
    client.event("r", "c", 1)
    assert client.payloads() == [1]
    client.leave("r", "c")
    assert client.join("r", "c", **second)["members"] == 1


def test_a_member_of_the_whole_room_is_in_no_group_of_it_and_the_other_way_round() -> None:
    world = World()
    whole, member = world.member("r", "*"), worker(world)

    assert whole.join("r", "c", group="g")["code"] == "conflict"
    assert member.join("r", "*")["code"] == "conflict"
    whole.event("r", "c", 1)
    whole.event("r", "d", 2)

    assert (whole.payloads(), member.payloads()) == ([1, 2], [1])
    assert whole.leave("r", "*") == {}
    assert whole.join("r", "c", group="g")["members"] == 2
    assert whole.command("whoami")["memberships"] == [{"room": "r", "channel": "c", "group": "g"}]


# --- those who do not keep up, leave or are lost ---------------------------------------------


def test_who_does_not_read_gets_no_more_and_the_others_get_all() -> None:
    world = World()
    sender, (slow, quick) = world.connect(), workers(world, 2)
    slow.socket.is_congested = True

    for n in range(20):
        sender.event("r", "c", n)

    assert len(seqs(slow)) == 1
    assert len(seqs(quick)) == 19
    world.advance(60)
    assert slow.close_code is None  # nothing waits for it: it is no slow consumer
    slow.drain()
    for n in range(4):
        sender.event("r", "c", n)
    assert len(seqs(slow)) == 3


def test_what_waits_for_all_goes_to_who_reads_first_in_order() -> None:
    world = World()
    sender, group = world.connect(), workers(world, 2)
    for one in group:
        one.socket.is_congested = True
    for n in range(10):
        sender.event("r", "c", n)
    assert info(sender) == [{"group": "g", "members": 2, "waiting": 8}]

    group[1].drain()

    assert (seqs(group[0]), seqs(group[1])) == ([1], [2, *range(3, 11)])
    assert info(sender) == [{"group": "g", "members": 2, "waiting": 0}]


def test_who_leaves_gets_what_was_before_and_nothing_after() -> None:
    world = World()
    sender, (one, two) = world.connect(), workers(world, 2)

    for n in range(4):
        sender.post_event("r", "c", n)
    one.post_command("leave_channel", "bye", room="r", channel="c")
    world.run()
    said = [m for m in one.take() if m["type"] in ("event", "response")]
    assert said[-1]["type"] == "response"
    for n in range(4):
        sender.event("r", "c", n)

    assert sorted(seqs(one) + seqs(two)) == list(range(1, 9))
    assert seqs(two)[-4:] == [5, 6, 7, 8]
    assert one.command("whoami")["memberships"] == []


def test_what_a_member_cannot_write_before_it_leaves_goes_to_the_others() -> None:
    world = World()
    sender, (one, two) = world.connect(), workers(world, 2)
    one.socket.is_congested = True
    sender.send({"type": "private", "to": [one.id], "payload": "fills the socket"})

    for n in range(4):
        sender.post_event("r", "c", n)
    one.post_command("leave_channel", "bye", room="r", channel="c")
    world.run()

    assert (seqs(one), sorted(seqs(two))) == ([], [1, 2, 3, 4])


@pytest.mark.parametrize("code", [1000, 1006])
@pytest.mark.parametrize("grace", [0.0, 10.0])
def test_what_a_lost_member_was_not_sent_goes_to_the_others_before_newer_events(code: int, grace: float) -> None:
    world = World(settings(server__resume_grace_s=grace))
    sender, (one, two) = world.connect(), workers(world, 2)
    two.socket.is_congested = True
    sender.send({"type": "private", "to": [two.id], "payload": "fills the socket"})
    for n in range(3):
        sender.post_event("r", "c", n)
    one.session.signal(Lost(code, ""))
    world.run()
    sender.event("r", "c", 3)
    assert seqs(one) == []

    two.drain()

    assert seqs(two) == [1, 2, 3, 4]


def test_a_socket_that_closes_takes_nothing_with_it() -> None:
    world = World()
    sender, (one, two) = world.connect(), workers(world, 2)
    one.socket.close(1000, "the peer said so, the session was not told yet")

    for n in range(4):
        sender.event("r", "c", n)

    assert seqs(two) == [1, 2, 3, 4]


def test_who_is_drained_gets_what_was_before() -> None:
    world = World()
    sender, (one, two) = world.connect(), workers(world, 2)

    for n in range(4):
        sender.post_event("r", "c", n)
    for _ in range(3):
        world.manual.run_round()
    one.session.signal(Drain(1000, 0, 0.0))
    world.advance(1)
    sender.event("r", "c", 5)

    assert one.close_code == 4000
    assert sorted(seqs(one) + seqs(two)) == [1, 2, 3, 4, 5]


def test_a_group_that_nobody_is_in_is_no_more() -> None:
    world = World()
    sender, only = world.connect(), worker(world)
    only.leave("r", "c")
    sender.event("r", "c", "to nobody")

    again = worker(world)
    sender.event("r", "c", "to somebody")

    assert (only.payloads(), again.payloads()) == ([], ["to somebody"])


def test_what_waits_when_the_last_member_goes_is_counted_as_lost() -> None:
    world = World()
    sender, only = world.connect(), worker(world)
    only.socket.is_congested = True
    for n in range(5):
        sender.event("r", "c", n)

    only.lose()

    assert world.bus.counters.group_lost == 4
    assert info(sender) is None


# --- coming back ---------------------------------------------


def test_a_ticket_brings_the_group_back_and_what_waited_for_it() -> None:
    world = World(settings(**GRACE))
    sender, only = world.connect(), worker(world)
    epoch, ticket = sender.join("r", "c")["epoch"], only.ticket
    sender.event("r", "c", 1)
    only.lose()
    sender.event("r", "c", 2)
    sender.event("r", "c", 3)
    assert info(sender) == [{"group": "g", "members": 1, "waiting": 2}]

    back = world.connect()
    result = resumed(back, ("r", "c", epoch, 1), ticket=ticket)

    entry = {"room": "r", "channel": "c", "epoch": epoch, "seq": 3, "recovered": False, "group": "g"}
    assert result["resumed"] == [entry]
    assert (seqs(only), seqs(back)) == ([1], [2, 3])
    said = [m for m in back.received() if m["type"] in ("event", "response")]
    assert said[0]["type"] == "response"
    assert back.command("whoami")["memberships"] == [{"room": "r", "channel": "c", "group": "g"}]
    sender.event("r", "c", 4)
    assert seqs(back) == [2, 3, 4]
    world.advance(60)
    assert info(sender) == [{"group": "g", "members": 1, "waiting": 0}]


def test_while_one_is_away_the_others_get_all_and_it_shares_again_when_it_is_back() -> None:
    world = World(settings(**GRACE))
    sender, (one, two) = world.connect(), workers(world, 2)
    ticket = one.ticket
    one.lose()
    for n in range(4):
        sender.event("r", "c", n)
    assert seqs(two) == [1, 2, 3, 4]

    back = world.connect()
    resumed(back, ticket=ticket)
    for n in range(4):
        sender.event("r", "c", n)

    assert (len(seqs(back)), len(seqs(two))) == (2, 6)


def test_a_connection_that_is_continued_while_it_stands_loses_nothing() -> None:
    world = World(settings(**GRACE))
    sender, (one, two) = world.connect(), workers(world, 2)
    back = world.connect()
    for n in range(6):
        sender.post_event("r", "c", n)
    back.post_command("connect", "k", resume={"ticket": one.ticket})
    world.run()

    assert one.close_code == 4504
    assert Counter(seqs(one) + seqs(two) + seqs(back)) == Counter(range(1, 7))


# --- too much ---------------------------------------------


def test_beyond_the_bound_the_oldest_are_dropped_and_each_member_is_told_before_it_gets_more() -> None:
    world = World(settings(limits__group_messages=3, **GRACE))
    sender, (one, two) = world.connect(), workers(world, 2)
    for client in (one, two):
        client.socket.is_congested = True
    epoch = sender.acked("r", "c", 1)["epoch"]
    for n in range(2, 10):
        sender.event("r", "c", n)
    assert (seqs(one), seqs(two), gaps(one)) == ([1], [2], [])
    assert world.bus.counters.group_lost == 4

    one.drain()

    assert [m["payload"] for m in one.received() if m.get("event") == "gap"] == [
        {"room": "r", "channel": "c", "epoch": epoch, "from": 3, "to": 6, "reason": "group_overflow"}
    ]
    assert [m.get("seq") or m["event"] for m in one.received()[-4:]] == ["gap", 7, 8, 9]
    assert gaps(two) == []
    two.drain()
    assert gaps(two) == [(3, 6)]


def test_who_comes_back_by_ticket_is_told_of_the_gap_too() -> None:
    world = World(settings(limits__group_messages=2, **GRACE))
    sender, only = world.connect(), worker(world)
    ticket = only.ticket
    only.lose()
    for n in range(5):
        sender.event("r", "c", n)

    back = world.connect()
    resumed(back, ticket=ticket)

    assert (gaps(back), seqs(back)) == ([(1, 3)], [4, 5])


def test_a_burst_beyond_the_bound_costs_nothing_while_members_read() -> None:
    world = World(settings(limits__group_messages=1))
    sender, group = world.connect(), workers(world, 2)

    for n in range(1000):
        sender.post_event("r", "c", n)
    world.run()

    assert sorted(seqs(group[0]) + seqs(group[1])) == list(range(1, 1001))


# --- any order ---------------------------------------------


class Chaos:
    """Clients that come, go, stop reading and read on while others publish, in an order that a seed decides.

    ``anchor`` never goes, so the group always exists. Where the run is not calm some bear losses in another channel:
    they are written to in pieces, so some of a share may stay in their outbox.
    """

    def __init__(self, seed: int, *, is_calm: bool) -> None:
        self.random = random = Random(seed)
        bound = random.choice((2, 5, 16_384)) if not is_calm else 16_384
        wanted = settings(server__resume_grace_s=random.choice((0.0, 5.0)), limits__group_messages=bound)
        self.world = World(wanted, order=lambda n: random.randrange(n))
        setup = self.world.bus._session_setup  # private: no setting says how large a piece is
        self.world.bus._session_setup = replace(setup, outbox=replace(setup.outbox, piece_bytes=300))
        self.share_of_bearers = 0.0 if is_calm else random.choice((0.0, 0.5))
        self.sender = self.world.connect()
        self.anchor = self.worker()
        self.now = [self.worker() for _ in range(random.randint(0, 3))]
        self.all = [self.anchor, *self.now]
        steps: list[Callable[[], None]] = [self.publish] * 6 + [self.stall, self.read_on]
        self.steps = steps + ([] if is_calm else [self.lose, self.leave, self.come, self.come_back])
        self.tickets: list[str] = []
        self.n_events = 0

    def run(self, n_steps: int) -> None:
        for _ in range(n_steps):
            self.random.choice(self.steps)()
            for _ in range(self.random.randrange(6)):
                self.world.manual.run_round()
        self.heal()

    def worker(self) -> Client:
        client = worker(self.world)
        if self.random.random() < self.share_of_bearers:
            client.join("r", "d", overflow="drop_oldest")
        return client

    def publish(self) -> None:
        for _ in range(self.random.randint(1, 4)):
            self.n_events += 1
            self.sender.post_event("r", "c", self.n_events)
        if self.random.random() < self.share_of_bearers:
            self.sender.post_event("r", "d", "x" * 200)

    def stall(self) -> None:
        self.random.choice([self.anchor, *self.now]).socket.is_congested = True

    def read_on(self) -> None:
        client = self.random.choice([self.anchor, *self.now])
        if client.socket.is_congested:
            client.socket.is_congested, client.socket.buffered = False, 0
            client.session.signal(Writable())

    def lose(self) -> None:
        if self.now:
            client = self.now.pop(self.random.randrange(len(self.now)))
            self.tickets += [client.ticket] if client.received() else []
            client.session.signal(Lost(self.random.choice((1000, 1006)), ""))

    def leave(self) -> None:
        if self.now:
            self.random.choice(self.now).post_command("leave_channel", "l", room="r", channel="c")

    def come(self) -> None:
        self.world.advance(0)
        client = self.worker()
        self.now.append(client)
        self.all.append(client)

    def come_back(self) -> None:
        """Continue somebody who is lost, or who still stands there."""
        welcomed = {one.ticket: one for one in self.now if one.received()}
        ticket = self.random.choice([*self.tickets, *welcomed, "none"])
        self.now = [one for one in self.now if one is not welcomed.get(ticket)]
        client = Client(self.world, self.world.hello())
        self.all.append(client)
        self.now.append(client)
        client.post_command("connect", "k", resume={"ticket": ticket})
        client.post_command("join_channel", "j", room="r", channel="c", group="g")

    def heal(self) -> None:
        self.world.run()
        for client in self.all:
            if client.session.alive and client.socket.closed is None:
                client.drain()
        self.world.run()


@pytest.mark.proves("015/SC-001")
@pytest.mark.parametrize("seed", range(150))
def test_each_event_is_written_to_one_member_or_owned_to_be_lost(seed: int) -> None:
    chaos = Chaos(seed, is_calm=False)
    chaos.run(60)

    written = Counter(seq for client in chaos.all for seq in seqs(client))
    lost = {seq for first, last in gaps(chaos.anchor) for seq in range(first, last + 1)}

    assert set(written) | lost == set(range(1, chaos.n_events + 1))
    assert set(written) & lost == set()
    assert set(written.values()) <= {1}


@pytest.mark.parametrize("seed", range(60))
def test_where_nobody_goes_each_member_sees_the_order_of_the_channel(seed: int) -> None:
    chaos = Chaos(seed, is_calm=True)
    chaos.run(60)

    assert sorted(seq for client in chaos.all for seq in seqs(client)) == list(range(1, chaos.n_events + 1))
    assert [seqs(client) for client in chaos.all] == [sorted(seqs(client)) for client in chaos.all]
