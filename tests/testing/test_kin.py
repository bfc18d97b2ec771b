"""Kin: which connections of one client may be the same to the server."""

from typing import Any

from arqonbus.testing.kin import Held, before
from arqonbus.testing.line import Line
from arqonbus.testing.plan import Address


class Session:
    alive = True


class Connection:
    """As much of a visit as is asked for."""

    def __init__(self, *names: str, possible: tuple[Address, ...] = ()) -> None:
        self.names = names
        self.line = Line(1000, False)
        session: Any = Session()
        self.line.session = session
        self._possible = frozenset(possible)

    def held(self) -> Held:
        return Held({}, self._possible)


def test_one_that_shares_a_name_is_kin_and_the_newest_is_not_its_own() -> None:
    first, shown = Connection("c-1"), Connection("c-1", possible=(("r", "c"),))
    other, own = Connection("c-9"), Connection("c-5")
    earlier = before(shown, own, [first, shown, other, own])

    assert (earlier.names, earlier.line, earlier.held.possible) == (("c-1",), shown.line, {("r", "c")})
    assert [(one.line, one.is_later) for one in earlier.kin()] == [(first.line, False)]


def test_those_that_come_later_are_kin_when_they_have_come() -> None:
    shown, own = Connection("c-1"), Connection("c-2", "c-1")
    known = [shown]
    earlier = before(shown, own, known)
    later = Connection("c-3", "c-1")
    known += [own, later]

    assert [(one.line, one.is_later) for one in earlier.kin()] == [(later.line, True)]


def test_it_is_alive_as_long_as_one_of_them_is() -> None:
    shown, heir, own = Connection("c-1"), Connection("c-1"), Connection("c-3")
    shown.line.session.alive = False  # type: ignore[misc]
    assert before(shown, own, [shown, heir]).is_alive is True

    heir.line.session.alive = False  # type: ignore[misc]
    assert before(shown, own, [shown, heir]).is_alive is False
