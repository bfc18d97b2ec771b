"""A shared channel whose store breaks its promises, or whose publishers are too fast. The rest is in tests/flow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from arqonbus.storage.shared_log import Appended, Arrived, Entry, Stored, Unsure
from arqonbus.testing.promise import Promise
from tests.flow.nodes import Nodes
from tests.flow.world import Client


def slowed(nodes: Nodes) -> tuple[Client, list[tuple[Sequence[Entry], Promise[Sequence[Appended]]]]]:
    """A member of r:c on a node whose appends are answered by hand."""
    member = nodes[0].member("r", "c")
    asked: list[tuple[Sequence[Entry], Promise[Sequence[Appended]]]] = []

    def append(entries: Sequence[Entry]) -> Any:
        asked.append((entries, Promise()))
        return asked[-1][1]

    log: Any = nodes.store.nodes["0"].open_logs["r", "c"]
    log.append = append
    return member, asked


def test_an_answer_waits_until_the_event_was_heard() -> None:
    nodes = Nodes(1)
    member, asked = slowed(nodes)
    member.event("r", "c", 1, id="a", ack=True)
    epoch = nodes.store.logs["r", "c"].epoch
    asked[0][1].keep([Stored(epoch, 1)])
    nodes.run()
    assert member.answers() == []

    log: Any = nodes.store.nodes["0"].open_logs["r", "c"]
    log._tell(Arrived(epoch, 1, [asked[0][0][0].text]))
    nodes.run()
    assert [m["type"] for m in member.take()] == ["event", "response"]


def test_an_answer_that_did_not_come_is_a_timeout_that_may_be_tried_again() -> None:
    nodes = Nodes(1)
    member, asked = slowed(nodes)
    member.event("r", "c", 1, id="a")
    asked[0][1].keep([Unsure("late")])
    nodes.run()

    (refused,) = member.take()
    assert (refused["error"]["code"], refused["error"]["retryable"]) == ("timeout", True)


def test_a_store_that_breaks_its_promise_leaves_nobody_without_an_answer() -> None:
    nodes = Nodes(1)
    member, asked = slowed(nodes)
    member.event("r", "c", 1, id="a", ack=True)
    asked[0][1].fail(RuntimeError("broken"))
    nodes.run()

    assert member.answers() == [("a", "timeout")]


def test_publishers_wait_for_a_store_that_is_slow() -> None:
    nodes = Nodes(1)
    member, asked = slowed(nodes)
    for i in range(5000):
        member.post_event("r", "c", i)
    nodes.run()
    n_asked = sum(len(entries) for entries, _ in asked)

    assert n_asked < 1300
    epoch = nodes.store.logs["r", "c"].epoch
    for entries, promise in asked:
        promise.keep([Stored(epoch, 0)] * len(entries))
    nodes.run()
    assert sum(len(entries) for entries, _ in asked) > n_asked


def test_a_feed_that_jumps_is_taken_for_a_new_beginning() -> None:
    nodes = Nodes(1)
    member = nodes[0].member("r", "c")
    log: Any = nodes.store.nodes["0"].open_logs["r", "c"]
    epoch = nodes.store.logs["r", "c"].epoch
    log._tell(Arrived(epoch, 5, [b'{"type":"event","payload":1}']))
    nodes.run()

    gap, event = member.take()
    assert (gap["payload"]["to"], gap["payload"]["reason"]) == (4, "epoch_changed")
    assert event["seq"] == 5
