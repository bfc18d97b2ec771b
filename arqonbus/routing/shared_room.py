"""SharedRoom: a Room whose channels stand in a store that several nodes share.

A channel that is not open here may be there all the same, so mail that must not make one waits until the store has
said; nothing else waits with it. What concerns the room goes over its feed, to all nodes alike, this one too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from arqonbus.actor import Actor, Context, Ref, Terminated
from arqonbus.errors import AlreadyExists, NotFound, Unavailable
from arqonbus.protocol.codec import encode
from arqonbus.protocol.names import ALL_CHANNELS
from arqonbus.protocol.payloads import BroadcastResult, ChannelInfo, ChannelOptions
from arqonbus.routing.broadcasts import Broadcasts, Spoken, deliver_of
from arqonbus.routing.cards import ChannelCard, ClientCard, RoomCard
from arqonbus.routing.fanout import fan_out
from arqonbus.routing.hops import fly, loaded, n_gone
from arqonbus.routing.listings import ASK, ROWS, Listing, Listings
from arqonbus.routing.mail import (
    Answer,
    Bounced,
    BroadcastMail,
    Create,
    Describe,
    Join,
    ListMembers,
    Receipt,
    Resolve,
    RoomMail,
)
from arqonbus.routing.refusals import answer_refusal
from arqonbus.routing.room import Room, RoomSetup, Stars
from arqonbus.routing.shared_channel import SharedChannel
from arqonbus.routing.shared_mail import (
    Asked,
    LingerOver,
    ListChannels,
    Listed,
    Noted,
    RoomHeard,
    SaidTo,
    SharedRoomMail,
    StoreFailed,
)
from arqonbus.storage.shared_log import ChannelMade, RoomFed, RoomFeed, Said, SharedHistory, Unheard
from arqonbus.telemetry.logs import get_log

__all__ = ["SharedRoom"]

LINGER_S = 30.0  # that a room without members here stays after a broadcast: the next one finds it without asking
HEARD_S = 1.0  # within which a broadcast comes back from the store; later, it is delivered without having been heard

_log = get_log("routing")


class _NotKnown(Exception):
    """The store has to say whether there is such a channel."""

    def __init__(self, channel: str) -> None:
        super().__init__(channel)
        self.channel = channel


class SharedRoom(Room):
    """One room on one node."""

    __slots__ = (
        "_broadcasts",
        "_feed",
        "_lingers_until",
        "_listed_for",
        "_listings",
        "_n_asked",
        "_notes",
        "_parked",
        "_shared",
    )

    def __init__(self, setup: RoomSetup, card: RoomCard, registry: Ref[Any]) -> None:
        if setup.channel.shared is None:
            raise ValueError("expected a shared store in the setup")
        super().__init__(setup, card, registry)
        self._shared: SharedHistory = setup.channel.shared
        self._feed: RoomFeed | None = None  # once there is something to be heard for
        self._parked: dict[str, list[RoomMail]] = {}  # channel -> mail that waits for its note
        self._notes: dict[str, bytes | None] = {}  # what the store has just said, while the mail is received again
        self._listed_for: Join | None = None  # the join whose channels are listed, while it is received again
        self._n_asked = 0  # questions to the store that a mail waits for
        self._broadcasts = Broadcasts(self._life)
        self._listings = Listings(self._life)
        self._lingers_until = 0.0  # monotonic seconds

    # --- life ---------------------------------------------------------------------------------------------------

    def receive(self, mail: RoomMail, ctx: Context[RoomMail]) -> None:
        """Handle one mail, or have it wait until it is known whether its channel is there."""
        try:
            super().receive(mail, ctx)
        except _NotKnown as unknown:
            self._park(unknown.channel, mail, ctx)

    def flush(self, ctx: Context[RoomMail]) -> None:
        """Stay while somebody waits for the store."""
        self._card.members = len(self._roster)
        is_waiting = self._parked or self._n_asked or self._awaits_nodes
        is_in_use = self._card.members or self._card.channels or is_waiting
        is_asking = self._broadcasts.is_saying or self._listings.is_asking
        if not is_in_use and not is_asking and ctx.now >= self._lingers_until:
            ctx.stop("empty")

    def stopped(self, unread: list[RoomMail], ctx: Context[RoomMail]) -> None:
        """Hear no more, and give what waits for the store back."""
        if self._feed is not None:
            self._feed.close()
        unread += [mail.asked for mail in unread if isinstance(mail, Listed | StoreFailed) and mail.asked is not None]
        unread[:] = [mail for mail in unread if not isinstance(mail, SharedRoomMail | str)]
        unread += [mail for mails in self._parked.values() for mail in mails]
        super().stopped(unread, ctx)

    def _follow(self, ctx: Context[RoomMail]) -> RoomFeed:
        """Hear what concerns the room, from now on."""
        if self._feed is None:
            tell = ctx.ref.signal
            self._feed = self._shared.follow(self._card.room, lambda fed: _pass_on(tell, fed))
        return self._feed

    # --- channels -----------------------------------------------------------------------------------------------

    def _open(self, channel: str, card: ClientCard | None, may_create: bool, ctx: Context[RoomMail]) -> Ref[Any]:
        """Give a channel; one that is not open here is opened if it may be made, or the store has it.

        Raises _NotKnown where the store has to be asked, and what Room raises.
        """
        ref = self._find(channel)
        if ref is not None:
            return ref
        note = None
        if not may_create:
            if channel not in self._notes:
                raise _NotKnown(channel)
            note = self._notes[channel]
            if note is None:
                raise NotFound(f"no channel {self._card.room}:{channel}")
        if note:
            return self._start(ChannelCard.from_note(self._card.room, channel, note), ctx)
        return self._start(self._new_card(channel, card, ChannelOptions(), "user"), ctx)

    def _start(self, card: ChannelCard, ctx: Context[RoomMail]) -> Ref[Any]:
        self._follow(ctx)
        return super()._start(card, ctx)

    def _build(self, card: ChannelCard, room: Ref[Any], stars: Stars) -> Actor[Any]:
        return SharedChannel(self._setup.channel, card, room, stars)

    def _tell_created(self, card: ChannelCard, stars: Stars) -> None:
        """Leave that to the channel, which knows its place when it is open."""

    def _park(self, channel: str, mail: RoomMail, ctx: Context[RoomMail]) -> None:
        parked = self._parked.setdefault(channel, [])
        parked.append(mail)
        if len(parked) == 1:
            note = self._shared.note(self._card.room, channel)
            ctx.pipe(note, partial(Noted, channel), partial(StoreFailed, channel))

    def _noted(self, mail: Noted, ctx: Context[RoomMail]) -> None:
        """Go on with what waited."""
        self._notes[mail.channel] = mail.note
        for parked in self._parked.pop(mail.channel, ()):
            ctx.current = parked
            self.receive(parked, ctx)
        del self._notes[mail.channel]

    def _store_failed(self, mail: StoreFailed, ctx: Context[RoomMail]) -> None:
        """Refuse what can't be done without the store; members of the whole room get what is open here."""
        asked = mail.asked
        _log.warning("store_not_asked", room=self._card.room, error=mail.error)
        if isinstance(asked, str):
            refusal = Unavailable(f"the store is not within reach: it is not known what {self._card.room}:{asked} is")
            for parked in self._parked.pop(asked, ()):
                answer_refusal(parked, refusal)
            return
        self._n_asked -= asked is not None
        if isinstance(asked, Join):
            self._join_all(asked, ctx)
        elif asked is not None:
            told = Unavailable("the store is not within reach: it is not known whether there is such a room")
            answer_refusal(asked, told)

    def _create(self, mail: Create, ctx: Context[RoomMail]) -> None:
        """Have the channel opened; whether that made it, it will say."""
        if self._find(mail.channel) is not None:
            raise AlreadyExists(f"there is a channel {self._card.room}:{mail.channel}")
        self._start(self._new_card(mail.channel, mail.card, mail.options, mail.kind), ctx).tell_past_bound(mail)

    def _describe(self, mail: Describe, ctx: Context[RoomMail]) -> None:
        self._open(mail.channel, mail.card, False, ctx).tell_past_bound(mail)

    def _list_members(self, mail: ListMembers, ctx: Context[RoomMail]) -> None:
        """Answer for this node; whether there is such a room at all, the store may have to say."""
        if mail.channel is None and not self._is_here(ctx):
            self._ask_for_channels(mail, ctx)
        else:
            super()._list_members(mail, ctx)

    # --- lists --------------------------------------------------------------------------------------------------

    def _list_channels(self, mail: ListChannels, ctx: Context[RoomMail]) -> None:
        """Ask all nodes what they have open; a channel that is open nowhere is not listed, as on one node."""
        token, data = self._listings.begin(mail, self._rows())
        ctx.pipe(self._follow(ctx).say(data), partial(Asked, token), lambda error: Asked(token, 0))

    def _rows(self) -> list[ChannelInfo]:
        return [card.info() for _, card in self._card.channels.values()]

    def _asked(self, mail: Asked, ctx: Context[RoomMail]) -> None:
        """Wait for those who hear it, but not for long: one of them may be gone."""
        self._answer_list(self._listings.asked(mail.token, mail.n_nodes), ctx)
        if mail.n_nodes:
            ctx.after(HEARD_S, Asked(mail.token, 0))

    def _answer_list(self, listing: Listing | None, ctx: Context[RoomMail]) -> None:
        if listing is None:
            return
        asked = listing.asked
        if listing.rows or self._is_here(ctx):
            asked.card.ref.signal(Answer(asked.request_id, listing.result))
        else:
            answer_refusal(asked, NotFound(f"no room {self._card.room}"))

    def _heard(self, data: bytes, ctx: Context[RoomMail]) -> None:
        """Take what a node of the room said."""
        kind = data[:1]
        if kind == ASK:
            rows = self._listings.answer(data, self._rows())
            if rows is not None:
                ctx.pipe(self._follow(ctx).say(rows), lambda n: LingerOver(), lambda error: LingerOver())
        elif kind == ROWS:
            self._answer_list(self._listings.note(data), ctx)
        else:
            self._heard_broadcast(data)

    def _bounced(self, mail: Bounced, ctx: Context[RoomMail]) -> None:
        if isinstance(mail.mail, Create | Describe):
            self.receive(mail.mail, ctx)
        else:
            super()._bounced(mail, ctx)

    # --- the whole room -----------------------------------------------------------------------------------------

    def _is_here(self, ctx: Context[RoomMail]) -> bool:
        """Whether there is such a room for all that this node knows."""
        return bool(self._card.channels or len(self._roster)) or ctx.now < self._lingers_until

    def _ask_for_channels(self, asked: Join | ListMembers | Resolve | None, ctx: Context[RoomMail]) -> None:
        self._n_asked += asked is not None
        ctx.pipe(self._shared.channels(self._card.room), partial(Listed, asked), partial(StoreFailed, asked))

    def _listed(self, mail: Listed, ctx: Context[RoomMail]) -> None:
        """Go on with what had to know all channels; members of the whole room get those that are not open here."""
        asked = mail.asked
        self._n_asked -= asked is not None
        may_make = isinstance(asked, Join) and asked.may_create
        if asked is not None and not mail.channels and not may_make and not self._is_here(ctx):
            answer_refusal(asked, NotFound(f"no room {self._card.room}"))
            return
        if isinstance(asked, Resolve | ListMembers):
            self._linger(ctx)
            self.receive(asked, ctx)
            return
        for channel in mail.channels:
            if self._find(channel) is None and (asked is not None or self._roster.stars()):
                self._start(self._new_card(channel, None, ChannelOptions(), "user"), ctx)
        if asked is not None:
            self._join_all(asked, ctx)

    def _join_all(self, mail: Join, ctx: Context[RoomMail]) -> None:
        ctx.current = self._listed_for = mail
        self.receive(mail, ctx)
        self._listed_for = None

    def _join(self, mail: Join, ctx: Context[RoomMail]) -> None:
        """Join one channel; or all there are, once it is known which."""
        if mail.channel == ALL_CHANNELS and mail is not self._listed_for:
            self._follow(ctx)
            self._ask_for_channels(mail, ctx)
        else:
            super()._join(mail, ctx)

    def _resolve(self, mail: Resolve, ctx: Context[RoomMail]) -> None:
        """Answer for a channel, or for the room: that is there too when all its members are elsewhere."""
        if mail.channel is not None or self._is_here(ctx):
            super()._resolve(mail, ctx)
        else:
            self._ask_for_channels(mail, ctx)

    def _linger(self, ctx: Context[RoomMail]) -> None:
        """Stay for a while though nobody is here."""
        self._lingers_until = ctx.now + LINGER_S
        ctx.after(LINGER_S, LingerOver())

    def _linger_over(self, mail: LingerOver, ctx: Context[RoomMail]) -> None:
        """Nothing more: ``flush`` looks."""

    def _room_heard(self, mail: RoomHeard, ctx: Context[RoomMail]) -> None:
        fed = mail.fed
        has_stars = bool(self._roster.stars())
        if isinstance(fed, Said):
            self._heard(fed.data, ctx)
        elif isinstance(fed, ChannelMade) and has_stars and self._find(fed.channel) is None:
            self._start(self._new_card(fed.channel, None, ChannelOptions(), "user"), ctx)
        elif isinstance(fed, Unheard) and has_stars:
            self._ask_for_channels(None, ctx)

    def _terminated(self, mail: Terminated, ctx: Context[RoomMail]) -> None:
        """A channel that was deleted may have been made again before it was gone from here."""
        super()._terminated(mail, ctx)
        if mail.reason == "deleted" and self._roster.stars():
            self._ask_for_channels(None, ctx)

    # --- broadcasts ---------------------------------------------------------------------------------------------

    def _broadcast(self, mail: BroadcastMail, ctx: Context[RoomMail]) -> None:
        """Say it to all nodes of the room; this one hears it with the others."""
        token, data = self._broadcasts.say(mail, encode(self._broadcast_out(mail)))
        self._setup.channel.counters.messages_in += 1
        self._linger(ctx)
        ctx.pipe(self._follow(ctx).say(data), partial(SaidTo, token), lambda error: SaidTo(token, 0))

    def _heard_broadcast(self, data: bytes) -> None:
        heard = self._broadcasts.hear(data)
        if heard is not None:
            self._deliver_broadcast(*heard)

    def _deliver_broadcast(self, token: str, text: bytes) -> None:
        """Tell each member of this node once; and the publisher, if that is all."""
        refs, deliver = self._roster.refs(), deliver_of(text)
        mail = self._broadcasts.mail_of(token)
        flight = None
        if mail is not None:
            tracer = self._setup.channel.tracer
            flight = fly(tracer, ("room", self._card.room), mail.trace, mail.broadcast, mail.card.client)
        if flight is not None:
            deliver = loaded(deliver, flight.take_off())
        fan_out(deliver, refs)
        if flight is not None:
            flight.land(len(refs), n_gone(refs))
        self._setup.channel.counters.messages_out += len(refs)
        self._answer_broadcast(self._broadcasts.note(token, n_reached=self._roster.n_there))

    def _said_to(self, mail: SaidTo, ctx: Context[RoomMail]) -> None:
        """The store has answered: what nobody could hear is for the members of this node alone."""
        done = self._broadcasts.note(mail.token, n_nodes=mail.n_nodes)
        if done is not None:
            self._answer_broadcast(done)
        elif mail.n_nodes:
            ctx.after(HEARD_S, SaidTo(mail.token, 0))
        else:
            spoken = self._broadcasts.unheard(mail.token)
            if spoken is not None:
                self._deliver_broadcast(mail.token, spoken.text)

    def _answer_broadcast(self, spoken: Spoken | None) -> None:
        """Tell the publisher to how many members of this node it went: of others nothing is known."""
        if spoken is not None and spoken.mail.broadcast.ack:
            result = BroadcastResult(spoken.n_reached or 0)
            spoken.mail.card.ref.signal(Receipt(spoken.mail.broadcast.id, result))

    _handlers: ClassVar[dict[type, Callable[[Any, Any, Context[RoomMail]], None]]] = {
        **Room._handlers,
        Resolve: _resolve,
        Create: _create,
        Join: _join,
        Describe: _describe,
        ListMembers: _list_members,
        ListChannels: _list_channels,
        Asked: _asked,
        BroadcastMail: _broadcast,
        Bounced: _bounced,
        Terminated: _terminated,
        RoomHeard: _room_heard,
        Noted: _noted,
        Listed: _listed,
        SaidTo: _said_to,
        LingerOver: _linger_over,
        StoreFailed: _store_failed,
    }


def _pass_on(tell: Callable[[Any], bool], fed: RoomFed) -> None:
    tell(RoomHeard(fed))
