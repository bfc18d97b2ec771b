"""The runner: our server passes, and each planted fault is found by the case that it is for."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.catalogue import all_cases, chosen
from arqonbus.testing.conformance.run import NoConnection, greet, run
from arqonbus.testing.conformance.stage import Stage, Target
from arqonbus.testing.conformance.verdict import Failed, Outcome, Skipped
from tests.specs.bus import Bus
from tests.specs.cluster import Cluster
from tests.testing.conformance.broken_link import BrokenLink, Fault

Frame = dict[str, Any]


def ignore(_: Outcome) -> None:
    """Of each outcome, while the suite runs."""


@pytest.mark.integration
@pytest.mark.proves("019/FR-001")
@pytest.mark.proves("019/FR-003")
@pytest.mark.proves("019/SC-001")
async def test_our_server_passes_every_case_the_drain_last(tmp_path: Path) -> None:
    settings = ["server.resume_grace_s = 1.0", "server.drain_spread_s = 0.2", 'auth.keys.ada = "secret"']
    bus = Bus(tmp_path, [*settings, 'auth.admins = ["ada"]'])
    bus.start()
    assert bus.process is not None

    target = Target(bus.url, "secret", bus.process.pid)
    outcomes = await run(all_cases(), target, ignore)

    assert [outcome for outcome in outcomes if outcome.state != "passed"] == []
    assert len(outcomes) == len(all_cases())
    assert bus.wait() == 0
    bus.stop()


@pytest.mark.integration
async def test_two_servers_over_one_redis_keep_one_order_for_the_clients_of_both(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    await cluster.start_redis()
    try:
        await cluster.start(["one", "two"], [])
        one, two = (node.url for node in cluster.nodes.values())
        cases = chosen(
            ["session: since", "order:", "duplicates:", "recovery: all", "recovery: joins", "recovery: deleted"]
        )
        outcomes = await run(cases, Target(one, also=(two,)), ignore)
    finally:
        cluster.stop()

    assert [outcome for outcome in outcomes if outcome.state != "passed"] == []
    assert len(outcomes) > 20


@pytest.mark.integration
async def test_nothing_is_left_of_a_run(target: Target) -> None:
    await run(chosen(["session: a channel is made", "recovery: no history"]), target, ignore)

    async with Stage(target) as stage:
        rooms = (await (await stage.peer()).ask("list_rooms", limit=1000))["rooms"]
    assert [room for room in rooms if room["room"].startswith("conformance-")] == []


async def test_a_server_that_is_not_there_is_no_connection() -> None:
    with pytest.raises(NoConnection, match="no connection to ws://127.0.0.1:9"):
        await greet(Target("ws://127.0.0.1:9/"))


@pytest.mark.integration
async def test_a_case_that_was_skipped_or_stumbled_over_a_frame_is_not_passed(target: Target) -> None:
    async def skips(stage: Stage) -> None:
        raise Skipped("not set up for it")

    async def stumbles(stage: Stage) -> None:
        (await (await stage.peer()).ask("ping"))["of a later version"]

    async def fails(stage: Stage) -> None:
        raise Failed("one", "two")

    outcomes = await run([Case("a", (), skips), Case("b", (), stumbles), Case("c", (), fails)], target, ignore)

    assert [outcome.state for outcome in outcomes] == ["skipped", "failed", "failed"]
    assert outcomes[0].reason == "not set up for it"
    assert outcomes[1].expected == "frames with the fields of the contract"
    assert (outcomes[2].expected, outcomes[2].got) == ("one", "two")


# --- faults: each changes what one connection hears


def each(kind: str, change: Callable[[Frame, int], list[Frame]]) -> Callable[[], Fault]:
    """A fault of the frames of one type, or of a system event; `change` is told how many came before."""

    def fault() -> Fault:
        count = itertools.count()

        def of(frame: Frame) -> list[Frame]:
            name = frame["event"] if frame["type"] == "system" else frame["type"]
            return change(frame, next(count)) if name == kind else [frame]

        return of

    return fault


def swapped() -> Fault:
    """The fifth event comes after the sixth."""
    held: list[Frame] = []
    count = itertools.count()

    def of(frame: Frame) -> list[Frame]:
        if frame["type"] != "event":
            return [frame]
        if next(count) == 4:
            held.append(frame)
            return []
        back, held[:] = list(held), []
        return [frame, *back]

    return of


def result(**other: Any) -> Callable[[], Fault]:
    """Results that have these fields hold other values in them."""

    def change(frame: Frame, _: int) -> list[Frame]:
        told = frame.get("result") or {}
        return [{**frame, "result": {**told, **{key: other[key] for key in other if key in told}}}]

    return each("response", change)


def other_code(before: str, after: str) -> Callable[[], Fault]:
    def change(frame: Frame, _: int) -> list[Frame]:
        error = frame.get("error")
        is_it = error is not None and error["code"] == before
        return [{**frame, "error": {**error, "code": after}}] if is_it and error is not None else [frame]

    return each("response", change)


def without(kind: str, field: str) -> Callable[[], Fault]:
    def change(frame: Frame, _: int) -> list[Frame]:
        return [{**frame, "payload": {key: value for key, value in frame["payload"].items() if key != field}}]

    return each(kind, change)


def once_more(frame: Frame, number: int) -> list[Frame]:
    return [frame, frame] if number == 4 else [frame]


FAULTS: dict[str, tuple[Callable[[], Fault], str]] = {
    "an event comes twice": (each("event", once_more), "order: many publishers"),
    "two events are swapped": (swapped, "order: many publishers"),
    "an event is lost": (each("event", lambda frame, n: [] if n == 4 else [frame]), "order: many publishers"),
    "an event has the seq of another": (
        each("event", lambda frame, n: [{**frame, "seq": frame["seq"] + (n == 4)}]),
        "order: many publishers",
    ),
    "a worker gets an event twice": (each("event", once_more), "groups: each event goes to one worker"),
    "a repeat is no duplicate": (result(duplicate=False), "duplicates:"),
    "another error code": (other_code("not_found", "conflict"), "session: what does not exist"),
    "another code for broken JSON": (other_code("invalid_json", "invalid_envelope"), "frame: no JSON: cut off"),
    "a replay without its first event": (
        each("event", lambda frame, n: [] if n == 0 else [frame]),
        "session: a join with replay",
    ),
    "recovered though it was not": (result(recovered=True), "recovery: history does not reach back"),
    "lost with another range": (result(lost={"from": 1, "to": 1}), "recovery: no history"),
    "a leave that nobody is told": (each("member_left", lambda _, __: []), "presence: watchers amid"),
    "a count that is wrong": (
        each("member_joined", lambda frame, _: [{**frame, "payload": {**frame["payload"], "count": 1}}]),
        "presence: watchers amid",
    ),
    "another payload": (
        each("private", lambda frame, _: [{**frame, "payload": "ho"}]),
        "session: a private message reaches one client",
    ),
    "an answer comes twice": (
        each("response", lambda frame, n: [frame, frame] if n == 0 else [frame]),
        "session: commands are answered once each",
    ),
    "a welcome without a field": (without("welcome", "heartbeat_s"), "session: a client is welcomed"),
    "a gap that nobody is told": (each("gap", lambda _, __: []), "slow reader: drop_oldest"),
}


@pytest.mark.integration
@pytest.mark.proves("019/FR-004")
@pytest.mark.proves("019/SC-002")
@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_found_by_its_case(name: str, server: Bus) -> None:
    fault, case = FAULTS[name]
    cases = chosen([case])
    assert len(cases) == 1

    async with BrokenLink(server.url, fault) as link:
        (broken,) = await run(cases, Target(link.url, patience_s=1.0), ignore)
    async with BrokenLink(server.url, lambda: lambda frame: [frame]) as link:
        (whole,) = await run(cases, Target(link.url), ignore)

    assert (broken.state, whole.state) == ("failed", "passed"), broken
    assert broken.expected and broken.got is not None


@pytest.mark.integration
async def test_another_close_code_is_found(server: Bus) -> None:
    async with BrokenLink(server.url, lambda: lambda frame: [frame], {4504: 1000, 1009: 1011}) as link:
        outcomes = await run(chosen(["closed with 4504", "too large"]), Target(link.url), ignore)

    assert [(outcome.state, outcome.got) for outcome in outcomes] == [("failed", "the close 1000"), ("failed", 1011)]
