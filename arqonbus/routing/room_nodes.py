"""RoomNodes: a room's line to the other nodes on which it lives, and its census. Owned by the room."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from arqonbus.actor import Context
from arqonbus.protocol.names import ALL_CHANNELS
from arqonbus.routing.census import Census
from arqonbus.routing.census_mail import FarNews
from arqonbus.routing.mail import ListMembers
from arqonbus.routing.members import DEFAULT_PAGE
from arqonbus.storage.cluster import Cluster

__all__ = ["RoomNodes"]


class RoomNodes:
    """Made when the room starts, which takes no user mail until the other nodes have answered, or are out of reach.

    Args:
        cluster: the way to the other nodes.
        room: name of the room.
        life: of the room on this node.
        most: members of a channel up to which rows are told.
        ctx: of the room.
    """

    __slots__ = ("_line", "census", "is_waiting")

    def __init__(self, cluster: Cluster, room: str, life: str, most: int, ctx: Context[Any]) -> None:
        self._line = cluster.follow(room, ctx.ref.signal)
        self.census = Census(cluster.node, room, life, most, self._line.say, cluster.tell)
        self.is_waiting = cluster.state == "up"
        if self.is_waiting:
            ctx.hold()
            self.census.wait(ctx)
        else:
            self.census.settle()

    def handle(self, mail: Any, ctx: Context[Any]) -> list[FarNews]:
        """Handle one of CensusMail. Gives what is to be told in the room and its channels."""
        news = self.census.handle(mail, ctx)
        if self.is_waiting and self.census.is_settled:
            self.is_waiting = False
            ctx.release()
        return news

    def ask_for_rows(self, mail: ListMembers, ctx: Context[Any]) -> bool:
        """Ask other nodes for the rows of their crowds that a page needs; see Census."""
        args = mail.args
        channel, limit = mail.channel or ALL_CHANNELS, args.limit or DEFAULT_PAGE
        return self.census.ask_for_rows(mail, channel, args.cursor or "", limit, ctx)

    def take_pages(self) -> list[ListMembers]:
        """Give the mail that may be answered now."""
        pages, self.census.pages = self.census.pages, []
        return [structs.replace(mail, beside=beside) for mail, beside in pages]

    def close(self) -> None:
        """Tell the others what is left to be told, and hear no more."""
        self.census.close()
        self._line.close()
