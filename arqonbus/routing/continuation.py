"""Continuation: how a session continues the client of another one, and how it is continued itself.

new session                       registry                 old session
    ├──TakeOver(client)──────────────▶├──Replaced(by)──────────▶│  leaves its socket (4504)
    │◀────────────────────────────────────TookOver(what it was)─┤  waits
    ├──Rejoin, Rejoin ...────────────▶ rooms, channels          │
    │◀──Joined, Joined ... (replays)──                          │
    ├──LetGo───────────────────────────────────────────────────▶│  stops
    ▼ answers connect, then all that came meanwhile
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from arqonbus.actor import Ref
from arqonbus.errors import Refusal
from arqonbus.protocol.envelope import accepted
from arqonbus.protocol.names import SEPARATOR, join_address
from arqonbus.protocol.payloads import Overflow, Profile, Resume, merge_profile
from arqonbus.routing.admission import Admission
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.fanout import deliver_one
from arqonbus.routing.mail import (
    Answer,
    Join,
    Joined,
    LetGo,
    Opened,
    RegistryMail,
    Rejoin,
    Replaced,
    SessionMail,
    TakeOver,
    TookOver,
)
from arqonbus.routing.outbox import Outbox
from arqonbus.routing.overflow import Address
from arqonbus.routing.resumption import Resumption
from arqonbus.security.gate import Identity

__all__ = ["Continuation"]

Memberships = tuple[tuple[str, str], ...]
Overflows = Mapping[Address, Overflow]


class Continuation:
    """What one session knows of the sessions before and after it. Owned by the session, used in its turns.

    Args:
        registry: finds the old session, and passes joins on.
        admission: reads tickets, and answers connect.
        may_create: whether the client may make a channel that is not there.
    """

    __slots__ = ("_admission", "_inherited", "_may_create", "_old", "_overflows", "_registry", "_successor", "_work")

    def __init__(
        self, registry: Ref[RegistryMail], admission: Admission, may_create: Callable[[str, str], bool]
    ) -> None:
        self._registry = registry
        self._admission = admission
        self._may_create = may_create
        self._work: Resumption | None = None  # the connect that is in work
        self._old: Ref[SessionMail] | None = None  # the session that this one continues, until it is let go
        self._inherited: Memberships = ()  # of that one, until all are joined
        self._overflows: Overflows = {}  # of these, likewise
        self._successor: Ref[SessionMail] | None = None  # the session that continues this one

    @property
    def is_resuming(self) -> bool:
        """Whether a connect is in work that brings channels back."""
        return self._work is not None

    def resume(self, request_id: str | None, resume: Resume, card: ClientCard, outbox: Outbox) -> None:
        """Begin: what comes is held back until ``finish``. Raises InvalidArgs, and nothing has begun."""
        self._work = Resumption(request_id, resume)
        outbox.cork()
        client = self._admission.tickets.client_of(resume.ticket) if resume.ticket is not None else None
        if client is None:
            self._rejoin((), {}, card)
        else:
            self._registry.tell_past_bound(TakeOver(card, client))

    def take_over(self, mail: TookOver, card: ClientCard) -> None:
        """Go on as the client that the old session was, if there was one; join what it was in."""
        if mail.client is not None:
            self._old, self._inherited, self._overflows = mail.old, mail.memberships, mail.overflows
            card.client = mail.client
            card.identity = Identity(mail.client, card.identity.user, card.identity.anonymous)
            card.profile = merge_profile(mail.profile or Profile(), card.profile)
            card.will = card.will or mail.will
            self._registry.signal(Opened(card))
        self._rejoin(mail.memberships, mail.overflows, card)

    def _rejoin(self, memberships: Memberships, overflows: Overflows, card: ClientCard) -> None:
        steps = self._work.plan(memberships, overflows) if self._work is not None else []
        for room, channel, args, positions in steps:
            request_id, may_create = join_address(room, channel), self._may_create(room, channel)
            join = Join(card, request_id, channel, args, may_create, positions=positions, share=len(steps))
            self._registry.tell_past_bound(Rejoin(room, join))

    def note(self, mail: Joined | Answer) -> None:
        """Note the answer to one of the joins."""
        if self._work is None:
            return
        if isinstance(mail, Joined):
            self._work.joined(mail.room, mail.channel, mail.result, mail.resumed)
        elif isinstance(mail.result, Refusal):
            room, _, channel = (mail.request_id or "").partition(SEPARATOR)
            self._work.refused(room, channel, mail.result)

    def finish(self, card: ClientCard, outbox: Outbox) -> bool:
        """Answer the connect if all joins have answered, then let out what they sent. Returns whether that was now."""
        work = self._work
        if work is None or not work.is_done:
            return False
        outbox.uncork(deliver_one(accepted(work.request_id, self._admission.connected(card, work.resumed))))
        if self._old is not None:
            self._old.signal(LetGo())
        self._work, self._old, self._inherited, self._overflows = None, None, (), {}
        return True

    def hand_over(
        self, mail: Replaced, card: ClientCard, memberships: Memberships, overflows: Overflows, own: Ref[Any]
    ) -> bool:
        """Give another session all that this one is. Returns False when one has it already: then that one is asked."""
        if self._successor is not None and self._successor.signal(mail):
            return False
        self._successor = mail.card.ref
        everything = tuple(dict.fromkeys((*memberships, *self._inherited)))
        overflows = {**self._overflows, **overflows}
        mail.card.ref.signal(TookOver(card.client, everything, card.profile, own, overflows, card.will))
        return True
