"""What handlers are given, made for tests: a client, its call, and a view of a small server."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from arqonbus.actor import ActorSystem, Ref
from arqonbus.actor.testing import ManualDispatcher, Probe
from arqonbus.commands.request import Call, View
from arqonbus.errors import Forbidden
from arqonbus.protocol.payloads import ChannelOptions, Profile, StorageStatus
from arqonbus.routing.cards import ChannelCard, ClientCard, RoomCard
from arqonbus.routing.directory import Directory
from arqonbus.routing.will import WillRules
from arqonbus.security.gate import Action, Gate, Identity
from arqonbus.telemetry.counters import Counters

__all__ = ["Closed", "call", "client_card", "probe", "room_card", "view"]

NOW = "2026-11-21T19:00:00.000Z"


def probe(name: str = "probe") -> Probe[Any]:
    return Probe(ActorSystem(ManualDispatcher().dispatcher), name)


def client_card(client: str = "c-1", ref: Ref[Any] | None = None) -> ClientCard:
    return ClientCard(ref or probe(client).ref, Identity(client, None, True), Profile())


def room_card(room: str, *channels: str) -> RoomCard:
    card = RoomCard(room)
    for channel in channels:
        info = ChannelCard(room, channel, "user", ChannelOptions(), NOW, None)
        card.channels[channel] = (probe(channel).ref, info)
    return card


def call(args: Struct, room: str = "", channel: str | None = None, n_memberships: int = 0) -> Call[Any]:
    memberships = tuple(("elsewhere", f"c{n}") for n in range(n_memberships))
    return Call(client_card(), "k1", args, room, channel, memberships)


class Closed(Gate):
    """A gate that lets nobody do what is named."""

    __slots__ = ("_closed",)

    def __init__(self, *closed: Action) -> None:
        self._closed = closed

    def authorize(self, identity: Identity, action: Action, room: str | None, channel: str | None) -> None:
        if action in self._closed:
            raise Forbidden(f"{action.value} is closed")


def view(*rooms: RoomCard, gate: Gate | None = None, auto_create: bool = True, max_memberships: int = 2) -> View:
    directory = Directory()
    for card in rooms:
        directory.add_room(probe(card.room).ref, card)
    gate = gate or Gate()
    return View(
        directory=directory,
        counters=Counters(),
        gate=gate,
        timestamp=lambda: NOW,
        uptime_s=lambda: 12.34567,
        storage=lambda: StorageStatus("memory", "ok"),
        draining=lambda: False,
        server="node-1",
        version="1.2.3",
        auto_create=auto_create,
        wills=WillRules(gate, max_bytes=100),
        max_memberships=max_memberships,
    )
