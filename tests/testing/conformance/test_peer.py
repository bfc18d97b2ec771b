"""A peer hands out frames by kind, and knows what nobody took."""

import pytest

from arqonbus.testing.conformance.peer import Peer, Refused, kind_of
from arqonbus.testing.conformance.stage import Stage, Target
from arqonbus.testing.conformance.verdict import Failed, Skipped

pytestmark = pytest.mark.integration


def test_the_kind_of_a_system_event_names_the_event() -> None:
    assert kind_of({"type": "system", "event": "gap"}) == "system/gap"
    assert kind_of({"type": "event"}) == "event"


async def test_frames_are_taken_by_kind_and_what_is_left_is_a_fault(target: Target) -> None:
    async with Stage(target) as stage:
        peer = await stage.member("x")
        await peer.publish(stage.room, "x", 1)
        with pytest.raises(Failed):
            await peer.quiet()

        assert (await peer.take("event"))["payload"] == 1
        await peer.quiet()
        await stage.tidy()


async def test_what_does_not_come_is_a_fault_that_shows_what_came(target: Target) -> None:
    async with Stage(target) as stage:
        peer = await stage.peer()
        peer.patience_s = 0.05
        await peer.send({"type": "command", "id": "k", "command": "ping"})
        with pytest.raises(Failed) as failure:
            await peer.take("event")

        assert failure.value.expected == "a frame of the kind event"
        assert '"k"' in str(failure.value.got) or "'k'" in str(failure.value.got)


async def test_a_refusal_is_a_fault_and_a_missing_right_is_a_reason_to_skip(target: Target) -> None:
    async with Stage(target) as stage:
        peer = await stage.peer()
        with pytest.raises(Refused) as refused:
            await peer.ask("channel_info", room=stage.room, channel="x")
        with pytest.raises(Skipped):
            await peer.ask("create_channel", room="_mine", channel="x")

        assert refused.value.code == "not_found"


async def test_a_peer_that_stopped_to_read_reads_on(target: Target) -> None:
    async with Stage(target) as stage:
        peer: Peer = await stage.member("x")
        await peer.stop_reading()
        other = await stage.peer()
        await other.publish_many(stage.room, "x", [1, 2, 3])
        assert peer.seqs() == []

        peer.read()
        assert [event["payload"] for event in await peer.take_all("event", 3)] == [1, 2, 3]
        await stage.tidy()


async def test_a_close_is_waited_for_and_an_open_connection_is_a_fault(target: Target) -> None:
    async with Stage(target) as stage:
        peer = await stage.peer()
        with pytest.raises(Failed):
            await peer.closed(0.01)
        await peer.socket.close(1000)

        assert await peer.closed() == 1000
