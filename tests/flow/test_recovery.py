"""Coming back: what a join replays, and what it owns to have lost."""

from typing import Any

import pytest

from tests.flow.world import Client, World, settings


def filled(n: int, world: World | None = None) -> tuple[Client, str]:
    """A client that is no member, and the epoch of r:c, which has n events."""
    client = (world or World()).connect()
    for k in range(1, n + 1):
        client.post_event("r", "c", k)
    client.world.run()
    return client, client.command("channel_info", room="r", channel="c")["epoch"]


def outcome(result: dict[str, Any]) -> dict[str, Any]:
    return {
        name: result[name] for name in ("recovered", "reason", "replayed", "lost", "first_available") if name in result
    }


def test_what_followed_is_replayed_wholly_before_anything_live() -> None:
    client, epoch = filled(10)

    client.post_command("join_channel", "j", room="r", channel="c", since={"epoch": epoch, "seq": 4})
    client.post_event("r", "c", "live")
    client.world.run()

    kinds = [message.get("payload", message["type"]) for message in client.take()]
    assert kinds[-8:] == ["response", 5, 6, 7, 8, 9, 10, "live"]
    assert [event["seq"] for event in client.events()] == [5, 6, 7, 8, 9, 10, 11]


def test_a_recovery_says_so() -> None:
    client, epoch = filled(10)

    result = client.join("r", "c", since={"epoch": epoch, "seq": 4})

    assert outcome(result) == {"recovered": True, "reason": None, "replayed": 6}
    assert (result["epoch"], result["seq"]) == (epoch, 10)


def test_at_the_top_nothing_is_replayed_and_all_is_recovered() -> None:
    client, epoch = filled(10)

    assert outcome(client.join("r", "c", since={"epoch": epoch, "seq": 10})) == {
        "recovered": True,
        "reason": None,
        "replayed": 0,
    }


def test_an_empty_channel_recovers_its_position_zero() -> None:
    world = World()
    epoch = world.connect().join("r", "c")["epoch"]

    assert outcome(world.connect().join("r", "c", since={"epoch": epoch, "seq": 0})) == {
        "recovered": True,
        "reason": None,
        "replayed": 0,
    }


def test_a_position_of_zero_is_recovered_from_the_first_event_on() -> None:
    client, epoch = filled(3)

    client.join("r", "c", since={"epoch": epoch, "seq": 0})

    assert client.payloads() == [1, 2, 3]


@pytest.mark.parametrize(
    ("recover", "replayed", "lost"),
    [
        (None, [], {"from": 1, "to": 5}),
        ("strict", [], {"from": 1, "to": 5}),
        ("best_effort", [1, 2, 3, 4, 5], None),
        ("latest", [5], {"from": 1, "to": 4}),
    ],
)
def test_a_position_of_another_epoch(recover: str | None, replayed: list[int], lost: dict[str, int] | None) -> None:
    client, _ = filled(5)

    result = client.join("r", "c", since={"epoch": "other", "seq": 3}, recover=recover)

    assert (result["recovered"], result["reason"], result.get("lost")) == (False, "epoch_changed", lost)
    assert (result["replayed"], result["first_available"]) == (len(replayed), 1)
    assert client.payloads() == replayed


def test_a_position_that_never_was_counts_as_another_epoch() -> None:
    client, epoch = filled(5)

    assert client.join("r", "c", since={"epoch": epoch, "seq": 6})["reason"] == "epoch_changed"


@pytest.mark.parametrize(
    ("recover", "replayed", "lost"),
    [
        ("strict", [], {"from": 3, "to": 10}),
        ("best_effort", [7, 8, 9, 10], {"from": 3, "to": 6}),
        ("latest", [10], {"from": 3, "to": 9}),
    ],
)
def test_a_position_that_history_does_not_reach(recover: str, replayed: list[int], lost: dict[str, int]) -> None:
    client, epoch = filled(10, World(settings(history__limit=4)))

    result = client.join("r", "c", since={"epoch": epoch, "seq": 2}, recover=recover)

    assert outcome(result) == {
        "recovered": False,
        "reason": "evicted",
        "replayed": len(replayed),
        "lost": lost,
        "first_available": 7,
    }
    assert client.payloads() == replayed


def test_the_oldest_position_that_history_still_reaches_is_recovered() -> None:
    client, epoch = filled(10, World(settings(history__limit=4)))

    assert client.join("r", "c", since={"epoch": epoch, "seq": 6})["replayed"] == 4


def test_when_all_is_too_old_nothing_is_available() -> None:
    world = World(settings(history__ttl_s=10.0))
    client, epoch = filled(5, world)
    client.join("r", "c")
    world.advance(20)

    result = world.connect().join("r", "c", since={"epoch": epoch, "seq": 2}, recover="best_effort")

    assert outcome(result) == {"recovered": False, "reason": "evicted", "replayed": 0, "lost": {"from": 3, "to": 5}}


def test_more_than_one_join_replays_is_over_the_limit() -> None:
    client, epoch = filled(1100, World(settings(history__limit=2000)))

    result = client.join("r", "c", since={"epoch": epoch, "seq": 50}, recover="best_effort")

    assert outcome(result) == {
        "recovered": False,
        "reason": "over_limit",
        "replayed": 1000,
        "lost": {"from": 51, "to": 100},
        "first_available": 1,
    }
    assert client.payloads() == list(range(101, 1101))


def test_a_thousand_events_are_replayed_whole() -> None:
    client, epoch = filled(1100, World(settings(history__limit=2000)))

    assert outcome(client.join("r", "c", since={"epoch": epoch, "seq": 100})) == {
        "recovered": True,
        "reason": None,
        "replayed": 1000,
    }


def test_a_channel_without_history_says_that_it_is_disabled() -> None:
    client, epoch = filled(5, World(settings(history__limit=0)))

    result = client.join("r", "c", since={"epoch": epoch, "seq": 2}, recover="best_effort")

    assert outcome(result) == {"recovered": False, "reason": "disabled", "replayed": 0, "lost": {"from": 3, "to": 5}}


def test_a_first_join_replays_the_newest_it_asks_for() -> None:
    client, _ = filled(10)

    result = client.join("r", "c", replay=3)

    assert outcome(result) == {"recovered": False, "reason": None, "replayed": 3}
    assert client.payloads() == [8, 9, 10]


def test_a_replay_gives_what_there_is() -> None:
    client, _ = filled(2)

    assert client.join("r", "c", replay=1000)["replayed"] == 2


def test_a_replay_without_history_is_empty() -> None:
    client, _ = filled(5, World(settings(history__limit=0)))

    assert client.join("r", "c", replay=3)["replayed"] == 0


def test_a_member_can_join_again_to_catch_up() -> None:
    client, epoch = filled(3)
    client.join("r", "c")

    client.join("r", "c", since={"epoch": epoch, "seq": 1})

    assert client.payloads() == [2, 3]


def test_a_client_that_comes_back_after_any_cut_has_each_event_once() -> None:
    """The law of recovery: what was seen live and what is replayed make one whole."""
    world = World()
    publisher = world.connect()
    epoch = world.connect().join("r", "c")["epoch"]
    seen: list[int] = []
    for round_number in range(10):
        position = {"epoch": epoch, "seq": len(seen)}
        reader = world.connect()
        for n in range(5):
            publisher.post_event("r", "c", n)
            if n == round_number % 5:
                reader.post_command("join_channel", "j", room="r", channel="c", since=position)
        world.run()
        reader.lose()
        seen += [event["seq"] for event in reader.events()]
        publisher.event("r", "c", "missed")

    assert seen == list(range(1, 60))


def test_more_bytes_than_half_an_outbox_are_over_the_limit_and_hurt_nobody() -> None:
    world = World(settings(limits__outbox_bytes=10_000, limits__outbox_soft_bytes=10_000, limits__message_bytes=5_000))
    sender = world.connect()
    for n in range(10):
        sender.event("r", "c", "x" * 1_000 + str(n))
    late = world.connect()
    since = {"epoch": late.command("channel_info", room="r", channel="c")["epoch"], "seq": 0}

    strict = late.join("r", "c", since=since)
    best = late.join("r", "c", since=since, recover="best_effort")

    assert (strict["recovered"], strict["reason"], strict["lost"]) == (False, "over_limit", {"from": 1, "to": 10})
    assert (best["reason"], best["replayed"], best["lost"]) == ("over_limit", 4, {"from": 1, "to": 6})
    assert [event["seq"] for event in late.events()] == [7, 8, 9, 10]
