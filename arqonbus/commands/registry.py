"""Registry: knows every room and client by name, runs the commands, carries private messages.

It is the only writer of the directory. Everything that names somebody passes here once; events do not: sessions keep
the refs that they were given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from msgspec import Struct

from arqonbus.actor import Actor, Bounds, Context, Props, Ref, Terminated
from arqonbus.commands.clients import Clients, ClientsSetup
from arqonbus.commands.far import Far
from arqonbus.commands.last_will import last_will
from arqonbus.commands.nodes import NodeMail, Nodes
from arqonbus.commands.request import Call, Reply, SendAway, ToClient, ToRoom, View
from arqonbus.commands.survey import alone
from arqonbus.commands.table import TABLE, unknown
from arqonbus.errors import LimitExceeded, NotFound, Refusal
from arqonbus.protocol.codec import decode_args
from arqonbus.protocol.names import is_system
from arqonbus.protocol.payloads import ChannelOptions
from arqonbus.routing import incident
from arqonbus.routing.cards import ChannelKind, ClientCard, RoomCard
from arqonbus.routing.directory import Directory
from arqonbus.routing.mail import (
    Answer,
    Away,
    Bounced,
    Create,
    DrainAll,
    LastWill,
    Opened,
    PrivateMail,
    ProfileChanged,
    RegistryMail,
    Rejoin,
    Report,
    Request,
    Resolve,
    Resolved,
    TakeOver,
    Tick,
)
from arqonbus.routing.refusals import answer_refusal
from arqonbus.routing.room import Room, RoomSetup
from arqonbus.routing.shared_room import SharedRoom
from arqonbus.security.gate import Action
from arqonbus.telemetry.logs import get_log

__all__ = ["Predefined", "Registry", "RegistrySetup"]

SWEEP_S = 10.0  # between two looks of the store at what is too old; ages are in minutes or hours

_log = get_log("commands")


class Predefined(Struct, frozen=True):
    """A channel that the settings want."""

    room: str
    channel: str
    options: ChannelOptions
    kind: ChannelKind


class RegistrySetup(Struct, frozen=True):
    """What the registry needs beside the view that it gives to handlers."""

    room: RoomSetup
    room_bounds: Bounds
    max_rooms: int
    clients: ClientsSetup
    predefined: tuple[Predefined, ...]


class Registry(Actor[RegistryMail]):
    """One per server, parent of all rooms."""

    __slots__ = ("_clients", "_directory", "_n_own", "_nodes", "_setup", "_view")

    def __init__(self, setup: RegistrySetup, view: View) -> None:
        self._setup = setup
        self._view = view
        self._directory: Directory = view.directory
        self._n_own = len({wanted.room for wanted in setup.predefined if wanted.kind == "system"})  # the server's rooms
        cluster = setup.room.cluster
        far = Far(cluster, view.directory) if cluster is not None else None
        self._clients = Clients(setup.clients, view, setup.room.channel.tracer, far)
        self._nodes: Nodes | None = None  # the other servers of the bus, if there may be any
        if cluster is not None and far is not None:
            self._nodes = Nodes(cluster, view, self._clients, far)

    # --- life ---------------------------------------------------------------------------------------------------

    def started(self, ctx: Context[RegistryMail]) -> None:
        """Make what the settings want."""
        ctx.after(SWEEP_S, Tick())
        for wanted in self._setup.predefined:
            room = self._open_room(wanted.room, True, ctx)
            room.tell_past_bound(Create(None, None, wanted.channel, wanted.options, wanted.kind))

    def receive(self, mail: RegistryMail, ctx: Context[RegistryMail]) -> None:
        """Handle one mail."""
        self._handlers[type(mail)](self, mail, ctx)

    def failed(self, mail: RegistryMail | None, error: Exception, ctx: Context[RegistryMail]) -> None:
        """Answer ``internal`` to whoever waits for the mail in work."""
        card: ClientCard | None = getattr(mail, "card", None)
        command = mail.command if isinstance(mail, Request) else None
        client = card.client if card is not None else None
        trace = getattr(mail, "trace", None)
        refusal = incident.report(_log, error, trace, client=client, command=command)
        room = mail.room if isinstance(mail, Report) else None
        incident.tell(self._setup.room.channel.emit, "registry", room, refusal)
        answer_refusal(mail, refusal)

    # --- commands -----------------------------------------------------------------------------------------------

    def _request(self, mail: Request, ctx: Context[RegistryMail]) -> None:
        try:
            self._run(mail, ctx)
        except Refusal as refusal:
            mail.card.ref.signal(Answer(mail.request_id, refusal))

    def _run(self, mail: Request, ctx: Context[RegistryMail]) -> None:
        row = TABLE.get(mail.command)
        if row is None:
            raise unknown(mail.command)
        args = decode_args(mail.args, row.shape.args, mail.request_id)
        room, channel = row.address(args)
        if row.action is not None:
            self._view.gate.authorize(mail.card.identity, row.action, room, channel)
        outcome = row.handler(
            Call(mail.card, mail.request_id, args, room, channel, mail.memberships, mail.trace), self._view
        )
        match outcome:
            case Reply():
                self._reply(mail, args, outcome.result, ctx)
            case ToClient():
                mail.card.ref.signal(outcome.mail)
            case SendAway():
                self._clients.send_away(mail, outcome, ctx)
            case ToRoom():
                self._open_room(outcome.room, outcome.create, ctx).tell_past_bound(outcome.mail)

    def _reply(self, mail: Request, args: Struct, result: Struct, ctx: Context[RegistryMail]) -> None:
        """Answer for this server; or for all, where the args say so and no room answers, which does that anyway."""
        is_of_all = getattr(args, "scope", None) == "cluster"
        if is_of_all and self._nodes is not None:
            self._nodes.ask(mail, args, ctx)
            return
        answer = alone(mail.command, args, self._view.server, result) if is_of_all else result
        mail.card.ref.signal(Answer(mail.request_id, answer))

    # --- rooms --------------------------------------------------------------------------------------------------

    def _open_room(self, room: str, create: bool, ctx: Context[RegistryMail]) -> Ref[Any]:
        """Give a room, made if need be and allowed, or if its history is still there."""
        ref = self._directory.room(room)
        if ref is not None:
            return ref
        is_shared = self._is_shared(room)  # then the room itself asks what there is
        if not create and not is_shared and not self._setup.room.channel.history.holds_any(room):
            raise NotFound(f"no room {room}")
        if not is_system(room) and self._directory.n_rooms - self._n_own >= self._setup.max_rooms:
            raise LimitExceeded(f"the server has {self._setup.max_rooms} rooms, which is the most it may have")
        setup, card = self._setup.room, RoomCard(room)
        kind = SharedRoom if is_shared else Room
        props: Props[Any] = Props(lambda: kind(setup, card, ctx.ref), self._setup.room_bounds)
        ref = ctx.spawn(props, room)
        ref.watch(ctx.ref)
        self._directory.add_room(ref, card)
        return ref

    def _is_shared(self, room: str) -> bool:
        """Whether a room is of all servers. What the server tells of itself is its own."""
        return self._setup.room.channel.shared is not None and not is_system(room)

    def _resolve(self, mail: Resolve, ctx: Context[RegistryMail]) -> None:
        try:
            self._find_room(mail, ctx).tell_past_bound(mail)
        except Refusal as refusal:
            mail.card.ref.signal(Resolved(mail.room, mail.channel, refusal))

    def _find_room(self, mail: Resolve, ctx: Context[RegistryMail]) -> Ref[Any]:
        if mail.channel is not None or self._is_shared(mail.room):
            return self._open_room(mail.room, mail.may_create, ctx)
        # A room woken for its own sake has nothing to stay for: it would be gone before its ref is of use, for ever.
        ref = self._directory.room(mail.room)
        if ref is None:
            raise NotFound(f"no room {mail.room}")
        return ref

    def _bounced(self, mail: Bounced, ctx: Context[RegistryMail]) -> None:
        """Route again what a room that went had not read."""
        try:
            self._open_room(mail.name, True, ctx).tell_past_bound(mail.mail)
        except Refusal as refusal:
            answer_refusal(mail.mail, refusal)

    def _terminated(self, mail: Terminated, ctx: Context[RegistryMail]) -> None:
        """Strike a room or a client off. A client that is lost may have left something to be published."""
        card = self._clients.remove(mail.ref)
        if card is None or card.will is None:
            return
        try:
            outcome = last_will(card, card.will, mail.reason, self._view)
            if outcome is not None:
                self._open_room(outcome.room, outcome.create, ctx).tell_past_bound(outcome.mail)
        except Refusal as refusal:
            answer_refusal(LastWill(card, card.will, may_create=False), refusal)

    # --- clients ------------------------------------------------------------------------------------------------

    def _rejoin(self, mail: Rejoin, ctx: Context[RegistryMail]) -> None:
        """Pass on one join of a resumption; asked for and allowed as any other."""
        join, view = mail.join, self._view
        try:
            view.gate.authorize(join.card.identity, Action.SUBSCRIBE, mail.room, join.channel)
            self._open_room(mail.room, join.may_create, ctx).tell_past_bound(join)
        except Refusal as refusal:
            answer_refusal(join, refusal)

    def _report(self, mail: Report, ctx: Context[RegistryMail]) -> None:
        self._open_room(mail.room, True, ctx).tell_past_bound(mail)

    def _profile_changed(self, mail: ProfileChanged, ctx: Context[RegistryMail]) -> None:
        for room in mail.rooms:
            ref = self._directory.room(room)
            if ref is not None:
                ref.tell_past_bound(mail)

    def _of_nodes(self, mail: Any, ctx: Context[RegistryMail]) -> None:
        if self._nodes is not None:
            self._nodes.handle(mail, ctx)

    def _tick(self, mail: Tick, ctx: Context[RegistryMail]) -> None:
        self._setup.room.channel.history.sweep()
        ctx.after(SWEEP_S, Tick())

    _handlers: ClassVar[dict[type, Callable[[Registry, Any, Context[RegistryMail]], None]]] = {
        Request: _request,
        Resolve: _resolve,
        PrivateMail: lambda self, mail, ctx: self._clients.send_private(mail, ctx),
        Opened: lambda self, mail, ctx: self._clients.opened(mail, ctx),
        Away: lambda self, mail, ctx: self._clients.set_away(mail, ctx),
        TakeOver: lambda self, mail, ctx: self._clients.take_over(mail, ctx),
        DrainAll: lambda self, mail, ctx: self._clients.drain(mail, ctx),
        **dict.fromkeys(NodeMail, _of_nodes),
        Rejoin: _rejoin,
        Report: _report,
        ProfileChanged: _profile_changed,
        Bounced: _bounced,
        Terminated: _terminated,
        Tick: _tick,
    }
