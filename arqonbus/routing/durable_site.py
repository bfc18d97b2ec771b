"""Site: one durable group on one node, from the first member here to the last; and how the store is asked."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from arqonbus.actor import Context
from arqonbus.errors import Refusal, Unavailable
from arqonbus.protocol.payloads import JoinChannelArgs
from arqonbus.routing.durable_group import DurableGroup
from arqonbus.routing.durable_words import clash_of, filled
from arqonbus.routing.shared_mail import GroupTale, GroupTold
from arqonbus.storage.shared_group import MEMBERS_S, GroupOptions, SharedGroup
from arqonbus.storage.shared_log import SharedHistory

__all__ = ["Site", "Sites", "ask", "away"]

SWEEP_S = MEMBERS_S / 3  # at most, between two looks for leases that are over
LOOKS = 5  # likewise, in one ack_wait_s
LEAST_S = 0.02  # at least, between two looks


class Site:
    """One group here. Owned by the channel's DurableGroups."""

    __slots__ = ("failed", "group", "is_rung", "is_taking", "store", "sweep_at")

    def __init__(self, store: SharedGroup) -> None:
        self.store = store
        self.group: DurableGroup | None = None  # None: the store was not heard yet
        self.failed: Refusal | None = None  # why it could not be opened
        self.is_taking = False  # a take is under way
        self.is_rung = False  # there may be something to take
        self.sweep_at = 0.0  # when to look for leases that are over, and to tell how many members there are

    @property
    def look_s(self) -> float:
        """Seconds between two looks for leases that are over."""
        wait_s = self.group.options.ack_wait_s if self.group is not None else SWEEP_S
        return min(SWEEP_S, max(LEAST_S, wait_s / LOOKS))


class Sites:
    """The groups of one channel that are open on this node. See DurableGroups for the arguments."""

    __slots__ = ("_address", "_ctx", "_defaults", "_history", "by_name")

    def __init__(
        self, address: tuple[str, str], history: SharedHistory, defaults: GroupOptions, ctx: Context[Any]
    ) -> None:
        self._address = address
        self._history = history
        self._defaults = defaults
        self._ctx = ctx
        self.by_name: dict[str, Site] = {}

    def admit(self, args: JoinChannelArgs) -> bool:
        """Say whether a join of a group can go on; False: the store has yet to be heard, and GroupTold comes then.

        Raises:
            Refusal: it cannot: the options clash with those that stand, or the store is not within reach.
        """
        name = args.group or ""
        site = self.by_name.get(name)
        if site is None:
            options = self._defaults
            if options.lasts:
                options = filled(args.group_options, options, self._address[1])
            site = self.by_name[name] = Site(self._history.group(*self._address, name))
            start = 0 if args.group_options is not None and args.group_options.start == "oldest" else None
            ask(self._ctx, "opened", name, site, site.store.open(options, start))
            return False
        if site.failed is not None:
            del self.by_name[name]
            raise site.failed
        if site.group is None:
            return False
        clash = clash_of(args.group_options, site.group.options)
        if clash is not None:
            if not site.group.seats:
                del self.by_name[name]
            raise clash
        return True

    def opened(self, mail: GroupTold) -> None:
        """Take what the store says to an opening."""
        if mail.about.group is not None:
            return  # it was opened again, behind an outage
        if isinstance(mail.result, GroupOptions):
            mail.about.group = DurableGroup(mail.group, mail.result)
        else:
            mail.about.failed = away()


def away() -> Unavailable:
    """Say that the store of groups cannot be asked."""
    return Unavailable("the store is not within reach: what became of this is not known, it may be asked again")


def ask(ctx: Context[Any], kind: GroupTale, group: str, about: Any, work: Awaitable[Any]) -> None:
    """Have what the store says come home as GroupTold."""

    def told(result: Any) -> GroupTold:
        return GroupTold(kind, group, about, result)

    ctx.pipe(work, told, told)
