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


def test_a_connection_stays_till_the_server_ends_it_for_the_next() -> None:
    guest = Guest("g", "ada", Sure())
    old = come(guest)
    new = come(guest)
    assert (guest.superseded, guest.visit) == ([old.visit], new.visit)
    old.line.close(4504, "continued by another connection")
    guest.see(10)

    assert (guest.superseded, guest.visit) == ([], new.visit)


def test_if_it_is_the_next_that_is_ended_the_first_goes_on() -> None:
    guest = Guest("g", "ada", Sure())
    old, new = come(guest), come(guest)
    new.line.close(4504, "continued by another connection")
    guest.see(10)

    assert (guest.superseded, guest.visit) == ([], old.visit)


def test_it_hangs_up_what_nobody_took_the_place_of() -> None:
    guest = Guest("g", "ada", Sure())
    old = come(guest)
    come(guest)
    guest.hang_up_superseded()

    assert (guest.superseded, old.line.noticed) == ([], 1000)


def test_it_sends_nothing_before_it_knows_who_it_is() -> None:
    guest = Guest("g", "ada", Sure())
    stage = come(guest)
    stage.visit._is_settling = True
    guest.publish(PLACE)
    guest.ask("ping")
    guest.resend()

    assert (guest.ready, guest.take_up(), stage.sent()) == (None, 0, [])


def test_it_shows_where_it_was_in_what_it_wants() -> None:
    guest = Guest("g", "ada", Sure())
    stage = come(guest)
    guest.join(PLACE, None)
    stage.answer("k1", {"epoch": "e", "seq": 4, "recovered": False, "reason": None, "replayed": 0})
    assert guest.to_show() == {PLACE: {"epoch": "e", "seq": 4}}

    guest.leave(PLACE)
    assert guest.to_show() == {}


def test_a_guest_that_nobody_knows_and_that_is_another_now_sends_nothing_again() -> None:
    guest = Guest("g", "", Sure())
    stage = come(guest)
    guest.publish(PLACE)
    stage.visit.has_become_another = True
    guest.take_answers()

    assert guest.unanswered == {}


def test_it_knows_the_newest_connection_whose_ticket_came() -> None:
    guest = Guest("g", "ada", Sure())
    old = come(guest)
    come(guest)
    assert guest.last_known is None

    old.visit.ticket = "t"
    assert guest.last_known is old.visit
