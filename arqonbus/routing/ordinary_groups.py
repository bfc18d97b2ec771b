"""Ordinary groups of a channel that several nodes share: leased from the store, and done when they are written.

As durable groups, but nobody acknowledges: this node does, for what a member's session says that it wrote, in one word
at a time to the store. A group ends with its last member on any node. While the store is away the members here share
what is numbered here.

store ──take──▶ channel ──Share──▶ session ──▶ client
  ▲  ▲                              │
  │  └───────────── ack ◀── Sent ◀──┤
  └──── give_back: nobody here has room ◀── Unsent
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any, Protocol

from arqonbus.actor import Context, Ref
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.durable_group import DurableGroup, DurableSeat, Returned
from arqonbus.routing.durable_groups import DurableGroups
from arqonbus.routing.durable_site import Site, ask
from arqonbus.routing.mail import GroupMail, Sent, Unsent
from arqonbus.routing.shared_mail import GroupTold
from arqonbus.storage.shared_group import GroupOptions, Work
from arqonbus.storage.shared_log import SharedHistory, with_seq
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.logs import get_log

__all__ = ["OPTIONS", "OrdinaryGroups"]

OPTIONS = GroupOptions(ack_wait_s=10.0, max_deliver=2**31, prefetch=64, lasts=False)
"""Of every ordinary group. A lease has to be longer than a write takes; what a killed node had waits for its end."""

MOST_ACKED = 1000  # at once
MOST_WAITING = 16_384  # events numbered here that wait for a member

_log = get_log("routing")


class _Standing(Protocol):
    is_alone: bool  # events are numbered here


class _Words:
    """What is to be said to the store of one site."""

    __slots__ = ("done", "is_shut")

    def __init__(self) -> None:
        self.done: list[Work] = []
        self.is_shut = False  # a word is under way, or failed a moment ago


class OrdinaryGroups(DurableGroups):
    """All groups of one channel that is not durable, on this node. See DurableGroups.

    Args:
        standing: of the channel's log.
    """

    __slots__ = ("_n_alone", "_parting", "_standing", "_words")

    def __init__(
        self,
        address: tuple[str, str],
        history: SharedHistory,
        defaults: GroupOptions,
        room: Ref[Any],
        ctx: Context[Any],
        counters: Counters,
        standing: _Standing,
    ) -> None:
        super().__init__(address, history, OPTIONS, room, ctx, counters)
        self._standing = standing
        self._parting: dict[int, tuple[Site, DurableGroup, DurableSeat]] = {}  # left, with something yet to be said
        self._words: dict[Site, _Words] = {}
        self._n_alone = 0  # events numbered here so far

    # --- members ------------------------------------------------------------------------------------------------

    def leave(self, card: ClientCard) -> None:
        """Let a member go that still has a session: what it does not write comes back with its last word."""
        name = self._where.pop(card, "")
        site = self.sites.by_name.get(name)
        if site is None or site.group is None:
            return
        seat = site.group.part(card)
        del self._by_number[seat.number]
        if seat.unconfirmed:
            self._parting[seat.number] = (site, site.group, seat)
        self._close_if_empty(name, site, site.group)

    def note(self, mail: GroupMail) -> None:
        """Note what a member says. What it wrote is done."""
        if mail.seat in self._parting:
            self._note_parting(mail, *self._parting[mail.seat])
        elif isinstance(mail, Sent) and mail.seat in self._by_number:
            group, seat = self._by_number[mail.seat]
            site = self.sites.by_name[group.name]
            self._written(mail.n, site, group, seat)
            site.is_rung = True
        else:
            super().note(mail)

    def _note_parting(self, mail: GroupMail, site: Site, group: DurableGroup, seat: DurableSeat) -> None:
        if isinstance(mail, Sent):
            self._written(mail.n, site, group, seat)
        elif isinstance(mail, Unsent):
            left = [one.work for one in seat.unconfirmed if not one.is_over]
            seat.unconfirmed.clear()
            self._give_back(site, Returned(unwritten=left), counts=False)
        if not seat.unconfirmed:
            del self._parting[seat.number]

    def _written(self, n: int, site: Site, group: DurableGroup, seat: DurableSeat) -> None:
        works = group.confirm(seat, n)
        self._counters.messages_out += n
        group.settle(seat.card, works)
        done = [work for work in works if work.attempt]
        if done:
            self._words.setdefault(site, _Words()).done += done

    def _give_back(self, site: Site, returned: Returned, *, counts: bool) -> None:
        """Let others have what a member had: those on this node alone, if it was numbered here."""
        unwritten = [*returned.written, *returned.unwritten]
        if site.group is not None:
            site.group.take([work for work in unwritten if not work.attempt], inf)
        super()._give_back(site, Returned(unwritten=[work for work in unwritten if work.attempt]), counts=False)

    # --- events -------------------------------------------------------------------------------------------------

    def share(self, texts: Sequence[bytes], top: int, traced: object = ()) -> None:
        """Take the news that events were stored; or the events, if they are stored nowhere but here."""
        super().share(texts, top, traced)
        if not self._standing.is_alone:
            return
        for site in self.sites.by_name.values():
            if site.group is not None and site.group.seats:
                site.group.take([self._here(text) for text in texts], inf)
                self._trim(site.group)

    def _here(self, text: bytes) -> Work:
        """Write an event of this node's own as work: with its seq in the text, and a number that no seq is."""
        self._n_alone += 1
        return Work("", -self._n_alone, text, 0)

    def _trim(self, group: DurableGroup) -> None:
        n_lost = max(0, len(group.waiting) - MOST_WAITING)
        for _ in range(n_lost):
            group.waiting.popleft()
        if n_lost:
            self._counters.group_lost += n_lost
            room, channel = self._address
            _log.warning("group_too_slow", room=room, channel=channel, group=group.name, messages_lost=n_lost)

    def _text(self, work: Work, group: bytes) -> bytes:
        return with_seq(work.text, work.seq) if work.attempt else work.text

    def hand_out(self) -> None:
        """See DurableGroups; and say to the store what is done, all of it in one word."""
        super().hand_out()
        for site, words in list(self._words.items()):
            if words.done and not words.is_shut:
                works, words.done = words.done[:MOST_ACKED], words.done[MOST_ACKED:]
                words.is_shut = True
                ask(self._ctx, "done", "", (site, works), site.store.ack(works))

    # --- what the store says ------------------------------------------------------------------------------------

    def told(self, mail: GroupTold) -> None:
        """See DurableGroups."""
        super().told(mail)
        if mail.kind == "done":
            self._done(mail)
        elif mail.kind == "tick":
            for words in self._words.values():
                words.is_shut = False

    def _done(self, mail: GroupTold) -> None:
        """Go on, or say it again with the next tick. Who is not heard in time gives the event to somebody twice."""
        site, works = mail.about
        words = self._words.get(site)
        if words is None:
            return
        if not isinstance(mail.result, Exception):
            words.is_shut = False
            if not words.done:
                del self._words[site]
        elif self.sites.by_name.get(site.group.name) is site:
            words.done = [*works, *words.done]
        else:
            del self._words[site]  # the group is over here, and with it what could be said again

    def reopen(self) -> None:
        """Take the news that the store is there again: it may have seen the groups end meanwhile."""
        for name, site in self.sites.by_name.items():
            if site.group is not None:
                ask(self._ctx, "opened", name, site, site.store.open(OPTIONS, None))

    def close(self) -> None:
        """See DurableGroups; and say what is done."""
        for site, words in self._words.items():
            if words.done:
                ask(self._ctx, "settled", "", None, site.store.ack(words.done))
        self._words.clear()
        super().close()
