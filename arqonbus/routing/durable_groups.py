"""Durable groups of a channel: their events are leased from the store, and a member's until it acknowledges them.

The channel's part of the mail with sessions is that of `groups`, by the same Shares; and with the store, whose answers
come home as GroupTold. Which member gets what is decided in `durable_group`.

store ──take──▶ channel ──Share──▶ session ──▶ client
  ▲  ▲                                            │
  │  └────────────────── ack ◀──── AckWork ◀──────┘
  └── give_back: left, lost, not written, or wanted later
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from arqonbus.actor import Context, Ref
from arqonbus.errors import Refusal, StorageError
from arqonbus.protocol.payloads import GroupInfo, LeftReason
from arqonbus.protocol.payloads import GroupOptions as Wish
from arqonbus.routing.cards import ClientCard
from arqonbus.routing.dead_letters import DeadLetters
from arqonbus.routing.durable_desk import Desk
from arqonbus.routing.durable_group import DurableGroup, DurableSeat, Returned
from arqonbus.routing.durable_site import Site, Sites, ask
from arqonbus.routing.durable_words import shown, text_of
from arqonbus.routing.fanout import deliver_texts
from arqonbus.routing.group_mail import AckWork, Gone, GroupCommand
from arqonbus.routing.mail import GroupMail, Ready, Receipt, Sent, Share
from arqonbus.routing.shared_mail import GroupTold
from arqonbus.storage.shared_group import GroupOptions, Work
from arqonbus.storage.shared_log import SharedHistory
from arqonbus.telemetry.counters import Counters
from arqonbus.telemetry.logs import get_log

__all__ = ["DurableGroups"]

POLL_S = 1.0  # at most, between two looks for what other nodes gave back

_log = get_log("routing")


class DurableGroups:
    """All durable groups of one channel, on this node. Owned by the channel, used in its turns; see `groups.Groups`.

    Args:
        address: room and channel.
        history: the store.
        defaults: options of groups whose makers say nothing.
        room: of the channel.
        ctx: of the channel; used in its turns only.
        counters: of the process.
    """

    __slots__ = (
        "_address",
        "_by_number",
        "_counters",
        "_ctx",
        "_dead",
        "_desk",
        "_is_ticking",
        "_n_seats",
        "_where",
        "sites",
    )

    def __init__(
        self,
        address: tuple[str, str],
        history: SharedHistory,
        defaults: GroupOptions,
        room: Ref[Any],
        ctx: Context[Any],
        counters: Counters,
    ) -> None:
        self._address = address
        self._ctx = ctx
        self._counters = counters
        self._dead = DeadLetters(address, room, ctx.ref)
        self._desk = Desk(address, history, ctx)
        self.sites = Sites(address, history, defaults, ctx)
        self._where: dict[ClientCard, str] = {}  # member -> group
        self._by_number: dict[int, tuple[DurableGroup, DurableSeat]] = {}
        self._n_seats = 0  # given so far
        self._is_ticking = False

    # --- members ------------------------------------------------------------------------------------------------

    def join(self, name: str, card: ClientCard, old: ClientCard | None) -> int:
        """Take a member in that was admitted. Without effect when it is in. See Groups.join."""
        site = self.sites.by_name[name]
        group = site.group
        if group is None:
            raise ValueError(f"expected the group {name} to be open")
        if card in group.seats:
            return group.seats[card].number
        self._n_seats += 1
        seat = group.sit(card, self._n_seats)
        self._by_number[seat.number] = (group, seat)
        self._where[card] = name
        if old is not None:
            self.drop(old, "lost")
        site.is_rung, site.sweep_at = True, 0.0
        self._tick_on()
        return seat.number

    def leave(self, card: ClientCard) -> None:
        """Let a member go that said so: what it had in work does not count as an attempt."""
        self._let_go(card, counts=False)

    def drop(self, card: ClientCard, reason: LeftReason) -> None:
        """Let a member go whose session is no more. Work that was with it when it was lost counts as an attempt."""
        self._let_go(card, counts=reason == "lost")

    def _let_go(self, card: ClientCard, *, counts: bool) -> None:
        name = self._where.pop(card, "")
        site = self.sites.by_name.get(name)
        if site is None or site.group is None:
            return
        seat = site.group.seats[card]
        self._by_number.pop(seat.number, None)
        self._give_back(site, site.group.rise(card), counts=counts)
        self._close_if_empty(name, site, site.group)

    def _close_if_empty(self, name: str, site: Site, group: DurableGroup) -> None:
        site.sweep_at = 0.0
        if not group.seats:
            del self.sites.by_name[name]
            site.store.close(group.all_work())

    def note(self, mail: GroupMail) -> None:
        """Note what a member says; words of one that is forgotten are without effect."""
        if mail.seat not in self._by_number:
            return
        group, seat = self._by_number[mail.seat]
        site = self.sites.by_name[group.name]
        if isinstance(mail, Sent):
            group.confirm(seat, mail.n)
            self._counters.messages_out += mail.n
        elif isinstance(mail, Ready):
            group.ready(seat)
            site.is_rung = True
        elif isinstance(mail, Gone):
            self._give_back(site, group.cut(seat), counts=True)
        else:
            group.refuse(seat)

    def _give_back(self, site: Site, returned: Returned, *, counts: bool) -> None:
        """Let others have what a member had: at once."""
        site.is_rung = True
        for works, is_attempt in ((returned.written, counts), (returned.unwritten, False)):
            if works:
                ask(self._ctx, "settled", "", works, site.store.give_back(works, counts=is_attempt))

    # --- events -------------------------------------------------------------------------------------------------

    def share(self, texts: Sequence[bytes], top: int, traced: object = ()) -> None:
        """Take the news that events were stored. They come from the store when somebody has room for them."""
        for site in self.sites.by_name.values():
            site.is_rung = True

    def hand_out(self) -> None:
        """Tell members what they get, and ask the store for more. To be called at the end of each turn."""
        for name, site in self.sites.by_name.items():
            if site.group is not None and site.group.seats:
                if site.group.waiting:
                    self._tell(site, site.group)
                self._take(name, site, site.group)

    def _tell(self, site: Site, group: DurableGroup) -> None:
        told, left = group.hand_out(self._ctx.now)
        name = msgspec.json.encode(group.name)
        for seat, works in told.items():
            deliver = deliver_texts([self._text(work, name) for work in works])
            seat.card.ref.signal(Share(self._address, seat.number, seat.round, deliver))
        if left:
            self._give_back(site, Returned(unwritten=left), counts=False)

    def _text(self, work: Work, group: bytes) -> bytes:
        """Write an event as a member gets it; ``group``: its name as JSON."""
        return text_of(work, group)

    def _take(self, name: str, site: Site, group: DurableGroup) -> None:
        now, room = self._ctx.now, group.room
        is_due = now >= site.sweep_at
        if site.is_taking or not (is_due or (site.is_rung and room)):
            return
        site.is_taking, site.is_rung = True, False
        if is_due:
            site.sweep_at = now + site.look_s
        asked = (site, room, now + group.options.ack_wait_s)
        ask(self._ctx, "taken", name, asked, site.store.take(room, len(group.seats) if is_due else None))

    def _taken(self, mail: GroupTold) -> None:
        site: Site = mail.about[0]
        _, n_asked, until = mail.about
        site.is_taking = False
        group = site.group
        if isinstance(mail.result, Exception) or group is None:
            return  # the next tick asks again
        if self.sites.by_name.get(mail.group) is not site:
            ask(self._ctx, "settled", "", None, site.store.give_back(mail.result, counts=False))
            return
        site.is_rung = site.is_rung or (len(mail.result) == n_asked and n_asked > 0)
        most = group.options.max_deliver
        group.expire(self._ctx.now)  # first: what comes again may be among it
        group.take([work for work in mail.result if work.attempt <= most], until)
        for work in mail.result:
            if work.attempt > most:
                self._dead.bury(mail.group, group.options, work)

    def buried(self, mail: Receipt) -> None:
        """Take what became of a dead letter. One that was not stored comes again when its lease is over."""
        found = self._dead.answered(mail)
        if found is None:
            return
        name, work = found
        facts = {"room": self._address[0], "channel": self._address[1], "group": name, "seq": work.seq}
        if isinstance(mail.result, Refusal):
            _log.warning("dead_letter_not_stored", **facts, code=mail.result.code, error=mail.result.message)
            return
        _log.warning("event_dead_lettered", **facts, attempts=work.attempt - 1)
        site = self.sites.by_name.get(name)
        if site is not None:
            ask(self._ctx, "settled", "", work, site.store.ack((work,), dead=True))

    # --- what the store says ------------------------------------------------------------------------------------

    def command(self, mail: GroupCommand) -> None:
        """Answer a command about a group, now or when the store has."""
        self._desk.command(mail, self.sites.by_name.get(mail.args.group if isinstance(mail, AckWork) else mail.group))

    def told(self, mail: GroupTold) -> None:
        """Take what the store says, or a reminder; ``hand_out`` is to follow."""
        if isinstance(mail.result, Exception) and not isinstance(mail.result, StorageError):
            _log.error("group_failed", room=self._address[0], channel=self._address[1], error=mail.result)
        if mail.kind == "taken":
            self._taken(mail)
        elif mail.kind in ("acked", "answered"):
            self._desk.told(mail)
        elif mail.kind == "opened":
            self.sites.opened(mail)
        elif mail.kind == "tick":
            self._tick(mail)

    def _tick(self, mail: GroupTold) -> None:
        self._is_ticking = self._is_ticking and bool(mail.group)
        for site in self.sites.by_name.values():
            site.is_rung = True
            if site.group is not None:
                site.group.expire(self._ctx.now)
        self._tick_on()

    def _tick_on(self) -> None:
        """Look again in a while, if there are members."""
        if not self._is_ticking and self._where:
            self._is_ticking = True
            look_s = min([site.look_s for site in self.sites.by_name.values()])
            self._ctx.after(min(POLL_S, look_s), GroupTold("tick", ""))

    def renumbered(self) -> None:
        """Take the news that the log has a new epoch: what is in work has other places there, and comes again."""
        self._dead.forget()
        for site in self.sites.by_name.values():
            site.is_rung = True
            if site.group is not None:
                site.group.forget()

    def close(self) -> None:
        """Give back all that is leased to this node: the channel ends here."""
        for site in self.sites.by_name.values():
            if site.group is not None:
                site.store.close(site.group.all_work())
        self.sites.by_name.clear()
        self._where.clear()

    # --- what it is like ----------------------------------------------------------------------------------------

    @property
    def n_reached(self) -> int:
        """How many groups have somebody here with a connection."""
        return sum([site.group is not None and site.group.is_reached for site in self.sites.by_name.values()])

    def infos(self) -> tuple[GroupInfo, ...]:
        """Write the groups that have members here as clients read them, by name."""
        groups = sorted((name, site.group) for name, site in self.sites.by_name.items() if site.group is not None)
        return tuple([GroupInfo(name, len(group.seats), len(group.waiting)) for name, group in groups])

    def options_of(self, name: str) -> Wish:
        """Give the options of a group that has members here."""
        group = self.sites.by_name[name].group
        return shown(group.options if group is not None else GroupOptions())
