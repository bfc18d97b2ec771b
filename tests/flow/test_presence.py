"""Presence through the whole bus: rows and what follows them, for channels and rooms, over losses and in crowds."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from arqonbus.routing.mail import Lost
from arqonbus.routing.socket import Hello
from tests.flow.world import Client, World, settings

GRACE = {"server__resume_grace_s": 10.0}


def who(rows: Any) -> list[str]:
    return [row["client"] for row in rows]


def resume(world: World, ticket: str, **args: Any) -> Client:
    client = world.connect()
    assert "resumed" in client.command("connect", resume={"ticket": ticket}, **args)
    return client


def about(client: Client) -> list[tuple[str, str, Any]]:
    """(event, channel, whom or how many) of the presence events since the last take."""
    told = [m for m in client.take() if m["type"] == "system" and m["event"].startswith("member")]
    return [(m["event"], m["channel"], _subject(m["payload"])) for m in told]


def _subject(payload: dict[str, Any]) -> Any:
    if "present" in payload:
        return who(payload["present"])
    return payload["client"] if "client" in payload else payload["count"]


def test_rows_are_those_of_members_and_hold_the_one_who_asks() -> None:
    world = World()
    first = world.member("r", "c")
    first.command("set_profile", screen_name="Ada", avatar="a.png", client_type="tool", data={"n": 1})
    watcher = world.connect()

    result = watcher.join("r", "c", presence=True)

    assert result["members"] == 2
    assert who(result["present"]) == [first.id, watcher.id]
    assert (
        sorted(result["present"], key=lambda row: row["client"])
        == watcher.command("members", room="r", channel="c")["members"]
    )
    assert result["present"][0]["profile"] == {
        "screen_name": "Ada",
        "avatar": "a.png",
        "client_type": "tool",
        "data": {"n": 1},
    }


@pytest.mark.parametrize("presence", [None, False])
def test_who_does_not_ask_gets_no_rows(presence: bool | None) -> None:
    assert "present" not in World().connect().join("r", "c", presence=presence)


def test_a_second_join_with_presence_answers_anew_and_tells_nothing_twice() -> None:
    world = World()
    watcher = world.member("r", "c", presence=True)
    other = world.member("r", "c")

    assert who(watcher.join("r", "c", presence=True)["present"]) == [watcher.id, other.id]
    other.leave("r", "c")

    assert about(watcher) == [("member_joined", "c", other.id), ("member_left", "c", other.id)]


def test_a_join_that_does_not_say_keeps_presence_and_one_that_says_no_ends_it() -> None:
    world = World()
    watcher = world.member("r", "c", presence=True)

    assert "present" not in watcher.join("r", "c")
    other = world.member("r", "c")
    assert about(watcher) == [("member_joined", "c", other.id)]
    watcher.join("r", "c", presence=False)
    other.leave("r", "c")
    assert about(watcher) == []


def test_who_is_in_by_the_whole_room_already_is_no_news_when_it_joins() -> None:
    world = World()
    watcher, star = world.member("r", "c", presence=True), world.member("r", "*")
    assert about(watcher) == [("member_joined", "c", star.id)]

    result = star.join("r", "c", presence=True)

    assert who(result["present"]) == [watcher.id, star.id]
    assert about(watcher) == []
    star.leave("r", "c")
    third = world.member("r", "c")
    assert about(star) == []
    assert about(watcher) == [("member_joined", "c", third.id)]


def test_members_of_the_whole_room_are_in_the_rows_of_a_channel_made_later() -> None:
    world = World()
    star, watcher = world.member("r", "*"), world.connect()

    assert who(watcher.join("r", "new", presence=True)["present"]) == [star.id, watcher.id]


def test_presence_of_the_whole_room_counts_each_client_once() -> None:
    world = World()
    member, watcher = world.member("r", "a"), world.connect()

    result = watcher.join("r", "*", presence=True)
    assert (result["members"], who(result["present"])) == (2, [member.id, watcher.id])
    other = world.member("r", "a")
    other.join("r", "b")
    other.leave("r", "a")
    assert about(watcher) == [("member_joined", "*", other.id)]
    other.leave("r", "b")
    assert about(watcher) == [("member_left", "*", other.id)]
    member.lose()
    assert about(watcher) == [("member_left", "*", member.id)]


def test_presence_of_the_whole_room_ends_with_its_membership_or_by_a_no() -> None:
    world = World()
    watcher = world.member("r", "*", presence=True)
    watcher.join("r", "kept")
    watcher.leave("r", "*")
    world.member("r", "a")
    assert about(watcher) == []

    watcher.join("r", "*", presence=True)
    watcher.join("r", "*", presence=False)
    world.member("r", "a")
    assert about(watcher) == []


def test_in_a_channel_with_presence_all_are_told_and_rows_are_for_those_who_ask() -> None:
    world = World()
    world.connect().command("create_channel", room="r", channel="c", options={"presence": True})
    silent, asking = world.connect(), world.connect()

    assert "present" not in silent.join("r", "c")
    assert who(asking.join("r", "c", presence=True)["present"]) == [silent.id, asking.id]
    asking.leave("r", "c")

    assert about(silent) == [("member_joined", "c", asking.id), ("member_left", "c", asking.id)]


def test_a_new_profile_is_told_once_in_each_channel_and_for_the_room() -> None:
    world = World()
    watcher, member = world.member("r", "a", presence=True), world.member("r", "a")
    watcher.join("r", "b", presence=True)
    watcher.join("r", "*", presence=True)
    member.join("r", "b")
    member.join("s", "elsewhere")
    watcher.take()

    member.command("set_profile", screen_name="Ada")

    told = [m for m in watcher.take() if m["type"] == "system"]
    assert sorted((m["event"], m["channel"]) for m in told) == [
        ("member_updated", "*"),
        ("member_updated", "a"),
        ("member_updated", "b"),
    ]
    assert all(m["payload"] == {**told[0]["payload"], "client": member.id} for m in told)
    assert told[0]["payload"]["profile"] == {"screen_name": "Ada"}
    assert member.told() == []


def test_a_new_profile_of_a_member_of_the_whole_room_is_told_in_each_channel() -> None:
    world = World()
    watcher, star = world.member("r", "a", presence=True), world.member("r", "*")
    watcher.take()

    star.command("set_profile", screen_name="Ada")

    assert about(watcher) == [("member_updated", "a", star.id)]


@pytest.mark.parametrize(
    ("code", "reason"), [(1000, "left"), (1001, "left"), (1006, "lost"), (1002, "lost"), (4103, "lost")]
)
def test_the_reason_of_a_leave_is_how_the_connection_ended(code: int, reason: str) -> None:
    world = World()
    watcher, goes = world.member("r", "c", presence=True), world.member("r", "c")
    watcher.take()

    goes.lose(code)

    (left,) = watcher.take()
    assert left["payload"] == {"client": goes.id, "user": None, "reason": reason, "count": 1}


def test_who_is_kicked_and_who_is_drained_is_told_as_that() -> None:
    world = World(settings(server__drain_spread_s=0.0))
    watcher, kicked, drained = (world.member("r", "c", presence=True) for _ in range(3))
    watcher.take()

    kicked.session.stop("kicked")
    world.run()
    drained.session.stop("drained")
    world.run()

    assert [m["payload"]["reason"] for m in watcher.take()] == ["kicked", "drained"]


def test_coming_back_within_the_grace_is_told_to_nobody_and_brings_all_rows() -> None:
    world = World(settings(**GRACE))
    watcher, lost = world.member("r", "c", presence=True), world.member("r", "c", presence=True)
    ticket = lost.ticket
    watcher.take()
    lost.lose()
    third = world.member("r", "c")

    back = resume(world, ticket)
    world.advance(60)

    assert about(watcher) == [("member_joined", "c", third.id)]
    assert about(back) == [("members_present", "c", [watcher.id, lost.id, third.id])]
    third.leave("r", "c")
    assert about(back) == about(watcher) == [("member_left", "c", third.id)]


def test_who_comes_back_to_the_whole_room_gets_all_rows_of_it() -> None:
    world = World(settings(**GRACE))
    lost = world.member("r", "*", presence=True)
    ticket = lost.ticket
    lost.lose()
    other = world.member("r", "c")

    back = resume(world, ticket)

    assert about(back) == [("members_present", "*", [lost.id, other.id])]
    other.leave("r", "c")
    assert about(back) == [("member_left", "*", other.id)]


def test_rows_of_a_resume_come_behind_its_answer_and_before_what_follows() -> None:
    world = World(settings(**GRACE))
    lost, other = world.member("r", "c", presence=True), world.member("r", "c")
    ticket = lost.ticket
    lost.lose()

    back = world.connect()
    back.post_command("connect", "k", resume={"ticket": ticket})
    other.post_command("leave_channel", "l", room="r", channel="c")
    world.run()

    said = [m.get("event") or m["type"] for m in back.take()]
    assert said in (
        ["welcome", "response", "members_present"],
        ["welcome", "response", "members_present", "member_left"],
    )


def test_a_profile_that_came_with_the_return_is_told() -> None:
    world = World(settings(**GRACE))
    watcher, lost = world.member("r", "c", presence=True), world.member("r", "c")
    watcher.join("r", "*", presence=True)
    ticket = lost.ticket
    watcher.take()
    lost.lose()

    resume(world, ticket, profile={"screen_name": "again"})

    assert sorted(about(watcher)) == [("member_updated", "*", lost.id), ("member_updated", "c", lost.id)]


def test_past_the_grace_the_return_is_a_new_client_without_presence() -> None:
    world = World(settings(**GRACE))
    watcher, lost = world.member("r", "c", presence=True), world.member("r", "c", presence=True)
    ticket = lost.ticket
    watcher.take()
    lost.lose()
    world.advance(11)

    back = resume(world, ticket)

    assert about(watcher) == [("member_left", "c", lost.id)]
    assert about(back) == []


def test_a_crowd_is_told_by_number_and_its_end_by_rows_through_the_whole_bus() -> None:
    world = World(settings(channels__presence_max=5))
    watcher = world.member("r", "c", presence=True)
    others = [world.member("r", "c") for _ in range(4)]
    watcher.take()

    last = world.connect()
    result = last.join("r", "c", presence=True)
    assert (result["members"], "present" in result) == (6, False)
    assert about(watcher) == [("member_count", "c", 6)]
    assert about(last) == []
    for other in others[:2]:
        other.lose()
    world.advance(1)

    rows = [watcher.id, others[2].id, others[3].id, last.id]
    assert about(watcher) == about(last) == [("members_present", "c", rows)]
    others[2].leave("r", "c")
    assert about(watcher) == about(last) == [("member_left", "c", others[2].id)]


def test_a_room_may_be_a_crowd_while_its_channels_are_not() -> None:
    world = World(settings(channels__presence_max=2))
    watcher = world.member("r", "a", presence=True)
    watcher.join("r", "*", presence=True)
    world.member("r", "b")
    watcher.take()

    third = world.member("r", "b")
    fourth = world.member("r", "a")

    assert about(watcher) == [("member_count", "*", 3), ("member_joined", "a", fourth.id)]
    world.advance(1)
    assert about(watcher) == [("member_count", "*", 4)]
    assert third.command("members", room="r")["count"] == 4


def test_a_watcher_that_is_too_slow_is_closed_and_told_as_lost_in_its_time() -> None:
    world = World(settings(limits__outbox_messages=3, **GRACE))
    slow, watcher = world.member("r", "c", presence=True), world.member("r", "c", presence=True)
    watcher.take()
    slow.socket.is_congested = True
    others = [world.member("r", "c") for _ in range(6)]
    assert slow.close_code == 4100
    assert about(watcher) == [("member_joined", "c", other.id) for other in others]
    ticket = slow.ticket

    back = resume(world, ticket)

    assert about(back) == [("members_present", "c", [slow.id, watcher.id, *(other.id for other in others)])]
    back.socket.is_congested = True
    for other in others:
        other.leave("r", "c")
    watcher.take()
    assert back.close_code == 4100
    world.advance(11)
    assert about(watcher) == [("member_left", "c", slow.id)]


def test_a_channel_that_is_deleted_takes_its_watchers_along() -> None:
    world = World()
    watcher = world.member("r", "c", presence=True)
    member = world.member("r", "c")
    member.command("set_profile", screen_name="one")
    member.command("set_profile", screen_name="two")
    watcher.take()

    world.connect().command("delete_channel", room="r", channel="c", force=True)
    world.advance(5)
    world.member("r", "c")

    assert watcher.told() == ["channel_deleted"]


# --- any interleaving -----------------------------------------------------------------------------------------------

Place = tuple[str, str]
PLACES: tuple[Place, ...] = (("r", "a"), ("r", "b"), ("r", "*"))


class Person:
    """One client over all its connections. It keeps its lists from what it is told, and objects to nonsense."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.world = world
        self.n_asked = 0
        self.asked: dict[str, tuple[str, dict[str, Any]]] = {}  # commands in work, by id
        self.lists: dict[
            Place, dict[str, Any] | int
        ] = {}  # of watched places: profiles by client, or how many there are
        self.unsure: set[Place] = set()  # a join was on its way when the connection was lost: it may have been done
        self.is_lost = False
        self.client = world.connect()
        self.me, self.ticket = self.client.id, self.client.ticket

    def ask(self, command: str, **args: Any) -> None:
        self.n_asked += 1
        message_id = f"{self.name}-{self.n_asked}"
        self.asked[message_id] = (command, args)
        self.client.post_command(command, message_id, **args)

    def lose(self, code: int) -> None:
        self.read()
        self.is_lost = True
        self.client.session.signal(Lost(code, ""))

    def come_back(self) -> None:
        self.is_lost = False
        self.unsure |= {(args["room"], args["channel"]) for _, args in self.asked.values() if "presence" in args}
        self.asked.clear()
        self.client = Client(self.world, Hello("192.0.2.1"))
        self.ask("connect", resume={"ticket": self.ticket})

    def read(self) -> None:
        for message in [] if self.is_lost else self.client.take():
            if message["type"] == "response":
                self._answered(message)
            elif message["event"].startswith("member"):
                self._told(message["event"], (message["room"], message["channel"]), message["payload"])

    def _answered(self, message: dict[str, Any]) -> None:
        command, args = self.asked.pop(message["request_id"])
        if command == "connect":
            self.me, self.ticket = message["result"]["client"], message["result"]["ticket"]
            self.lists.clear()  # what it watches comes anew
        if message["status"] != "ok" or "channel" not in args:
            return
        place, result = (args["room"], args["channel"]), message["result"]
        if command == "leave_channel" or args["presence"] is False:
            self.lists.pop(place, None)
        elif args["presence"]:
            self._begin(place, result["members"], result.get("present"))

    def _begin(self, place: Place, count: int, rows: list[Any] | None) -> None:
        self.lists[place] = count if rows is None else {row["client"]: row["profile"] for row in rows}
        assert rows is None or len(set(who(rows))) == len(rows) == count

    def _told(self, event: str, place: Place, payload: dict[str, Any]) -> None:
        if event in ("members_present", "member_count"):
            self._begin(place, payload["count"], payload.get("present"))
            return
        if place not in self.lists:
            assert place in self.unsure, f"{self.name} is told of {place}, which it does not watch"
            return
        rows, client = self.lists[place], payload["client"]
        assert isinstance(rows, dict), f"{self.name} is told of one of a crowd in {place}"
        assert (client in rows) is (event != "member_joined"), f"{self.name}: {event} of {client} in {place}"
        assert client != self.me
        if event == "member_left":
            del rows[client]
        else:
            rows[client] = payload["profile"]
        assert event == "member_updated" or payload["count"] == len(rows)


def act(person: Person, random: Random) -> None:
    """One thing that a client does, or that happens to it."""
    if person.is_lost:
        if random.random() < 0.3:
            person.come_back()
        return
    room, channel = random.choice(PLACES)
    match random.choice(("join", "join", "join", "leave", "leave", "profile", "lose")):
        case "join":
            person.ask("join_channel", room=room, channel=channel, presence=random.choice((True, True, None, False)))
        case "leave":
            person.ask("leave_channel", room=room, channel=channel)
        case "profile" if not person.unsure:  # nobody tells a channel that its session does not know of
            person.ask("set_profile", screen_name=str(random.random()))
        case "lose":
            person.lose(random.choice((1006, 1006, 1006, 1000)))


def check(person: Person) -> None:
    """Compare what it believes with what is; what it says of itself it knows from elsewhere."""
    for (room, channel), believed in person.lists.items():
        where = {"room": room} if channel == "*" else {"room": room, "channel": channel}
        page = person.client.command("members", limit=1000, **where)
        truth = {row["client"]: row["profile"] for row in page["members"]}
        if isinstance(believed, dict):
            assert {**believed, person.me: None} == {**truth, person.me: None}, f"{person.name} in {room}:{channel}"
            assert person.me in believed
        else:
            assert believed == page["count"], f"{person.name} in {room}:{channel}"


@pytest.mark.proves("013/SC-001")
@pytest.mark.parametrize("most", [0, 4, 1000])
@pytest.mark.parametrize("seed", range(40))
def test_over_any_interleaving_a_list_kept_from_what_is_told_is_true(seed: int, most: int) -> None:
    random = Random(f"{seed} {most}")
    wanted = settings(channels__presence_max=most, **GRACE)
    world = World(wanted, order=None if seed % 4 == 0 else lambda n: random.randrange(n))
    people = [Person(world, f"p{n}") for n in range(7)]
    for _ in range(120):
        act(random.choice(people), random)
        for _ in range(random.choice((0, 1, 5, 20))):
            world.manual.run_round()
        if random.random() < 0.1:
            world.manual.clock.advance(random.choice((0.3, 1.0, 4.0)))
        random.choice(people).read()
    for _ in range(3):  # a connection may find that an older one, which is slower, took its place
        for person in people:
            if person.is_lost or person.client.close_code is not None:
                person.come_back()
        world.advance(30)

    for person in people:
        person.read()
        assert not person.asked
    for person in people:
        check(person)
    assert world.bus.system.statistics().failures == 0
