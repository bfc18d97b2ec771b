"""Session: one client. What it sends becomes mail to the right actor; what it is sent becomes frames for its socket.

What the client sends is handled strictly one after the other: the user lane is held while a command is in work, while
an address is looked up, and while a receiver has no room. Deliveries come by the control lane and are never held.

    AWAITING ──connect with a key──▶ OPEN ──connection lost──▶ AWAY ──nobody came──▶ (stopped)
        └── else: told, closed 4501    └──── another connection continues it ────▶ REPLACED ──▶ (stopped)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, ClassVar

from msgspec import UNSET, Struct

from arqonbus.actor import Actor, Context, Ref
from arqonbus.errors import Refusal, Unauthenticated
from arqonbus.protocol import codes
from arqonbus.protocol.envelope import Broadcast, Command, Event, Private, Response, System, accepted, error_body
from arqonbus.protocol.names import join_address
from arqonbus.protocol.payloads import Draining, GapReason, Overflow, Resume
from arqonbus.routing import incident, news
from arqonbus.routing.admission import Admission, first_profile
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.continuation import Continuation
from arqonbus.routing.fanout import deliver_one
from arqonbus.routing.hops import TracedDeliver
from arqonbus.routing.introduction import introduce
from arqonbus.routing.mail import (
    Answer,
    AuthTimeout,
    Away,
    BroadcastMail,
    Deliver,
    Drain,
    Ended,
    GraceOver,
    Inbound,
    Invalid,
    Joined,
    Kick,
    LeaveNow,
    LetGo,
    Lost,
    Opened,
    OutboxCheck,
    Parted,
    Place,
    PrivateMail,
    Publish,
    Receipt,
    RegistryMail,
    Replaced,
    Request,
    Resolve,
    Resolved,
    SessionMail,
    SetProfile,
    SetWill,
    Share,
    TookOver,
    WhoAmI,
    Writable,
)
from arqonbus.routing.outbox import Outbox, OutboxBounds
from arqonbus.routing.routes import Address, Routes
from arqonbus.routing.shares import NO_SHARES
from arqonbus.routing.socket import NO_SOCKET, Hello, Socket
from arqonbus.routing.tracing import NO_TRACING, Tracing, Turns
from arqonbus.security.gate import Action, Gate, Identity
from arqonbus.security.tally import Tally
from arqonbus.telemetry.activity import Emit, silent
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.losses import Losses
from arqonbus.telemetry.tracer import Tracer

__all__ = ["Session", "SessionSetup"]

OUTBOX_CHECK_S = 1.0  # between two looks at an outbox that waits; fine enough for bounds in seconds
ENDING_S = 5.0  # that what a client sent before its end may wait for room; a channel has room within milliseconds
REPLACED_GRACE_S = 10.0  # that a replaced session waits at most: far longer than its successor's joins take
INVALID_WINDOW_S = 60.0  # limits.invalid_envelopes counts per minute

_log = get_log("routing")


class SessionSetup(Struct, frozen=True):
    """What all sessions share."""

    registry: Ref[RegistryMail]
    gate: Gate
    admission: Admission
    counters: Counters
    losses: Losses
    outbox: OutboxBounds
    max_invalid: int  # invalid messages a minute
    resume_grace_s: float  # that a client whose connection was lost may come back; 0: none
    auto_create: bool
    max_memberships: int  # of one client
    turns: Turns
    tracer: Tracer | None = None
    emit: Emit = silent


class _State(Enum):
    AWAITING = "awaiting"  # no valid credentials yet
    OPEN = "open"
    AWAY = "away"  # the connection is lost; the client may come back within the grace
    REPLACED = "replaced"  # another session continues; this one waits to be let go


_LEFT = (_State.AWAY, _State.REPLACED)  # without a connection


class Session(Actor[SessionMail]):
    """One client's connection. Spawned by the server for each, stops when the connection is gone or closed by it."""

    __slots__ = (
        "_card",
        "_checks",
        "_client",
        "_command",
        "_continuation",
        "_has_more",
        "_hello",
        "_invalids",
        "_is_first",
        "_leaves_at",
        "_memberships",
        "_outbox",
        "_routes",
        "_setup",
        "_shares",
        "_socket",
        "_state",
        "_tracing",
        "_unroutable",
    )

    def __init__(self, setup: SessionSetup, client: str, socket: Socket, hello: Hello) -> None:
        self._setup = setup
        self._socket = socket
        self._hello = hello
        self._outbox = Outbox(socket, setup.outbox, hello.compressed)
        self._client = client
        self._command: str | None = None  # that has no answer yet
        self._card: ClientCard  # made once its ref is known, in started
        self._state = _State.AWAITING
        self._is_first = True  # no message came yet
        self._routes = Routes()
        self._memberships: tuple[tuple[str, str], ...] = ()  # a tuple: nearly all have one or two
        self._unroutable: Refusal | None = None  # why the message to be received again has no receiver
        self._invalids: Tally | None = None  # invalid messages; made with the first, since most clients send none
        self._checks = False  # an OutboxCheck is on its way
        self._leaves_at = 0.0  # when a GraceOver ends the session; earlier ones are of a wait that is over
        self._has_more = False  # to do at the end of a turn than to write, see _settle
        self._shares = NO_SHARES  # others from the first membership of a group on
        self._continuation: Continuation | None = None  # made when this one continues another, or is continued
        self._tracing = NO_TRACING  # another one from the start on, where there is a tracer

    # --- life ---------------------------------------------------------------------------------------------------

    def started(self, ctx: Context[SessionMail]) -> None:
        """Welcome the client, refuse it, or wait for its credentials."""
        admission = self._setup.admission
        self._card = ClientCard(ctx.ref, Identity(self._client, None, True), first_profile(self._hello))
        if self._setup.tracer is not None:
            self._tracing = Tracing(self._setup.tracer, self._card, self._setup.turns)
        if self._hello.token is None and not admission.anonymous:
            ctx.after(admission.timeout_s, AuthTimeout())
            return
        try:
            self._card.identity = admission.identify(self._client, self._hello.token)
        except Unauthenticated as refusal:
            self._turn_away(refusal.message, ctx)
            return
        self._open()
        self._tell(System("welcome", admission.welcome(self._card)))

    def turn(self, batch: Iterator[SessionMail], ctx: Context[SessionMail]) -> None:
        """Handle mail. The two kinds that are nearly all of it are spelt out: events to and from the client."""
        waiting, tracing = self._outbox.waiting, self._tracing
        for mail in batch:
            if type(mail) is Deliver:
                waiting.append(mail)
                continue
            ctx.current = mail
            if type(mail) is Inbound:
                event = mail.envelope
                # A route to a channel exists only where the gate let the client publish: see Routes. What goes wrong
                # here is left to receive.
                if (
                    type(event) is Event
                    and (ref := self._routes.get((event.room, event.channel))) is not None
                    and ref.tell(
                        Publish(self._card, event)
                        if tracing is NO_TRACING
                        or (event.traceparent is UNSET and tracing.turns.turn_at < tracing.opening.opens_at)
                        else tracing.publish(mail, event, ref, ctx.now),
                        mail.size,
                    )
                ):
                    continue
            self.receive(mail, ctx)
            if ctx.paused:
                return

    def receive(self, mail: SessionMail, ctx: Context[SessionMail]) -> None:
        """Handle one mail."""
        self._handlers[type(mail)](self, mail, ctx)

    def flush(self, ctx: Context[SessionMail]) -> None:
        """Write what this turn gathered; close a client that is too slow."""
        outbox = self._outbox
        waiting = outbox.waiting
        if waiting and not outbox.is_blocked:
            if len(waiting) == 1 and outbox.cork_at is None:  # as outbox.flush does it, without a call
                deliver = waiting.pop()
                outbox.is_blocked = not self._socket.write(deliver.chunk, deliver.texts)
            else:
                outbox.flush()
        if self._has_more:
            self._settle()
        if outbox.is_blocked:
            self._judge(ctx)

    def _settle(self) -> None:
        """Say what became of what others want to know about: shares of groups, traced deliveries."""
        self._shares.settle(self._outbox, self._socket)
        self._tracing.flushed(is_empty=not self._outbox.waiting, is_away=self._socket is NO_SOCKET)
        self._has_more = self._shares is not NO_SHARES or bool(self._tracing.under_way)

    def failed(self, mail: SessionMail | None, error: Exception, ctx: Context[SessionMail]) -> None:
        """Answer ``internal`` for the message in work."""
        envelope = mail.envelope if isinstance(mail, Inbound) else None
        command = envelope.command if isinstance(envelope, Command) else None
        trace = self._tracing.trace
        refusal = incident.report(_log, error, client=self._card.client, command=command, trace=trace)
        incident.tell(self._setup.emit, "session", None, refusal)
        if isinstance(mail, Replaced):
            mail.card.ref.signal(TookOver(None))
            self._setup.registry.signal(Opened(self._card))  # which takes it for gone
        elif self._is_resuming:  # its connect would never be answered, and all that comes be held back
            self._close(codes.INTERNAL_ERROR, "internal error", "lost", ctx)
        elif envelope is not None:
            self._conclude(envelope.id, refusal)
        else:
            ctx.release()  # the failed mail may have been the one that the client's next message waits for

    def stopped(self, unread: list[SessionMail], ctx: Context[SessionMail]) -> None:
        """What the client sent after the end, and what was on its way to it, ends here: it has been told or is gone."""
        claims = [mail for mail in unread if isinstance(mail, Replaced)]
        if claims or self._is_claimed:
            self._continued().disown(claims, self._card)
        unread.clear()
        self._setup.counters.blocked.pop(self._client, None)
        self._shares.close()
        self._tracing.close()
        self._socket.close(codes.INTERNAL_ERROR, "internal error")  # without effect unless the supervisor ended it

    # --- from the client ----------------------------------------------------------------------------------------

    def _inbound(self, mail: Inbound, ctx: Context[SessionMail]) -> None:
        if self._state in _LEFT:
            return  # of a connection that is over: a publish now could overtake one of the connection that continues it
        envelope = mail.envelope
        is_first, self._is_first = self._is_first, False
        if is_first and type(envelope) is Command and envelope.command == "connect":
            self._connect(mail, envelope, ctx)
            return
        if self._state is _State.AWAITING:
            self._refuse(envelope.id, Unauthenticated("expected the command connect with a token first"))
            self._turn_away("expected the command connect with a token first", ctx)
            return
        try:
            self._route(mail, ctx)
        except Refusal as refusal:
            self._refuse(envelope.id, refusal)
            self._tracing.refused(mail, refusal, ctx.ref, ctx.now)

    def _route(self, mail: Inbound, ctx: Context[SessionMail]) -> None:
        envelope = mail.envelope
        match envelope:
            case Event():
                room, channel = envelope.room, envelope.channel
                self._setup.gate.authorize(self._card.identity, Action.PUBLISH, room, channel)
                self._send(mail, envelope, (room, channel), Publish, ctx)
            case Broadcast():
                self._setup.gate.authorize(self._card.identity, Action.BROADCAST, envelope.room, None)
                self._send(mail, envelope, (envelope.room, None), BroadcastMail, ctx)
            case Private():
                self._setup.gate.authorize(self._card.identity, Action.PRIVATE, None, None)
                if not self._tell_actor(self._setup.registry, PrivateMail, mail, envelope, ctx):
                    ctx.hold(mail, until=self._setup.registry)
            case Command():
                registry, args, self._command = self._setup.registry, envelope.args, envelope.command
                trace = self._tracing.command(mail, envelope, registry, ctx.now)
                request = Request(self._card, envelope.id, envelope.command, args, self._memberships, trace)
                registry.tell_past_bound(request)
                ctx.hold()

    def _tell_actor(
        self, ref: Ref[Any], make: Callable[..., Any], mail: Inbound, message: Any, ctx: Context[SessionMail]
    ) -> bool:
        """Tell an actor a message of the client. Returns whether it took it."""
        message, trace = self._tracing.begin(message, mail.size, ref, ctx.now)
        return ref.tell(make(self._card, message, trace), mail.size)

    def _send(
        self, mail: Inbound, message: Any, address: Address, make: Callable[..., Any], ctx: Context[SessionMail]
    ) -> None:
        """Tell the actor at ``address``; find it first, or wait until it has room, where that must be."""
        unroutable, self._unroutable = self._unroutable, None
        if unroutable is not None:
            raise unroutable
        ref = self._routes.get(address)
        if ref is not None:
            if self._tell_actor(ref, make, mail, message, ctx):
                return
            if ref.alive:
                ctx.hold(mail, until=ref)
                return
            self._routes.forget(address)
        room, channel = address
        may_create = channel is not None and self._may_create(room, channel)
        self._setup.registry.tell_past_bound(Resolve(self._card, room, channel, may_create))
        ctx.hold(mail)

    def _may_create(self, room: str, channel: str) -> bool:
        """Whether a channel that is not there may be made for the client without being asked for."""
        return self._setup.auto_create and self._may(Action.CREATE, room, channel)

    def _may(self, action: Action, room: str, channel: str) -> bool:
        return self._setup.gate.allows(self._card.identity, action, room, channel)

    def _invalid(self, mail: Invalid, ctx: Context[SessionMail]) -> None:
        if self._state in _LEFT:
            return
        self._is_first = False
        self._setup.counters.invalid += 1
        self._refuse(mail.refusal.request_id, mail.refusal)
        if self._state is _State.AWAITING:
            self._turn_away("expected the command connect with a token first", ctx)
            return
        self._invalids = self._invalids or Tally(self._setup.max_invalid, INVALID_WINDOW_S)
        if self._invalids.add(ctx.now):
            self._close(codes.INVALID_ENVELOPES, "too many invalid envelopes", "lost", ctx)

    # --- who the client is --------------------------------------------------------------------------------------

    def _connect(self, mail: Inbound, envelope: Command, ctx: Context[SessionMail]) -> None:
        """Answer the first message, if it is connect: it says who the client is."""
        admission, was_open = self._setup.admission, self._state is _State.OPEN
        self._command = envelope.command
        self._tracing.command(mail, envelope, ctx.ref, ctx.now)
        try:
            args = admission.admit(self._card, envelope.args, is_open=was_open)
        except Refusal as refusal:
            self._conclude(envelope.id, refusal)
            if not was_open or isinstance(refusal, Unauthenticated):
                self._turn_away(refusal.message, ctx)
            return
        if not was_open:
            self._open()
        if args.debug and self._setup.gate.allows(self._card.identity, Action.ADMIN, None, None):
            self._card.is_debugged = self._tracing.debug()
        if args.resume is None:
            self._conclude(envelope.id, admission.connected(self._card))
        else:
            self._resume(envelope.id, args.resume, ctx)

    def _resume(self, request_id: str | None, resume: Resume, ctx: Context[SessionMail]) -> None:
        """Bring channels back in one round trip; with a ticket, as the client that lost its connection."""
        try:
            self._continued().trace = self._tracing.trace
            self._continued().resume(request_id, resume, self._card, self._outbox)
        except Refusal as refusal:
            self._conclude(request_id, refusal)
            return
        ctx.hold()
        self._go_on_resuming(ctx)

    def _continued(self) -> Continuation:
        setup = self._setup
        if self._continuation is None:
            self._continuation = Continuation(setup.registry, setup.admission, self._may_create, setup.max_memberships)
        return self._continuation

    def _took_over(self, mail: TookOver, ctx: Context[SessionMail]) -> None:
        self._continued().take_over(mail, self._card)
        _log.info("client_resumed", client=self._card.client, remote=self._hello.remote)
        news.resumed(self._setup.emit, self._card)
        self._go_on_resuming(ctx)

    def _go_on_resuming(self, ctx: Context[SessionMail]) -> None:
        if self._continuation is not None and self._continuation.finish(self._card, self._outbox):
            self._tracing.answered()
            ctx.release()

    def _replaced(self, mail: Replaced, ctx: Context[SessionMail]) -> None:
        """Another session continues this one. Its client is told now; what it sent before that is handled first."""
        self._continued().claim(mail)
        if self._state is _State.OPEN:
            self._socket.close(codes.REPLACED, "continued by another connection")
            self._end(codes.REPLACED, ctx)
        else:
            self._hand_over(ctx)

    def _hand_over(self, ctx: Context[SessionMail]) -> None:
        if self._state is not _State.REPLACED:
            self._leave_socket(_State.REPLACED, REPLACED_GRACE_S, ctx)
        borne, groups = self._outbox.overflows, self._shares.groups
        self._continued().hand_over(self._card, self._memberships, borne, groups, ctx.ref)

    def _leave_socket(self, state: _State, grace_s: float, ctx: Context[SessionMail]) -> None:
        """Go on without a connection, for the grace at most: nothing is read, what would be sent is thrown away."""
        self._state = state
        self._drop_socket()
        self._routes = Routes()  # what is left of the client's messages finds no way past _inbound, which drops it
        self._leaves_at = ctx.now + grace_s
        ctx.after(grace_s, GraceOver())

    def _let_go(self, mail: LetGo, ctx: Context[SessionMail]) -> None:
        ctx.stop("replaced")

    def _grace_over(self, mail: GraceOver, ctx: Context[SessionMail]) -> None:
        if ctx.now >= self._leaves_at:
            ctx.stop("lost")

    def _open(self) -> None:
        self._state = _State.OPEN
        self._setup.registry.signal(Opened(self._card))
        identity = self._card.identity
        _log.info("client_connected", client=identity.client, user=identity.user, remote=self._hello.remote)
        news.connected(self._setup.emit, self._card)

    def _turn_away(self, why: str, ctx: Context[SessionMail]) -> None:
        """Tell why, then close: a browser sees frames and close codes, but never an HTTP status."""
        self._tell(System("refused", error_body(Unauthenticated(why))))
        _log.warning("client_refused", client=self._card.client, remote=self._hello.remote, error="unauthenticated")
        news.turned_away(self._setup.emit, "unauthenticated")
        self._close(codes.UNAUTHENTICATED, why, "lost", ctx)

    def _auth_timeout(self, mail: AuthTimeout, ctx: Context[SessionMail]) -> None:
        if self._state is _State.AWAITING:
            self._turn_away(f"no credentials within {self._setup.admission.timeout_s} s", ctx)

    def _introduce(self, mail: WhoAmI | SetProfile | SetWill, ctx: Context[SessionMail]) -> None:
        setup, groups = self._setup, self._shares.groups
        self._answer(introduce(mail, self._card, self._memberships, groups, setup.gate, setup.registry), ctx)

    # --- answers ------------------------------------------------------------------------------------------------

    def _answer(self, mail: Answer, ctx: Context[SessionMail]) -> None:
        if self._is_resuming:
            self._note_rejoin(mail, ctx)
            return
        self._conclude(mail.request_id, mail.result)
        ctx.release()

    def _receipt(self, mail: Receipt, ctx: Context[SessionMail]) -> None:
        self._respond(mail.request_id, mail.result)

    def _joined(self, mail: Joined, ctx: Context[SessionMail]) -> None:
        membership = (mail.room, mail.channel)
        self._bear(membership, mail.overflow, ctx)
        if membership not in self._memberships:
            self._memberships = (*self._memberships, membership)
        if mail.ref is not None and self._may(Action.PUBLISH, mail.room, mail.channel):
            self._routes.remember(membership, mail.ref)
        self._shares = self._shares.sit(mail)
        self._has_more = self._has_more or self._shares is not NO_SHARES
        is_resuming = self._is_resuming
        if not is_resuming:
            self._conclude(mail.request_id, mail.result, join_address(*membership))
        if mail.replay is not None:
            self._outbox.waiting.append(mail.replay)
        if is_resuming:
            self._note_rejoin(mail, ctx)
        else:
            ctx.release()

    def _bear(self, membership: tuple[str, str], overflow: Overflow | None, ctx: Context[SessionMail]) -> None:
        """Note what a membership bears to lose when the client cannot keep up; None: it is over."""
        self._outbox.set_overflow(membership, overflow, self._memberships, self._lose, ctx.now)

    def _lose(self, n: int, place: Place, overflow: GapReason, last: int) -> None:
        self._setup.losses.note(self._card, n, place, overflow)
        self._tracing.dropped(place, last)

    @property
    def _is_resuming(self) -> bool:
        return self._continuation is not None and self._continuation.is_resuming

    @property
    def _is_claimed(self) -> bool:
        return self._continuation is not None and self._continuation.is_claimed

    def _note_rejoin(self, mail: Joined | Answer, ctx: Context[SessionMail]) -> None:
        if self._continuation is not None:
            self._continuation.note(mail)
            self._go_on_resuming(ctx)

    def _parted(self, mail: Parted, ctx: Context[SessionMail]) -> None:
        membership = (mail.room, mail.channel)
        self._bear(membership, None, ctx)
        self._memberships = tuple(one for one in self._memberships if one != membership)
        if mail.told is not None and not (self._continuation is not None and self._continuation.waits_for(*membership)):
            self._outbox.waiting.append(mail.told)  # a join that is on its way goes on to what is there by then
        self._shares.rise(membership)
        if mail.result is not None:
            self._conclude(mail.request_id, mail.result, join_address(*membership))
            ctx.release()

    def _resolved(self, mail: Resolved, ctx: Context[SessionMail]) -> None:
        if isinstance(mail.found, Refusal):
            self._unroutable = mail.found
        else:
            self._routes.remember((mail.room, mail.channel), mail.found)
        ctx.release()

    def _share(self, mail: Share, ctx: Context[SessionMail]) -> None:
        waiting = self._outbox.waiting
        self._shares.take(mail, self._outbox, self._socket)
        if waiting and waiting[-1] is mail.deliver:
            self._tracing.arrived(mail.deliver)

    def _traced(self, mail: TracedDeliver, ctx: Context[SessionMail]) -> None:
        self._outbox.waiting.append(mail)
        self._tracing.arrived(mail)
        self._has_more = True

    def _conclude(self, request_id: str | None, result: Struct | Refusal, address: str = "") -> None:
        """Answer the command in work; ``address``: what it was about."""
        self._respond(request_id, result, command=self._command)
        self._command = None
        self._tracing.answered(address, result)

    def _respond(self, request_id: str | None, result: Struct | Refusal, command: str | None = None) -> None:
        if isinstance(result, Refusal):
            self._refuse(request_id, result, command)
        else:
            self._tell(accepted(request_id, result))

    def _refuse(self, request_id: str | None, refusal: Refusal, command: str | None = None) -> None:
        self._setup.counters.refused(refusal.code)
        news.refused(self._setup.emit, self._card, refusal, command)
        self._tell(Response(request_id, "error", error=error_body(refusal)))

    def _tell(self, envelope: Struct) -> None:
        self._outbox.waiting.append(deliver_one(envelope))

    # --- the socket ---------------------------------------------------------------------------------------------

    def _writable(self, mail: Writable, ctx: Context[SessionMail]) -> None:
        self._outbox.writable()
        self._setup.counters.blocked.pop(self._client, None)  # put back by _judge, if it is again

    def _check_outbox(self, mail: OutboxCheck, ctx: Context[SessionMail]) -> None:
        self._checks = False  # flush, at the end of this turn, judges

    def _judge(self, ctx: Context[SessionMail]) -> None:
        why = self._outbox.why_too_slow(ctx.now)
        if why is not None:
            self._tracing.given_up()
            n_lost = self._outbox.clear()
            self._setup.counters.slow(self._client, n_lost)
            _log.warning("slow_consumer", client=self._card.client, error=why, messages_lost=n_lost)
            news.slow(self._setup.emit, self._card, why, n_lost, self._memberships)
            self._close(codes.SLOW_CONSUMER, "slow consumer", "lost", ctx)
            return
        self._setup.counters.blocked[self._client] = self._outbox.size
        if not self._checks:
            self._checks = True
            ctx.after(OUTBOX_CHECK_S, OutboxCheck())

    def _lost(self, mail: Lost, ctx: Context[SessionMail]) -> None:
        if self._state in _LEFT or self._socket is NO_SOCKET:
            return  # of a connection that this session has left behind
        _log.info("client_disconnected", client=self._card.client, code=mail.code, reason=mail.reason)
        news.disconnected(self._setup.emit, self._card, mail.code, mail.reason)
        self._end(mail.code, ctx)

    def _end(self, code: int, ctx: Context[SessionMail]) -> None:
        """Handle what the client sent before the end first: a close is no reason to lose what came before it."""
        self._drop_socket()
        ended = Ended(code)
        ctx.ref.tell_past_bound(ended)
        ctx.after(ENDING_S, ended)

    def _drop_socket(self) -> None:
        self._setup.counters.blocked.pop(self._client, None)
        self._card.is_away = True
        self._socket = NO_SOCKET
        self._outbox = self._outbox.unplugged()

    def _ended(self, mail: Ended, ctx: Context[SessionMail]) -> None:
        """All that the client sent is handled, or waited too long: hand over, go, or wait for it to come back."""
        if self._state in _LEFT:
            return
        if self._is_claimed:
            self._hand_over(ctx)
        elif mail.code in (codes.NORMAL, codes.GOING_AWAY):
            ctx.stop("left")
        elif self._setup.resume_grace_s <= 0 or self._state is not _State.OPEN:
            ctx.stop("lost")
        else:
            self._setup.registry.signal(Away(self._card))
            self._leave_socket(_State.AWAY, self._setup.resume_grace_s, ctx)

    def _drain(self, mail: Drain, ctx: Context[SessionMail]) -> None:
        self._tell(System("draining", Draining(mail.deadline_ms, mail.spread_ms)))
        ctx.after(mail.leave_in_s, LeaveNow())

    def _leave_now(self, mail: LeaveNow, ctx: Context[SessionMail]) -> None:
        if self._state in _LEFT or self._is_claimed:
            return  # the connection that was to leave is gone
        self._close(codes.DRAIN_OVER, "drain over", "drained", ctx)

    def _kick(self, mail: Kick, ctx: Context[SessionMail]) -> None:
        """End the client at once; what it sent and was not handled goes with it."""
        if self._continuation is not None and self._continuation.pass_on(mail):
            return  # another session has the client by now
        _log.info("client_kicked", client=self._card.client, reason=mail.reason)
        self._close(codes.KICKED, mail.reason, "kicked", ctx)

    def _close(self, code: int, reason: str, why_left: str, ctx: Context[SessionMail]) -> None:
        """Write what waits, close the socket behind it, and end: nothing more comes from or goes to this client.

        Written also while the transport is congested: it is bounded, and the last of it says why.
        """
        self._outbox.flush()
        self._socket.close(code, reason)
        _log.info("client_closed", client=self._card.client, code=code, reason=reason)
        if code in codes.LOAD_RANGE:
            self._end(code, ctx)
        else:
            ctx.stop(why_left)

    _handlers: ClassVar[dict[type, Callable[[Session, Any, Context[SessionMail]], None]]] = {
        Inbound: _inbound,
        Invalid: _invalid,
        Answer: _answer,
        Joined: _joined,
        Share: _share,
        TracedDeliver: _traced,
        Parted: _parted,
        Receipt: _receipt,
        Resolved: _resolved,
        Writable: _writable,
        Lost: _lost,
        Ended: _ended,
        Drain: _drain,
        LeaveNow: _leave_now,
        Kick: _kick,
        AuthTimeout: _auth_timeout,
        OutboxCheck: _check_outbox,
        Replaced: _replaced,
        TookOver: _took_over,
        LetGo: _let_go,
        GraceOver: _grace_over,
        WhoAmI: _introduce,
        SetProfile: _introduce,
        SetWill: _introduce,
    }
