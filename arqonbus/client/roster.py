"""Roster: who is in a channel, from a snapshot and the changes after it. Pure; rule R47 of docs/sdk-spec.md."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from arqonbus.client.errors import ClientError
from arqonbus.client.results import MemberInfo

__all__ = ["Change", "ChangeKind", "Roster"]

ChangeKind: TypeAlias = Literal["joined", "left", "updated", "count", "reset"]
"""Somebody came, went, or changed the profile; only the number is told; everything is to be looked at anew."""

MOST_CHANGES: Final = 256
"""Changes that wait for a reader; more become one reset."""


class Change(Struct, frozen=True):
    """One change of who is there."""

    kind: ChangeKind
    client: str = ""  # that it is about; empty: about nobody alone
    member: MemberInfo | None = None  # of `joined` and `updated`; of `left` if it was known
    reason: str | None = None  # of `left`: `left`, `lost`, `kicked`, `drained`, or a newer word
    count: int = 0  # members after it


class Roster:
    """Who is in one channel, as far as the server tells.

    Args:
        wake: called when there is a change to take, or the end has come
    """

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        self.wake = wake
        self.count = 0  # members
        self.is_listed = False  # False: the members by name are not known, only how many there are
        self.has_ended = False
        self.error: ClientError | None = None
        self.is_known = False  # a snapshot was there since the last join
        self._members: dict[str, MemberInfo] = {}
        self._changes: deque[Change] = deque()
        self._early: list[Change] = []  # came before the snapshot

    @property
    def members(self) -> Mapping[str, MemberInfo]:
        """Who is there, by client id: a view of what is known now, not a copy."""
        return MappingProxyType(self._members)

    def unknown(self) -> None:
        """Wait for a snapshot: what comes before it is applied after it."""
        self.is_known = False
        self._early.clear()

    def reset(self, present: Iterable[MemberInfo] | None, count: int | None = None) -> None:
        """Start from a snapshot.

        Args:
            present: all who are there; None: they are too many to be listed
            count: how many there are; None: as many as are listed
        """
        self._members = {} if present is None else {member.client: member for member in present}
        self.is_listed = present is not None
        self.count = len(self._members) if count is None else count
        self.is_known = True
        early, self._early = self._early, []
        for change in early:
            self._apply(change)
        self._changes.clear()
        self._tell(Change("reset", count=self.count))

    def change(self, change: Change) -> None:
        """Take in one change; its count is -1 where the server does not say it."""
        if self.is_known:
            self._tell(self._apply(change))
        else:
            self._early.append(change)

    def _apply(self, change: Change) -> Change:
        member, grows = change.member, 0
        if change.kind == "left":
            member = self._members.pop(change.client, None)
            grows = -1 if member is not None or not self.is_listed else 0
        elif member is not None:
            grows = change.kind == "joined" and member.client not in self._members
            if self.is_listed:
                self._members[member.client] = member
        else:  # only the number is told from now on
            self._members, self.is_listed = {}, False
        self.count = change.count if change.count >= 0 else max(0, self.count + grows)
        return Change(change.kind, change.client, member, change.reason, self.count)

    def _tell(self, change: Change) -> None:
        if len(self._changes) >= MOST_CHANGES:
            self._changes.clear()
            change = Change("reset", count=self.count)
        self._changes.append(change)
        self.wake()

    def take(self) -> Change | None:
        """Give the next change; None: there is none now."""
        return self._changes.popleft() if self._changes else None

    def end(self, error: ClientError | None = None) -> None:
        """Let nothing more come. Only the first end counts."""
        if not self.has_ended:
            self.has_ended, self.error = True, error
            self.wake()
