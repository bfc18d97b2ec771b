"""A stage has a room of its own and leaves nothing behind."""

import pytest

from arqonbus.testing.conformance.stage import Stage, Target

pytestmark = pytest.mark.integration


async def test_each_stage_has_a_room_of_its_own() -> None:
    target = Target("ws://127.0.0.1:9/")

    assert Stage(target).room != Stage(target).room


async def test_peers_are_welcomed_with_id_and_ticket(target: Target) -> None:
    async with Stage(target) as stage:
        one, two = await stage.peers_of(2)

        assert one.id and two.id and one.id != two.id
        assert one.ticket


async def test_what_a_case_made_is_deleted(target: Target) -> None:
    async with Stage(target) as stage:
        peer = await stage.member("x")
        await stage.channel(peer, "y", persistent=True)
        await stage.tidy()

        rooms = await peer.ask("list_rooms", limit=1000)
        assert stage.room not in [room["room"] for room in rooms["rooms"]]
    assert all(peer.code is not None for peer in stage.peers)


async def test_a_stage_without_a_server_tidies_nothing_and_says_nothing() -> None:
    await Stage(Target("ws://127.0.0.1:9/")).tidy()
