"""A visit: what is owed to one connection, and what it may not be given."""

from typing import Any

import msgspec
import pytest

from arqonbus.testing.comeback import Comeback, Pledge
from arqonbus.testing.promises import Keeping
from tests.testing.stage import Stage

PLACE = ("r", "c")
POSITION: dict[str, Any] = {"epoch": "e", "seq": 0, "recovered": False, "reason": None, "replayed": 0}


def asked(*ids: str) -> Stage:
    stage = Stage()
    for message_id in ids:
        stage.visit.ask(message_id, "ping")
    return stage


def test_commands_are_answered_in_order_and_once() -> None:
    stage = asked("k1", "k2")
    stage.answer("k1")
    stage.answer("k2")
    stage.visit.finish()
    assert stage.rules == []

    stage.answer("k2")
    assert stage.rules == ["answer"]


def test_a_gap_that_nobody_bears_is_noticed() -> None:
    stage = Stage()
    stage.visit.ask("k1", "join_channel", room="r", channel="c", overflow=None)
    stage.answer("k1", POSITION)
    gap = {"room": "r", "channel": "c", "epoch": "e", "from": 1, "to": 2, "reason": "conflate"}
    stage.say({"type": "system", "event": "gap", "room": "r", "channel": "c", "payload": gap})

    assert stage.rules == ["overflow", "stored"]


def test_a_whole_room_is_joined_with_what_its_member_bears() -> None:
    stage = Stage()
    stage.visit.ask("k1", "join_channel", room="r", channel="*", overflow="conflate")
    stage.answer("k1", {"positions": [{"channel": "c", "epoch": "e", "seq": 0}]})
    gap = {"room": "r", "channel": "c", "epoch": "e", "from": 1, "to": 2, "reason": "conflate"}
    stage.say({"type": "system", "event": "gap", "room": "r", "channel": "c", "payload": gap})

    assert stage.rules == ["stored"]


def test_an_answer_out_of_turn_is_noticed() -> None:
    stage = asked("k1", "k2")
    stage.answer("k2")

    assert stage.rules == ["answer"]


def test_an_answer_that_never_comes_is_noticed_at_the_end() -> None:
    stage = asked("k1")
    stage.visit.publish(PLACE, "a", ack=True)
    stage.visit.publish(PLACE, "b", ack=False)
    stage.visit.finish()

    assert stage.rules == ["answer", "answer"]


def test_each_sending_with_ack_is_answered_once() -> None:
    stage = Stage()
    stage.visit.publish(PLACE, "a", ack=True)
    stage.visit.publish(PLACE, "a", ack=True)
    for _ in range(3):
        stage.answer("a", code="unavailable")

    assert stage.rules == ["answer"]


def test_without_ack_only_a_refusal_is_an_answer() -> None:
    stage = Stage()
    stage.visit.publish(PLACE, "a", ack=False)
    stage.answer("a", {"epoch": "e", "seq": 1})

    assert "answer" in stage.rules


def test_what_has_no_id_may_be_refused_once() -> None:
    stage = Stage()
    stage.visit.publish(PLACE, None, ack=False)
    stage.visit.send_invalid()
    stage.answer(None, code="internal")
    stage.answer(None, code="invalid_json")
    assert stage.rules == []

    stage.answer(None, code="internal")
    assert stage.rules == ["answer"]


def test_an_acknowledgement_is_compared_with_what_was_stored() -> None:
    stage = Stage()
    stage.visit.publish(PLACE, "a", ack=True)
    stage.answer("a", {"epoch": "e", "seq": 1})

    assert stage.rules == ["stored"]


@pytest.mark.parametrize(("code", "is_final"), [("unavailable", False), ("internal", False), ("forbidden", True)])
def test_a_refusal_is_final_or_not(code: str, is_final: bool) -> None:
    stage = Stage()
    stage.visit.publish(PLACE, "a", ack=True)
    stage.answer("a", code=code)

    assert stage.visit.settled == [("a", is_final)]


def test_joins_and_leaves_move_the_seats() -> None:
    stage = Stage()
    stage.visit.ask("k1", "join_channel", room="r", channel="c")
    stage.answer("k1", POSITION)
    assert list(stage.visit.seats.by_address) == [PLACE]

    stage.visit.ask("k2", "leave_channel", room="r", channel="c")
    stage.answer("k2")
    assert (list(stage.visit.seats.by_address), stage.rules) == ([], [])


def test_joins_of_all_and_their_ends_move_them_too() -> None:
    stage = Stage()
    stage.visit.ask("k1", "join_channel", room="r", channel="*")
    assert stage.visit.opening == "r"
    stage.answer("k1", {"positions": [{"channel": "c", "epoch": "e", "seq": 0}]})
    info = {"epoch": "f", "seq": 0}
    stage.say({"type": "system", "event": "channel_created", "room": "r", "channel": "d", "payload": info})
    stage.say({"type": "system", "event": "channel_deleted", "room": "r", "channel": "c", "payload": {}})
    assert list(stage.visit.seats.by_address) == [("r", "d")]

    stage.visit.ask("k2", "leave_channel", room="r", channel="*")
    stage.answer("k2")
    assert (stage.visit.seats.by_address, stage.visit.opening, stage.rules) == ({}, None, [])


def test_a_refused_join_seats_nobody() -> None:
    stage = Stage()
    for n, channel in enumerate(("c", "*")):
        stage.visit.ask(f"k{n}", "join_channel", room="r", channel=channel)
        stage.answer(f"k{n}", code="internal")

    assert (stage.visit.seats.by_address, stage.visit.seats.rooms, stage.rules) == ({}, {}, [])


@pytest.mark.parametrize("channel", ["c", "*"])
def test_a_server_that_forgot_a_member_is_noticed(channel: str) -> None:
    stage = Stage()
    stage.visit.ask("k1", "join_channel", room="r", channel=channel)
    stage.answer("k1", POSITION if channel == "c" else {"positions": []})
    stage.visit.ask("k2", "leave_channel", room="r", channel=channel)
    stage.answer("k2", code="not_found")

    assert stage.rules == ["membership"]


def test_a_deletion_that_did_not_happen_is_noticed() -> None:
    stage = Stage()
    stage.visit.ask("k1", "delete_channel", room="r", channel="c")
    stage.answer("k1")

    assert stage.rules == ["deleted"]


def test_events_are_for_members() -> None:
    stage = Stage()
    stage.say({"type": "event", "room": "r", "channel": "c", "seq": 1})

    assert stage.rules == ["membership"]


def test_letters_are_read_and_answered() -> None:
    stage = Stage()
    stage.visit.post("private", {"to": ["c-1"]})
    stage.visit.post("broadcast", {"room": "r"})
    stage.answer("p0", {"delivered": 1, "absent": []})
    stage.answer("b1", {"delivered": 0})
    stage.say({"type": "private", "id": "p0", "from": "c-1", "to": ["c-1"], "payload": 0})
    stage.visit.finish()
    stage.post.finish(set())
    assert stage.rules == []

    stage.say({"type": "broadcast", "id": "b1", "from": "c-1", "room": "r", "payload": 1})
    assert stage.rules == ["membership"]


def test_a_broadcast_may_overtake_the_answer_to_a_join() -> None:
    stage = Stage()
    stage.visit.post("broadcast", {"room": "r"})
    stage.visit.ask("k1", "join_channel", room="r", channel="c")
    stage.say({"type": "broadcast", "id": "b0", "from": "c-1", "room": "r", "payload": 0})

    assert stage.rules == []


def test_what_it_sends_is_what_it_says() -> None:
    stage = Stage()
    stage.visit.publish(PLACE, "a", ack=True)
    stage.visit.ask("k1", "join_channel", room="r", channel="c", since={"epoch": "e", "seq": 3})

    event, command = stage.sent()
    assert (event.id, event.ack, event.room, event.channel, bytes(event.payload)) == ("a", True, "r", "c", b"0")
    assert msgspec.json.decode(command.args)["since"] == {"epoch": "e", "seq": 3}
    assert "since" in (stage.ledger.trace or [""])[-1]


def came_back() -> Stage:
    """A visit that shows positions and no ticket, and whose connect is not answered."""
    stage = Stage()
    positions = {PLACE: {"epoch": "e", "seq": 3}}
    pledge = Pledge(10.0, True, Keeping(1000, True, True))
    stage.visit.comeback = Comeback("ada", "c-1", None, positions, None, stage.ledger, pledge)
    stage.visit.come_back()
    return stage


def test_who_comes_back_asks_what_it_is_in_and_is_ready_then() -> None:
    stage = came_back()
    assert (stage.visit.is_ready, stage.visit.names) == (False, ("c-1",))
    entry = {"room": "r", "channel": "c", "epoch": "e", "seq": 5, "recovered": True}
    stage.answer("c1", {"client": "c-1", "ticket": "t", "resumed": [entry]})
    assert (stage.visit.is_ready, stage.visit.ticket) == (False, "t")
    stage.answer("c2", {"memberships": [{"room": "r", "channel": "c"}]})

    assert (stage.visit.is_ready, stage.visit.seats.by_address[PLACE].next, stage.rules) == (True, 4, [])
    assert [command.command for command in stage.sent()] == ["connect", "whoami"]


def test_who_goes_on_as_another_client_is_known_by_both_ids() -> None:
    stage = came_back()
    stage.visit.comeback = None
    stage.visit._become("c-old")

    assert (stage.visit.client, stage.visit.former, stage.visit.sender) == ("c-old", "c-1", "ada")


def test_a_connect_that_is_refused_is_noticed() -> None:
    stage = came_back()
    stage.answer("c1", code="internal")

    assert stage.rules == ["resume"]


def test_it_tells_what_it_holds_for_sure_and_what_a_command_may_have_changed() -> None:
    stage = Stage()
    stage.visit.ask("k1", "join_channel", room="r", channel="c")
    stage.answer("k1", POSITION)
    stage.visit.ask("k2", "join_channel", room="r", channel="*")
    held = stage.visit.held()
    assert (held.sure, held.possible) == ({PLACE: 0}, {PLACE, ("r", "*")})

    stage.visit.ask("k3", "leave_channel", room="r", channel="c")
    assert stage.visit.held().sure == {}
    stage.visit.hang_up()
    assert (stage.visit.seats.by_address, stage.visit.held().possible) == ({}, {PLACE, ("r", "*")})
    assert came_back().visit.held().possible == {PLACE}


def test_events_of_a_room_that_refused_it_after_a_moment_are_no_fault() -> None:
    stage = came_back()
    refused = {"room": "r", "channel": "*", "epoch": "-", "seq": 0, "recovered": False, "reason": "internal"}
    stage.answer("c1", {"client": "c-1", "ticket": "t", "resumed": [refused]})
    stage.say({"type": "event", "room": "r", "channel": "c", "seq": 9})
    assert stage.rules == []

    stage.answer("c2", {"memberships": []})
    stage.say({"type": "event", "room": "r", "channel": "c", "seq": 10})
    assert stage.rules == ["membership"]


def test_it_counts_how_often_it_is_told_that_the_server_goes() -> None:
    stage = Stage()
    stage.say({"type": "system", "event": "welcome", "payload": {"ticket": "t"}})
    stage.say({"type": "system", "event": "draining", "payload": {}})

    assert (stage.visit.ticket, stage.visit.n_drains) == ("t", 1)
