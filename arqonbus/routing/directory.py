"""Directory: name -> ref, for rooms and clients. Written by the registry alone; handlers of commands read it there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from arqonbus.actor import Ref
from arqonbus.routing.cards import ClientCard, RoomCard

__all__ = ["Directory"]


class Directory:
    """Who and what there is. Owned by the registry; not shared with other actors."""

    __slots__ = ("_away", "_by_ref", "_clients", "_former_ids", "_formerly", "_rooms")

    def __init__(self) -> None:
        self._clients: dict[str, ClientCard] = {}
        self._away: dict[str, ClientCard] = {}  # clients whose connection is lost, and who may come back
        self._formerly: dict[str, ClientCard] = {}  # by the id that it had before it continued another client
        self._former_ids: dict[Ref[Any], str] = {}  # of those
        self._rooms: dict[str, tuple[Ref[Any], RoomCard]] = {}
        self._by_ref: dict[Ref[Any], str] = {}  # client id or room name, to find who ended

    def add_client(self, card: ClientCard) -> bool:
        """Make a client known, under the id that it has now: one that continues a connection has that one's.

        Returns:
            Whether its session was not known before.
        """
        before = self._by_ref.get(card.ref)
        if before is not None and before != card.client:
            self._take_out(before, card.ref)
            self._formerly[before] = card  # the ticket of that id may be the only one that has reached the client
            self._former_ids[card.ref] = before
        self._away.pop(card.client, None)
        self._clients[card.client] = card
        self._by_ref[card.ref] = card.client
        return before is None

    def add_room(self, ref: Ref[Any], card: RoomCard) -> None:
        """Make a room known."""
        self._rooms[card.room] = (ref, card)
        self._by_ref[ref] = card.room

    def ids_of(self, ref: Ref[Any]) -> tuple[str, ...]:
        """Give the ids by which a session can be found: the client's, and one that it had before."""
        return tuple(name for name in (self._by_ref.get(ref), self._former_ids.get(ref)) if name is not None)

    def remove(self, ref: Ref[Any]) -> ClientCard | None:
        """Forget whoever had ``ref``. A room made again under the same name meanwhile stays.

        Returns:
            The client that is gone by that. None: it was none, or another session continues the client.
        """
        name = self._by_ref.pop(ref, None)
        if name is None:
            return None
        if name in self._rooms and self._rooms[name][0] is ref:
            del self._rooms[name]
            return None
        self._formerly.pop(self._former_ids.pop(ref, ""), None)
        return self._take_out(name, ref)

    def _take_out(self, client: str, ref: Ref[Any]) -> ClientCard | None:
        """Strike ``client`` off, if it is the one with ``ref``. Returns its card then."""
        for clients in (self._clients, self._away):
            card = clients.get(client)
            if card is not None and card.ref is ref:
                return clients.pop(client)
        return None

    def set_away(self, card: ClientCard) -> None:
        """Note that a client is not there now. Without effect when another connection has its id already."""
        if self._clients.get(card.client) is card:
            self._away[card.client] = self._clients.pop(card.client)

    def to_continue(self, client: str) -> ClientCard | None:
        """Give a client, there or away, whose connection another one may continue."""
        return self._clients.get(client) or self._away.get(client) or self._formerly.get(client)

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
