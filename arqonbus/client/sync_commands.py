"""The commands of the bus for blocking code: each passes its call on to the asynchronous one of the same name."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import UNSET

from arqonbus.client.bus import Bus
from arqonbus.client.commands import History
from arqonbus.client.group_results import GroupReport
from arqonbus.client.options import Will
from arqonbus.client.results import ChannelInfo, ChannelList, CommandHelp, MemberPage, Options, RoomList, Status, Whoami
from arqonbus.protocol.payloads import Profile

__all__ = ["SyncCommands"]

R = TypeVar("R")


class SyncCommands(ABC):
    """The commands of a bus; see `arqonbus.client.commands.Commands`."""

    _bus: Bus

    @abstractmethod
    def _run(self, work: Coroutine[Any, Any, R]) -> R:
        """Run a coroutine of the bus, and wait for it."""

    def command(
        self, name: str, args: Mapping[str, Any] | None = None, *, type: type[R], timeout_s: float | None = None
    ) -> R:
        """Run a command by name, and read its answer as `type`."""
        return self._run(self._bus.command(name, args, type=type, timeout_s=timeout_s))

    def ping(self, *, timeout_s: float | None = None) -> str:
        """Ask the server for its time, RFC 3339."""
        return self._run(self._bus.ping(timeout_s=timeout_s))

    def status(self, *, scope: str | None = None, timeout_s: float | None = None) -> Status:
        """Ask how the server is; with `scope` "cluster", how all servers of the bus are."""
        return self._run(self._bus.status(scope=scope, timeout_s=timeout_s))

    def help(self, command: str | None = None, *, timeout_s: float | None = None) -> dict[str, CommandHelp]:
        """Ask for the JSON Schema of one command, or (None) of all."""
        return self._run(self._bus.help(command, timeout_s=timeout_s))

    def whoami(self, *, timeout_s: float | None = None) -> Whoami:
        """Ask who this client is to the server."""
        return self._run(self._bus.whoami(timeout_s=timeout_s))

    def set_profile(
        self,
        *,
        client_type: str | None = None,
        screen_name: str | None = None,
        avatar: str | None = None,
        data: object = UNSET,
        timeout_s: float | None = None,
    ) -> Profile:
        """Change the profile; what is not given stays, an empty text takes a field away. Gives the whole profile."""
        return self._run(
            self._bus.set_profile(
                client_type=client_type, screen_name=screen_name, avatar=avatar, data=data, timeout_s=timeout_s
            )
        )

    def create_channel(
        self, address: str, options: Options | None = None, *, timeout_s: float | None = None
    ) -> ChannelInfo:
        """Make a channel. Raises Conflict: it is there already."""
        return self._run(self._bus.create_channel(address, options, timeout_s=timeout_s))

    def delete_channel(self, address: str, *, force: bool = False, timeout_s: float | None = None) -> None:
        """Delete a channel. Raises Conflict: it has members, and no `force` was given."""
        return self._run(self._bus.delete_channel(address, force=force, timeout_s=timeout_s))

    def list_rooms(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        scope: str | None = None,
        timeout_s: float | None = None,
    ) -> RoomList:
        """List the rooms, one page (1 to 1000) at a time; with `scope` "cluster", those of all servers."""
        return self._run(self._bus.list_rooms(limit=limit, cursor=cursor, scope=scope, timeout_s=timeout_s))

    def list_channels(
        self,
        room: str | None = None,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        scope: str | None = None,
        timeout_s: float | None = None,
    ) -> ChannelList:
        """List the channels of a room, or (None) of all, one page at a time; `scope` as for `list_rooms`."""
        return self._run(self._bus.list_channels(room, limit=limit, cursor=cursor, scope=scope, timeout_s=timeout_s))

    def channel_info(self, address: str, *, timeout_s: float | None = None) -> ChannelInfo:
        """Ask for one channel."""
        return self._run(self._bus.channel_info(address, timeout_s=timeout_s))

    def members(
        self, address: str, *, limit: int | None = None, cursor: str | None = None, timeout_s: float | None = None
    ) -> MemberPage:
        """List the members of a channel, or of a room (`"science"`), one page at a time."""
        return self._run(self._bus.members(address, limit=limit, cursor=cursor, timeout_s=timeout_s))

    def history(
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
        """Read what a channel keeps, one page at a time."""
        return self._run(
            self._bus.history(
                address, limit=limit, after=after, before=before, order=order, type=type, timeout_s=timeout_s
            )
        )

    def explain(self, *, timeout_s: float | None = None, **about: str) -> Any:
        """Ask for recent routing decisions: about `id=`, or `room=`, `channel=` and `client=`."""
        return self._run(self._bus.explain(timeout_s=timeout_s, **about))

    def kick(self, client: str, reason: str | None = None, *, timeout_s: float | None = None) -> None:
        """Send a client away."""
        return self._run(self._bus.kick(client, reason, timeout_s=timeout_s))

    def ack(
        self,
        address: str,
        group: str,
        seqs: Sequence[int],
        *,
        epoch: str | None = None,
        retry_after_s: float | None = None,
        timeout_s: float | None = None,
    ) -> int:
        """Acknowledge events that a durable group gave to this client. Gives how many of them counted."""
        wait = retry_after_s
        return self._run(self._bus.ack(address, group, seqs, epoch=epoch, retry_after_s=wait, timeout_s=timeout_s))

    def group_info(self, address: str, group: str, *, timeout_s: float | None = None) -> GroupReport:
        """Ask how a group of a channel stands."""
        return self._run(self._bus.group_info(address, group, timeout_s=timeout_s))

    def delete_group(self, address: str, group: str, *, timeout_s: float | None = None) -> None:
        """Forget a durable group, and what waits in it. Raises Conflict: it has members."""
        return self._run(self._bus.delete_group(address, group, timeout_s=timeout_s))

    def refresh_token(self, token: str, *, timeout_s: float | None = None) -> str | None:
        """Show a new token on the connection that stands. Gives when it expires, RFC 3339; None: never."""
        return self._run(self._bus.refresh_token(token, timeout_s=timeout_s))

    def set_will(self, will: Will | None, *, timeout_s: float | None = None) -> None:
        """Change the event that the server publishes when this client is lost; None: none."""
        return self._run(self._bus.set_will(will, timeout_s=timeout_s))
