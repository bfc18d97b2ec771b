"""OtherNodes: the members of other nodes in one room, as these have told. Pure."""

from __future__ import annotations

from msgspec import Struct, field

from arqonbus.protocol.payloads import LeftReason, MemberInfo
from arqonbus.routing.census_letters import Delta, Full, Told

__all__ = ["Changes", "OtherNodes"]


class Changes:
    """What became of members, by channel."""

    __slots__ = ("by_channel",)

    def __init__(self) -> None:
        self.by_channel: dict[str, Change] = {}

    def of(self, channel: str) -> Change:
        """Give those of one channel, to be added to."""
        return self.by_channel.setdefault(channel, Change())


class Change(Struct):
    """Of one channel. Nobody is in two of them."""

    joined: dict[str, MemberInfo] = field(default_factory=dict)
    left: dict[str, LeftReason] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)  # in a crowd by now


class _View(Struct):
    """What one node has told."""

    life: str
    number: int  # of the last delta in it
    rows: dict[str, dict[str, MemberInfo]] = field(default_factory=dict)  # channel -> client -> row
    crowds: dict[str, int] = field(default_factory=dict)  # channel -> members


class OtherNodes:
    """A client belongs to the node that told of it last: it may be on two for a moment, when it goes on elsewhere."""

    __slots__ = ("_owners", "_views")

    def __init__(self) -> None:
        self._views: dict[str, _View] = {}  # by node
        self._owners: dict[str, dict[str, str]] = {}  # channel -> client -> node

    # --- what is known ------------------------------------------------------------------------------------------

    def rows(self, channel: str) -> tuple[MemberInfo, ...]:
        """Give all rows of a channel."""
        owners = self._owners.get(channel, {})
        return tuple(self._views[node].rows[channel][client] for client, node in owners.items())

    def crowd(self, channel: str) -> int:
        """Count the members of a channel that have no rows."""
        return sum([view.crowds.get(channel, 0) for view in self._views.values()])

    def crowded(self, channel: str) -> set[str]:
        """Give the nodes whose members of a channel are a crowd."""
        return {node for node, view in self._views.items() if channel in view.crowds}

    # --- what is told -------------------------------------------------------------------------------------------

    def take_full(self, letter: Full, changes: Changes) -> None:
        """Take all that a node has."""
        view = self._views.get(letter.node)
        if view is not None and view.life == letter.life and view.number > letter.number:
            return  # overtaken by a delta
        if view is None:
            view = self._views[letter.node] = _View(letter.life, letter.number)
        view.life, view.number = letter.life, letter.number
        for told in letter.channels:
            self._replace(letter.node, view, told, changes)
        named = {told.channel for told in letter.channels}
        for channel in [channel for channel in (*view.rows, *view.crowds) if channel not in named]:
            self._replace(letter.node, view, Told(channel), changes)

    def take_delta(self, letter: Delta, changes: Changes) -> bool:
        """Take what changed on a node. Returns False where something before it is missing: it has to be asked."""
        view = self._views.get(letter.node)
        if view is None or view.life != letter.life:
            if letter.number != 1:
                return False
            self.forget(letter.node, "lost", changes)
            view = self._views[letter.node] = _View(letter.life, 0)
        if letter.number != view.number + 1:
            return letter.number <= view.number
        view.number = letter.number
        for told in letter.channels:
            if told.crowd or told.is_whole:
                self._replace(letter.node, view, told, changes)
                continue
            for row in told.joined:
                self._join(letter.node, view, told.channel, row, changes)
            for client, reason in told.left:
                self._leave(letter.node, view, told.channel, client, reason, changes)
        return True

    def forget(self, node: str, reason: LeftReason, changes: Changes) -> None:
        """Strike all members of a node off."""
        view = self._views.get(node)
        if view is None:
            return
        for channel in view.crowds:
            changes.of(channel)
        for channel, rows in list(view.rows.items()):
            for client in list(rows):
                self._leave(node, view, channel, client, reason, changes)
        del self._views[node]

    # --- one channel of one node --------------------------------------------------------------------------------

    def _replace(self, node: str, view: _View, told: Told, changes: Changes) -> None:
        """Take what a node has in a channel in place of what it had."""
        channel, still = told.channel, {row.client for row in told.joined}
        was_crowd = view.crowds.pop(channel, 0)
        if told.crowd:
            view.crowds[channel] = told.crowd
        if told.crowd != was_crowd:
            changes.of(channel)
        for client in [client for client in view.rows.get(channel, {}) if client not in still]:
            self._leave(node, view, channel, client, None if told.crowd else "lost", changes)
        for row in told.joined:
            self._join(node, view, channel, row, changes)

    def _join(self, node: str, view: _View, channel: str, row: MemberInfo, changes: Changes) -> None:
        owners, rows = self._owners.setdefault(channel, {}), view.rows.setdefault(channel, {})
        is_news = owners.get(row.client) != node or rows.get(row.client) != row
        owners[row.client], rows[row.client] = node, row
        if is_news:
            of = changes.of(channel)
            of.left.pop(row.client, None)
            of.dropped.discard(row.client)
            of.joined[row.client] = row

    def _leave(
        self, node: str, view: _View, channel: str, client: str, reason: LeftReason | None, changes: Changes
    ) -> None:
        """Strike a member off, without a word where there is no reason."""
        rows, owners = view.rows.get(channel, {}), self._owners.get(channel, {})
        rows.pop(client, None)
        if not rows:
            view.rows.pop(channel, None)
        if owners.get(client) != node:
            return  # another node has it by now
        del owners[client]
        if not owners:
            del self._owners[channel]
        of = changes.of(channel)
        of.joined.pop(client, None)
        if reason is None:
            of.dropped.add(client)
        else:
            of.left[client] = reason
