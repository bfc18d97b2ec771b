"""SharedChannel: a Channel whose events are numbered and kept by a store that several nodes write.

Members are told what the log's feed tells, on all nodes alike and in the order of seq; what a publisher here is told
waits for the store's word, and for the event to have been heard. What this node has heard stands in a mirror, so that
most joins are answered as in a Channel; what is older is read from the store, and the lane waits for it.

    Publish ──turn──▶ append ──▶ store ──▶ Heard(Arrived) ──▶ members of this node
                        └────── Settled ──────────┴─▶ publisher

| link | events go |
|---|---|
| up, holding, resync | to the store, which makes them wait, takes them or refuses them |
| local | to the members of this node, numbered here in an epoch of its own; of durable channels nowhere: refused |
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

from msgspec import UNSET, Raw, UnsetType

from arqonbus.actor import Context, Ref
from arqonbus.errors import AlreadyExists, Conflict, Refusal, Timeout, Unavailable
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import EventText, trace_parent, trace_state
from arqonbus.protocol.names import join_address
from arqonbus.protocol.payloads import (
    DEFAULT_HISTORY_LIMIT,
    ChannelInfo,
    Empty,
    EventResult,
    GroupOptions,
    HistoryResult,
)
from arqonbus.routing import shared_news
from arqonbus.routing.cards import ChannelCard, ClientCard
from arqonbus.routing.channel import Channel, ChannelSetup, is_newest_first, retention_of
from arqonbus.routing.durable_groups import DurableGroups
from arqonbus.routing.durable_site import away
from arqonbus.routing.fanout import deliver_texts, fan_out
from arqonbus.routing.group_mail import AckWork, DeleteGroup, DescribeGroup, GroupCommand
from arqonbus.routing.groups import clash
from arqonbus.routing.hops import Flight, Leg, about_of, legs_from
from arqonbus.routing.mail import (
    Answer,
    ChannelMail,
    Create,
    Delete,
    Describe,
    Join,
    Leave,
    Publish,
    ReadHistory,
    Receipt,
)
from arqonbus.routing.mirror import Mirror
from arqonbus.routing.ordinary_groups import OrdinaryGroups
from arqonbus.routing.outgoing import Outgoing, Unheard
from arqonbus.routing.shared_mail import (
    GroupTold,
    Heard,
    PageFailed,
    PageRead,
    Removed,
    Settled,
    SharedChannelMail,
    StoreFailed,
)
from arqonbus.storage.history import Retention
from arqonbus.storage.shared_log import (
    Appended,
    Arrived,
    Deleted,
    Entry,
    Fed,
    LinkChanged,
    LinkState,
    Missing,
    Opened,
    Opening,
    Rejected,
    Reset,
    Said,
    SharedHistory,
    SharedLog,
    SharedPage,
    Stored,
    Unsure,
    with_seq,
)
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.relay_spans import relay_out

__all__ = ["SharedChannel"]

MOST_UNDER_WAY = 1024  # events without an outcome; past it publishers wait, as they do for a channel that is full

_log = get_log("routing")


class SharedChannel(Channel):
    """One channel on one node. Its lane is closed until the log is open, or the store is known to be away."""

    __slots__ = (
        "_ahead",
        "_asking",
        "_is_degraded",
        "_is_going",
        "_is_made_here",
        "_is_open",
        "_is_waiting",
        "_life",
        "_link",
        "_looked_for",
        "_mirror",
        "_n_events",
        "_news_for",
        "_outgoing",
        "_real",
        "_shared",
        "_shared_log",
        "_unread",
    )

    def __init__(
        self, setup: ChannelSetup, card: ChannelCard, room: Ref[Any], stars: tuple[tuple[ClientCard, str], ...]
    ) -> None:
        if setup.shared is None:
            raise ValueError("expected a shared store in the setup")
        self._mirror: Mirror  # which is the _log
        super().__init__(setup, card, room, stars)
        self._shared: SharedHistory = setup.shared
        self._shared_log: SharedLog  # opened in ``started``
        self._outgoing = Outgoing()
        self._link: LinkState = "up"
        self._is_open = False  # the store has told where the log stands
        self._is_made_here = False  # the opening made the channel, and nobody has asked for it to be made yet
        self._is_going = False  # the store was asked to delete the log, or the channel stops
        self._is_degraded = False  # members were told that the store is away
        self._real: tuple[str, int] | None = None  # the place in the store's log, while events are numbered here
        self._is_waiting = False  # the lane is closed until there is news of the store
        self._news_for = tuple(card.ref for card, _ in stars)  # whom to tell of the channel, and of all its events
        self._ahead: list[Fed] | None = None  # what was told while the first events are read; None: they are not
        self._asking: Any = None  # mail that waits for a page that is being read
        self._looked_for: Any = None  # the last mail that a page was read for
        self._unread: Any = None  # mail whose page could not be read
        self._life = secrets.token_urlsafe(6)  # with the number, the id of an event that has none of its own
        self._n_events = 0

    # --- life ---------------------------------------------------------------------------------------------------

    def _open_log(self, retention: Retention) -> Mirror:
        self._mirror = Mirror(self._setup.history, (self._card.room, self._card.channel), retention)
        return self._mirror

    def started(self, ctx: Context[ChannelMail]) -> None:
        """Open the log, and take nothing in before it is open."""
        super().started(ctx)
        card, tell = self._card, ctx.ref.signal
        opening = Opening(retention_of(card.options), card.note(), bool(card.options.durable))
        self._shared_log = self._shared.open(card.room, card.channel, opening, lambda fed: _pass_on(tell, fed))
        self._wait(ctx)

    def receive(self, mail: ChannelMail, ctx: Context[ChannelMail]) -> None:
        """Handle one mail; behind the events that the same connection published before, where that shows."""
        if isinstance(mail, _BEHIND_OWN) and not self._is_behind_own(mail):
            self._wait(ctx, mail)
            return
        super().receive(mail, ctx)

    def _is_behind_own(self, mail: Join | Leave | ReadHistory | Describe | Delete) -> bool:
        if isinstance(mail, Delete):  # an event that came behind it would make the log again
            return self._outgoing.is_empty
        return not self._outgoing.is_of(mail.card)

    def flush(self, ctx: Context[ChannelMail]) -> None:
        """Send the events of this turn to the store, or deliver them where it is away."""
        packed = self._outgoing.pack()
        if packed is not None:
            n, entries = packed
            ctx.pipe(self._shared_log.append(entries), partial(Settled, n), partial(Settled, n))
        super().flush(ctx)
        if self._outgoing.n_under_way >= MOST_UNDER_WAY:
            self._wait(ctx)

    def stopped(self, unread: list[ChannelMail], ctx: Context[ChannelMail]) -> None:
        """Answer for what is stored, and let the log go."""
        self._shared_log.close()
        self._is_going = True
        for mail in unread:
            if isinstance(mail, _ANSWERS):  # which came when there was no turn left for it
                self._handlers[type(mail)](self, mail, ctx)
        if isinstance(self._groups, DurableGroups):
            self._groups.close()
        for one in self._outgoing.take_all():
            self._answer_stored(one.mail, one.stored)
        unread[:] = [mail for mail in unread if not isinstance(mail, SharedChannelMail)]
        super().stopped(unread, ctx)

    def _wait(self, ctx: Context[ChannelMail], again: ChannelMail | None = None) -> None:
        """Take nothing until there is news of the store."""
        self._is_waiting = True
        ctx.hold(again)

    def _go_on(self, ctx: Context[ChannelMail]) -> None:
        """There is news: take again what has to wait, which looks for itself whether that was all."""
        if self._is_waiting and (self._is_open or self._link == "local") and not self._is_going and self._ahead is None:
            self._is_waiting = False
            ctx.release()

    def _may_go(self) -> bool:
        return super()._may_go() and self._outgoing.is_empty and (self._is_open or self._link == "local")

    # --- events on their way ------------------------------------------------------------------------------------

    def _publish(self, mail: Publish, ctx: Context[ChannelMail]) -> None:
        if self._link == "local":
            if self._outgoing.n_under_way:  # behind those that come back because the store is away
                self._wait(ctx, mail)
            else:
                self._publish_here(mail, ctx)
            return
        event, card = mail.event, mail.card
        if not self._timestamp:
            self._timestamp = self._setup.timestamp()
        self._n_events += 1
        out = EventText(
            self._card.room,
            self._card.channel,
            event.id or f"{self._life}.{self._n_events}",
            card.client,
            self._timestamp,
            event.payload,
            event.metadata,
            event.reply_to,
            None if event.traceparent is UNSET else trace_parent(event.traceparent),
            None if event.tracestate is UNSET else trace_state(event.tracestate),
        )
        key = f"{card.sender}\x1f{event.id}" if event.id is not None else ""
        self._outgoing.take(mail, Entry(encode(out), key), self._leg(mail))
        self._quiet_since = None

    def _leg(self, mail: Publish) -> Leg | None:
        tracer = self._setup.tracer
        if tracer is None or mail.trace is None:
            return None
        return Leg(mail.trace, about_of(mail.event, mail.card.client), tracer.clock_ns())

    def _publish_here(self, mail: Publish, ctx: Context[ChannelMail]) -> None:
        """Number an event here, for the members of this node alone."""
        if self._card.options.durable:
            refusal = Unavailable("the channel is durable, and the store is not within reach")
            self._end_trace(mail, refusal.code)
            mail.card.ref.signal(Receipt(mail.event.id, refusal))
            return
        if self._real is None:
            self._go_alone()
        super()._publish(mail, ctx)

    def _settled(self, mail: Settled, ctx: Context[ChannelMail]) -> None:
        """Take what became of an append."""
        publishes, outcomes = self._outgoing.settled(mail.n), mail.outcomes
        if isinstance(outcomes, Exception):
            _log.error("append_failed", room=self._card.room, channel=self._card.channel, error=outcomes)
            outcomes = [Unsure(str(outcomes))] * len(publishes)
        for (publish, text), outcome in zip(publishes, outcomes, strict=True):
            self._conclude(publish, text, outcome, ctx)
        self._go_on(ctx)

    def _conclude(self, mail: Publish, text: bytes, outcome: Appended, ctx: Context[ChannelMail]) -> None:
        leg, tracer = self._outgoing.answered_leg(text), self._setup.tracer
        if leg is not None and tracer is not None:
            error = None if isinstance(outcome, Stored) else "timeout" if isinstance(outcome, Unsure) else "unavailable"
            relay_out(tracer, leg.trace, leg.about, leg.started_ns, error)
        if not isinstance(outcome, Stored):
            self._outgoing.forget_leg(text)
            if isinstance(outcome, Rejected) and self._link == "local" and not self._is_going:
                self._publish_here(mail, ctx)  # it waited for the store in vain, which certainly does not have it
            else:
                self._refuse_publish(mail, outcome)
            return
        counters, mirror = self._setup.counters, self._mirror
        if outcome.duplicate:
            counters.duplicates += 1
            self._outgoing.forget_leg(text)
            self._end_trace(mail)
        else:
            counters.messages_in += 1
        if outcome.epoch == mirror.epoch and outcome.seq > mirror.top and self._link != "local":
            self._outgoing.unheard.append(Unheard(mail, outcome, b"" if outcome.duplicate else text))
        else:
            self._answer_stored(mail, outcome)

    def _refuse_publish(self, mail: Publish, outcome: Rejected | Unsure) -> None:
        """Tell a publisher, asked or not, that its event is not stored, or that nobody knows."""
        refusal: Refusal = Unavailable("the event was not stored: the store does not take it now")
        if outcome.reason.startswith("FULL"):
            told = "the event was not stored: groups of the channel have not done what waits for them"
            refusal = Unavailable(told, details={"reason": "queue_full"})
        if isinstance(outcome, Unsure):
            refusal = Timeout(
                "the store did not answer: whether the event is stored is not known; its id may be used again"
            )
        _log.debug("event_not_stored", client=mail.card.client, code=refusal.code, reason=outcome.reason)
        self._end_trace(mail, refusal.code)
        mail.card.ref.signal(Receipt(mail.event.id, refusal))

    def _answer_stored(self, mail: Publish, stored: Stored) -> None:
        """Tell a publisher the place of its event. How many members it goes to is known of this node alone: none here
        may be many elsewhere, so that is said only where nobody is known elsewhere either."""
        if mail.event.ack:
            n_reached = len(self._members.refs) + (self._groups.n_reached if self._groups is not None else 0)
            is_said = not stored.duplicate and (n_reached > 0 or self._is_nobody_there)
            delivered = n_reached if is_said else UNSET
            backend = self._shared.backend if self._log.keeps else "none"
            result = EventResult(stored.seq, stored.epoch, stored.duplicate, backend, delivered)
            mail.card.ref.signal(Receipt(mail.event.id, result))

    @property
    def _is_nobody_there(self) -> bool:
        """Whether there are no members on any node, as far as they tell each other of them."""
        members = self._members
        return self._setup.is_one_of_many and not members.total and not members.far.is_partial

    # --- what the feed tells ------------------------------------------------------------------------------------

    def _hear(self, mail: Heard, ctx: Context[ChannelMail]) -> None:
        fed = mail.fed
        if self._is_deleted:
            return  # of a log that was made again since
        if self._ahead is not None and not isinstance(fed, LinkChanged | Deleted):
            self._ahead.append(fed)  # behind the page that is being read
            return
        self._take_news(fed, ctx)
        self._go_on(ctx)

    def _take_news(self, fed: Fed, ctx: Context[ChannelMail]) -> None:
        match fed:
            case Arrived():
                self._arrived(fed, ctx.now)
            case Opened():
                self._opened(fed, ctx)
            case Missing():
                self._missing(fed)
            case Reset():
                self._renumbered(fed.epoch, fed.seq)
            case LinkChanged():
                self._link_changed(fed.state)
            case Deleted():
                self._gone(ctx)
            case Said():
                pass  # nothing is said to a log in this version

    def _arrived(self, fed: Arrived, now: float) -> None:
        """Deliver what follows."""
        self._come_back()
        mirror, first = self._mirror, fed.first
        if first != mirror.top + 1 or fed.epoch != mirror.epoch:
            _log.error("feed_out_of_order", room=self._card.room, channel=self._card.channel, seq=first)
            self._renumbered(fed.epoch, first - 1)
        texts = [with_seq(text, seq) for seq, text in enumerate(fed.texts, first)]
        legs, refs = self._outgoing.legs_of(first, fed.texts), self._members.refs
        if self._setup.tracer is not None:
            where = join_address(self._card.room, self._card.channel)
            legs = legs_from(self._setup.tracer, where, first, fed.texts, legs, now)
        flight = self._fly(legs) if legs else None
        top = mirror.append(texts)
        self._setup.counters.messages_out += len(texts) * len(refs)
        if flight is not None:
            self._tell_traced(flight, texts, top)
        else:
            if refs:
                fan_out(deliver_texts(texts, self._place, top), refs)
            if self._groups is not None:
                self._groups.share(texts, top)
        self._answer_heard(first, fed.texts)

    def _fly(self, legs: list[Leg]) -> Flight | None:
        self._legs = legs
        return self._take_off()

    def _answer_heard(self, first: int = 0, texts: Sequence[bytes] = ()) -> None:
        for one, is_there in self._outgoing.take_heard(self._mirror.top, first, texts):
            if is_there:
                self._answer_stored(one.mail, one.stored)
            else:
                self._refuse_publish(one.mail, Unsure("another event has its place: the store lost it"))

    def _missing(self, fed: Missing) -> None:
        """Own to every member that events are lost."""
        self._come_back()
        self._mirror.begin(fed.epoch, fed.last)
        self._renew_place()
        fan_out(shared_news.gap(self._place, fed.first, fed.last, "missing"), self._listeners)
        self._answer_heard()

    def _renumbered(self, epoch: str, seq: int) -> None:
        """Go on in another epoch of the store's. What was stored in the one before may be lost by that."""
        self._real = None
        self._link = "resync" if self._link == "local" else self._link
        self._mirror.begin(epoch, seq)
        self._mirror.is_alone = False
        self._renew_place()
        fan_out(shared_news.gap(self._place, 1, seq, "epoch_changed"), self._listeners)
        if isinstance(self._groups, DurableGroups):
            self._groups.renumbered()
        for one in self._outgoing.take_all():
            self._refuse_publish(one.mail, Unsure("the store went back behind the event"))

    def _opened(self, fed: Opened, ctx: Context[ChannelMail]) -> None:
        """Take the log as it stands, and be what its note says: whoever was first has said what the channel is."""
        card, was_alone = self._card, self._mirror.epoch != ""
        if fed.note and card.kind == "user":
            card.become(fed.note)
            self._members.watch_all(bool(card.options.presence))
            self._mirror.retain(retention_of(card.options))
            self._shared_log.retain(retention_of(card.options), bool(card.options.durable))
        self._is_open, self._is_made_here = True, fed.created
        self._real = None
        self._mirror.begin(fed.epoch, fed.seq)
        self._mirror.is_alone = self._link == "local"
        self._renew_place()
        if was_alone:  # whoever is in has a place of this node's own, and gets nothing of what was before
            fan_out(shared_news.gap(self._place, 1, fed.seq, "epoch_changed"), self._listeners)
        elif self._news_for:
            self._tell_first_ones(ctx)

    def _tell_created(self) -> None:
        fan_out(shared_news.created(self._card), self._news_for)
        self._news_for = ()

    def _tell_first_ones(self, ctx: Context[ChannelMail]) -> None:
        """Tell the members of the whole room, who were there before the channel; they get its events from the first on.

        By the time that this node has heard of a channel that another one made, it may have events. They are read, as
        many as one join replays, and told before what follows them.
        """
        top, first = self._mirror.top, 1 if self._log.keeps else self._mirror.top + 1
        self._mirror.begin(self._mirror.epoch, 0)
        self._tell_created()
        if not top or first > top:
            self._tell_first(SharedPage(self._mirror.epoch, top, [], False, 0, 0), top, ctx.now)
            return
        self._ahead = []
        most = self._setup.replay
        page = self._shared_log.read(before=top + 1, newest_first=True, limit=most.events, size_bytes=most.size_bytes)
        ctx.pipe(page, partial(PageRead, top), partial(PageFailed, top))

    def _tell_first(self, page: SharedPage, top: int, now: float) -> None:
        """Tell the events up to ``top``, or own that they are lost; then what was told meanwhile."""
        texts = [text for _, text in reversed(page.events)]
        first = page.events[-1][0] if page.events else top + 1
        if page.epoch != self._mirror.epoch or first + len(texts) != top + 1:
            first, texts = top + 1, []
        if first > 1:
            self._missing(Missing(self._mirror.epoch, 1, first - 1))
        if texts:
            self._arrived(Arrived(self._mirror.epoch, first, texts), now)

    def _catch_up(self, page: SharedPage, top: int, ctx: Context[ChannelMail]) -> None:
        ahead, self._ahead = self._ahead or [], None
        self._tell_first(page, top, ctx.now)
        for fed in ahead:
            self._take_news(fed, ctx)
        self._go_on(ctx)

    # --- the link -----------------------------------------------------------------------------------------------

    def _link_changed(self, state: LinkState) -> None:
        members = self._members.all_refs
        if state == "local":
            self._link, self._mirror.is_alone = state, True
            for one in self._outgoing.take_all():
                self._answer_stored(one.mail, one.stored)
            if not self._is_open and self._real is None:
                self._go_alone()
            if not self._is_degraded:
                self._is_degraded = True
                fan_out(shared_news.degraded(self._place), members)
            return
        if state == "up":
            self._come_back()
            if isinstance(self._groups, OrdinaryGroups):
                self._groups.reopen()
            if self._is_degraded:
                self._is_degraded = False
                fan_out(shared_news.restored(self._place), members)
        self._link = state

    def _go_alone(self) -> None:
        """Number events here from now on, in an epoch that no store has."""
        mirror = self._mirror
        self._real = (mirror.epoch, mirror.top)
        mirror.begin(f"L{secrets.token_urlsafe(6)}", 0)
        self._renew_place()
        if self._news_for:
            self._tell_created()
            return
        fan_out(shared_news.gap(self._place, 1, 0, "epoch_changed"), self._listeners)

    def _come_back(self) -> None:
        """Go on where the store's log was left, if events were numbered here; the store is there again."""
        if self._link == "local":
            self._link, self._mirror.is_alone = "resync", False
        if self._real is None or not self._is_open:
            return
        real, self._real = self._real, None
        self._mirror.begin(*real)
        self._renew_place()
        fan_out(shared_news.gap(self._place, real[1] + 1, real[1], "epoch_changed"), self._listeners)

    # --- joins, groups and history ------------------------------------------------------------------------------

    def _join(self, mail: Join, ctx: Context[ChannelMail]) -> None:
        self._mirror.now = ctx.now
        if mail.args.group is not None and not self._is_hopeless(mail) and not self._is_admitted(mail, ctx):
            return
        if self._link != "local" and not self._is_back(mail) and self._has_to_wait(mail, ctx):
            return
        super()._join(mail, ctx)
        if self._is_degraded:
            mail.card.ref.signal(shared_news.degraded(self._place))

    def _durable_groups(self, ctx: Context[ChannelMail]) -> DurableGroups:
        if not isinstance(self._groups, DurableGroups):
            address, setup = (self._card.room, self._card.channel), self._setup
            kept = (address, self._shared, setup.durable_group, self._room, ctx, setup.counters)
            self._groups = DurableGroups(*kept) if self._card.options.durable else OrdinaryGroups(*kept, self._mirror)
            self._card.groups = self._groups.infos
        return self._groups

    def _is_admitted(self, mail: Join, ctx: Context[ChannelMail]) -> bool:
        """Whether a join of a group can go on; else it waits for the store, or is refused."""
        try:
            if not (self._card.options.durable or self._log.keeps):  # the store gives out what it keeps
                raise Conflict("several servers share the channel, and it keeps no history: it can have no groups")
            if not self._is_open:
                raise away()
            if self._durable_groups(ctx).sites.admit(mail.args):
                return True
        except Refusal as refusal:
            self._refuse_join(mail, refusal, ctx)
            return False
        self._wait(ctx, mail)
        return False

    def _is_hopeless(self, mail: Join) -> bool:
        """Whether a join of an ordinary group is refused whatever the store says."""
        found = clash(self._members.get(mail.card.client), mail.args.group, mail.star) or self._misfit(mail)
        return found is not None and not self._card.options.durable

    def _misfit(self, mail: Join) -> Refusal | None:
        return None if self._card.options.durable else super()._misfit(mail)

    def _group_options(self, group: str | None) -> GroupOptions | UnsetType:
        if group is None or not (self._card.options.durable and isinstance(self._groups, DurableGroups)):
            return UNSET
        return self._groups.options_of(group)

    def _group_command(self, mail: GroupCommand, ctx: Context[ChannelMail]) -> None:
        if self._card.options.durable:
            self._durable_groups(ctx).command(mail)
        else:
            super()._group_command(mail, ctx)

    def _group_told(self, mail: GroupTold, ctx: Context[ChannelMail]) -> None:
        self._durable_groups(ctx).told(mail)
        self._go_on(ctx)

    def _buried(self, mail: Receipt, ctx: Context[ChannelMail]) -> None:
        """Take what became of a dead letter, of which this channel is the publisher."""
        self._durable_groups(ctx).buried(mail)

    @property
    def _listeners(self) -> tuple[Ref[Any], ...]:
        """Those who are told what is lost to them: to durable groups nothing is."""
        return self._members.refs if isinstance(self._groups, DurableGroups) else self._members.all_refs

    def _has_to_wait(self, mail: Join, ctx: Context[ChannelMail]) -> bool:
        """Whether the store has to be asked, or heard, before a join can be answered; or refuse it."""
        mirror, since = self._mirror, mail.args.since
        cap = self._setup.replay.shared_by(mail.share)
        if self._unread is mail:
            self._unread = None
            self._refuse_join(mail, Unavailable("what the channel keeps can't be read now"), ctx)
            return True
        is_beyond = since is not None and since.epoch == mirror.epoch and since.seq > mirror.store_top
        lacks = mirror.lacks(mail.args, cap) or (is_beyond and self._looked_for is not mail)
        if self._asking is None and lacks:
            self._asking = mail
            most = self._setup.replay
            page = self._shared_log.read(newest_first=True, limit=most.events, size_bytes=most.size_bytes)
            ctx.pipe(page, partial(PageRead, mail), partial(PageFailed, mail))
        is_ahead = since is not None and since.epoch == mirror.epoch and mirror.top < since.seq <= mirror.store_top
        if self._asking is mail or is_ahead:
            self._wait(ctx, mail)
            return True
        return False

    def _read_history(self, mail: ReadHistory, ctx: Context[ChannelMail]) -> None:
        self._mirror.now = ctx.now
        if self._link == "local" or self._mirror.is_whole:
            super()._read_history(mail, ctx)
            return
        args = mail.args
        page = self._shared_log.read(
            after=args.after,
            before=args.before,
            newest_first=is_newest_first(args),
            limit=args.limit or DEFAULT_HISTORY_LIMIT,
            size_bytes=self._setup.page_bytes,
        )
        ctx.pipe(page, partial(PageRead, mail), partial(PageFailed, mail))

    def _page_read(self, mail: PageRead, ctx: Context[ChannelMail]) -> None:
        page, asked = mail.page, mail.asked
        if isinstance(asked, ReadHistory):
            messages = [Raw(with_seq(text, seq)) for seq, text in page.events]
            epoch = page.epoch or self._mirror.epoch
            result = HistoryResult(epoch, page.first or None, page.last or None, messages, page.more)
            asked.card.ref.signal(Answer(asked.request_id, result))
            return
        if isinstance(asked, int):
            self._catch_up(page, asked, ctx)
            return
        self._mirror.now = ctx.now
        self._mirror.looked(page)
        self._asking, self._looked_for = None, asked
        self._go_on(ctx)

    def _page_failed(self, mail: PageFailed, ctx: Context[ChannelMail]) -> None:
        asked = mail.asked
        _log.warning("page_not_read", room=self._card.room, channel=self._card.channel, error=mail.error)
        if isinstance(asked, ReadHistory):
            if self._link == "local":
                super()._read_history(asked, ctx)
            else:
                refusal = Unavailable("what the channel keeps can't be read now")
                asked.card.ref.signal(Answer(asked.request_id, refusal))
            return
        if isinstance(asked, int):
            self._catch_up(SharedPage("", 0, [], False, 0, 0), asked, ctx)
            return
        self._asking, self._unread = None, asked
        self._go_on(ctx)

    # --- made, described, deleted -------------------------------------------------------------------------------

    def _create(self, mail: Create, ctx: Context[ChannelMail]) -> None:
        """Answer whoever wants the channel to be made: it is, if this opening made it."""
        is_made, self._is_made_here = self._is_made_here, False
        if mail.card is None:
            return
        result: ChannelInfo | Refusal = self._card.info()
        if not self._is_open:
            result = Unavailable("the store is not within reach: whether there is such a channel is not known")
        elif not is_made:
            result = AlreadyExists(f"there is a channel {self._card.room}:{self._card.channel}")
        mail.card.ref.signal(Answer(mail.request_id, result))

    def _describe(self, mail: Describe, ctx: Context[ChannelMail]) -> None:
        mail.card.ref.signal(Answer(mail.request_id, self._card.info()))

    def _do_delete(self, mail: Delete, ctx: Context[ChannelMail]) -> None:
        self._is_going = True
        self._wait(ctx)  # a member that joined now would be one for a moment
        deleted = self._shared.delete(self._card.room, self._card.channel)
        ctx.pipe(deleted, lambda was_there: Removed(mail), partial(StoreFailed, mail))

    def _removed(self, mail: Removed, ctx: Context[ChannelMail]) -> None:
        mail.asked.card.ref.signal(Answer(mail.asked.request_id, Empty()))
        _log.info("channel_deleted", client=mail.asked.card.client, room=self._card.room, channel=self._card.channel)
        self._gone(ctx)  # if that was not heard of before

    def _gone(self, ctx: Context[ChannelMail]) -> None:
        """Take the news that the log was deleted, by whichever node."""
        if self._is_deleted:
            return
        self._is_deleted = True
        self._shared_log.close()
        if self._groups is not None:
            self._groups.hand_out()
        fan_out(shared_news.deleted(self._place), self._members.all_refs)
        ctx.stop("deleted")

    def _store_failed(self, mail: StoreFailed, ctx: Context[ChannelMail]) -> None:
        refusal = Unavailable("the store is not within reach: the channel may be there still")
        mail.asked.card.ref.signal(Answer(mail.asked.request_id, refusal))
        self._is_going = False
        self._go_on(ctx)

    _handlers: ClassVar[dict[type, Callable[[Any, Any, Context[ChannelMail]], None]]] = {
        **Channel._handlers,
        Join: _join,
        ReadHistory: _read_history,
        Create: _create,
        Describe: _describe,
        Heard: _hear,
        Settled: _settled,
        PageRead: _page_read,
        PageFailed: _page_failed,
        Removed: _removed,
        StoreFailed: _store_failed,
        GroupTold: _group_told,
        AckWork: _group_command,
        DescribeGroup: _group_command,
        DeleteGroup: _group_command,
        Receipt: _buried,
    }


_ANSWERS = (Settled, PageRead, PageFailed, Removed, StoreFailed)  # somebody waits for what they bring
_BEHIND_OWN = (Join, Leave, ReadHistory, Describe, Delete)  # shows what a connection has published before it


def _pass_on(tell: Callable[[Any], bool], fed: Fed) -> None:
    tell(Heard(fed))
