"""Clients: what the registry does for clients by their ids: to know them, to let another connection continue them, to
carry private messages, to send somebody away, to tell all of them of the drain.
"""

from __future__ import annotations

from random import Random
from typing import Any

from msgspec import Struct

from arqonbus.actor import Context
from arqonbus.commands.private import post, verdict
from arqonbus.commands.request import SendAway, View
from arqonbus.errors import NotFound, TooLarge
from arqonbus.protocol.codes import CLOSE_CODES, KICKED
from arqonbus.protocol.payloads import Empty
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.hops import fly
from arqonbus.routing.mail import (
    Answer,
    Away,
    Drain,
    DrainAll,
    Kick,
    LetGo,
    Opened,
    PrivateMail,
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
    """

    __slots__ = ("_directory", "_drain", "_n_private", "_setup", "_tracer", "_view")

    def __init__(self, setup: ClientsSetup, view: View, tracer: Tracer | None) -> None:
        self._setup = setup
        self._view = view
        self._tracer = tracer
        self._directory = view.directory
        self._drain: DrainAll | None = None  # once the server is going
        self._n_private = 0  # private messages so far, for the ids of those that have none

    # --- who is there -------------------------------------------------------------------------------------------

    def opened(self, mail: Opened, ctx: Context[Any]) -> None:
        """Know a client from now on, or by another id."""
        if not self._directory.add_client(mail.card):
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

    def take_over(self, mail: TakeOver, ctx: Context[Any]) -> None:
        """Let the old session answer, if there is one and it is the same user's."""
        old = self._directory.to_continue(mail.client)
        is_to_be_had = old is not None and old is not mail.card and old.identity.user == mail.card.identity.user
        if old is None or not is_to_be_had or not old.ref.signal(Replaced(mail.card)):
            mail.card.ref.signal(TookOver(None))
            return
        self._directory.set_away(old)  # what is private and comes now would be lost with it: absent is the truth

    # --- to clients ---------------------------------------------------------------------------------------------

    def send_private(self, mail: PrivateMail, ctx: Context[Any]) -> None:
        """Deliver a private message, and tell its sender what became of it."""
        private, sender = mail.private, mail.card.client
        flight = fly(self._tracer, ("registry", "registry"), mail.trace, private, sender)
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
        absent = post(private, sender, self._n_private, timestamp, self._directory, flight)
        self._view.counters.messages_in += 1
        self._view.counters.messages_out += len(private.to) - len(absent)
        answer = verdict(private, absent)
        if answer is not None:
            mail.card.ref.signal(Receipt(private.id, answer))

    def send_away(self, mail: Request, order: SendAway, ctx: Context[Any]) -> None:
        """End a client, there or away, and answer who wanted it. Raises NotFound."""
        card = self._directory.to_continue(order.client)
        if card is None or not card.ref.alive:
            raise NotFound(f"no client {order.client!a} - at `$.args.client`")
        _log.info("kick", client=order.client, by=mail.card.client, user=mail.card.identity.user, reason=order.reason)
        mail.card.ref.signal(Answer(mail.request_id, Empty()))  # first: it may be about itself
        card.ref.signal(Kick(order.reason or CLOSE_CODES[KICKED].meaning))

    # --- the end ------------------------------------------------------------------------------------------------

    def drain(self, mail: DrainAll, ctx: Context[Any]) -> None:
        """Tell all clients that the server is going, and those who come yet."""
        self._drain = mail
        for card in self._directory.clients():
            self._tell_drain(card, mail)

    def _tell_drain(self, card: ClientCard, mail: DrainAll) -> None:
        leave_in_s = self._setup.random.uniform(0, mail.spread_ms / 1000)
        card.ref.signal(Drain(mail.deadline_ms, mail.spread_ms, leave_in_s))
