"""History: what is kept, and pages of it in both directions while others publish."""

from typing import Any

import pytest

from tests.flow.world import Client, World, settings


def history(client: Client, **more: Any) -> dict[str, Any]:
    return client.command("history", room="r", channel="c", **more)


def seqs(page: dict[str, Any]) -> list[int]:
    return [message["seq"] for message in page["messages"]]


def filled(n: int, world: World | None = None) -> Client:
    client = (world or World()).connect()
    for k in range(1, n + 1):
        client.post_event("r", "c", k)
    client.world.run()
    return client


def test_history_holds_the_events_as_they_were_delivered() -> None:
    client = World().member("r", "c")
    client.event("r", "c", {"n": 1}, id="a1")

    page = history(client)

    assert page["messages"] == client.events()
    assert (page["first_seq"], page["last_seq"], page["more"]) == (1, 1, False)


def test_history_of_an_empty_channel_is_empty() -> None:
    client = World().member("r", "c")

    page = history(client)

    assert page["messages"] == []
    assert (page["first_seq"], page["last_seq"], page["more"]) == (None, None, False)


def test_history_of_an_unknown_channel_is_not_found() -> None:
    client = World().connect()

    assert history(client)["code"] == "not_found"
    client.join("r", "other")
    assert history(client)["code"] == "not_found"


@pytest.mark.parametrize(
    ("args", "expected", "more"),
    [
        ({"limit": 3}, [10, 9, 8], True),
        ({"limit": 3, "order": "asc"}, [1, 2, 3], True),
        ({"limit": 3, "after": 4}, [5, 6, 7], True),
        ({"limit": 3, "after": 7}, [8, 9, 10], False),
        ({"limit": 3, "after": 4, "order": "desc"}, [10, 9, 8], True),
        ({"limit": 3, "before": 3}, [2, 1], False),
        ({"limit": 3, "before": 4, "order": "asc"}, [1, 2, 3], False),
        ({"after": 3, "before": 6}, [4, 5], False),
        ({"after": 10}, [], False),
        ({"after": 99}, [], False),
        ({"before": 1}, [], False),
        ({"after": 5, "before": 6}, [], False),
        ({}, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1], False),
    ],
)
def test_a_page_holds_what_its_bounds_and_order_say(args: dict[str, Any], expected: list[int], more: bool) -> None:
    page = history(filled(10), **args)

    assert (seqs(page), page["more"]) == (expected, more)
    assert (page["first_seq"], page["last_seq"]) == (1, 10)


def test_a_page_holds_50_events_when_no_limit_is_named() -> None:
    page = history(filled(60))

    assert (len(page["messages"]), page["more"]) == (50, True)


def test_paging_back_while_others_publish_repeats_and_skips_nothing() -> None:
    client = filled(20)
    publisher = client.world.connect()

    page = history(client, limit=7)
    seen = seqs(page)
    while page["more"]:
        publisher.event("r", "c", "late")
        page = history(client, limit=7, before=seen[-1])
        seen += seqs(page)

    assert seen == list(range(20, 0, -1))


def test_paging_forward_while_others_publish_reaches_the_newest() -> None:
    client = filled(10)
    publisher = client.world.connect()

    page = history(client, limit=4, after=0)
    seen = seqs(page)
    for _ in range(4):
        publisher.event("r", "c", "late")
        page = history(client, limit=4, after=seen[-1])
        seen += seqs(page)

    assert seen == list(range(1, 15))
    assert page["more"] is False


def test_a_page_ends_early_at_its_bound_in_bytes_but_is_never_empty() -> None:
    client = World(settings(history__page_bytes=1000)).connect()
    for _ in range(4):
        client.event("r", "c", "x" * 300)
    client.event("r", "c", "y" * 5000)

    assert (seqs(history(client)), history(client)["more"]) == ([5], True)
    assert seqs(history(client, after=0)) == [1, 2]
    assert seqs(history(client, after=4)) == [5]


def test_events_published_before_the_question_are_in_the_answer() -> None:
    client = World().connect()
    client.event("r", "c", 0)

    for n in range(1, 6):
        client.post_event("r", "c", n)
    client.post_command("history", "h", room="r", channel="c", limit=1000)
    client.world.run()

    assert seqs(client.take()[-1]["result"]) == [6, 5, 4, 3, 2, 1]


def test_only_the_newest_are_kept_where_a_number_is_set() -> None:
    page = history(filled(10, World(settings(history__limit=4))))

    assert (seqs(page), page["first_seq"], page["last_seq"], page["more"]) == ([10, 9, 8, 7], 7, 10, False)


def test_only_the_young_are_kept_where_an_age_is_set() -> None:
    world = World(settings(history__ttl_s=10.0))
    client = world.member("r", "c")
    for _ in range(4):
        client.event("r", "c", "any")
        world.advance(4)

    assert seqs(history(client)) == [4, 3]
    world.advance(20)
    assert history(client)["first_seq"] is None
    assert client.acked("r", "c", "next")["seq"] == 5


def test_only_so_many_bytes_are_kept_where_a_size_is_set() -> None:
    client = World(settings(history__bytes=1200)).connect()
    for _ in range(10):
        client.event("r", "c", "x" * 200)

    assert seqs(history(client)) == [10, 9, 8]


def test_over_all_channels_the_one_quiet_for_longest_loses_its_older_half_first() -> None:
    world = World(settings(history__total_bytes=4000))
    client = world.connect()
    for _ in range(8):
        client.event("r", "c", "x" * 200)
    world.advance(1)
    for _ in range(8):
        client.event("r", "busy", "x" * 200)

    quiet = seqs(history(client))
    busy = seqs(client.command("history", room="r", channel="busy"))
    assert busy == [8, 7, 6, 5, 4, 3, 2, 1]
    assert quiet == [8, 7, 6]


@pytest.mark.parametrize("option", [{"history_limit": 0}, {"history_bytes": 0}])
def test_a_channel_can_keep_nothing_and_still_number_its_events(option: dict[str, int]) -> None:
    client = World().connect()
    client.command("create_channel", room="r", channel="c", options=option)
    for _ in range(3):
        client.event("r", "c", "any")

    assert history(client)["messages"] == []
    assert client.acked("r", "c", "any")["seq"] == 4


def test_options_of_a_channel_go_before_the_settings() -> None:
    client = World().connect()
    info = client.command("create_channel", room="r", channel="c", options={"history_limit": 2, "history_ttl_s": 5.0})
    for _ in range(3):
        client.event("r", "c", "any")

    assert info["options"] == {
        "history_limit": 2,
        "history_ttl_s": 5.0,
        "history_bytes": 4194304,
        "durable": False,
        "presence": False,
        "persistent": False,
    }
    assert seqs(history(client)) == [3, 2]
    client.world.advance(6)
    assert history(client)["first_seq"] is None


def test_what_is_too_old_goes_though_nobody_looks() -> None:
    world = World(settings(history__ttl_s=30.0))
    world.member("r", "c").event("r", "c", "x" * 1000)
    history_of_world = world.bus._history
    assert history_of_world.size > 1000

    world.advance(60)

    assert history_of_world.size == 0
