"""Commands: every command of the protocol as a typed method of the bus.

They stand apart from `Bus` only because there are many of them; how a command is sent is the bus's own. What they
answer is in `results`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from msgspec import UNSET, Raw, Struct, UnsetType

from arqonbus.client.codec import Unreadable, read_event, write_payload
from arqonbus.client.decoding import decoder_for
from arqonbus.client.errors import ClientError
from arqonbus.client.group_results import GroupReport
from arqonbus.client.message import Message
from arqonbus.client.reading import message_of
from arqonbus.client.results import (
    ChannelInfo,
    ChannelList,
    CommandHelp,
    Help,
    HistoryPage,
    MemberPage,
    Nothing,
    Options,
    Pong,
    RoomList,
    Status,
    Whoami,
)
from arqonbus.protocol.names import split_address
from arqonbus.protocol.payloads import Profile

__all__ = ["Commands", "History", "place", "single_place"]

R = TypeVar("R")


class History(Struct, frozen=True):
    """One page of what a channel keeps."""

    epoch: str
    messages: tuple[Message[Any], ...]
    more: bool  # True: there is more in this direction
    first_seq: int | None = None  # of the oldest event kept; None: nothing is kept
    last_seq: int | None = None


def place(address: str) -> dict[str, str]:
    """Write an address as args. Raises ValueError: it is none."""
    room, channel = split_address(address, None)
    return {"room": room} if channel is None else {"room": room, "channel": channel}


def single_place(address: str) -> dict[str, str]:
    """Write the address of a channel as args. Raises ValueError: it is none, or names a room only."""
    found = place(address)
    if "channel" not in found:
        raise ValueError(f"expected room:channel, got {address!r}")
    return found


class Commands(ABC):
    """The commands of a bus.

    Each method raises `Rejected` or one of its classes when the server refuses, `Expired` or `OutcomeUnknown` when the
    answer is not there within `timeout_s` (seconds; None: as the bus says), and `BusClosed`. A wrong name of a room or
    channel is a ValueError.
    """

    @abstractmethod
    async def command(
        self, name: str, args: Mapping[str, Any] | None = None, *, type: type[R], timeout_s: float | None = None
    ) -> R:
        """Run a command by name, and read its answer as `type`."""

    async def ping(self, *, timeout_s: float | None = None) -> str:
        """Ask the server for its time, RFC 3339."""
        return (await self.command("ping", type=Pong, timeout_s=timeout_s)).time

    async def status(self, *, scope: str | None = None, timeout_s: float | None = None) -> Status:
        """Ask how the server is; with `scope` "cluster", how all servers of the bus are."""
        return await self.command("status", {"scope": scope}, type=Status, timeout_s=timeout_s)

    async def help(self, command: str | None = None, *, timeout_s: float | None = None) -> dict[str, CommandHelp]:
        """Ask for the JSON Schema of one command, or (None) of all."""
        return (await self.command("help", {"command": command}, type=Help, timeout_s=timeout_s)).commands

    async def whoami(self, *, timeout_s: float | None = None) -> Whoami:
        """Ask who this client is to the server."""
        return await self.command("whoami", type=Whoami, timeout_s=timeout_s)

    async def set_profile(
        self,
        *,
        client_type: str | None = None,
        screen_name: str | None = None,
        avatar: str | None = None,
        data: object = UNSET,
        timeout_s: float | None = None,
    ) -> Profile:
        """Change the profile; what is not given stays, an empty text takes a field away. Gives the whole profile."""
        args = {"client_type": client_type, "screen_name": screen_name, "avatar": avatar}
        extra = {} if isinstance(data, UnsetType) else {"data": write_payload(data)}
        return await self.command("set_profile", {**args, **extra}, type=Profile, timeout_s=timeout_s)

    async def create_channel(
        self, address: str, options: Options | None = None, *, timeout_s: float | None = None
    ) -> ChannelInfo:
        """Make a channel. Raises Conflict: it is there already."""
        args = {**single_place(address), "options": options}
        return await self.command("create_channel", args, type=ChannelInfo, timeout_s=timeout_s)

    async def delete_channel(self, address: str, *, force: bool = False, timeout_s: float | None = None) -> None:
        """Delete a channel. Raises Conflict: it has members, and no `force` was given."""
        args = {**single_place(address), "force": force or None}
        await self.command("delete_channel", args, type=Nothing, timeout_s=timeout_s)

    async def list_rooms(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        scope: str | None = None,
        timeout_s: float | None = None,
    ) -> RoomList:
        """List the rooms, one page (1 to 1000) at a time; with `scope` "cluster", those of all servers."""
        args = {"limit": limit, "cursor": cursor, "scope": scope}
        return await self.command("list_rooms", args, type=RoomList, timeout_s=timeout_s)

    async def list_channels(
        self,
        room: str | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        scope: str | None = None,
        timeout_s: float | None = None,
    ) -> ChannelList:
        """List the channels of a room, or (None) of all, one page at a time; `scope` as for `list_rooms`."""
        args = {"room": room, "limit": limit, "cursor": cursor, "scope": scope}
        return await self.command("list_channels", args, type=ChannelList, timeout_s=timeout_s)

    async def channel_info(self, address: str, *, timeout_s: float | None = None) -> ChannelInfo:
        """Ask for one channel."""
        return await self.command("channel_info", single_place(address), type=ChannelInfo, timeout_s=timeout_s)

    async def members(
        self, address: str, *, limit: int | None = None, cursor: str | None = None, timeout_s: float | None = None
    ) -> MemberPage:
        """List the members of a channel, or of a room (`"science"`), one page at a time."""
        args = {**place(address), "limit": limit, "cursor": cursor}
        return await self.command("members", args, type=MemberPage, timeout_s=timeout_s)

    async def history(
        self,
        address: str,
        *,
        limit: int | None = None,
        after: int | None = None,
        before: int | None = None,
        order: str | None = None,
        type: Any = None,
        timeout_s: float | None = None,
    ) -> History:
        """Read what a channel keeps, one page at a time.

        Args:
            address: of the channel
            limit: events, 1 to 1000; None: 50
            after: seq, excluded; None: no bound
            before: seq, excluded
            order: `asc` (the default with `after`) or `desc`
            type: how payloads are read; None: plain JSON values
            timeout_s: for the answer

        Raises:
            DecodeError: a payload is not of that type
        """
        args = {**single_place(address), "limit": limit, "after": after, "before": before, "order": order}
        page = await self.command("history", args, type=HistoryPage, timeout_s=timeout_s)
        decode = decoder_for(type)
        messages = tuple(_message(text, page.epoch, decode) for text in page.messages)
        return History(page.epoch, messages, page.more, page.first_seq, page.last_seq)

    async def explain(self, *, timeout_s: float | None = None, **about: str) -> Any:
        """Ask for recent routing decisions: about `id=`, or `room=`, `channel=` and `client=`."""
        return await self.command("explain", about, type=Any, timeout_s=timeout_s)

    async def kick(self, client: str, reason: str | None = None, *, timeout_s: float | None = None) -> None:
        """Send a client away."""
        await self.command("kick", {"client": client, "reason": reason}, type=Nothing, timeout_s=timeout_s)

    async def ack(
        self,
        address: str,
        group: str,
        seqs: Sequence[int],
        *,
        epoch: str | None = None,
        retry_after_s: float | None = None,
        timeout_s: float | None = None,
    ) -> int:
        """Acknowledge events that a durable group gave to this client. Gives how many of them counted.

        Args:
            address: of the channel
            group: its name
            seqs: 1 to 1000
            epoch: of the deliveries; None: the one of now
            retry_after_s: they are not done, and to be given again in so many seconds; None: they are done
            timeout_s: for the answer
        """
        again_ms = None if retry_after_s is None else round(retry_after_s * 1000)
        named = {"group": group, "seqs": list(seqs), "epoch": epoch, "retry_after_ms": again_ms}
        args = {**single_place(address), **named}
        return (await self.command("ack", args, type=_Acked, timeout_s=timeout_s)).acked

    async def group_info(self, address: str, group: str, *, timeout_s: float | None = None) -> GroupReport:
        """Ask how a group of a channel stands."""
        args = {**single_place(address), "group": group}
        return await self.command("group_info", args, type=GroupReport, timeout_s=timeout_s)

    async def delete_group(self, address: str, group: str, *, timeout_s: float | None = None) -> None:
        """Forget a durable group, and what waits in it. Raises Conflict: it has members."""
        args = {**single_place(address), "group": group}
        await self.command("delete_group", args, type=Nothing, timeout_s=timeout_s)

    async def refresh_token(self, token: str, *, timeout_s: float | None = None) -> str | None:
        """Show a new token on the connection that stands. Gives when it expires, RFC 3339; None: never."""
        return (await self.command("refresh_token", {"token": token}, type=_Expires, timeout_s=timeout_s)).expires_at


class _Acked(Struct):
    acked: int


class _Expires(Struct):
    expires_at: str | None = None


def _message(text: Raw, epoch: str, decode: Any) -> Message[Any]:
    try:
        event = read_event(text)
    except Unreadable as error:
        raise ClientError(f"the server sent an event that cannot be read: {error}", code="unreadable") from error
    return message_of(event, decode(event.payload), epoch=epoch)
