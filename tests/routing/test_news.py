"""Activity events of clients. Through the actors themselves: tests/flow/test_activity.py."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.errors import Forbidden
from arqonbus.protocol import activities
from arqonbus.protocol.activities import Activity
from arqonbus.protocol.payloads import Profile
from arqonbus.routing import news
from arqonbus.routing.cards import ClientCard
from arqonbus.security.gate import Identity

REF: Any = None
CARD = ClientCard(REF, Identity("c-1", "ada", False), Profile())


def test_every_event_names_the_client_and_its_user() -> None:
    told: list[Activity] = []

    news.connected(told.append, CARD)
    news.resumed(told.append, CARD)
    news.joined(told.append, "r", "c", CARD)
    news.left(told.append, "r", "c", CARD, "left")
    news.disconnected(told.append, CARD, 1000, "bye")
    news.refused(told.append, CARD, Forbidden("no"), "ping")
    news.turned_away(told.append, "unauthenticated")

    assert told == [
        activities.ClientConnected("c-1", "ada"),
        activities.ClientResumed("c-1", "ada"),
        activities.Joined("r", "c", "c-1", "ada"),
        activities.Left("r", "c", "c-1", "ada", "left"),
        activities.ClientDisconnected("c-1", "ada", 1000, "bye"),
        activities.Refused("c-1", "forbidden", "ping"),
        activities.ClientRefused("unauthenticated"),
    ]


@pytest.mark.parametrize(("room", "n_told"), [("r", 1), ("_telemetry", 0)])
def test_of_a_slow_reader_of_these_events_none_is_told(room: str, n_told: int) -> None:
    told: list[Activity] = []

    news.slow(told.append, CARD, "more than 1 bytes wait", 3, (("q", "c"), (room, "c")))

    assert len(told) == n_told
