"""arqonbus history."""

import pytest

from arqonbus.client.sync import connect
from tests.cli.conftest import Call, records
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def told(server: Bus) -> str:
    """A channel that keeps the numbers 1 to 60 and a text."""
    with connect(server.url) as bus:
        for number in range(1, 61):
            bus.publish("told:numbers", number)
        bus.publish("told:numbers", "the end", ack=True)
    return "told:numbers"


def shown(call: Call, *argv: str) -> list[str]:
    return call("history", *argv).out.splitlines()


def test_the_newest_fifty_are_printed_in_order(call: Call, at_server: Bus, told: str) -> None:
    code, out, err = call("history", told)

    assert code == 0
    assert out.splitlines() == [*map(str, range(12, 61)), '"the end"']
    assert err == "arqonbus: there is more: --limit, or --all\n"


@pytest.mark.parametrize(
    ("argv", "numbers"),
    [(["-l", "2", "--before", "61"], [59, 60]), (["--after", "58", "--before", "61"], [59, 60]),
     (["--after", "2", "-l", "3"], [3, 4, 5]), (["--after", "2", "-l", "3", "--order", "desc"], [5, 4, 3]),
     (["--order", "desc", "-l", "2", "--before", "61"], [60, 59]), (["--all", "--before", "4"], [1, 2, 3]),
     (["--all", "--before", "4", "--order", "desc"], [3, 2, 1]), (["--after", "61"], [])],
)  # fmt: skip
def test_limits_bounds_and_order(argv: list[str], numbers: list[int], call: Call, at_server: Bus, told: str) -> None:
    assert shown(call, told, *argv) == [str(number) for number in numbers]


def test_more_than_a_page_is_read(call: Call, at_server: Bus, room: str) -> None:
    with connect(at_server.url) as bus:
        bus.command("create_channel", {"room": room, "channel": "long", "options": {"history_limit": 3000}}, type=dict)
        for number in range(2100):
            bus.publish(f"{room}:long", number)
        bus.ping()

    assert shown(call, f"{room}:long", "--all") == [str(number) for number in range(2100)]
    assert shown(call, f"{room}:long", "-l", "2050") == [str(number) for number in range(50, 2100)]


def test_a_program_gets_positions(call: Call, at_server: Bus, told: str) -> None:
    first, last = records(call("history", told, "-l", "2", "--json").out)

    assert (first.seq, last.seq, first.address, first.kind) == (60, 61, told, "event")
    assert first.epoch == last.epoch != ""


def test_raw_texts_have_no_quotes(call: Call, at_server: Bus, told: str) -> None:
    assert shown(call, told, "-l", "1", "--raw") == ["the end"]


def test_a_channel_that_is_not_there_exits_with_6(call: Call, at_server: Bus) -> None:
    assert call("history", "no:where").code == 6
