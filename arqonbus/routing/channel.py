"""Channel: one ordered stream of events. The only writer of its log, the only giver of its seqs.

A turn gathers the events of all its mail; ``_commit``, at the end of the turn and before anything that depends on the
position, numbers nothing anew: it stores the batch, delivers it to all members in one chunk, then tells the publishers.
Store first, deliver second, acknowledge last: what was acknowledged is stored, what was delivered is stored.

Restart: none. A handler that fails is resumed with the state that it has (each handler checks before it changes), so
members and seq survive; a channel that keeps failing is stopped by its room and made again from its log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.actor import Actor, Context, Ref
from arqonbus.actor.actor import Timer
from arqonbus.errors import Conflict, NotFound, Refusal, StorageError, Unavailable
from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import EventOut, System, Telemetry, trace_parent, trace_state
from arqonbus.protocol.names import join_address
from arqonbus.protocol.payloads import (
    DEFAULT_HISTORY_LIMIT,
    ChannelDeleted,
    ChannelOptions,
    ChannelPosition,
    Empty,
    EventResult,
    GroupInfoResult,
    GroupOptions,
    HistoryArgs,
    HistoryResult,
    JoinChannelResult,
    LeftReason,
    MemberInfo,
    Stored,
)
from arqonbus.routing import incident, news
from arqonbus.routing.cards import ChannelCard, ClientCard
from arqonbus.routing.census_mail import FarNews
from arqonbus.routing.durable_groups import DurableGroups
from arqonbus.routing.fanout import deliver_one, deliver_texts, fan_out, fan_out_texts
from arqonbus.routing.group import GroupBounds
from arqonbus.routing.group_mail import AckWork, DeleteGroup, DescribeGroup, Gone, GroupCommand
from arqonbus.routing.groups import Groups, about, clash
from arqonbus.routing.hops import Flight, Leg, about_of, loaded, n_gone, trace_join
from arqonbus.routing.mail import (
    Answer,
    Bounced,
    ChannelMail,
    Delete,
    Deliver,
    Drop,
    GroupMail,
    IdleCheck,
    Join,
    Joined,
    Leave,
    ListMembers,
    Parted,
    Place,
    PresenceTick,
    ProfileChanged,
    Publish,
    ReadHistory,
    Ready,
    Receipt,
    Report,
    Sent,
    StarAnswer,
    Unsent,
)
from arqonbus.routing.members import Member, Members, members_page
from arqonbus.routing.presence import Herald
from arqonbus.routing.recovery import Recovery, ReplayCap, recover
from arqonbus.routing.resumption import outcome_of
from arqonbus.routing.shared_mail import GroupTold
from arqonbus.storage.history import History, Log, Retention
from arqonbus.storage.shared_group import GroupOptions as DurableOptions
from arqonbus.storage.shared_log import SharedHistory
from arqonbus.telemetry import spans
from arqonbus.telemetry.activity import Emit, silent
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.tracer import Tracer

__all__ = ["Channel", "ChannelSetup", "is_newest_first", "retention_of"]

_log = get_log("routing")

# Mail that nobody waits for, and that ends with the channel.
_OWN = (Drop, IdleCheck, ProfileChanged, PresenceTick, Sent, Unsent, Ready, Gone, GroupTold, FarNews)


class ChannelSetup(Struct, frozen=True):
    """What all channels share."""

    history: History
    counters: Counters
    timestamp: Callable[[], str]  # RFC 3339, UTC, milliseconds: now
    idle_s: float  # seconds that an empty channel stays; 0: goes at once; -1: stays
    page_bytes: int  # bytes of messages in one page of history
    replay: ReplayCap  # how much one join replays at most
    presence_max: int  # members, of a channel or room, up to which each join and leave is told
    group: GroupBounds = GroupBounds()
    durable_group: DurableOptions = DurableOptions()  # of durable groups whose makers say nothing else
    tracer: Tracer | None = None
    emit: Emit = silent
    is_one_of_many: bool = False  # whether there are other nodes, with members of their own
    shared: SharedHistory | None = None  # of all nodes; None: this server keeps the events by itself


def retention_of(options: ChannelOptions) -> Retention:
    """Say what a channel with these options, all filled in, keeps."""
    return Retention(options.history_limit or 0, options.history_ttl_s or 0.0, options.history_bytes or 0)


class Channel(Actor[ChannelMail]):
    """One channel. Spawned by its room; stops itself when it was empty for long enough, or is deleted."""

    __slots__ = (
        "_batch",
        "_card",
        "_groups",
        "_herald",
        "_is_deleted",
        "_legs",
        "_log",
        "_members",
        "_n_acks",
        "_place",
        "_publishes",
        "_quiet_since",
        "_repeats",
        "_room",
        "_setup",
        "_stars",
        "_timer",
        "_timestamp",
    )

    def __init__(
        self, setup: ChannelSetup, card: ChannelCard, room: Ref[Any], stars: tuple[tuple[ClientCard, str], ...]
    ) -> None:
        options = card.options
        self._setup = setup
        self._card = card
        self._room = room
        self._stars = stars  # (client, joined at) of those who are members of the whole room at the start
        self._members = Members(all_watch=bool(options.presence))
        self._groups: Groups | DurableGroups | None = None  # made with the first one
        pass_on = room.signal if setup.is_one_of_many else None
        self._herald = Herald(card.room, card.channel, self._members, setup.presence_max, pass_on)
        self._log = self._open_log(retention_of(options))
        self._place = Place(card.room, card.channel, self._log.epoch)
        self._batch: list[bytes] = []  # JSON texts of the events of this turn: seqs log.top + 1, log.top + 2 ...
        self._publishes: list[Publish] = []  # the mail of each of them
        self._n_acks = 0  # how many of them want to be acknowledged
        self._repeats: list[tuple[Publish, int]] = []  # of this turn: events published before, with the seq of then
        self._timestamp = ""  # of the events of this turn; empty: none came yet
        self._quiet_since: float | None = None  # since when it is empty and without events; None: not known to be
        self._timer: Timer | None = None  # of the IdleCheck that is on its way
        self._is_deleted = False
        self._legs: list[Leg] = []  # of this turn: events that are traced
        card.show(self._log, self._members)

    # --- life ---------------------------------------------------------------------------------------------------

    def _open_log(self, retention: Retention) -> Log:
        return self._setup.history.open(self._card.room, self._card.channel, retention, self._card.note())

    def started(self, ctx: Context[ChannelMail]) -> None:
        """Take in the members of the whole room: they get the channel's events from the first on."""
        for card, joined_at in self._stars:
            self._members.join(card, joined_at, star=True, watches=None)
            self._herald.found(self._members[card.client])
        self._stars = ()

    def turn(self, batch: Iterator[ChannelMail], ctx: Context[ChannelMail]) -> None:
        """Handle mail. Events, which are nearly all of it, are spelt out; what is not may depend on those before it."""
        publish = self._publish
        for mail in batch:
            ctx.current = mail
            if type(mail) is Publish:
                publish(mail, ctx)
                continue
            self.receive(mail, ctx)
            if ctx.paused:
                return

    def receive(self, mail: ChannelMail, ctx: Context[ChannelMail]) -> None:
        """Handle one mail."""
        if type(mail) is Publish:
            self._publish(mail, ctx)
            return
        self._commit()  # what follows may depend on the position or on who is in
        self._handlers[type(mail)](self, mail, ctx)

    def flush(self, ctx: Context[ChannelMail]) -> None:
        """Store and deliver the events of this turn, and see whether the channel is needed."""
        if self._batch:  # these two as in _commit, without a call: every turn comes by here
            self._commit_batch(self._batch)
        if self._repeats:
            self._answer_repeats()
        self._timestamp = ""
        if self._groups is not None:
            self._groups.hand_out()
        if not self._members.count and self._may_go():
            self._watch_idleness(ctx)

    def failed(self, mail: ChannelMail | None, error: Exception, ctx: Context[ChannelMail]) -> None:
        """Answer ``internal`` to whoever waits for the mail in work."""
        card = getattr(mail, "card", None)
        client = card.client if card is not None else None
        where = {"client": client, "room": self._card.room, "channel": self._card.channel}
        refusal = incident.report(_log, error, getattr(mail, "trace", None), **where)
        incident.tell(self._setup.emit, "channel", self._card.room, refusal)
        if isinstance(mail, Join | Leave) and mail.star:
            self._room.signal(StarAnswer(mail.card, self._card.channel, refusal=refusal))
        elif isinstance(mail, Publish):
            self._legs = [leg for leg in self._legs if leg.trace is not mail.trace]
            self._end_trace(mail, refusal.code)
            mail.card.ref.signal(Receipt(mail.event.id, refusal))
        elif card is not None and not isinstance(mail, _OWN):
            if isinstance(mail, Join):
                self._end_untaken(card, ctx)
            card.ref.signal(Answer(getattr(mail, "request_id", None), refusal))

    def stopped(self, unread: list[ChannelMail], ctx: Context[ChannelMail]) -> None:
        """Give what was not read back to the room, which routes it anew."""
        self._log.close()
        if self._timer is not None:
            self._timer.cancel()
        if not self._is_deleted:
            _log.debug("channel_stopped", room=self._card.room, channel=self._card.channel)
        for mail in unread:
            if not isinstance(mail, _OWN):
                self._room.tell_past_bound(Bounced(self._card.channel, mail))
        unread.clear()

    # --- events -------------------------------------------------------------------------------------------------

    def _publish(self, mail: Publish, ctx: Context[ChannelMail]) -> None:
        event, batch, log = mail.event, self._batch, self._log
        seq = log.top + len(batch) + 1
        event_id = event.id
        if event_id is not None and (first := log.recent.seq_of((mail.card.sender, event_id), ctx.now)) is not None:
            self._repeats.append((mail, first))
            return
        if mail.trace is not None:
            self._take_traced(mail, seq)
        if not self._timestamp:
            self._timestamp = self._setup.timestamp()
        out = EventOut(
            self._card.room,
            self._card.channel,
            event_id or f"{log.epoch}.{seq}",
            mail.card.client,
            self._timestamp,
            seq,
            event.payload,
            event.metadata,
            event.reply_to,
            None if event.traceparent is UNSET else trace_parent(event.traceparent),
            None if event.tracestate is UNSET else trace_state(event.tracestate),
        )
        batch.append(encode(out))
        self._publishes.append(mail)
        if event_id is not None:
            # last: a failure before this leaves nothing behind
            log.recent.add((mail.card.sender, event_id), seq, ctx.now)
        if event.ack:
            self._n_acks += 1

    def _commit(self) -> None:
        """Make the events of this turn real, then answer for those that came again."""
        if self._batch:
            self._commit_batch(self._batch)
        if self._repeats:
            self._answer_repeats()

    def _commit_batch(self, batch: list[bytes]) -> None:
        """Store the batch, deliver it, tell the publishers. The one place where an event becomes real."""
        publishes, n_acks, refs = self._publishes, self._n_acks, self._members.known_refs or self._members.refs
        self._batch, self._publishes, self._n_acks = [], [], 0
        self._quiet_since = None
        flight = self._take_off() if self._legs else None
        try:
            top = self._log.append(batch)
        except StorageError as error:
            where = {"room": self._card.room, "channel": self._card.channel}
            _log.error("events_not_stored", **where, error=error, trace=flight.trace if flight else None)
            self._refuse_batch(publishes, Unavailable("the event could not be stored"), flight)
            return
        except Exception as error:  # noqa: BLE001 - a store's bug: whoever published must be answered all the same
            where = {"room": self._card.room, "channel": self._card.channel}
            trace = flight.trace if flight else None
            self._refuse_batch(publishes, incident.report(_log, error, trace, **where), flight)
            return
        counters = self._setup.counters
        counters.messages_in += len(batch)
        if refs:
            counters.messages_out += len(batch) * len(refs)
            if self._place.epoch != self._log.epoch:
                self._renew_place()
        if flight is not None:
            self._tell_traced(flight, batch, top)
        else:
            if refs:
                fan_out_texts(batch, self._place, top, refs)
            if self._groups is not None:
                self._groups.share(batch, top)
        if n_acks:
            self._acknowledge_batch(publishes, top - len(batch) + 1)

    def _acknowledge_batch(self, publishes: list[Publish], first: int) -> None:
        n_reached = len(self._members.refs) + (self._groups.n_reached if self._groups is not None else 0)
        for seq, mail in enumerate(publishes, first):
            if mail.event.ack:
                self._acknowledge(mail, seq, n_reached)

    def _renew_place(self) -> None:
        self._place = Place(self._card.room, self._card.channel, self._log.epoch)

    def _report(self, mail: Report, ctx: Context[ChannelMail]) -> None:
        """Number, keep and deliver events of the server: what cannot be kept is logged, and nobody is told."""
        room, channel = self._card.room, self._card.channel
        seqs = enumerate(mail.events, self._log.top + 1)
        texts = [encode(Telemetry(one.event, room, channel, one.timestamp, seq, one.payload)) for seq, one in seqs]
        self._quiet_since = None
        try:
            top = self._log.append(texts)
        except StorageError as error:
            _log.error("events_not_stored", room=room, channel=channel, error=error)
            return
        if self._members.refs:
            if self._place.epoch != self._log.epoch:
                self._renew_place()
            fan_out(deliver_texts(texts, self._place, top), self._members.refs)
        if self._groups is not None:
            self._groups.share(texts, top)

    def _answer_repeats(self) -> None:
        repeats, self._repeats = self._repeats, []
        self._setup.counters.duplicates += len(repeats)
        for mail, seq in repeats:
            self._end_trace(mail)
            if mail.event.ack:
                self._acknowledge(mail, seq, None)

    def _acknowledge(self, mail: Publish, seq: int, n_reached: int | None) -> None:
        """Tell a publisher the seq of its event, and how many members get it; None: it came again."""
        stored: Stored = self._setup.history.backend if self._log.keeps else "none"
        delivered = UNSET if n_reached is None else n_reached
        result = EventResult(seq, self._log.epoch, n_reached is None, stored, delivered)
        mail.card.ref.signal(Receipt(mail.event.id, result))

    def _take_traced(self, mail: Publish, seq: int) -> None:
        """Take an event in hand that is traced."""
        tracer, trace = self._setup.tracer, mail.trace
        if tracer is not None and trace is not None:
            self._legs.append(Leg(trace, about_of(mail.event, mail.card.client), tracer.clock_ns(), seq))

    def _take_off(self) -> Flight | None:
        legs, self._legs = self._legs, []
        where = join_address(self._card.room, self._card.channel)
        return Flight(self._setup.tracer, ("channel", where), legs) if self._setup.tracer is not None else None

    def _tell_traced(self, flight: Flight, batch: list[bytes], top: int) -> None:
        """Tell the members of a batch in which events are traced."""
        traced, refs, n_groups = flight.stored(), self._members.refs, 0
        if refs:
            fan_out(loaded(deliver_texts(batch, self._place, top), traced), refs)
        if self._groups is not None:
            self._groups.share(batch, top, traced)
            n_groups = self._groups.n_reached
        flight.land(len(refs) + n_groups, n_gone(refs))

    def _end_trace(self, mail: Publish, error: str | None = None) -> None:
        """End the trace of an event that is not delivered: it came again, or failed."""
        if self._setup.tracer is not None and mail.trace is not None:
            spans.publish(self._setup.tracer, mail.trace, about_of(mail.event, mail.card.client), error)

    def _refuse_batch(self, publishes: list[Publish], refusal: Refusal, flight: Flight | None) -> None:
        """Tell every publisher, asked or not: a refused message is always answered. Nothing of the batch is known."""
        for mail in publishes:
            self._log.recent.forget((mail.card.sender, mail.event.id))
        top = self._log.top
        lost, self._repeats = [m for m, seq in self._repeats if seq > top], [r for r in self._repeats if r[1] <= top]
        for mail in (*publishes, *lost):
            mail.card.ref.signal(Receipt(mail.event.id, refusal))
        for mail in lost:
            self._end_trace(mail, refusal.code)
        if flight is not None:
            flight.fail(refusal.code)

    # --- membership ---------------------------------------------------------------------------------------------

    def _join(self, mail: Join, ctx: Context[ChannelMail]) -> None:
        tracer, trace = self._setup.tracer, mail.trace
        if tracer is None or trace is None:
            self._take_in(mail, ctx)
            return
        started_ns = tracer.clock_ns()
        recovery = self._take_in(mail, ctx)
        if recovery is not None:
            where = join_address(self._card.room, self._card.channel)
            trace_join(tracer, trace, where, mail.card.client, started_ns, recovery, self._members.count)

    def _take_in(self, mail: Join, ctx: Context[ChannelMail]) -> Recovery | None:
        """Make the client a member and answer it. Returns what it was told of before; None: it is none."""
        member, group = self._members.get(mail.card.client), mail.args.group
        refusal = clash(member, group, mail.star) or self._misfit(mail)
        if refusal is not None:
            self._refuse_join(mail, refusal, ctx)
            return None
        cap = self._setup.replay.shared_by(mail.share)
        # First: a store that fails changes nothing.
        recovery = Recovery() if self._is_back(mail) else recover(self._log, mail.args, cap)
        joined_at = self._setup.timestamp()
        self._quiet_since = None
        seat = self._sit(mail.card, group, member) if group is not None else 0
        rows = self._enter(mail, joined_at, ctx)
        result = JoinChannelResult(
            room=self._card.room,
            channel=self._card.channel,
            epoch=self._log.epoch,
            seq=self._log.top,
            recovered=recovery.recovered,
            reason=recovery.reason,
            replayed=len(recovery.texts),
            members=self._members.total,
            lost=recovery.lost,
            first_available=recovery.first_available,
            present=rows,
            partial=True if self._members.far.is_partial else UNSET,
            group=group or UNSET,
            group_options=self._group_options(group),
        )
        replay = deliver_texts(recovery.texts) if recovery.texts else None
        if mail.star:
            self._answer_star_join(mail, result, replay)
            return recovery
        answer = Joined(
            mail.request_id,
            self._card.room,
            self._card.channel,
            ctx.ref,
            result,
            replay,
            overflow=mail.args.overflow or "disconnect",
            group=group,
            seat=seat,
        )
        mail.card.ref.signal(answer)
        return recovery

    def _refuse_join(self, mail: Join, refusal: Refusal, ctx: Context[ChannelMail]) -> None:
        self._end_untaken(mail.card, ctx)
        if mail.star:
            self._room.signal(StarAnswer(mail.card, self._card.channel, refusal=refusal))
        else:
            mail.card.ref.signal(Answer(mail.request_id, refusal))

    def _enter(self, mail: Join, joined_at: str, ctx: Context[ChannelMail]) -> tuple[MemberInfo, ...] | UnsetType:
        """Take the client in and tell those who watch. Returns the rows of all, if it asks for them."""
        client, members, herald = mail.card.client, self._members, self._herald
        member = members.get(client)
        before = member.card if member is not None else None
        members.join(mail.card, joined_at, star=mail.star, watches=mail.args.presence, group=mail.args.group)
        if before is None:
            herald.joined(members[client], ctx)
            if not mail.star:
                news.joined(self._setup.emit, self._card.room, self._card.channel, mail.card)
        elif before is not mail.card:
            herald.resumed(members[client], before, ctx)
        return herald.rows_for(client, ctx) if mail.args.presence else UNSET

    def _is_back(self, mail: Join) -> bool:
        """Whether a client that joins the room as a whole has just come back here by name, with its replay."""
        member = self._members.get(mail.card.client) if mail.star else None
        return member is not None and member.direct and member.card is mail.card

    def _sit(self, card: ClientCard, group: str, before: Member | None) -> int:
        """Give the number of a member's seat in a group, in the place of the connection that it continues, if any."""
        if self._groups is None:
            address = (self._card.room, self._card.channel)
            self._groups = Groups(address, self._log, self._setup.group, self._setup.counters)
            self._card.groups = self._groups.infos
        return self._groups.join(group, card, before.card if before is not None else None)

    def _misfit(self, mail: Join) -> Refusal | None:
        """Say why a join does not suit the channel; None: it does."""
        if mail.args.group_options is not None:
            return Conflict("the channel is not durable: its groups have no options - at `$.args.group_options`")
        return None

    def _group_options(self, group: str | None) -> GroupOptions | UnsetType:
        """Give what the result of a join says of its group: of durable ones their options."""
        return UNSET

    def _group_command(self, mail: GroupCommand, ctx: Context[ChannelMail]) -> None:
        infos = self._groups.infos() if self._groups is not None else ()
        result: GroupInfoResult | Refusal
        try:
            result = about(mail, (self._card.room, self._card.channel), infos)
        except Refusal as refusal:
            result = refusal
        mail.card.ref.signal(Answer(mail.request_id, result))

    def _of_group(self, mail: GroupMail, ctx: Context[ChannelMail]) -> None:
        """A member of a group says what became of its events."""
        if self._groups is not None:
            self._groups.note(mail)

    def _answer_star_join(self, mail: Join, result: JoinChannelResult, replay: Deliver | None) -> None:
        """Answer the room; what a resuming member missed goes to it straight, before anything live."""
        position = ChannelPosition(self._card.channel, self._log.epoch, self._log.top)
        resumed = outcome_of(result) if mail.positions is not None else None
        if replay is not None:
            mail.card.ref.signal(replay)
        self._room.signal(StarAnswer(mail.card, self._card.channel, position, resumed))

    def _leave(self, mail: Leave, ctx: Context[ChannelMail]) -> None:
        member = self._members.get(mail.card.client)
        if not mail.star and (member is None or not member.direct):
            mail.card.ref.signal(Answer(mail.request_id, NotFound("not a member of this channel")))
            return
        gone = self._members.leave(mail.card.client, star=mail.star)
        if gone is not None:
            if self._groups is not None:
                self._groups.leave(gone.card)
            self._herald.left(gone, "left", ctx)
            self._tell_left(gone, "left", is_of_star=mail.star)
        if mail.star:
            self._room.signal(StarAnswer(mail.card, self._card.channel))
        else:
            mail.card.ref.signal(Parted(mail.request_id, self._card.room, self._card.channel, Empty()))

    def _drop(self, mail: Drop, ctx: Context[ChannelMail]) -> None:
        """Take a member out. The room knows best: whoever continues the client has not joined, or joins behind this."""
        client = mail.card.client
        by_name = self._members.leave(client, star=False) if mail.direct else None
        gone = by_name or (self._members.leave(client, star=True) if mail.star else None)
        if gone is not None:
            if self._groups is not None:
                self._groups.drop(gone.card, mail.reason)
            self._herald.left(gone, mail.reason, ctx)
            self._tell_left(gone, mail.reason, is_of_star=not mail.direct)

    def _tell_left(self, gone: Member, reason: LeftReason, *, is_of_star: bool) -> None:
        if not is_of_star:  # of the whole room its room tells
            news.left(self._setup.emit, self._card.room, self._card.channel, gone.card, reason)

    def _end_untaken(self, card: ClientCard, ctx: Context[ChannelMail]) -> None:
        """Let a membership end that the next connection of its client could not take up: that one is told so."""
        member = self._members.get(card.client)
        if member is not None and member.card is not card:
            self._drop(Drop(card, "lost", star=False), ctx)

    def _profile_changed(self, mail: ProfileChanged, ctx: Context[ChannelMail]) -> None:
        """Tell of it, also where another session has the place by now: it may have come with the new profile."""
        member = self._members.get(mail.card.client)
        if member is not None:
            self._herald.updated(member, ctx)

    def _presence_tick(self, mail: PresenceTick, ctx: Context[ChannelMail]) -> None:
        self._herald.tick(ctx)

    def _far_news(self, mail: FarNews, ctx: Context[ChannelMail]) -> None:
        self._herald.heard(mail, ctx)

    def _list_members(self, mail: ListMembers, ctx: Context[ChannelMail]) -> None:
        mail.card.ref.signal(Answer(mail.request_id, members_page(self._members, mail.args, mail.beside)))

    # --- history ------------------------------------------------------------------------------------------------

    def _read_history(self, mail: ReadHistory, ctx: Context[ChannelMail]) -> None:
        args = mail.args
        page = self._log.read(
            after=args.after,
            before=args.before,
            newest_first=is_newest_first(args),
            limit=args.limit or DEFAULT_HISTORY_LIMIT,
            size_bytes=self._setup.page_bytes,
        )
        messages = [Raw(text) for _, text in page.events]
        result = HistoryResult(self._log.epoch, page.first or None, page.last or None, messages, page.more)
        mail.card.ref.signal(Answer(mail.request_id, result))

    # --- the end ------------------------------------------------------------------------------------------------

    def _delete(self, mail: Delete, ctx: Context[ChannelMail]) -> None:
        card = self._card
        refusal: Refusal | None = None
        if card.kind != "user":
            refusal = Conflict(f"the channel is {card.kind}: only the settings can take it away")
        elif self._members.total and not mail.force:
            refusal = Conflict(f"the channel has {self._members.total} members; force deletes it all the same")
        if refusal is not None:
            mail.card.ref.signal(Answer(mail.request_id, refusal))
            return
        self._do_delete(mail, ctx)

    def _do_delete(self, mail: Delete, ctx: Context[ChannelMail]) -> None:
        card = self._card
        deleted = deliver_one(System("channel_deleted", ChannelDeleted("deleted"), card.room, card.channel))
        if self._groups is not None:
            self._groups.hand_out()
        fan_out(deleted, self._members.all_refs)
        self._setup.history.delete(card.room, card.channel)
        self._is_deleted = True
        mail.card.ref.signal(Answer(mail.request_id, Empty()))
        _log.info("channel_deleted", client=mail.card.client, room=card.room, channel=card.channel)
        ctx.stop("deleted")

    def _may_go(self) -> bool:
        return self._setup.idle_s >= 0 and self._card.kind == "user" and not self._card.options.persistent

    def _watch_idleness(self, ctx: Context[ChannelMail]) -> None:
        if self._quiet_since is None:
            self._quiet_since = ctx.now
        if self._timer is None:
            self._timer = ctx.after(self._quiet_since + self._setup.idle_s - ctx.now, IdleCheck())

    def _idle_check(self, mail: IdleCheck, ctx: Context[ChannelMail]) -> None:
        self._timer = None  # flush sets it again if the time is not over
        since = self._quiet_since
        # The same sum as that of the timer: a difference could come out short of idle_s, by rounding, for ever.
        if since is not None and not self._members.count and ctx.now >= since + self._setup.idle_s:
            ctx.stop("idle")

    _handlers: ClassVar[dict[type, Callable[[Channel, Any, Context[ChannelMail]], None]]] = {
        Join: _join,
        Leave: _leave,
        Drop: _drop,
        Delete: _delete,
        ReadHistory: _read_history,
        ListMembers: _list_members,
        Report: _report,
        ProfileChanged: _profile_changed,
        PresenceTick: _presence_tick,
        FarNews: _far_news,
        IdleCheck: _idle_check,
        Sent: _of_group,
        Unsent: _of_group,
        Ready: _of_group,
        Gone: _of_group,
        AckWork: _group_command,
        DescribeGroup: _group_command,
        DeleteGroup: _group_command,
    }


def is_newest_first(args: HistoryArgs) -> bool:
    """Say in which order a page of history is wanted."""
    if args.order is not None:
        return args.order == "desc"
    return args.after is None
