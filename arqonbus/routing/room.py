"""Room: owns its channels and knows who is in any of them. Broadcasts go from here, once to each member.

Joins and leaves pass through the room, so it knows each client's channels; events do not. When a client's session
ends, the room is told by the kernel (it watches its members) and drops the client everywhere, however it ended.

Restart: none. Like its channels, a room is resumed after a failure with the state that it has.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, ClassVar

from msgspec import UNSET, Struct, UnsetType

from arqonbus.actor import Actor, Bounds, Context, Props, Ref, Terminated
from arqonbus.errors import AlreadyExists, Conflict, LimitExceeded, NotFound, Refusal, Unavailable
from arqonbus.protocol.activities import ChannelClosed, ChannelEnd, ChannelOpened
from arqonbus.protocol.envelope import BroadcastOut, System, trace_parent, trace_state
from arqonbus.protocol.names import ALL_CHANNELS, is_system
from arqonbus.protocol.payloads import (
    BroadcastResult,
    ChannelDeleted,
    ChannelOptions,
    Empty,
    JoinChannelArgs,
    JoinChannelResult,
    LeftReason,
    MemberInfo,
)
from arqonbus.routing import incident, news
from arqonbus.routing.cards import ChannelCard, ChannelKind, ClientCard, RoomCard
from arqonbus.routing.census import CensusMail
from arqonbus.routing.channel import Channel, ChannelSetup
from arqonbus.routing.fanout import deliver_one, fan_out
from arqonbus.routing.gather import Gather, Gathers
from arqonbus.routing.group_mail import AckWork, DeleteGroup, DescribeGroup, GroupCommand
from arqonbus.routing.hops import fly, loaded, n_gone
from arqonbus.routing.mail import (
    Answer,
    Bounced,
    BroadcastMail,
    Create,
    Delete,
    Deliver,
    Describe,
    Drop,
    Join,
    Joined,
    LastWill,
    Leave,
    ListMembers,
    Parted,
    PresenceTick,
    ProfileChanged,
    Publish,
    ReadHistory,
    Receipt,
    Report,
    Resolve,
    Resolved,
    RoomMail,
    StarAnswer,
)
from arqonbus.routing.members import members_page
from arqonbus.routing.presence import Herald
from arqonbus.routing.refusals import answer_refusal
from arqonbus.routing.room_nodes import RoomNodes
from arqonbus.routing.roster import Presence, Roster
from arqonbus.storage.cluster import Cluster
from arqonbus.telemetry.command_spans import MOST_JOINS
from arqonbus.telemetry.logs import get_log

__all__ = ["Room", "RoomSetup"]

# Mail that nobody waits for, and that ends with the room.
_OWN = (Terminated, StarAnswer, PresenceTick, ProfileChanged, *CensusMail)
_TOLD = ("deleted", "idle", "system stops")  # ends of a channel that it told its members, or that need no telling

_CLOSED: Mapping[str, ChannelEnd] = MappingProxyType({"deleted": "deleted", "idle": "idle"})
_LEFT_REASONS: Mapping[str, LeftReason] = MappingProxyType({"left": "left", "drained": "drained", "kicked": "kicked"})

_log = get_log("routing")


Stars = tuple[tuple[ClientCard, str], ...]
"""Client and time of the join of each who joined the whole room."""


class RoomSetup(Struct, frozen=True):
    """What all rooms share."""

    channel: ChannelSetup
    channel_bounds: Bounds
    max_channels: int  # in one room
    defaults: ChannelOptions  # every field filled: what a channel gets that says nothing else
    auto_create: bool
    cluster: Cluster | None = None  # the way to the other nodes of the bus; None: there are none


class Room(Actor[RoomMail]):
    """One room. Spawned by the registry; stops itself when it has neither channels nor members."""

    __slots__ = ("_card", "_gathers", "_herald", "_life", "_n_broadcasts", "_nodes", "_registry", "_roster", "_setup")

    def __init__(self, setup: RoomSetup, card: RoomCard, registry: Ref[Any]) -> None:
        self._setup = setup
        self._card = card
        self._registry = registry
        self._roster = Roster()
        self._herald = Herald(card.room, ALL_CHANNELS, self._roster, setup.channel.presence_max)
        self._nodes: RoomNodes | None = None  # made at the start, where there are other nodes
        self._gathers = Gathers()
        self._life = secrets.token_urlsafe(6)  # with the number, the id of a broadcast that has none of its own
        self._n_broadcasts = 0

    # --- life ---------------------------------------------------------------------------------------------------

    def started(self, ctx: Context[RoomMail]) -> None:
        """Ask other nodes who is in, before anybody is let in here. Rooms of the server are each server's own."""
        cluster, room, most = self._setup.cluster, self._card.room, self._setup.channel.presence_max
        if cluster is not None and not is_system(room):
            self._herald = Herald(room, ALL_CHANNELS, self._roster, most, ctx.ref.signal)
            self._nodes = RoomNodes(cluster, room, self._life, most, ctx)

    def receive(self, mail: RoomMail, ctx: Context[RoomMail]) -> None:
        """Handle one mail."""
        try:
            self._handlers[type(mail)](self, mail, ctx)
        except Refusal as refusal:
            answer_refusal(mail, refusal)

    def flush(self, ctx: Context[RoomMail]) -> None:
        """Show what changed, and go when there is nothing left."""
        self._card.members = len(self._roster)
        if not self._card.members and not self._card.channels and not self._awaits_nodes:
            ctx.stop("empty")

    def failed(self, mail: RoomMail | None, error: Exception, ctx: Context[RoomMail]) -> None:
        """Answer ``internal`` to whoever waits for the mail in work."""
        card = getattr(mail, "card", None)
        client = card.client if card is not None else None
        trace = getattr(mail, "trace", None)
        refusal = incident.report(_log, error, trace, client=client, room=self._card.room)
        incident.tell(self._setup.channel.emit, "room", self._card.room, refusal)
        answer_refusal(mail, refusal)

    def stopped(self, unread: list[RoomMail], ctx: Context[RoomMail]) -> None:
        """Tell members, if it was stopped with some, and give what was not read back to the registry."""
        if self._nodes is not None:
            self._nodes.close()
        for gather in self._gathers:
            answer_refusal(gather.request, Unavailable("the room ended before all of its channels had answered"))
        for presence in self._roster:
            for channel in (*presence.channels, *([ALL_CHANNELS] if presence.member.star else ())):
                told = _ended(self._card.room, channel)
                presence.member.card.ref.signal(Parted(None, self._card.room, channel, None, told))
        for mail in unread:
            if not isinstance(mail, _OWN) and not _is_of_star(mail):
                self._registry.tell_past_bound(Bounced(self._card.room, mail))
        unread.clear()

    # --- channels -----------------------------------------------------------------------------------------------

    def _find(self, channel: str) -> Ref[Any] | None:
        """Give a living channel; one that is gone but kept events comes back."""
        entry = self._card.channels.get(channel)
        return entry[0] if entry is not None and entry[0].alive else None

    def _open(self, channel: str, card: ClientCard | None, may_create: bool, ctx: Context[RoomMail]) -> Ref[Any]:
        """Give a channel, made if need be. Raises NotFound, LimitExceeded."""
        ref = self._find(channel)
        if ref is not None:
            return ref
        if not may_create and not self._setup.channel.history.holds(self._card.room, channel):
            raise NotFound(f"no channel {self._card.room}:{channel}")
        note = self._setup.channel.history.note(self._card.room, channel)
        if note:
            return self._start(ChannelCard.from_note(self._card.room, channel, note), ctx)
        kind: ChannelKind = "system" if is_system(self._card.room) else "user"
        return self._start(self._new_card(channel, card, ChannelOptions(), kind), ctx)

    def _new_card(self, channel: str, by: ClientCard | None, options: ChannelOptions, kind: ChannelKind) -> ChannelCard:
        options = _filled(options, self._setup.defaults)
        created_by = by.client if by is not None else None
        return ChannelCard(self._card.room, channel, kind, options, self._setup.channel.timestamp(), created_by)

    def _start(self, card: ChannelCard, ctx: Context[RoomMail]) -> Ref[Any]:
        """Spawn the channel of ``card``, with the members of the whole room in it."""
        if len(self._card.channels) >= self._setup.max_channels:
            raise LimitExceeded(f"the room has {self._setup.max_channels} channels, which is the most it may have")
        stars = self._roster.stars()
        props: Props[Any] = Props(lambda: self._build(card, ctx.ref, stars), self._setup.channel_bounds)
        ref = ctx.spawn(props, card.channel)
        ref.watch(ctx.ref)
        self._card.channels[card.channel] = (ref, card)
        if self._nodes is not None:
            ref.signal(self._nodes.census.news_of(card.channel))
        # Not info: a client that publishes to ever new names would fill the log.
        _log.debug("channel_created", client=card.created_by, room=card.room, channel=card.channel, kind=card.kind)
        self._setup.channel.emit(ChannelOpened(card.room, card.channel, card.kind, card.created_by))
        self._tell_created(card, stars)
        return ref

    def _build(self, card: ChannelCard, room: Ref[Any], stars: Stars) -> Actor[Any]:
        """Make the actor of a channel."""
        return Channel(self._setup.channel, card, room, stars)

    def _tell_created(self, card: ChannelCard, stars: Stars) -> None:
        """Tell the members of the whole room that it has another channel."""
        if stars:
            created = deliver_one(System("channel_created", card.info(), card.room, card.channel))
            fan_out(created, [star.ref for star, _ in stars])

    def _resolve(self, mail: Resolve, ctx: Context[RoomMail]) -> None:
        found = ctx.ref if mail.channel is None else self._open(mail.channel, mail.card, mail.may_create, ctx)
        mail.card.ref.signal(Resolved(mail.room, mail.channel, found))

    def _create(self, mail: Create, ctx: Context[RoomMail]) -> None:
        if self._find(mail.channel) is not None or self._setup.channel.history.holds(self._card.room, mail.channel):
            raise AlreadyExists(f"there is a channel {self._card.room}:{mail.channel}")
        card = self._new_card(mail.channel, mail.card, mail.options, mail.kind)
        self._start(card, ctx)
        if mail.card is not None:
            mail.card.ref.signal(Answer(mail.request_id, card.info()))

    def _forward(self, mail: Delete | ReadHistory | GroupCommand, ctx: Context[RoomMail]) -> None:
        self._open(mail.channel, mail.card, False, ctx).tell_past_bound(mail)

    def _describe(self, mail: Describe, ctx: Context[RoomMail]) -> None:
        self._open(mail.channel, mail.card, False, ctx)
        _, card = self._card.channels[mail.channel]
        mail.card.ref.signal(Answer(mail.request_id, card.info()))

    def _list_members(self, mail: ListMembers, ctx: Context[RoomMail]) -> None:
        if mail.beside is None and self._nodes is not None and self._nodes.ask_for_rows(mail, ctx):
            return  # it comes again with them
        if mail.channel is not None:
            self._open(mail.channel, mail.card, False, ctx).tell_past_bound(mail)
            return
        mail.card.ref.signal(Answer(mail.request_id, members_page(self._roster, mail.args, mail.beside)))

    def _bounced(self, mail: Bounced, ctx: Context[RoomMail]) -> None:
        """Route again what a channel that went had not read."""
        if isinstance(mail.mail, Publish):
            may_create = self._setup.auto_create and not is_system(mail.name)
            self._open(mail.name, mail.mail.card, may_create, ctx).tell_past_bound(mail.mail)
        elif _is_of_star(mail):
            self._star_answered(StarAnswer(mail.mail.card, mail.name), ctx)
        elif isinstance(mail.mail, Leave):  # the client is struck off here already, and now the channel is gone too
            mail.mail.card.ref.signal(Parted(mail.mail.request_id, self._card.room, mail.name, Empty()))
        else:
            self.receive(mail.mail, ctx)

    # --- members ------------------------------------------------------------------------------------------------

    def _join(self, mail: Join, ctx: Context[RoomMail]) -> None:
        if mail.channel == ALL_CHANNELS:
            was_member = self._roster.has_star(mail.card)
            self._enter(mail.card, ALL_CHANNELS, ctx).member.star = True
            gather = Gather(mail, set(), [], was_member=was_member)
            traced = frozenset(islice(self._card.channels, MOST_JOINS)) if mail.trace is not None else frozenset()
            self._ask_all(gather, lambda name: _star_join(mail, name, name in traced), ctx)
            return
        if mail.args.group is not None and self._roster.has_star(mail.card):
            raise Conflict("the client gets every event of the room; leave '*' before joining a group of a channel")
        ref = self._open(mail.channel, mail.card, mail.may_create, ctx)
        self._enter(mail.card, mail.channel, ctx).channels |= {mail.channel}
        ref.tell_past_bound(mail)

    def _enter(self, card: ClientCard, channel: str, ctx: Context[RoomMail]) -> Presence:
        """Give the client's presence here; from its first join on, the room watches its session."""
        known = self._roster.get(card.client)
        before = known.member.card if known is not None else None
        presence, is_new = self._roster.enter(card, self._setup.channel.timestamp())
        presence.untaken -= {channel}
        if is_new:
            card.ref.watch(ctx.ref)
        if before is None:
            self._herald.joined(presence.member, ctx)
        elif before is not card:
            self._herald.resumed(presence.member, before, ctx)
        return presence

    def _leave(self, mail: Leave, ctx: Context[RoomMail]) -> None:
        presence = self._roster.get(mail.card.client)
        if mail.channel == ALL_CHANNELS:
            if presence is None or not presence.member.star:
                raise NotFound(f"not a member of {self._card.room}:{ALL_CHANNELS}")
            presence.member.star = False
            news.left(self._setup.channel.emit, self._card.room, ALL_CHANNELS, mail.card, "left")
            self._roster.watching.pop(mail.card.client, None)
            self._exit(presence, ctx)
            self._ask_all(Gather(mail, set(), []), lambda name: Leave(mail.card, None, name, star=True), ctx)
            return
        ref = self._find(mail.channel)
        if presence is None or mail.channel not in presence.channels or ref is None:
            raise NotFound(f"not a member of {self._card.room}:{mail.channel}")
        presence.channels -= {mail.channel}
        self._exit(presence, ctx)
        ref.tell_past_bound(mail)

    def _exit(self, presence: Presence, ctx: Context[RoomMail]) -> None:
        """Forget a client that is in nothing here any more."""
        if presence.is_over:
            self._roster.remove(presence.member.card.client)
            presence.member.card.ref.unwatch(ctx.ref)
            self._herald.left(presence.member, "left", ctx)

    # --- members of the whole room ------------------------------------------------------------------------------

    def _ask_all(self, gather: Gather, make: Callable[[str], Join | Leave], ctx: Context[RoomMail]) -> None:
        """Pass a join or leave of the whole room on to each channel; go on when all have answered."""
        channels = self._card.channels.items()
        gather.waits_for = {name for name, (ref, _) in channels if ref.tell_past_bound(make(name))}
        self._answer_gather(self._gathers.start(gather), ctx)

    def _star_answered(self, mail: StarAnswer, ctx: Context[RoomMail]) -> None:
        self._answer_gather(self._gathers.note(mail), ctx)

    def _answer_gather(self, gather: Gather | None, ctx: Context[RoomMail]) -> None:
        """Answer the client, if all its channels have answered."""
        if gather is None:
            return
        request, room = gather.request, self._card.room
        if gather.refusal is not None:
            if isinstance(request, Join) and not gather.was_member and not gather.is_undone:
                self._undo_join(gather, ctx)
            else:
                answer_refusal(request, gather.refusal)
        elif isinstance(request, Leave):
            request.card.ref.signal(Parted(request.request_id, room, ALL_CHANNELS, Empty()))
        else:
            self._answer_join(gather, request, ctx)

    def _undo_join(self, gather: Gather, ctx: Context[RoomMail]) -> None:
        """Take a refused join back from the channels that did it; the refusal is told once they have."""
        card = gather.request.card
        gather.is_undone = True
        presence = self._roster.get(card.client)
        if presence is not None and presence.member.card is card:
            presence.member.star = False
            self._exit(presence, ctx)
        self._ask_all(gather, lambda name: Leave(card, None, name, star=True), ctx)

    def _answer_join(self, gather: Gather, request: Join, ctx: Context[RoomMail]) -> None:
        positions = [position for position in gather.positions if self._find(position.channel) is not None]
        result = JoinChannelResult(
            room=self._card.room,
            channel=ALL_CHANNELS,
            recovered=False,
            reason=None,
            replayed=0,
            members=self._roster.total,
            partial=True if self._roster.far.is_partial else UNSET,
            positions=tuple(sorted(positions, key=lambda position: position.channel)),
            present=self._watch(request, ctx),
        )
        resumed = tuple(gather.resumed)
        overflow = request.args.overflow or "disconnect"
        answer = Joined(request.request_id, self._card.room, ALL_CHANNELS, None, result, None, resumed, overflow)
        request.card.ref.signal(answer)
        if not gather.was_member:
            news.joined(self._setup.channel.emit, self._card.room, ALL_CHANNELS, request.card)

    def _watch(self, request: Join, ctx: Context[RoomMail]) -> tuple[MemberInfo, ...] | UnsetType:
        """Tell a member of the whole room who comes and goes from now on, or no more, as its join says."""
        client, presence = request.card.client, self._roster.get(request.card.client)
        if request.args.presence is False:
            self._roster.watching.pop(client, None)
        if presence is None or not request.args.presence:
            return UNSET
        self._roster.watching[client] = presence.member
        return self._herald.rows_for(client, ctx)

    def _profile_changed(self, mail: ProfileChanged, ctx: Context[RoomMail]) -> None:
        presence = self._roster.get(mail.card.client)
        if presence is None:
            return  # it left meanwhile
        self._herald.updated(presence.member, ctx)
        for channel in self._card.channels if presence.member.star else presence.channels:
            self._card.channels[channel][0].tell_past_bound(mail)

    def _presence_tick(self, mail: PresenceTick, ctx: Context[RoomMail]) -> None:
        self._herald.tick(ctx)

    @property
    def _awaits_nodes(self) -> bool:
        """Whether nobody is let in yet, since other nodes have to say who is there."""
        return self._nodes is not None and self._nodes.is_waiting

    # --- members on other nodes ---------------------------------------------------------------------------------

    def _of_census(self, mail: Any, ctx: Context[RoomMail]) -> None:
        """Tell the room, and its channels, what is new of members on other nodes."""
        if self._nodes is None:
            return
        for far in self._nodes.handle(mail, ctx):
            if far.channel in ("", ALL_CHANNELS):
                self._herald.heard(far, ctx)
            for channel, (ref, _) in self._card.channels.items():
                if far.channel in ("", channel):
                    ref.signal(far)
        for asked in self._nodes.take_pages():
            self.receive(asked, ctx)

    # --- broadcast ----------------------------------------------------------------------------------------------

    def _broadcast(self, mail: BroadcastMail, ctx: Context[RoomMail]) -> None:
        broadcast, tracer = mail.broadcast, self._setup.channel.tracer
        flight = fly(tracer, ("room", self._card.room), mail.trace, broadcast, mail.card.client)
        out = self._broadcast_out(mail)
        refs, deliver = self._roster.refs(), deliver_one(out)
        if flight is not None:
            deliver = loaded(deliver, flight.take_off())
        fan_out(deliver, refs)
        if flight is not None:
            flight.land(len(refs), n_gone(refs))
        counters = self._setup.channel.counters
        counters.messages_in += 1
        counters.messages_out += len(refs)
        if broadcast.ack:
            mail.card.ref.signal(Receipt(broadcast.id, BroadcastResult(self._roster.n_there)))

    def _broadcast_out(self, mail: BroadcastMail) -> BroadcastOut:
        broadcast = mail.broadcast
        self._n_broadcasts += 1
        return BroadcastOut(
            self._card.room,
            broadcast.id or f"{self._life}.{self._n_broadcasts}",
            mail.card.client,
            self._setup.channel.timestamp(),
            broadcast.payload,
            broadcast.metadata,
            broadcast.reply_to,
            trace_parent(broadcast.traceparent),
            trace_state(broadcast.tracestate),
        )

    def _report(self, mail: Report, ctx: Context[RoomMail]) -> None:
        self._open(mail.channel, None, True, ctx).tell_past_bound(mail)

    def _last_will(self, mail: LastWill, ctx: Context[RoomMail]) -> None:
        """Publish it as any event of its client."""
        channel = mail.event.channel or ""
        self._open(channel, mail.card, mail.may_create, ctx).tell_past_bound(Publish(mail.card, mail.event))
        _log.info("will_published", client=mail.card.client, room=self._card.room, channel=channel)

    # --- ends ---------------------------------------------------------------------------------------------------

    def _terminated(self, mail: Terminated, ctx: Context[RoomMail]) -> None:
        """A channel or a member's session is gone."""
        name = mail.ref.name.rpartition("/")[2]
        entry = self._card.channels.get(name)
        if entry is not None and entry[0] is mail.ref:
            del self._card.channels[name]
            if mail.reason != "system stops":
                why = _CLOSED.get(mail.reason, "failed")
                self._setup.channel.emit(ChannelClosed(self._card.room, name, why))
            self._part_members(name, ctx, is_told=mail.reason in _TOLD)
            return
        presence = self._roster.of_session(mail.ref)
        if presence is None:
            self._end_untaken(mail.ref, ctx)
            return
        client = presence.member.card.client
        self._roster.remove(client)
        self._gathers.forget(client)
        drop = Drop(presence.member.card, _left_reason(mail.reason))
        self._herald.left(presence.member, drop.reason, ctx)
        if presence.member.star:
            news.left(self._setup.channel.emit, self._card.room, ALL_CHANNELS, presence.member.card, drop.reason)
        for channel, (ref, _) in self._card.channels.items():
            if presence.is_in(channel):
                ref.tell_past_bound(drop)

    def _end_untaken(self, ref: Ref[Any], ctx: Context[RoomMail]) -> None:
        """Let what the next session of a client did not take up end with the one before: it may not, or could not."""
        presence = self._roster.heir_of(ref)
        if presence is None or not presence.untaken:
            return
        untaken, presence.untaken = presence.untaken, frozenset()
        star, presence.channels = ALL_CHANNELS in untaken, presence.channels - untaken
        presence.member.star = presence.member.star and not star
        for channel, (channel_ref, _) in self._card.channels.items():
            if star or channel in untaken:
                drop = Drop(presence.member.card, "lost", direct=channel in untaken, star=star)
                channel_ref.tell_past_bound(drop)
        self._exit(presence, ctx)

    def _part_members(self, channel: str, ctx: Context[RoomMail], *, is_told: bool) -> None:
        """Nobody is in a channel that is gone."""
        told = None if is_told else _ended(self._card.room, channel)
        for presence in self._roster:
            if channel in presence.channels:
                presence.channels -= {channel}
                presence.member.card.ref.signal(Parted(None, self._card.room, channel, None, told))
                self._exit(presence, ctx)
            elif presence.member.star and told is not None:
                presence.member.card.ref.signal(told)
        for gather in self._gathers.skip(channel):
            self._answer_gather(gather, ctx)

    _handlers: ClassVar[dict[type, Callable[[Room, Any, Context[RoomMail]], None]]] = {
        Resolve: _resolve,
        Create: _create,
        Join: _join,
        Leave: _leave,
        Delete: _forward,
        ReadHistory: _forward,
        ListMembers: _list_members,
        BroadcastMail: _broadcast,
        LastWill: _last_will,
        AckWork: _forward,
        DescribeGroup: _forward,
        DeleteGroup: _forward,
        Report: _report,
        ProfileChanged: _profile_changed,
        PresenceTick: _presence_tick,
        StarAnswer: _star_answered,
        Bounced: _bounced,
        Terminated: _terminated,
        Describe: _describe,
        **dict.fromkeys(CensusMail, _of_census),
    }


def _ended(room: str, channel: str) -> Deliver:
    return deliver_one(System("channel_deleted", ChannelDeleted("failed"), room, channel))


def _is_of_star(mail: object) -> bool:
    """Whether it is a room's own mail to a channel on its way back, for a member of the whole room: nobody waits."""
    return isinstance(mail, Bounced) and isinstance(mail.mail, Join | Leave) and mail.mail.star


def _star_join(mail: Join, channel: str, is_traced: bool) -> Join:
    """Make the part of a join of the whole room that is one channel's."""
    since = (mail.positions or {}).get(channel)
    args = JoinChannelArgs(mail.args.room, channel, since=since)
    trace = mail.trace if is_traced else None
    return Join(
        mail.card, None, channel, args, False, star=True, positions=mail.positions, share=mail.share, trace=trace
    )


def _left_reason(reason: str) -> LeftReason:
    """Say to members why a session ended; an end that the supervisor made is a loss to them."""
    return _LEFT_REASONS.get(reason, "lost")


def _filled(options: ChannelOptions, defaults: ChannelOptions) -> ChannelOptions:
    """Put the settings' values where the options say nothing."""
    values = {
        field: getattr(defaults, field) if getattr(options, field) is None else getattr(options, field)
        for field in ChannelOptions.__struct_fields__
    }
    return ChannelOptions(**values)
