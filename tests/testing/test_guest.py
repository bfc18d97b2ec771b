"""A guest: what it remembers from one connection to the next."""

from random import Random

from arqonbus.testing.guest import Guest
from tests.testing.stage import Stage

PLACE = ("r", "c")


class Sure(Random):
    """Every chance comes true, every choice is the first."""

    def random(self) -> float:
        return 0.0

    def choice(self, seq):  # type: ignore[no-untyped-def]
        return seq[0]


def come(guest: Guest) -> Stage:
    stage = Stage()
    guest.arrive(stage.visit)
    return stage


def test_what_was_not_answered_is_sent_again_with_the_same_id() -> None:
    guest = Guest("g", "ada", Sure())
    come(guest)
    guest.publish(PLACE)
    guest.publish(PLACE)
    guest.depart()
    stage = come(guest)
    guest.resend()

    assert [event.id for event in stage.sent()] == ["g-1", "g-2"]


def test_what_was_answered_is_sent_again_only_for_no_reason() -> None:
    guest = Guest("g", "ada", Sure())
    stage = come(guest)
    guest.publish(PLACE)
    stage.answer("g-1", code="forbidden")
    guest.see(1)
    assert guest.unanswered == {}

    guest.resend()
    assert [event.id for event in stage.sent()] == ["g-1", "g-1"]


def test_a_guest_that_nobody_knows_sends_nothing_again_from_another_connection() -> None:
    guest = Guest("g", "", Sure())
    come(guest)
    guest.publish(PLACE)
    stage = come(guest)
    guest.resend()

    assert stage.sent() == []


def test_it_takes_up_what_it_was_in_where_it_was() -> None:
    guest = Guest("g", "ada", Sure())
    stage = come(guest)
    guest.join(PLACE, None)
    guest.join_all("r")
    position = {"epoch": "e", "seq": 4, "recovered": False, "reason": None, "replayed": 0}
    stage.answer("k1", position)
    stage.answer("k2", {"positions": []})
    assert guest.take_up() == 0

    guest.depart()
    stage = come(guest)
    assert guest.take_up() == 2
    all_of_it, one = stage.visit.asked
    assert (all_of_it.args["channel"], one.args["since"]) == ("*", {"epoch": "e", "seq": 4})


def test_it_does_not_come_back_to_what_it_left() -> None:
    guest = Guest("g", "ada", Sure())
    come(guest)
    guest.join(PLACE, None)
    guest.join_all("r")
    guest.leave(PLACE)
    guest.leave_all("r")

    assert guest.take_up() == 0


def test_a_member_that_joins_again_says_how_far_it_is() -> None:
    guest = Guest("g", "ada", Sure())
    stage = come(guest)
    guest.join(PLACE, None)
    stage.answer("k1", {"epoch": "e", "seq": 4, "recovered": False, "reason": None, "replayed": 0})
    guest.join(PLACE, "latest")
    assert stage.visit.asked[0].args["since"] == {"epoch": "e", "seq": 4}

    stage.visit.seats.left(PLACE)
    guest.join(PLACE, None)
    assert stage.visit.asked[1].args["since"] == {"epoch": "e", "seq": 4}


def test_its_joins_ask_for_what_the_plan_lets_them_bear() -> None:
    guest = Guest("g", "ada", Sure(), ("conflate", None))
    stage = come(guest)
    guest.join(PLACE, None)
    guest.join_all("r")

    assert [asked.args["overflow"] for asked in stage.visit.asked] == ["conflate", "conflate"]


def test_it_sees_the_end_of_its_connection() -> None:
    guest = Guest("g", "ada", Sure())
    stage = come(guest)
    stage.line.close(4100, "slow consumer")
    guest.see(10)

    assert (guest.visit, guest.visits) == (None, [stage.visit])


def test_without_a_connection_it_does_nothing() -> None:
    guest = Guest("g", "ada", Sure())
    guest.publish(PLACE)
    guest.resend()
    guest.take_answers()
    guest.depart()
    guest.ask("ping")

    assert (guest.see(10), guest.take_up(), guest.unanswered) == (0, 0, {})
