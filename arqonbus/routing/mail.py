"""Mail: everything that a routing actor may be told, by receiver. Frozen; refs are the only way to an actor.

Lanes: mail marked [control] goes first and is never refused; all other mail keeps the order of its sender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Raw, Struct

from arqonbus.actor import Ref, Terminated
from arqonbus.errors import Refusal
from arqonbus.protocol.envelope import Broadcast, Envelope, Event, Private
from arqonbus.protocol.payloads import (
    ChannelOptions,
    ChannelPosition,
    HistoryArgs,
    JoinChannelArgs,
    LeftReason,
    MembersArgs,
    Overflow,
    Position,
    Profile,
    Resumed,
)
from arqonbus.routing.cards import ChannelKind, ClientCard
from arqonbus.routing.census_mail import Beside, CensusTick, FarNews, HelloOver, OwnMember, PageOver
from arqonbus.routing.group_mail import Gone, GroupCommand
from arqonbus.routing.node_mail import ClaimOver, ClaimSent, LetGoNow, SurveyOver
from arqonbus.routing.shared_mail import SharedChannelMail, SharedRoomMail
from arqonbus.storage.cluster import Delivery, ForClient, ForNode, Lapsed, LineHeard, NodeGone
from arqonbus.telemetry.activity import Happened
from arqonbus.telemetry.tracer import Trace

__all__ = [
    "TookOver",
    "TakeOver",
    "Replaced",
    "Report",
    "Rejoin",
    "LetGo",
    "GraceOver",
    "LastWill",
    "PresenceTick",
    "ProfileChanged",
    "SetWill",
    "SurveyOver",
    "GroupMail",
    "Away",
    "Answer",
    "ClaimOver",
    "LetGoNow",
    "ClaimSent",
    "HandedOver",
    "KickSent",
    "PrivateSent",
    "AuthTimeout",
    "Bounced",
    "BroadcastMail",
    "ChannelMail",
    "Create",
    "Delete",
    "Deliver",
    "Describe",
    "Drain",
    "Ended",
    "DrainAll",
    "Drop",
    "IdleCheck",
    "Inbound",
    "Invalid",
    "Join",
    "Joined",
    "LeaveNow",
    "Leave",
    "ListMembers",
    "Kick",
    "Lost",
    "Opened",
    "OutboxCheck",
    "Parted",
    "Place",
    "PrivateMail",
    "Publish",
    "ReadHistory",
    "Ready",
    "Receipt",
    "RegistryMail",
    "Request",
    "Resolve",
    "Resolved",
    "RoomMail",
    "Sent",
    "SessionMail",
    "SetProfile",
    "Share",
    "StarAnswer",
    "Tick",
    "Unsent",
    "WhoAmI",
    "Writable",
]


# --- to a session -----------------------------------------------------------------------------------------------


class Inbound(Struct, frozen=True, gc=False):
    """One envelope of the client, in the order of the socket."""

    envelope: Envelope
    size: int  # bytes of its text


class Invalid(Struct, frozen=True):
    """One message of the client that is no envelope."""

    refusal: Refusal


class Place(Struct, frozen=True, gc=False):
    """Where live events are from. Each life of a channel has one of its own: compare them by ``is``."""

    room: str
    channel: str
    epoch: str


class Deliver(Struct, frozen=True, gc=False):
    """[control] Ready frames for the client. One object is shared by all receivers."""

    chunk: bytes  # frames, joined
    texts: tuple[bytes, ...]  # the JSON text of each, for connections that can't use ready frames
    place: Place | None = None  # of live events, which a member may bear to lose; None: of anything else
    last: int = 0  # of live events: seq of the last one; those before it lead up to it without a hole


class Share(Struct, frozen=True):
    """[control] Events of a group for this member alone: to be written at once and confirmed, or to be given back."""

    address: tuple[str, str]  # room and channel
    seat: int  # the member's number in the channel
    round: int  # of what this member was told; a share of a round that was given back is void
    deliver: Deliver


class Answer(Struct, frozen=True):
    """[control] The one answer to the command in work: a result, or a refusal."""

    request_id: str | None
    result: Struct | Refusal


class Joined(Struct, frozen=True):
    """[control] The answer to a join: the session is a member from here on. ``replay`` comes before anything live."""

    request_id: str | None
    room: str
    channel: str  # or *
    ref: Ref[Any] | None  # the channel, for publishing; None for *
    result: Struct
    replay: Deliver | None
    resumed: tuple[Resumed, ...] = ()  # of a resuming join of *: what became of each channel
    overflow: Overflow = "disconnect"  # what happens to its events from here on when the client cannot keep up
    group: str | None = None  # whose member the session is; None: it gets every event
    seat: int = 0  # its number there, by which the channel and the session speak of its shares


class Parted(Struct, frozen=True):
    """[control] No member any more: by a leave, which it answers, or because the channel was deleted."""

    request_id: str | None
    room: str
    channel: str
    result: Struct | None  # of the leave; None: it answers nothing
    told: Deliver | None = None  # what the client is to be told of it


class Receipt(Struct, frozen=True):
    """[control] What became of a message that asked for it, or was refused."""

    request_id: str | None
    result: Struct | Refusal


class Resolved(Struct, frozen=True):
    """[control] The answer to Resolve."""

    room: str
    channel: str | None
    found: Ref[Any] | Refusal


class Writable(Struct, frozen=True):
    """[control] The transport drained what it held."""


class Lost(Struct, frozen=True):
    """[control] The connection is gone."""

    code: int  # RFC 6455 7.4, or 4000 and above; 1006: without a close frame
    reason: str


class Ended(Struct, frozen=True):
    """The session's own mail, by the user lane: the end of the connection, behind everything that came by it.

    Once more by the control lane, some seconds later, in case that lane does not move.
    """

    code: int  # as in Lost


class Drain(Struct, frozen=True):
    """[control] The server is going: tell the client, and close in ``leave_in_s`` seconds if it has not left."""

    deadline_ms: int
    spread_ms: int
    leave_in_s: float


class LeaveNow(Struct, frozen=True):
    """[control] The session's own reminder, from Drain."""


class Kick(Struct, frozen=True):
    """[control] An administrator ends the client, there or away."""

    reason: str  # of the close frame


class AuthTimeout(Struct, frozen=True):
    """[control] The session's own reminder: credentials should be here by now."""


class OutboxCheck(Struct, frozen=True):
    """[control] The session's own reminder, while its outbox waits for the socket."""


class Replaced(Struct, frozen=True):
    """[control] Another connection continues this one: hand over what it needs, and be gone when it says so."""

    card: ClientCard  # of the session that continues


class TookOver(Struct, frozen=True):
    """[control] The answer to TakeOver: what the old session was, or nothing."""

    client: str | None  # the id to go on with; None: nobody is there to be continued
    memberships: tuple[tuple[str, str], ...] = ()
    profile: Profile | None = None
    old: Ref[Any] | None = None  # to be told LetGo
    overflows: Mapping[tuple[str, str], Overflow] = {}  # of the memberships, where it is not disconnect for all
    will: Event | None = None  # that waits for the client's end
    groups: Mapping[tuple[str, str], str] = {}  # membership -> the group that it is in


class LetGo(Struct, frozen=True):
    """[control] The session that continues this one has all that it needs."""


class GraceOver(Struct, frozen=True):
    """[control] The session's own reminder: nobody came to continue it."""


class WhoAmI(Struct, frozen=True):
    """[control] Answer who the client is."""

    request_id: str | None


class SetProfile(Struct, frozen=True):
    """[control] Take a new profile and answer it."""

    request_id: str | None
    profile: Profile


class SetWill(Struct, frozen=True):
    """[control] Keep what is to be published when the client is lost, in place of what was kept."""

    request_id: str | None
    will: Event | None  # None: nothing


SessionMail: TypeAlias = (
    Inbound
    | Invalid
    | Deliver
    | Share
    | Answer
    | Joined
    | Parted
    | Receipt
    | Resolved
    | Writable
    | Lost
    | Ended
    | Drain
    | LeaveNow
    | Kick
    | AuthTimeout
    | OutboxCheck
    | WhoAmI
    | SetProfile
    | SetWill
    | Replaced
    | TookOver
    | LetGo
    | GraceOver
)


# --- to a channel -----------------------------------------------------------------------------------------------


class Publish(Struct, frozen=True, gc=False):
    """Sequence one event, keep it, deliver it to all members."""

    card: ClientCard
    event: Event
    trace: Trace | None = None


class Join(Struct, frozen=True):
    """Become a member. To a room first, which passes it on."""

    card: ClientCard
    request_id: str | None
    channel: str
    args: JoinChannelArgs
    may_create: bool  # the channel, if there is none
    star: bool = False  # as a member of the whole room: the channel answers the room
    positions: dict[str, Position] | None = None  # of a resuming join of *: the last seen in each channel
    share: int = 1  # this join may replay so many times less than one alone, since others replay with it
    trace: Trace | None = None


class Leave(Struct, frozen=True):
    """End a membership. To a room first, which passes it on."""

    card: ClientCard
    request_id: str | None
    channel: str
    star: bool = False


class Drop(Struct, frozen=True):
    """A client is a member no more, without having asked: its connection is gone, or did not take the membership up.

    By the user lane, so that it comes behind the joins and leaves that the room has passed on before.
    """

    card: ClientCard
    reason: LeftReason
    direct: bool = True  # the membership by name
    star: bool = True  # the one of the whole room


class Delete(Struct, frozen=True):
    """End the channel, its history and its epoch. To a room first, which passes it on."""

    card: ClientCard
    request_id: str | None
    channel: str
    force: bool


class ReadHistory(Struct, frozen=True):
    """Answer one page of history. To a room first, which passes it on."""

    card: ClientCard
    request_id: str | None
    channel: str
    args: HistoryArgs


class ListMembers(Struct, frozen=True):
    """Answer one page of members, of a channel or (to a room, without channel) of the room."""

    card: ClientCard
    request_id: str | None
    channel: str | None
    args: MembersArgs
    beside: Beside | None = None  # rows that other nodes were asked for; None: they were not


class Sent(Struct, frozen=True):
    """[control] So many events of a member's shares, the first ones, were written to its socket."""

    seat: int
    n: int  # >= 1


class Unsent(Struct, frozen=True):
    """[control] The rest of a member's shares was not written and will not be, nor will any more of its round."""

    seat: int


class Ready(Struct, frozen=True):
    """[control] After Unsent: this member can take shares again, of the next round."""

    seat: int


class IdleCheck(Struct, frozen=True):
    """[control] The actor's own reminder: it may have been empty for long enough."""


class ProfileChanged(Struct, frozen=True):
    """Tell watchers of a member's new profile. To the registry, then to its rooms, then to its channels there."""

    card: ClientCard
    rooms: tuple[str, ...]  # that the client is in


class PresenceTick(Struct, frozen=True):
    """[control] The actor's own reminder: what watchers were not told for a second may be told."""


class Report(Struct, frozen=True):
    """Put events of the server into its telemetry channel. To the registry first, then to the room."""

    room: str
    channel: str
    events: tuple[Happened, ...]


GroupMail: TypeAlias = Sent | Unsent | Ready | Gone

_Asked: TypeAlias = Join | Leave | Delete | ReadHistory | ListMembers | GroupCommand


# --- to a room --------------------------------------------------------------------------------------------------


class Resolve(Struct, frozen=True):
    """Answer (to ``card.ref``) the ref of a channel, or of the room; make the channel if need be and ``may_create``."""

    card: ClientCard
    room: str
    channel: str | None
    may_create: bool


class Create(Struct, frozen=True):
    """Make a channel. Without a card: the settings want it."""

    card: ClientCard | None
    request_id: str | None
    channel: str
    options: ChannelOptions
    kind: ChannelKind = "user"


class Describe(Struct, frozen=True):
    """Answer what a channel is like."""

    card: ClientCard
    request_id: str | None
    channel: str


class BroadcastMail(Struct, frozen=True):
    """Deliver one broadcast to each member of the room once."""

    card: ClientCard
    broadcast: Broadcast
    trace: Trace | None = None


class LastWill(Struct, frozen=True):
    """Publish what a client that is gone left behind."""

    card: ClientCard
    event: Event
    may_create: bool  # the channel, if there is none


class StarAnswer(Struct, frozen=True):
    """[control] One channel's answer to a join or leave of the whole room."""

    card: ClientCard
    channel: str
    position: ChannelPosition | None = None  # of a join
    resumed: Resumed | None = None  # of a resuming join
    refusal: Refusal | None = None


class Bounced(Struct, frozen=True):
    """Mail that a child had not read when it went: route it again."""

    name: str  # of the child
    mail: Any


ChannelMail: TypeAlias = (
    Report
    | Publish
    | _Asked
    | Create
    | Describe
    | Drop
    | IdleCheck
    | ProfileChanged
    | PresenceTick
    | GroupMail
    | FarNews
    | SharedChannelMail
)

RoomMail: TypeAlias = (
    Resolve
    | Create
    | Describe
    | Join
    | Leave
    | Delete
    | ReadHistory
    | ListMembers
    | GroupCommand
    | BroadcastMail
    | Report
    | LastWill
    | ProfileChanged
    | PresenceTick
    | OwnMember
    | CensusTick
    | HelloOver
    | PageOver
    | LineHeard
    | NodeGone
    | Lapsed
    | StarAnswer
    | Bounced
    | Terminated
    | SharedRoomMail
)


# --- to the registry --------------------------------------------------------------------------------------------


class Opened(Struct, frozen=True):
    """[control] A session is open: it can be addressed."""

    card: ClientCard


class Request(Struct, frozen=True):
    """One command of a client."""

    card: ClientCard
    request_id: str | None
    command: str
    args: Raw
    memberships: tuple[tuple[str, str], ...]  # of the client, for the bound: (room, channel)
    trace: Trace | None = None


class TakeOver(Struct, frozen=True):
    """Answer (TookOver, by the old session) what client ``client`` was, for the session of ``card`` to continue it."""

    card: ClientCard
    client: str


class Away(Struct, frozen=True):
    """[control] A session lost its connection, and waits to be continued."""

    card: ClientCard


class Rejoin(Struct, frozen=True):
    """Join as a part of a resumption. The request id of the join names the step."""

    room: str
    join: Join


class PrivateMail(Struct, frozen=True):
    """Deliver one message to clients by id."""

    card: ClientCard
    private: Private
    trace: Trace | None = None


class PrivateSent(Struct, frozen=True):
    """[control] What became of the copies of a private message that went to other nodes."""

    mail: PrivateMail
    asked: tuple[str, ...]  # addressees that are not known here
    deliveries: Sequence[Delivery]  # what became of each
    absent: tuple[str, ...]  # addressees that are known here, and away
    flight: Any = None  # of a message that is traced


class KickSent(Struct, frozen=True):
    """[control] Whether a client that is not here was sent away."""

    request: Request
    client: str
    deliveries: Sequence[Delivery]


class HandedOver(Struct, frozen=True):
    """[control] What a client was that goes on at another node."""

    node: str
    number: int  # of that node's claim
    found: TookOver


class DrainAll(Struct, frozen=True):
    """[control] Tell all sessions to drain."""

    deadline_ms: int
    spread_ms: int


class Tick(Struct, frozen=True):
    """[control] The registry's own reminder: let the store forget what is old."""


RegistryMail: TypeAlias = (
    Opened
    | Report
    | Away
    | TakeOver
    | Rejoin
    | Request
    | PrivateMail
    | Resolve
    | Create
    | ProfileChanged
    | Bounced
    | DrainAll
    | PrivateSent
    | KickSent
    | ClaimSent
    | ClaimOver
    | HandedOver
    | SurveyOver
    | LetGoNow
    | ForClient
    | ForNode
    | NodeGone
    | Lapsed
    | Tick
    | Terminated
)
