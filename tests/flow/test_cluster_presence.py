"""Presence over several nodes: who is in, comes and goes, wherever it is."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.flow.cluster_world import Nodes
from tests.flow.world import Client

GRACE: dict[str, Any] = {"server__resume_grace_s": 10.0}


def told(client: Client) -> list[tuple[str, str, int]]:
    """(event, client or reason, count) of each presence event since the last take."""
    found = []
    for m in client.take():
        if m["type"] == "system" and m["event"].startswith("member"):
            payload = m["payload"]
            found.append((m["event"], payload.get("client", ""), payload.get("count", -1)))
    return found


def ids(rows: list[dict[str, Any]]) -> set[str]:
    return {row["client"] for row in rows}


def test_joins_and_leaves_on_one_node_are_told_on_all() -> None:
    nodes = Nodes(3, shared=True)
    watchers = [nodes.member(i, "r", "c", presence=True) for i in range(3)]
    nodes.advance(1)
    for watcher in watchers:
        watcher.take()
    new = nodes.connect(0)
    new.command("set_profile", screen_name="Ada")
    new.join("r", "c")
    nodes.advance(1)
    for watcher in watchers:
        (joined,) = watcher.take()
        assert (joined["event"], joined["payload"]["client"]) == ("member_joined", new.id)
        assert (joined["payload"]["profile"]["screen_name"], joined["payload"]["count"]) == ("Ada", 4)

    new.leave("r", "c")
    nodes.advance(1)
    for watcher in watchers:
        (left,) = watcher.take()
        assert (left["event"], left["payload"]["client"], left["payload"]["reason"]) == ("member_left", new.id, "left")
        assert left["payload"]["count"] == 3


def test_who_joins_sees_who_is_in_on_other_nodes() -> None:
    nodes = Nodes(3, shared=True)
    first, second = nodes.member(0, "r", "c"), nodes.member(1, "r", "c")
    nodes.advance(1)
    third = nodes.connect(2)
    result = third.join("r", "c", presence=True)

    assert result["members"] == 3
    assert ids(result["present"]) == {first.id, second.id, third.id}
    assert "partial" not in result
    assert told(third) == []


def test_members_and_counts_are_of_all_nodes() -> None:
    nodes = Nodes(2, shared=True)
    everybody = {nodes.member(i % 2, "r", "c").id for i in range(6)}
    nodes.advance(1)
    asker = nodes.connect(1)
    pages, cursor = [], None
    while True:
        page = asker.command("members", room="r", channel="c", limit=4, **({"cursor": cursor} if cursor else {}))
        pages += page["members"]
        assert page["count"] == 6 and "partial" not in page
        cursor = page["cursor"]
        if cursor is None:
            break

    assert ids(pages) == everybody and len(pages) == 6
    assert asker.command("channel_info", room="r", channel="c")["members"] == 6
    assert asker.command("members", room="r")["count"] == 6
    refusal = asker.command("delete_channel", room="r", channel="c")
    assert refusal["code"] == "conflict" and "6 members" in refusal["message"]


def test_members_of_the_whole_room_are_told_for_the_room() -> None:
    nodes = Nodes(2, shared=True)
    watcher = nodes.member(0, "r", "*", presence=True)
    there = nodes.connect(1)
    there.join("r", "a")
    nodes.advance(1)
    there.join("r", "b")
    nodes.advance(1)
    there.leave("r", "a")
    there.leave("r", "b")
    nodes.advance(1)

    rooms = [m for m in watcher.take() if m["type"] == "system" and m["channel"] == "*"]
    assert [m["event"] for m in rooms] == ["member_joined", "member_left"]


def test_members_of_the_whole_room_are_in_channels_elsewhere() -> None:
    nodes = Nodes(2, shared=True)
    star = nodes.member(0, "r", "*")
    nodes.member(0, "r", "c")
    watcher = nodes.connect(1)
    nodes.advance(1)

    assert star.id in ids(watcher.join("r", "c", presence=True)["present"])


def test_a_changed_profile_is_told_on_all_nodes() -> None:
    nodes = Nodes(2, shared=True)
    watcher, there = nodes.member(0, "r", "c", presence=True), nodes.member(1, "r", "c")
    nodes.advance(2)
    watcher.take()
    there.command("set_profile", screen_name="Ada")
    nodes.advance(2)

    (updated,) = watcher.take()
    assert (updated["event"], updated["payload"]["client"]) == ("member_updated", there.id)
    assert updated["payload"]["profile"]["screen_name"] == "Ada"


def test_who_joins_and_leaves_at_once_is_hardly_worth_a_word() -> None:
    nodes = Nodes(2, shared=True)
    watcher, there = nodes.member(0, "r", "c", presence=True), nodes.connect(1)
    nodes.advance(1)
    watcher.take()
    for _ in range(20):
        there.join("r", "c")
        there.leave("r", "c")
    there.join("r", "c")
    nodes.advance(2)

    assert told(watcher) == [("member_joined", there.id, 2)]


@pytest.mark.parametrize(("is_orderly", "reason"), [(False, "lost"), (True, "drained")])
def test_the_members_of_a_dead_node_leave_once(is_orderly: bool, reason: str) -> None:
    nodes = Nodes(3, shared=True)
    watchers = [nodes.member(0, "r", "c", presence=True), nodes.member(2, "r", "c", presence=True)]
    dead = {nodes.member(1, "r", "c").id for _ in range(3)}
    nodes.advance(1)
    for watcher in watchers:
        watcher.take()
    nodes.kill(1, is_orderly=is_orderly)
    nodes.advance(30)

    for watcher in watchers:
        left = [m["payload"] for m in watcher.take()]
        assert [one["reason"] for one in left] == [reason] * 3
        assert {one["client"] for one in left} == dead
        assert left[-1]["count"] == 2


def test_a_node_that_counted_as_dead_and_lives_comes_back_with_its_members() -> None:
    nodes = Nodes(2, shared=True)
    watcher, there = nodes.member(0, "r", "c", presence=True), nodes.member(1, "r", "c")
    nodes.advance(1)
    watcher.take()
    nodes.hub.cut("n1")
    nodes.advance(1)
    nodes.hub.mend("n1", lapsed=True)
    nodes.advance(2)

    assert told(watcher) == [("member_left", there.id, 1), ("member_joined", there.id, 2)]


def test_what_happened_while_a_node_heard_nothing_is_told_when_it_hears_again() -> None:
    nodes = Nodes(2, shared=True)
    watcher, leaver = nodes.member(0, "r", "c", presence=True), nodes.member(1, "r", "c")
    nodes.advance(1)
    watcher.take()
    nodes.hub.cut("n0")
    leaver.leave("r", "c")
    comer = nodes.member(1, "r", "c")
    nodes.advance(2)
    assert told(watcher) == []
    assert watcher.command("members", room="r", channel="c")["partial"] is True
    assert nodes.connect(0).join("r", "c")["partial"] is True
    watcher.take()
    nodes.hub.mend("n0")
    nodes.advance(2)

    assert {(event, client) for event, client, _ in told(watcher)} == {
        ("member_left", leaver.id),
        ("member_joined", comer.id),
    }
    assert "partial" not in watcher.command("members", room="r", channel="c")


def test_out_of_reach_rooms_open_at_once_and_say_that_they_do_not_know_all() -> None:
    nodes = Nodes(2, shared=True)
    nodes.member(1, "r", "c")
    nodes.hub.cut("n0")
    client = nodes.connect(0)

    assert client.join("r", "c", presence=True)["partial"] is True
    nodes.hub.mend("n0")
    nodes.run()
    assert [event for event, _, _ in told(client)] == ["member_joined"]


def test_a_node_that_does_not_answer_holds_up_nobody_for_long() -> None:
    nodes = Nodes(2, shared=True)
    nodes.worlds[1].cluster.tell = lambda node, data: None  # type: ignore[method-assign]
    nodes.member(1, "r", "c")
    client = nodes.connect(0)
    client.post_command("join_channel", "k1", room="r", channel="c")
    nodes.run()
    assert client.answers() == []

    nodes.advance(1.5)
    assert client.answers() == [("k1", "ok")]
    assert client.received()[-1]["result"]["partial"] is True


def test_a_client_that_goes_on_at_another_node_is_told_as_nothing_at_all() -> None:
    for pause in (0.0, 0.1, 0.3, 1.0):
        nodes = Nodes(3, **GRACE)
        watchers = [nodes.member(i, "r", "c", presence=True) for i in range(3)]
        old = nodes.member(0, "r", "c")
        nodes.advance(1)
        for watcher in watchers:
            watcher.take()
        ticket = old.ticket
        old.lose()
        nodes.advance(pause)
        new = nodes.connect(1)
        assert new.command("connect", resume={"ticket": ticket})["client"] == old.id
        nodes.advance(20)

        for watcher in watchers:
            assert told(watcher) == [], pause
            assert watcher.command("members", room="r", channel="c")["count"] == 4
            watcher.take()


def test_a_crowd_is_one_over_all_nodes_and_ends_over_all_nodes() -> None:
    nodes = Nodes(2, channels__presence_max=5)
    watcher = nodes.member(0, "r", "c", presence=True)
    crowd = [nodes.member(1, "r", "c") for _ in range(8)]
    nodes.advance(3)
    events = told(watcher)
    assert events[-1] == ("member_count", "", 9)
    assert watcher.command("members", room="r", channel="c")["count"] == 9
    watcher.take()

    for member in crowd[:6]:
        member.leave("r", "c")
    nodes.advance(3)
    present = [m for m in watcher.take() if m["type"] == "system"][-1]
    assert present["event"] == "members_present"
    assert ids(present["payload"]["present"]) == {watcher.id, *(member.id for member in crowd[6:])}
    crowd[6].leave("r", "c")
    nodes.advance(3)
    assert told(watcher) == [("member_left", crowd[6].id, 2)]


def test_a_crowd_on_other_nodes_is_listed_page_by_page() -> None:
    nodes = Nodes(3, shared=True, channels__presence_max=5)
    everybody = {nodes.member(i % 3, "r", "c").id for i in range(30)}
    nodes.advance(2)
    asker = nodes.connect(0)
    for place in ({"room": "r", "channel": "c"}, {"room": "r"}):
        found, cursor = [], None
        while True:
            page = asker.command("members", limit=4, **place, **({"cursor": cursor} if cursor else {}))
            assert 0 < len(page["members"]) <= 4
            assert page["count"] == 30 and "partial" not in page
            found += [row["client"] for row in page["members"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert found == sorted(everybody)


def test_a_crowd_whose_node_does_not_answer_is_counted_and_the_page_says_that_it_is_not_all() -> None:
    nodes = Nodes(2, shared=True, channels__presence_max=5)
    nodes.worlds[1].cluster.tell = lambda node, data: None  # type: ignore[method-assign]
    here = nodes.member(0, "r", "c")
    for _ in range(8):
        nodes.member(1, "r", "c")
    nodes.advance(2)
    here.post_command("members", "k1", room="r", channel="c")
    nodes.advance(2)

    page = here.received()[-1]["result"]
    assert (len(page["members"]), page["count"], page["partial"]) == (1, 9, True)


def test_the_servers_own_rooms_are_each_servers_own() -> None:
    nodes = Nodes(2, shared=True)
    nodes.member(0, "_telemetry", "activity")
    nodes.advance(1)
    asker = nodes.connect(1)

    assert asker.command("members", room="_telemetry", channel="activity")["count"] == 0


class Chaos:
    """Clients that come and go on three nodes, which are cut off and come back."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.nodes = Nodes(3, order=lambda n: random.randrange(n))
        self.watchers = [self.nodes.member(i, "r", "c", presence=True) for i in range(3)]
        self.clients = [self.nodes.connect(random.randrange(3)) for _ in range(6)]
        self.inside = {watcher.id for watcher in self.watchers}

    def step(self) -> None:
        if self.random.random() < 0.15:
            self.trouble(f"n{self.random.randrange(3)}")
            return
        client = self.random.choice(self.clients)
        (client.leave if client.id in self.inside else client.join)("r", "c")
        self.inside ^= {client.id}

    def trouble(self, name: str) -> None:
        if self.nodes.hub.nodes[name].state == "up":
            self.nodes.hub.cut(name)
        else:
            self.nodes.hub.mend(name, lapsed=self.random.random() < 0.5)

    def run(self) -> None:
        for _ in range(40):
            self.step()
            if self.random.random() < 0.5:
                self.nodes.advance(self.random.random() / 2)
        for name, node in self.nodes.hub.nodes.items():
            if node.state != "up":
                self.nodes.hub.mend(name)
        self.nodes.advance(10)


@pytest.mark.parametrize("seed", range(40))
def test_watchers_never_disagree_for_long_whatever_happens(seed: int) -> None:
    chaos = Chaos(seed)
    chaos.run()

    for watcher in chaos.watchers:
        seen = {one.id for one in chaos.watchers}
        for event, client, _ in told(watcher):
            assert event in ("member_joined", "member_left")
            (seen.add if event == "member_joined" else seen.discard)(client)
        page = watcher.command("members", room="r", channel="c")
        assert (ids(page["members"]), page["count"]) == (chaos.inside, len(chaos.inside))
        assert "partial" not in page
        assert seen | {watcher.id} == chaos.inside
