"""Directory: name -> ref, for rooms and clients. Written by the registry alone; handlers of commands read it there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from arqonbus.actor import Ref
from arqonbus.routing.cards import ClientCard, RoomCard

__all__ = ["Directory"]


class Directory:
    """Who and what there is. Owned by the registry; not shared with other actors."""

    __slots__ = ("_away", "_by_ref", "_clients", "_rooms")

    def __init__(self) -> None:
        self._clients: dict[str, ClientCard] = {}
        self._away: dict[str, ClientCard] = {}  # clients whose connection is lost, and who may come back
        self._rooms: dict[str, tuple[Ref[Any], RoomCard]] = {}
        self._by_ref: dict[Ref[Any], str] = {}  # client id or room name, to find who ended

    def add_client(self, card: ClientCard) -> None:
        """Make a client known, under the id that it has now: one that continues a connection has that one's."""
        before = self._by_ref.get(card.ref)
        if before is not None and before != card.client:
            del self._clients[before]
        self._away.pop(card.client, None)
        self._clients[card.client] = card
        self._by_ref[card.ref] = card.client

    def add_room(self, ref: Ref[Any], card: RoomCard) -> None:
        """Make a room known."""
        self._rooms[card.room] = (ref, card)
        self._by_ref[ref] = card.room

    def remove(self, ref: Ref[Any]) -> ClientCard | None:
        """Forget whoever had ``ref``. A room made again under the same name meanwhile stays.

        Returns:
            The client that is gone by that. None: it was none, or another session continues the client.
        """
        name = self._by_ref.pop(ref, None)
        if name is None:
            return None
        for clients in (self._clients, self._away):
            card = clients.get(name)
            if card is not None and card.ref is ref:
                del clients[name]
                return card
        if name in self._rooms and self._rooms[name][0] is ref:
            del self._rooms[name]
        return None

    def set_away(self, card: ClientCard) -> None:
        """Note that a client is not there now. Without effect when another connection has its id already."""
        if self._clients.get(card.client) is card:
            self._away[card.client] = self._clients.pop(card.client)

    def to_continue(self, client: str) -> ClientCard | None:
        """Give a client, there or away, whose connection another one may continue."""
        return self._clients.get(client) or self._away.get(client)

    def client(self, client: str) -> ClientCard | None:
        """Give a client by its id."""
        return self._clients.get(client)

    def clients(self) -> Iterable[ClientCard]:
        """All clients, in the order in which they came."""
        return self._clients.values()

    def room(self, room: str) -> Ref[Any] | None:
        """Give the ref of a living room."""
        entry = self._rooms.get(room)
        return entry[0] if entry is not None and entry[0].alive else None

    def room_card(self, room: str) -> RoomCard | None:
        """Give what a room shows of itself."""
        entry = self._rooms.get(room)
        return entry[1] if entry is not None else None

    def room_cards(self) -> Iterable[RoomCard]:
        """All rooms, in the order in which they came."""
        return [card for _, card in self._rooms.values()]

    @property
    def n_clients(self) -> int:
        """How many clients there are."""
        return len(self._clients)

    @property
    def n_away(self) -> int:
        """How many clients may come back."""
        return len(self._away)

    @property
    def n_rooms(self) -> int:
        """How many rooms there are."""
        return len(self._rooms)
