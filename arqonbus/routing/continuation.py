"""Continuation: how a session continues the client of another one, and how it is continued itself.

new session                       registry                 old session
    ├──TakeOver(client)──────────────▶├──Replaced(by)──────────▶│  leaves its socket (4504)
    │                                                           │  handles what its client sent before
    │◀────────────────────────────────────TookOver(what it was)─┤  waits
    ├──Rejoin, Rejoin ...────────────▶ rooms, channels          │
    │◀──Joined, Joined ... (replays)──                          │
    ├──LetGo───────────────────────────────────────────────────▶│  stops
    ▼ answers connect, then all that came meanwhile
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    Away,
    Join,
    Joined,
    Kick,
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
from arqonbus.telemetry.tracer import Trace

__all__ = ["Continuation"]

Memberships = tuple[tuple[str, str], ...]
Overflows = Mapping[Address, Overflow]
Groups = Mapping[Address, str]


class Continuation:
    """What one session knows of the sessions before and after it. Owned by the session, used in its turns.

    Args:
        registry: finds the old session, and passes joins on.
        admission: reads tickets, and answers connect.
        may_create: whether the client may make a channel that is not there.
        max_memberships: that one client may have.
    """

    __slots__ = (
        "_admission",
        "_claims",
        "_groups",
        "_inherited",
        "_max_memberships",
        "_may_create",
        "_old",
        "_overflows",
        "_registry",
        "_returned",
        "_successor",
        "_work",
        "trace",
    )

    def __init__(
        self,
        registry: Ref[RegistryMail],
        admission: Admission,
        may_create: Callable[[str, str], bool],
        max_memberships: int,
    ) -> None:
        self._registry = registry
        self._admission = admission
        self._may_create = may_create
        self._max_memberships = max_memberships
        self.trace: Trace | None = None  # of the connect that is in work
        self._work: Resumption | None = None  # the connect that is in work
        self._old: Ref[SessionMail] | None = None  # the session that this one continues, until it is let go
        self._inherited: Memberships = ()  # of that one, until all are joined; then those that failed
        self._overflows: Overflows = {}  # of these
        self._groups: Groups = {}  # of those of these that are in one
        self._successor: Ref[SessionMail] | None = None  # the session that continues this one
        self._claims: list[Replaced] = []  # of sessions that want to, in the order in which they came
        self._returned: list[ClientCard] = []  # of those who came after the successor and were sent back

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
            self._rejoin((), {}, {}, card)
        else:
            self._registry.tell_past_bound(TakeOver(card, client))

    def take_over(self, mail: TookOver, card: ClientCard) -> None:
        """Go on as the client that the old session was, if there was one; join what it was in."""
        if mail.client is not None:
            self._old, self._inherited = mail.old, mail.memberships
            self._overflows, self._groups = mail.overflows, mail.groups
            card.client = mail.client
            card.identity = Identity(mail.client, card.identity.user, card.identity.anonymous)
            card.profile = merge_profile(mail.profile or Profile(), card.profile)
            card.will = card.will or mail.will
            self._registry.signal(Opened(card))
            if card.is_away:  # lost again already
                self._registry.signal(Away(card))
        self._rejoin(mail.memberships, mail.overflows, mail.groups, card)

    def _rejoin(self, memberships: Memberships, overflows: Overflows, groups: Groups, card: ClientCard) -> None:
        most = self._max_memberships
        steps = self._work.plan(memberships, most, overflows, groups) if self._work is not None else []
        share = sum(max(1, len(positions)) for _, _, _, positions in steps)
        for room, channel, args, positions in steps:
            request_id, may_create = join_address(room, channel), self._may_create(room, channel)
            trace = self.trace
            join = Join(card, request_id, channel, args, may_create, positions=positions, share=share, trace=trace)
            self._registry.tell_past_bound(Rejoin(room, join))

    def waits_for(self, room: str, channel: str) -> bool:
        """Whether a join of the connect in work has yet to be answered."""
        return self._work is not None and self._work.waits_for(room, channel)

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
        self._work, self._old, self._inherited = None, None, work.to_be_tried_again(self._inherited)
        return True

    # --- being continued --------------------------------------------------------------------------------------------

    @property
    def is_claimed(self) -> bool:
        """Whether another session waits to continue this one."""
        return bool(self._claims)

    def claim(self, mail: Replaced) -> None:
        """Note that another session wants to continue this one. It is answered by ``hand_over`` or ``disown``."""
        self._claims.append(mail)

    def pass_on(self, kick: Kick) -> bool:
        """Pass a kick on to the session that continues this one, or waits to. Returns whether there is one."""
        heir = self._successor or (self._claims[0].card.ref if self._claims else None)
        return heir is not None and heir.signal(kick)

    def hand_over(
        self, card: ClientCard, memberships: Memberships, overflows: Overflows, groups: Groups, own: Ref[Any]
    ) -> None:
        """Give the first who asked all that this session is; send those who come later on to it.

        A successor that is gone has handed over itself, most likely: the registry knows who has the client now. If that
        is this session still, the successor died before it was known, and who asks for the second time is the next.
        """
        claims, self._claims = self._claims, []
        for mail in claims:
            if self._successor is None or mail.card in self._returned:
                self._successor = mail.card.ref
                everything = tuple(dict.fromkeys((*memberships, *self._inherited)))
                bears = {**{place: o for place, o in self._overflows.items() if place in everything}, **overflows}
                shares = {**{place: g for place, g in self._groups.items() if place in everything}, **groups}
                mail.card.ref.signal(TookOver(card.client, everything, card.profile, own, bears, card.will, shares))
            elif not self._successor.signal(mail):
                self._returned.append(mail.card)
                self._registry.tell_past_bound(TakeOver(mail.card, card.client))

    def disown(self, unread: Iterable[Replaced], card: ClientCard) -> None:
        """Answer those who asked a session that ends: another one has the client by now, or nobody."""
        for mail in (*self._claims, *unread):
            is_known = self._successor is not None
            if not (is_known and self._registry.tell_past_bound(TakeOver(mail.card, card.client))):
                mail.card.ref.signal(TookOver(None))
        self._claims = []
