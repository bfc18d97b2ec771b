"""Desk: answers commands about the durable groups of a channel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from arqonbus.actor import Context
from arqonbus.errors import Conflict, NotFound, Refusal
from arqonbus.protocol.payloads import AckResult, Empty
from arqonbus.routing.durable_group import DurableGroup
from arqonbus.routing.durable_site import Site, ask, away
from arqonbus.routing.durable_words import info_of
from arqonbus.routing.group_mail import AckWork, DeleteGroup, DescribeGroup, GroupCommand
from arqonbus.routing.mail import Answer
from arqonbus.routing.shared_mail import GroupTold
from arqonbus.storage.shared_group import GroupStanding, Work
from arqonbus.storage.shared_log import SharedHistory

__all__ = ["Desk"]


class Desk:
    """One channel's.

    Args:
        address: room and channel.
        history: the store.
        ctx: of the channel; used in its turns only.
    """

    __slots__ = ("_address", "_ctx", "_history")

    def __init__(self, address: tuple[str, str], history: SharedHistory, ctx: Context[Any]) -> None:
        self._address = address
        self._history = history
        self._ctx = ctx

    def command(self, mail: GroupCommand, site: Site | None) -> None:
        """Answer a command, now or when the store has. ``site``: of the group; None: it has no members here."""
        if isinstance(mail, AckWork):
            self._ack(mail, site)
        elif isinstance(mail, DescribeGroup):
            store = site.store if site is not None else self._history.group(*self._address, mail.group)
            ask(self._ctx, "answered", mail.group, mail, store.standing())
        else:
            deleted = self._history.delete_group(*self._address, mail.group)
            ask(self._ctx, "answered", mail.group, mail, deleted)

    def _ack(self, mail: AckWork, site: Site | None) -> None:
        args, group = mail.args, site.group if site is not None else None
        if site is None or group is None or mail.card not in group.seats:
            self._answer(mail, NotFound(f"the client is not a member of the group {args.group} of this channel"))
            return
        works = [work for work in group.found(mail.card, args.seqs) if args.epoch in (None, work.epoch)]
        if not works:
            self._answer(mail, AckResult(0))
        elif args.retry_after_ms is None:
            ask(self._ctx, "acked", args.group, (mail, site, works), site.store.ack(works))
        else:
            self._retry(mail, site, group, works)

    def _retry(self, mail: AckWork, site: Site, group: DurableGroup, works: Sequence[Work]) -> None:
        """Give back what a member could not do. The attempt counts."""
        after_s = min((mail.args.retry_after_ms or 0) / 1000, group.options.ack_wait_s)
        group.settle(mail.card, works)
        asked = (mail, site, works)
        ask(self._ctx, "acked", group.name, asked, site.store.give_back(works, after_s=after_s))
        self._ctx.after(after_s + 0.01, GroupTold("tick", group.name))
        site.is_rung = True

    def told(self, told: GroupTold) -> None:
        """Take what the store says to a command."""
        if told.kind == "acked":
            self._acked(told)
            return
        mail, result = told.about, told.result
        if isinstance(result, Exception):
            self._answer(mail, away())
        elif isinstance(result, GroupStanding):
            self._answer(mail, info_of(self._address, mail.group, result))
        elif isinstance(mail, DeleteGroup) and result is None:
            self._answer(mail, Conflict(f"the group {mail.group} has members"))
        elif result:
            self._answer(mail, Empty())
        else:
            self._answer(mail, NotFound(f"no group {mail.group} in this channel"))

    def _acked(self, told: GroupTold) -> None:
        mail, site, works = told.about
        if isinstance(told.result, Exception):
            self._answer(mail, away())
            return
        if site.group is not None:
            site.group.settle(mail.card, works)
        site.is_rung = True
        self._answer(mail, AckResult(len(works) if told.result is None else told.result))

    def _answer(self, mail: GroupCommand, result: Struct | Refusal) -> None:
        mail.card.ref.signal(Answer(mail.request_id, result))
