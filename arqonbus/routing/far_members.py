"""FarMembers: the members of a channel, or of a room, that are on other nodes. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator

from arqonbus.protocol.payloads import MemberInfo

__all__ = ["FarMembers"]


class FarMembers:
    """What is known of them. Owned by whoever owns the members of this node; empty where there is one node."""

    __slots__ = ("crowd", "is_partial", "rows")

    def __init__(self) -> None:
        self.rows: dict[str, MemberInfo] = {}  # by client
        self.crowd = 0  # members beside, of nodes that tell only how many they have
        self.is_partial = False  # there may be others

    def count(self, here: Container[str]) -> int:
        """Count those who are not ``here`` as well: a client that goes on at another node is on both for a moment.

        O(rows), of which a crowd has none.
        """
        if not self.rows:
            return self.crowd
        return self.crowd + sum([client not in here for client in self.rows])

    def beside(self, here: Container[str]) -> Iterator[MemberInfo]:
        """Give the rows of those who are not ``here`` as well."""
        return (row for client, row in self.rows.items() if client not in here)
