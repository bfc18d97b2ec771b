"""Clients: what the registry does for clients by their ids: to know them, to let another connection continue them, to
carry private messages, to send somebody away, to tell all of them of the drain.
"""

from __future__ import annotations

from random import Random
from typing import Any

from msgspec import Struct

from arqonbus.actor import Context, Ref
from arqonbus.commands.far import Far
from arqonbus.commands.private import post, verdict
from arqonbus.commands.request import SendAway, View
from arqonbus.errors import NotFound, Overloaded, TooLarge
from arqonbus.protocol.codes import CLOSE_CODES, KICKED
from arqonbus.protocol.payloads import Empty
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.hops import Flight, fly
from arqonbus.routing.mail import (
    Answer,
    Away,
    Drain,
    DrainAll,
    Kick,
    LetGo,
    Opened,
    PrivateMail,
    PrivateSent,
    Receipt,
    Replaced,
    Request,
    TakeOver,
    TookOver,
)
from arqonbus.telemetry.logs import get_log
from arqonbus.telemetry.tracer import Tracer

__all__ = ["Clients", "ClientsSetup"]

_log = get_log("commands")


class ClientsSetup(Struct, frozen=True):
    """What there is to know about all clients."""

    max_private_bytes: int  # of the copies of one private message, together
    max_away: int  # clients whose connection is lost and who may come back
    random: Random  # for moments within a spread


class Clients:
    """The clients of one server. Owned by the registry, used in its turns.

    Args:
        setup: bounds.
        view: of the server; its directory is written here.
        tracer: of private messages.
        far: the clients of other nodes; None: there are none.
    """

    __slots__ = ("_directory", "_drain", "_far", "_n_private", "_setup", "_tracer", "_view")

    def __init__(self, setup: ClientsSetup, view: View, tracer: Tracer | None, far: Far | None = None) -> None:
        self._far = far
        self._setup = setup
        self._view = view
        self._tracer = tracer
        self._directory = view.directory
        self._drain: DrainAll | None = None  # once the server is going
        self._n_private = 0  # private messages so far, for the ids of those that have none

    # --- who is there -------------------------------------------------------------------------------------------

    def opened(self, mail: Opened, ctx: Context[Any]) -> None:
        """Know a client from now on, or by another id."""
        is_new = self._directory.add_client(mail.card)
        if self._far is not None:
            self._far.opened(mail.card)
        if not is_new:
            return  # it goes on as the client that it continues
        mail.card.ref.watch(ctx.ref)
        if self._drain is not None:  # it came in before the drain, and was let in only now
            self._tell_drain(mail.card, self._drain)

    def set_away(self, mail: Away, ctx: Context[Any]) -> None:
        """Keep a client that may come back; at most as many as may be connected: a flood of cuts costs no more."""
        if self._directory.client(mail.card.client) is not mail.card:
            return  # another connection has its id already
        if self._directory.n_away >= self._setup.max_away:
            mail.card.ref.signal(LetGo())
        else:
            self._directory.set_away(mail.card)
            if self._far is not None:
                self._far.set_away(mail.card.client)

    def remove(self, ref: Ref[Any]) -> ClientCard | None:
        """Forget a session that ended, or a room. See Directory."""
        ids = self._directory.ids_of(ref)
        card = self._directory.remove(ref)
        if self._far is not None:
            self._far.ended(ref)
            for client in ids:
                self._far.gone(client)
        return card

    def take_over(self, mail: TakeOver, ctx: Context[Any]) -> None:
        """Let the old session answer, if there is one and it is the same user's."""
        old = self._directory.to_continue(mail.client)
        if old is None and self._far is not None:
            self._far.claim(mail, ctx)
            return
        is_to_be_had = old is not None and old is not mail.card and old.identity.user == mail.card.identity.user
        if old is None or not is_to_be_had or not old.ref.signal(Replaced(mail.card)):
            mail.card.ref.signal(TookOver(None))
            return
        self._directory.set_away(old)  # what is private and comes now would be lost with it: absent is the truth
        if self._far is not None:
            self._far.set_away(old.client)

    # --- to clients ---------------------------------------------------------------------------------------------

    def send_private(self, mail: PrivateMail, ctx: Context[Any]) -> None:
        """Deliver a private message, and tell its sender what became of it."""
        private, sender = mail.private, mail.card.client
        flight = fly(self._tracer, ("registry", "registry"), mail.trace, private, sender)
        elsewhere: dict[str, bytes] | None = {} if self._far is not None else None
        size = len(bytes(private.payload)) * len(private.to)
        if size > self._setup.max_private_bytes:
            most = self._setup.max_private_bytes
            told = TooLarge(f"expected at most {most} bytes of payload over all addressees, got {size} - at `$.to`")
            if flight is not None:
                flight.fail(told.code)
            mail.card.ref.signal(Receipt(private.id, told))
            return
        self._n_private += 1
        timestamp = self._view.timestamp()
        absent = post(private, sender, self._n_private, timestamp, self._directory, flight, elsewhere)
        self._view.counters.messages_in += 1
        if self._far is None or not elsewhere:
            self._tell_sender(mail, absent, [], flight)
            return
        try:
            self._far.send_private(mail, elsewhere, absent, flight, ctx)
        except Overloaded as refusal:
            self._tell_sender(mail, absent, list(elsewhere), flight, refusal.message)

    def private_sent(self, mail: PrivateSent, ctx: Context[Any]) -> None:
        """Tell the sender what became of a private message for clients of other nodes."""
        far, told = self._far, list(zip(mail.asked, mail.deliveries, strict=True))
        if far is None:
            return
        far.settled()
        absent = {*mail.absent, *[client for client, delivery in told if delivery == "absent"]}
        in_order = [client for client in mail.mail.private.to if client in absent]
        unknown = [client for client, delivery in told if delivery == "unknown"]
        self._tell_sender(mail.mail, in_order, unknown, mail.flight, far.why_unknown())

    def _tell_sender(
        self, mail: PrivateMail, absent: list[str], unknown: list[str], flight: Flight | None, why: str = ""
    ) -> None:
        private, n_lost = mail.private, len(absent) + len(unknown)
        if flight is not None:
            flight.land(len(private.to), n_lost)
        self._view.counters.messages_out += len(private.to) - n_lost
        answer = verdict(private, absent, unknown, why)
        if answer is not None:
            mail.card.ref.signal(Receipt(private.id, answer))

    def send_away(self, mail: Request, order: SendAway, ctx: Context[Any]) -> None:
        """End a client, there or away, and answer who wanted it. Raises NotFound."""
        card, reason = self._directory.to_continue(order.client), order.reason or CLOSE_CODES[KICKED].meaning
        is_here = card is not None and card.ref.alive
        if not is_here and (self._far is None or "." in order.client):
            raise NotFound(f"no client {order.client!a} - at `$.args.client`")
        _log.info("kick", client=order.client, by=mail.card.client, user=mail.card.identity.user, reason=order.reason)
        if card is not None and is_here:
            mail.card.ref.signal(Answer(mail.request_id, Empty()))  # first: it may be about itself
            card.ref.signal(Kick(reason))
        elif self._far is not None:
            self._far.kick(mail, order.client, reason, ctx)

    # --- the end ------------------------------------------------------------------------------------------------

    def drain(self, mail: DrainAll, ctx: Context[Any]) -> None:
        """Tell all clients that the server is going, and those who come yet."""
        self._drain = mail
        for card in self._directory.clients():
            self._tell_drain(card, mail)

    def _tell_drain(self, card: ClientCard, mail: DrainAll) -> None:
        leave_in_s = self._setup.random.uniform(0, mail.spread_ms / 1000)
        card.ref.signal(Drain(mail.deadline_ms, mail.spread_ms, leave_in_s))
