"""How the bus makes what reads."""

from collections.abc import Callable

import pytest

from arqonbus.client import Bus, BusClosed, Position
from tests.client.scripted import ScriptedServer, pause


@pytest.mark.rules("R32")
async def test_what_a_handle_wants_goes_into_its_join(server: ScriptedServer, bus: Bus) -> None:
    wanted = {"since": Position("e1", 3), "recover": "latest", "overflow": "conflate", "create": False}
    async with bus.subscribe("science:explore", **wanted):  # type: ignore[call-overload]
        join = await server.frame("join_channel")

    assert join["args"] == {
        "room": "science",
        "channel": "explore",
        "since": {"epoch": "e1", "seq": 3},
        "recover": "latest",
        "overflow": "conflate",
        "create": False,
    }


@pytest.mark.rules("R32")
async def test_handles_of_one_address_share_one_membership(
    server: ScriptedServer, make_bus: Callable[..., Bus]
) -> None:
    bus = await make_bus(linger_s=0.01).open()
    async with bus.subscribe("science:explore") as one, bus.subscribe("science:explore") as other:
        server.socket.event(1)
        assert (await one.get(timeout_s=1)).seq == (await other.get(timeout_s=1)).seq == 1
    await server.frame("leave_channel")

    assert [frame["command"] for frame in server.frames] == ["join_channel"]


@pytest.mark.rules("R32")
async def test_handles_that_do_not_agree_are_an_error(bus: Bus) -> None:
    async with bus.subscribe("science:explore"):
        with pytest.raises(ValueError, match="group"):
            await bus.subscribe("science:explore", group="workers").open()


@pytest.mark.rules("R43")
async def test_the_inbox_reads_private_messages_that_answer_no_request(server: ScriptedServer, bus: Bus) -> None:
    async with bus.inbox(type=int) as inbox:
        server.socket.say(type="private", id="p", sender="c-9", timestamp="t", payload=7, reply_to="old")

        message = await inbox.get(timeout_s=1)

    assert (message.kind, message.data, message.reply_to, message.position) == ("private", 7, "old", None)


@pytest.mark.rules("R43")
async def test_broadcasts_are_read_by_room(server: ScriptedServer, bus: Bus) -> None:
    async with bus.broadcasts("science") as science, bus.broadcasts() as every:
        server.socket.say(type="broadcast", id="b", room="lab", payload=1)
        server.socket.say(type="broadcast", id="b", room="science", payload=2)

        assert (await science.get(timeout_s=1)).data == 2
        assert [(await every.get(timeout_s=1)).address for _ in range(2)] == ["lab", "science"]
    with pytest.raises(ValueError, match="expected a room"):
        bus.broadcasts("science:explore")


@pytest.mark.rules("R43")
async def test_a_full_inbox_says_how_many_it_dropped(server: ScriptedServer, bus: Bus) -> None:
    async with bus.inbox(queue=1) as inbox:
        for n in range(3):
            server.socket.say(type="private", id=f"p{n}", payload=n)
        await pause()

        message = await inbox.get(timeout_s=1)

    assert message.data == 2
    assert message.gap is not None and (message.gap.missed, message.gap.reason) == (2, "overflow")


@pytest.mark.parametrize("make", ["subscribe", "inbox", "broadcasts"])
def test_an_option_that_is_not_known_is_an_error_with_a_hint(make: str, make_bus: Callable[..., Bus]) -> None:
    arguments = ["science:explore"] if make == "subscribe" else []

    with pytest.raises(TypeError, match="did you mean 'queue'"):
        getattr(make_bus(), make)(*arguments, queu=1)


@pytest.mark.rules("R3")
async def test_after_the_end_no_handle_opens(bus: Bus) -> None:
    await bus.close()

    for handle in (bus.subscribe("science:explore"), bus.inbox(), bus.presence("science:explore")):
        with pytest.raises(BusClosed):
            await handle.open()
