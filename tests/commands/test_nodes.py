"""What comes of other nodes finds its way; what each does is tested where it is done."""

from __future__ import annotations

from typing import Any

import pytest

from arqonbus.commands.nodes import NodeMail, Nodes
from arqonbus.commands.registry import Registry
from arqonbus.routing.mail import ClaimOver, ClaimSent, LetGoNow, SurveyOver
from arqonbus.storage.cluster import ForNode, Lapsed, NodeGone


class Noted:
    """Writes down which of its methods was called."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.called.append(name)


class NoRooms:
    def room_cards(self) -> list[Any]:
        return []


@pytest.mark.parametrize(
    ("mail", "method"),
    [
        (ClaimSent(1, ()), "claim_sent"),
        (ClaimOver(1), "claim_over"),
        (LetGoNow("c-1"), "let_go_now"),
        (SurveyOver(1), "over"),
        (ForNode("n1", b'{"type":"let_go","client":"c-1"}'), "let_go"),
        (ForNode("n1", b'{"type":"found","number":1}'), "found"),
        (ForNode("n1", b'{"type":"answer","number":1,"result":null}'), "answered"),
        (ForNode("n1", b'{"type":"question","command":"status","args":{},"node":"n1","number":1}'), "asked"),
    ],
)
def test_mail_goes_to_who_has_to_do_with_it(mail: Any, method: str) -> None:
    nodes, noted = Nodes.__new__(Nodes), Noted()
    nodes._far = nodes._surveys = nodes._clients = noted  # type: ignore[assignment]
    nodes.handle(mail, None)  # type: ignore[arg-type]

    assert noted.called == [method]


@pytest.mark.parametrize("mail", [NodeGone("n1", is_orderly=True), Lapsed(), ForNode("n1", b"?")])
def test_what_concerns_rooms_that_are_not_there_is_dropped(mail: Any) -> None:
    nodes = Nodes.__new__(Nodes)
    nodes._directory = NoRooms()  # type: ignore[assignment]

    nodes.handle(mail, None)  # type: ignore[arg-type]


def test_the_registry_passes_all_of_it_on() -> None:
    assert set(NodeMail) <= set(Registry._handlers)
