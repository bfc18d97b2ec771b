"""Assembly: builds the actors of a bus from the settings, as plain arguments. No socket, no signal, no event loop."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

import msgspec

from arqonbus import __version__
from arqonbus.actor import ActorSystem, Bounds, Directive, Dispatcher, Props, Ref, Strategy
from arqonbus.actor.supervision import always
from arqonbus.commands.clients import ClientsSetup
from arqonbus.commands.registry import Registry, RegistrySetup
from arqonbus.commands.request import View
from arqonbus.config import Settings
from arqonbus.protocol.envelope import VERSION
from arqonbus.protocol.payloads import StorageStatus
from arqonbus.routing.admission import Admission
from arqonbus.routing.channel import ChannelSetup
from arqonbus.routing.directory import Directory
from arqonbus.routing.group import GroupBounds
from arqonbus.routing.mail import RegistryMail, Report, SessionMail
from arqonbus.routing.outbox import OutboxBounds
from arqonbus.routing.recovery import ReplayCap
from arqonbus.routing.room import RoomSetup
from arqonbus.routing.session import Session, SessionSetup
from arqonbus.routing.socket import Hello, Socket
from arqonbus.routing.will import WillRules
from arqonbus.security import Gate, Keys
from arqonbus.security.tickets import Tickets
from arqonbus.server.defaults import default_options, predefined
from arqonbus.storage.cluster import Cluster, Heard, SecretKnown
from arqonbus.storage.memory import MemoryHistory
from arqonbus.storage.shared_group import GroupOptions
from arqonbus.storage.shared_log import SharedHistory
from arqonbus.telemetry.activity import ActivityEmitter, Emit, Happened, silent
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.losses import Losses
from arqonbus.telemetry.tracer import Tracer

__all__ = ["Bus", "node_name"]

REPLAY_MOST = 1000  # events that one join replays: as many as one page of history may hold

_log = get_log("server")


class Bus:
    """All actors of one server. Give its ``open_session`` to whatever accepts connections.

    Args:
        settings: read here, never again.
        dispatcher: on the loop that serves.
        timestamp: the wall clock, RFC 3339.
        name: of this server; empty: see ``node_name``.
        tracer: decides which messages are traced; None: none is.
        shared: the store of all nodes; None: this server keeps everything by itself.
        cluster: the way to the other nodes; None: there are none.
    """

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        timestamp: Callable[[], str],
        name: str = "",
        tracer: Tracer | None = None,
        shared: SharedHistory | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        """Build all, and spawn the registry; its first turn makes the predefined channels."""
        self.name = name or node_name(settings)
        self.counters = Counters()
        self.directory = Directory()
        self.is_draining = False
        self.keys = Keys(settings.auth.keys)
        self.system = ActorSystem(dispatcher, on_failure=_log_verdict)
        self._started_at = dispatcher.now()
        self._tracer = tracer
        self._shared = shared
        self._cluster = cluster
        self._tickets = Tickets(secrets.token_bytes(32))
        self.activity = self._emitter(settings, timestamp) if settings.telemetry.activity else None
        self.emit: Emit = self.activity.emit if self.activity is not None else silent
        self._history = MemoryHistory(
            settings.history.total_bytes,
            settings.history.position_ttl_s,
            partial(attrgetter("turn_at"), dispatcher),  # asked for each turn of a channel: no call of Python
            lambda: secrets.token_urlsafe(6),
            dedupe_s=settings.channels.dedupe_s,
            dedupe_count=settings.channels.dedupe_count,
        )
        gate = Gate(settings.auth.admins)
        view = self._view(settings, gate, timestamp)
        self.registry: Ref[RegistryMail] = self._spawn_registry(settings, view, timestamp)
        if cluster is not None:
            cluster.attach(self._hear)
        self._session_setup = self._sessions(settings, gate)
        self._session_bounds = _bounds(settings.limits.session_mailbox, settings.limits.mailbox_bytes)

    def open_session(self, socket: Socket, hello: Hello) -> Ref[SessionMail]:
        """Spawn the session of a client whose handshake is over."""
        client = f"c-{secrets.token_urlsafe(12)}"
        setup = self._session_setup
        return self.system.spawn(Props(lambda: Session(setup, client, socket, hello), self._session_bounds), client)

    def _hear(self, heard: Heard) -> None:
        """Take what comes of other nodes."""
        if isinstance(heard, SecretKnown):
            self._tickets.adopt(heard.secret)
        else:
            self.registry.signal(heard)

    def let_in_anonymous(self, anonymous: bool) -> None:
        """Let clients without a key in, or not, from now on."""
        setup = self._session_setup
        admission = msgspec.structs.replace(setup.admission, anonymous=anonymous)
        self._session_setup = msgspec.structs.replace(setup, admission=admission)

    @property
    def history_size(self) -> int:
        """Bytes of events that are kept."""
        return self._history.size

    @property
    def mailbox_depths(self) -> dict[str, int]:
        """Mails that wait, by type of actor. O(channels)."""
        cards = list(self.directory.room_cards())
        rooms = [self.directory.room(card.room) for card in cards]
        return {
            "channel": sum([ref.depth for card in cards for ref, _ in card.channels.values()]),
            "room": sum([ref.depth for ref in rooms if ref is not None]),
            "registry": self.registry.depth,
        }

    @property
    def storage(self) -> StorageStatus:
        """The store, and whether it does all that it should: memory always does, a shared one while it is in reach."""
        if self._shared is None:
            return StorageStatus(self._history.backend, "ok")
        return StorageStatus(self._shared.backend, "ok" if self._shared.state == "up" else "degraded")

    @property
    def uptime_s(self) -> float:
        """Seconds since it was made."""
        return self.system.now - self._started_at

    def user_of(self, token: str) -> str | None:
        """Give the user whose key the token is; by the keys of now, which a reload may change."""
        return self.keys.user_of(token)

    def _emitter(self, settings: Settings, timestamp: Callable[[], str]) -> ActivityEmitter:
        telemetry, dispatcher = settings.telemetry, self.system.dispatcher

        def publish(batch: Sequence[Happened]) -> bool:
            return self.registry.tell(Report(telemetry.room, telemetry.channel, tuple(batch)))

        rate = telemetry.activity_per_s
        return ActivityEmitter(
            publish, dispatcher.call_later, dispatcher.now, timestamp, room=telemetry.room, rate=rate
        )

    def _view(self, settings: Settings, gate: Gate, timestamp: Callable[[], str]) -> View:
        dispatcher = self.system.dispatcher
        return View(
            directory=self.directory,
            counters=self.counters,
            gate=gate,
            timestamp=timestamp,
            uptime_s=lambda: dispatcher.now() - self._started_at,
            storage=lambda: self.storage,
            draining=lambda: self.is_draining,
            server=self.name,
            version=__version__,
            auto_create=settings.channels.auto_create,
            wills=WillRules(gate, settings.limits.will_bytes),
            max_memberships=settings.limits.memberships,
            is_shared=self._shared is not None,
        )

    def _spawn_registry(self, settings: Settings, view: View, timestamp: Callable[[], str]) -> Ref[RegistryMail]:
        limits = settings.limits
        channel = ChannelSetup(
            history=self._history,
            counters=self.counters,
            timestamp=timestamp,
            idle_s=settings.channels.idle_s,
            page_bytes=settings.history.page_bytes,
            replay=ReplayCap(REPLAY_MOST, max(1, min(limits.outbox_bytes, limits.outbox_soft_bytes) // 2)),
            presence_max=settings.channels.presence_max,
            group=GroupBounds(limits.group_messages, limits.group_bytes),
            tracer=self._tracer,
            emit=self.emit,
            shared=self._shared,
            is_one_of_many=self._cluster is not None,
            durable_group=_group_options(settings),
        )
        bounds = _bounds(limits.channel_mailbox, limits.mailbox_bytes)
        room = RoomSetup(
            channel=channel,
            channel_bounds=bounds,
            max_channels=limits.channels_per_room,
            defaults=default_options(settings),
            auto_create=settings.channels.auto_create,
            cluster=self._cluster,
        )
        setup = RegistrySetup(
            room=room,
            room_bounds=bounds,
            max_rooms=limits.rooms,
            clients=ClientsSetup(limits.mailbox_bytes, limits.connections, self._make_random()),
            predefined=predefined(settings),
        )
        # A registry that is stopped ends the bus, so it never is: each failure is answered and logged by itself.
        strategy = Strategy(always(Directive.RESUME), give_up=Directive.RESUME)
        props: Props[Any] = Props(lambda: Registry(setup, view), bounds)
        return self.system.spawn(props, "registry", strategy)

    def _make_random(self) -> random.Random:
        """Make the source of moments within a spread; a simulation has one that it can repeat."""
        return random.Random()  # noqa: S311 - no secret

    def _sessions(self, settings: Settings, gate: Gate) -> SessionSetup:
        limits = settings.limits
        return SessionSetup(
            registry=self.registry,
            gate=gate,
            admission=Admission(
                user_of=self.user_of,
                anonymous=bool(settings.auth.anonymous),
                timeout_s=settings.auth.timeout_s,
                server=self.name,
                version=VERSION,
                heartbeat_s=settings.server.heartbeat_s,
                max_message_bytes=limits.message_bytes,
                tickets=self._tickets,
                wills=WillRules(gate, limits.will_bytes),
            ),
            counters=self.counters,
            losses=Losses(self.counters, self.system.dispatcher.now),
            outbox=OutboxBounds(
                size_bytes=limits.outbox_bytes,
                messages=limits.outbox_messages,
                soft_bytes=limits.outbox_soft_bytes,
                soft_s=limits.outbox_soft_s,
                age_s=limits.outbox_age_s,
            ),
            max_invalid=limits.invalid_envelopes,
            resume_grace_s=settings.server.resume_grace_s,
            auto_create=settings.channels.auto_create,
            max_memberships=limits.memberships,
            turns=self.system.dispatcher,
            tracer=self._tracer,
            emit=self.emit,
        )


def node_name(settings: Settings) -> str:
    """Give the name of this server: of the settings, or one that no other has."""
    return settings.server.name or f"node-{secrets.token_hex(3)}"


def _bounds(items: int, weight: int) -> Bounds:
    return Bounds(items=items, weight=weight, low=items // 2)


def _group_options(settings: Settings) -> GroupOptions:
    groups = settings.groups
    return GroupOptions(ack_wait_s=groups.ack_wait_s, max_deliver=groups.max_deliver, prefetch=groups.prefetch)


def _log_verdict(ref: Ref[Any], mail: object, error: Exception, verdict: Directive) -> None:
    """The failure itself is logged by the actor, which knows the client; here only what follows from it."""
    if verdict is not Directive.RESUME:
        _log.error("actor_given_up", error=error, actor=ref.name, verdict=verdict.value)
