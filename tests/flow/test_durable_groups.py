"""Durable groups between sessions, channels and a store of several nodes: each event until somebody has done it."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from arqonbus.routing.mail import Lost, Writable
from arqonbus.storage.memory_group import Ready
from arqonbus.storage.shared_log import Rejected
from tests.flow.nodes import Nodes
from tests.flow.test_resume import resumed
from tests.flow.world import Client, World

OPTIONS = {"ack_wait_s": 10.0, "max_deliver": 3, "prefetch": 4}


def made(n: int = 2, random: Random | None = None, **more: Any) -> Nodes:
    """Nodes with the durable channel r:c."""
    nodes = Nodes(n, random=random, **more)
    for node in nodes.store.nodes.values():
        node.backend = "redis"  # as far as anybody asks: it outlives the buses
    client = nodes[0].connect()
    client.post_command("create_channel", "made", room="r", channel="c", options={"durable": True})
    settle(nodes)
    assert client.answers()[-1] == ("made", "ok")
    return nodes


def settle(nodes: Nodes) -> None:
    """Let everything that takes a moment come home."""
    nodes.run()
    if nodes.random is not None:
        nodes.advance(0.3)


def worker(world: World, group: str = "g", **options: Any) -> Client:
    client = world.connect()
    answer = client.join("r", "c", group=group, group_options={**OPTIONS, **options})
    assert answer["group_options"]["ack_wait_s"] == {**OPTIONS, **options}["ack_wait_s"]
    return client


def work(client: Client) -> list[tuple[int, int]]:
    """(seq, attempt) of what came since the last look."""
    events = [m for m in client.take() if m["type"] == "event" and "delivery" in m]
    return [(event["seq"], event["delivery"]["attempt"]) for event in events]


def ack(client: Client, *seqs: int, **more: Any) -> Any:
    answer = client.command("ack", room="r", channel="c", group=more.pop("group", "g"), seqs=seqs, **more)
    return answer.get("acked", answer.get("code"))


def info(client: Client, group: str = "g") -> dict[str, Any]:
    return client.command("group_info", room="r", channel="c", group=group)


# --- giving -----------------------------------------------------------------------------------------------------


def test_workers_of_all_nodes_share_and_ordinary_members_see_all() -> None:
    nodes = made()
    watcher, one, two = nodes[1].member("r", "c"), worker(nodes[0]), worker(nodes[1])
    sender = nodes[0].connect()
    for n in range(6):
        assert sender.acked("r", "c", n)["seq"] == n + 1

    shares = work(one), work(two)
    assert sorted(seq for share in shares for seq, _ in share) == [1, 2, 3, 4, 5, 6]
    assert all(shares)
    assert [event["payload"] for event in watcher.events()] == [0, 1, 2, 3, 4, 5]
    assert all("delivery" not in event for event in watcher.events())
    assert ack(one, *[seq for seq, _ in shares[0]]) == len(shares[0])
    state = info(two)
    assert (state["members"], state["pending"], state["lag"]) == (2, len(shares[1]), 0)
    assert state["servers"] == [
        {"server": "0", "members": 1, "pending": 0},
        {"server": "1", "members": 1, "pending": len(shares[1])},
    ]


def test_what_nobody_is_there_for_waits_for_the_next() -> None:
    nodes = made()
    first = worker(nodes[0])
    first.leave("r", "c")
    for n in range(3):
        nodes[1].connect().event("r", "c", n)
    nodes.advance(600)

    assert work(worker(nodes[1])) == [(1, 1), (2, 1), (3, 1)]


def test_a_killed_connection_gives_its_work_to_others_at_once_and_starts_anew() -> None:
    nodes = made(server__resume_grace_s=10.0)
    one, other = worker(nodes[0]), worker(nodes[0])
    sender = nodes[0].connect()
    for n in range(4):
        sender.event("r", "c", n)
    had, others = work(one), work(other)
    ticket = one.ticket
    one.lose()

    assert work(other) == [(seq, 2) for seq, _ in had]
    back = nodes[0].connect()
    assert resumed(back, ticket=ticket)["resumed"][0]["group"] == "g"
    assert ack(back, *[seq for seq, _ in had]) == 0
    assert ack(other, *[seq for seq, _ in had + others]) == 4
    sender.event("r", "c", "new")
    assert work(back) == [(5, 1)]


def test_a_slow_worker_is_given_no_more_and_what_it_was_not_written_goes_to_others() -> None:
    nodes = made()
    slow, sender = worker(nodes[0]), nodes[0].connect()
    slow.socket.is_congested = True
    for n in range(3):
        sender.event("r", "c", n)
    quick = worker(nodes[1])
    nodes.advance(1.1)

    assert work(slow) == [(1, 1)]  # the write that found out
    assert work(quick) == [(2, 1), (3, 1)]
    slow.socket.is_congested, slow.socket.buffered = False, 0
    slow.session.signal(Writable())
    nodes.run()
    sender.event("r", "c", "more")
    assert work(slow) + work(quick) == [(4, 1)]


def test_a_worker_that_leaves_gives_back_without_an_attempt() -> None:
    nodes = made()
    one, two = worker(nodes[0]), worker(nodes[1])
    nodes[0].connect().event("r", "c", "a")
    had = [client for client in (one, two) if work(client)]
    had[0].leave("r", "c")
    nodes.advance(1.1)

    assert work(two if had[0] is one else one) == [(1, 1)]


@pytest.mark.parametrize("node", [0, 1])
def test_what_a_stopped_server_had_goes_to_another(node: int) -> None:
    nodes = made()
    one = worker(nodes[0])
    nodes[0].connect().event("r", "c", "a")
    assert work(one) == [(1, 1)]
    nodes.store.nodes["0"].state = "local"  # it is killed: nothing of it is heard any more
    other = worker(nodes[1])
    nodes.advance(9.9)
    assert work(other) == []
    nodes.advance(3.2)

    assert work(other) == [(1, 2)]


def test_what_cannot_be_done_ends_in_the_channel_for_such_events() -> None:
    nodes = made()
    one, watcher = worker(nodes[0]), nodes[1].connect()
    nodes[1].connect().event("r", "c", {"poison": True}, id="p1")
    for attempt in (1, 2, 3):
        assert work(one) == [(1, attempt)]
        assert ack(one, 1, retry_after_ms=0) == 1
        nodes.advance(0.1)
    assert work(one) == []

    (letter,) = watcher.command("history", room="r", channel="c.dead")["messages"]
    told = letter["payload"]
    assert letter["from"] == "_dead_letters"
    assert (told["reason"], told["attempts"], told["group"], told["seq"]) == ("max_deliver", 3, "g", 1)
    assert told["event"]["payload"] == {"poison": True}
    assert told["event"]["id"] == "p1"
    assert told["first_seen"] == told["event"]["timestamp"]
    state = info(one)
    assert (state["pending"], state["dead_lettered"], state["redelivered"]) == (0, 1, 3)
    assert watcher.command("channel_info", room="r", channel="c.dead")["options"]["durable"] is True


def test_a_dead_letter_that_cannot_be_stored_is_tried_again() -> None:
    nodes = made()
    one = worker(nodes[0], max_deliver=1, dead_letter="bin")
    nodes[0].connect().command("create_channel", room="r", channel="bin", options={"durable": True})
    bin_log = nodes.store.nodes["0"].open_logs["r", "bin"]
    bin_log.append = lambda entries: Ready([Rejected("FULL")] * len(entries))  # type: ignore[method-assign]
    nodes[1].connect().event("r", "c", "poison")
    assert work(one) == [(1, 1)]
    ack(one, 1, retry_after_ms=0)
    nodes.advance(0.1)
    assert info(one)["pending"] == 1
    del bin_log.append  # type: ignore[attr-defined]
    nodes.advance(15)

    assert work(one) == []
    assert info(one)["pending"] == 0
    assert len(nodes[1].connect().command("history", room="r", channel="bin")["messages"]) == 1


def test_a_full_log_refuses_and_says_why() -> None:
    nodes = made()
    sender = nodes[0].member("r", "c")
    log = nodes.store.nodes["0"].open_logs["r", "c"]
    log.append = lambda entries: Ready([Rejected("FULL groups are behind")] * len(entries))  # type: ignore[method-assign]

    refused = sender.acked("r", "c", 1)
    assert (refused["code"], refused["retryable"], refused["details"]) == (
        "unavailable",
        True,
        {"reason": "queue_full"},
    )


# --- words ------------------------------------------------------------------------------------------------------


def test_words_of_who_is_not_in_and_of_what_is_not_there() -> None:
    nodes = made()
    one, stranger = worker(nodes[0]), nodes[0].connect()
    nodes[0].connect().event("r", "c", "a")
    (epoch,) = {m["delivery"]["epoch"] for m in one.take() if m["type"] == "event"}

    assert ack(stranger, 1) == "not_found"
    assert ack(one, 1, group="other") == "not_found"
    assert stranger.command("ack", room="r", channel="none", group="g", seqs=[1])["code"] == "not_found"
    assert ack(one, 1, epoch="x") == 0
    assert ack(one, 9) == 0
    assert ack(one, 1, epoch=epoch) == 1
    assert ack(one, 1) == 0
    assert info(one, "other")["code"] == "not_found"
    assert one.command("delete_group", room="r", channel="c", group="g")["code"] == "conflict"
    one.leave("r", "c")
    assert one.command("delete_group", room="r", channel="c", group="g") == {}
    assert info(one)["code"] == "not_found"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"group": "g", "group_options": {"ack_wait_s": 1}}, "conflict"),
        ({"group": "g", "group_options": {"dead_letter": "c"}}, "invalid_args"),
        ({"group": "g", "group_options": {"dead_letter": "_x"}}, "invalid_args"),
        ({"group": "g", "group_options": {"dead_letter": "a b"}}, "invalid_args"),
        ({"group_options": {}}, "invalid_args"),
        ({"group": "g", "since": {"epoch": "e", "seq": 1}}, "invalid_args"),
    ],
)
def test_joins_that_clash_are_refused(more: dict[str, Any], code: str) -> None:
    nodes = made()
    worker(nodes[0])
    other = nodes[1].connect()

    assert other.join("r", "c", **more)["code"] == code
    assert other.join("r", "c", group="g")["group_options"]["max_deliver"] == 3
    assert other.join("r", "c")["code"] == "conflict"


def test_a_channel_that_is_not_durable_has_no_durable_groups() -> None:
    nodes = Nodes(2)
    one = nodes[0].connect()
    one.join("r", "plain")

    assert one.command("ack", room="r", channel="plain", group="g", seqs=[1])["code"] == "not_found"
    assert one.command("group_info", room="r", channel="plain", group="g")["code"] == "not_found"


def test_without_a_store_durable_channels_are_refused_and_groups_are_those_of_before() -> None:
    world = World()
    client = world.connect()

    refused = client.command("create_channel", room="r", channel="c", options={"durable": True})
    assert refused["code"] == "unavailable"
    client.join("r", "c", group="g")
    assert client.command("ack", room="r", channel="c", group="g", seqs=[1])["code"] == "conflict"
    assert client.command("group_info", room="r", channel="c", group="x")["code"] == "not_found"


def test_while_the_store_is_away_joins_and_words_are_refused_and_afterwards_all_goes_on() -> None:
    nodes = made()
    one, sender = worker(nodes[0]), nodes[0].connect()
    sender.event("r", "c", "a")
    assert work(one) == [(1, 1)]
    nodes.cut(0)
    nodes.give_up(0)
    late = nodes[0].connect()

    assert late.join("r", "c", group="new")["code"] == "unavailable"
    assert ack(one, 1) == "unavailable"
    nodes.mend(0)
    assert ack(one, 1) == 1
    sender.event("r", "c", "b")
    nodes.advance(1.1)
    assert work(one) == [(2, 1)]
    assert late.join("r", "c", group="new")["group"] == "new"


def test_a_log_that_went_back_gives_all_again_in_its_new_epoch() -> None:
    nodes = made(1)
    one, sender = worker(nodes[0]), nodes[0].connect()
    sender.event("r", "c", "a")
    (first,) = [m["delivery"]["epoch"] for m in one.take() if m["type"] == "event"]
    nodes.store.rewind(("r", "c"), 0)
    nodes.run()
    assert ack(one, 1, epoch=first) == 0

    assert work(one) == [(1, 1)]
    assert [m for m in one.received() if m.get("event") == "gap"] == []
    assert ack(one, 1) == 1


def test_a_deleted_channel_ends_its_groups() -> None:
    nodes = made()
    one = worker(nodes[0])
    nodes[1].connect().command("delete_channel", room="r", channel="c", force=True)

    assert "channel_deleted" in one.told()
    assert ack(one, 1) == "not_found"


# --- in any order -----------------------------------------------------------------------------------------------


class Run:
    """One seed: workers on three nodes that do, fail, hang, leave and break; every event is accounted for."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.nodes = made(3, Random(seed + 1), server__resume_grace_s=0.0)
        self.store = self.nodes.store
        self.now = self.nodes.manual.clock.time
        self.sender = self.nodes[0].connect()
        self.workers: list[Client] = []
        self.in_hand: dict[int, dict[int, float]] = {}  # by client: seq -> until when it is its own
        self.done: set[int] = set()
        self.asked: list[tuple[Client, str, tuple[int, ...]]] = []
        self.n_ids = self.n_published = 0

    def look(self) -> None:
        """Take what came, and see that nobody else has it."""
        for client in self.workers:
            mine = self.in_hand.setdefault(id(client), {})
            for message in client.take():
                if message["type"] == "event":
                    seq = message["seq"]
                    assert seq not in self.done, f"{seq} was given after it was acknowledged"
                    for other, theirs in self.in_hand.items():
                        assert other == id(client) or theirs.get(seq, 0.0) <= self.now(), f"{seq} is with two"
                    mine[seq] = self.now() + OPTIONS["ack_wait_s"] - 0.5  # it may have come since the last look
                elif message["type"] == "response":
                    self.answered(client, message)

    def answered(self, client: Client, message: dict[str, Any]) -> None:
        for asked in self.asked:
            is_it = asked[0] is client and asked[1] == message["request_id"] and message["status"] == "ok"
            if is_it and message["result"]["acked"] == len(asked[2]):
                self.done |= set(asked[2])

    def step(self) -> None:
        roll, random = self.random.random(), self.random
        if roll < 0.3:
            for _ in range(random.randrange(1, 5)):
                self.n_published += 1
                self.sender.post_event("r", "c", self.n_published)
        elif roll < 0.45 and len(self.workers) < 6:
            self.enter()
        elif roll < 0.75 and self.workers:
            self.say(random.choice(self.workers))
        elif roll < 0.85 and self.workers:
            self.part(self.workers.pop(random.randrange(len(self.workers))))
        elif roll < 0.9 and self.workers:
            client = random.choice(self.workers)
            client.socket.is_congested = not client.socket.is_congested
            if not client.socket.is_congested:
                client.socket.buffered = 0
                client.session.signal(Writable())
        else:
            i = str(random.randrange(3))
            if self.store.nodes[i].state == "up":
                self.store.cut(i)
            else:
                self.store.mend(i)
        for _ in range(random.choice([0, 1, 1, 5, 20])):
            self.nodes.advance(0.2)
            self.look()

    def enter(self) -> None:
        client = self.nodes[self.random.randrange(3)].connect()
        client.post_command("join_channel", "join", room="r", channel="c", group="g", group_options=OPTIONS)
        self.workers.append(client)

    def say(self, client: Client) -> None:
        mine = self.in_hand.get(id(client), {})
        seqs = tuple(seq for seq, until in mine.items() if until > self.now() and self.random.random() < 0.7)
        if not seqs:
            return
        self.n_ids += 1
        args: dict[str, Any] = {"room": "r", "channel": "c", "group": "g", "seqs": seqs}
        if self.random.random() < 0.2:
            args["retry_after_ms"] = self.random.choice([0, 500])
        else:
            self.asked.append((client, f"a{self.n_ids}", seqs))
        for seq in seqs:
            del mine[seq]
        client.post_command("ack", f"a{self.n_ids}", **args)

    def part(self, client: Client) -> None:
        self.in_hand.pop(id(client), None)
        if self.random.random() < 0.5:
            client.post_command("leave_channel", "leave", room="r", channel="c")
        else:
            client.session.signal(Lost(1006, ""))

    def judge(self) -> None:
        """Let one worker finish: each event is acknowledged, a dead letter, or was never stored; none is left."""
        for i in "012":
            self.store.mend(i)
        for client in self.workers:
            self.part(client)
        self.workers.clear()
        self.nodes.advance(30)
        last = self.nodes[1].connect()
        last.post_command("join_channel", "join", room="r", channel="c", group="g")
        self.workers = [last]
        for _ in range(200):
            self.nodes.advance(1.0)
            self.look()
            mine = self.in_hand.get(id(last), {})
            if mine:
                self.n_ids += 1
                self.asked.append((last, f"a{self.n_ids}", tuple(mine)))
                last.post_command("ack", f"a{self.n_ids}", room="r", channel="c", group="g", seqs=list(mine))
                mine.clear()
        state = self.store.groups.get(("r", "c", "g"))
        log = self.store.logs["r", "c"]
        assert state is not None
        assert (state.leases, state.given) == ({}, log.top)
        dead = self.store.logs.get(("r", "c.dead"))
        letters = {int(one.text.split(b'"seq":')[1].split(b",")[0]) for one in dead.kept} if dead is not None else set()
        assert self.done | letters | self.unsure() >= set(range(self.first, log.top + 1))

    def unsure(self) -> set[int]:
        """Events whose acknowledgement was done, and its answer lost."""
        return {seq for _, _, seqs in self.asked for seq in seqs}

    first = 1


@pytest.mark.proves("018/SC-002")
@pytest.mark.parametrize("seed", range(60))
def test_in_any_order_of_things_every_event_is_done_or_a_dead_letter(seed: int) -> None:
    run = Run(seed)
    run.enter()
    settle(run.nodes)
    run.look()
    for _ in range(60):
        run.step()
    run.judge()
