"""Cards: what an actor shows of itself.

A card is written by one actor only, its owner, and read by the registry and the handlers of commands, in turns of
their own on the same thread. It saves a question and an answer by mail for each row of a list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from msgspec import UNSET, Struct, json

from arqonbus.protocol.codec import encode
from arqonbus.protocol.envelope import Event
from arqonbus.protocol.payloads import ChannelInfo, ChannelOptions, GroupInfo, Profile
from arqonbus.security.gate import Identity
from arqonbus.storage.history import Log

if TYPE_CHECKING:
    from arqonbus.actor import Ref

__all__ = ["ChannelCard", "ChannelKind", "ClientCard", "RoomCard"]

ChannelKind: TypeAlias = Literal["user", "configured", "system"]


class ClientCard:
    """One client, written by its session. ``ref`` is where mail for it goes."""

    __slots__ = ("client", "identity", "is_away", "is_debugged", "profile", "ref", "will")

    def __init__(self, ref: Ref[Any], identity: Identity, profile: Profile) -> None:
        self.client = identity.client  # id, unique among all connections of the process
        self.ref = ref
        self.identity = identity  # replaced when the client shows a key
        self.profile = profile
        self.will: Event | None = None  # to be published when the client is lost for good
        self.is_away = False  # its connection is gone; another may continue it
        self.is_debugged = False  # every message of it is traced

    @property
    def sender(self) -> str:
        """Whose ids are unique: the user's over all connections, or the connection's where nobody is known."""
        return self.identity.user or self.client


class _Total(Protocol):
    """Members, who can be counted."""

    @property
    def total(self) -> int:
        """How many there are, on all nodes."""


class _Note(Struct):
    """What a channel that went and comes back is to be again."""

    options: ChannelOptions
    kind: ChannelKind
    created_at: str
    created_by: str | None


class ChannelCard:
    """One channel. Written by it once, with what tells its position and its members whenever somebody looks."""

    __slots__ = ("_log", "_members", "channel", "created_at", "created_by", "groups", "kind", "options", "room")

    def __init__(
        self,
        room: str,
        channel: str,
        kind: ChannelKind,
        options: ChannelOptions,
        created_at: str,
        created_by: str | None,
    ) -> None:
        self.room = room
        self.channel = channel
        self.kind: ChannelKind = kind  # user, configured or system
        self.options = options  # in force, settings filled in
        self.created_at = created_at  # RFC 3339
        self.created_by = created_by  # client id; None: the server
        self._log: Log | None = None
        self._members: _Total | None = None
        self.groups: Callable[[], tuple[GroupInfo, ...]] | None = None  # None: it never had a group

    def show(self, log: Log, members: _Total) -> None:
        """Let people see the position of ``log`` and the number of ``members``, as they are when they look."""
        self._log = log
        self._members = members

    def note(self) -> bytes:
        """Write what must outlive the channel, for the store to keep beside its log."""
        return encode(_Note(self.options, self.kind, self.created_at, self.created_by))

    @classmethod
    def from_note(cls, room: str, channel: str, note: bytes) -> ChannelCard:
        """Make the card of a channel that comes back."""
        read = json.decode(note, type=_Note)
        return cls(room, channel, read.kind, read.options, read.created_at, read.created_by)

    def become(self, note: bytes) -> None:
        """Be what another writer of the same log has said that the channel is."""
        read = json.decode(note, type=_Note)
        self.options, self.kind = read.options, read.kind
        self.created_at, self.created_by = read.created_at, read.created_by

    def info(self) -> ChannelInfo:
        """Write it as clients read it."""
        return ChannelInfo(
            room=self.room,
            channel=self.channel,
            options=self.options,
            epoch=self._log.epoch if self._log is not None else "",
            seq=self._log.top if self._log is not None else 0,
            members=self._members.total if self._members is not None else 0,
            created_at=self.created_at,
            created_by=self.created_by,
            kind=self.kind,
            groups=(self.groups() if self.groups is not None else ()) or UNSET,
        )


class RoomCard:
    """One room, written by it."""

    __slots__ = ("channels", "members", "room")

    def __init__(self, room: str) -> None:
        self.room = room
        self.channels: dict[str, tuple[Ref[Any], ChannelCard]] = {}  # by name, living channels only
        self.members = 0  # connections that joined at least one channel
