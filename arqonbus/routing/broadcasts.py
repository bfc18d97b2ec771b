"""Broadcasts: what one node says to all of a room and hears of others, each delivered here once. Pure."""

from __future__ import annotations

from collections import OrderedDict

from msgspec import Struct

from arqonbus.protocol.frames import text_frame
from arqonbus.routing.mail import BroadcastMail, Deliver

__all__ = ["Broadcasts", "Spoken", "deliver_of"]

MOST_KNOWN = 1024  # broadcasts that were delivered here without having been heard, and may be heard yet

MARK = b"b"
"""What a broadcast begins with, among all that the nodes of a room may say to each other."""


class Spoken(Struct):
    """One broadcast of this node, until it is delivered here and the store has said how many nodes listen."""

    mail: BroadcastMail
    text: bytes  # of the envelope
    n_nodes: int | None = None  # None: not said yet
    n_reached: int | None = None  # members here; None: not delivered yet

    @property
    def is_done(self) -> bool:
        """Whether its publisher can be answered."""
        return self.n_nodes is not None and self.n_reached is not None


class Broadcasts:
    """Owned by one room.

    Args:
        life: unique among all lives of all rooms.
    """

    __slots__ = ("_delivered", "_life", "_n_said", "_spoken")

    def __init__(self, life: str) -> None:
        self._life = life
        self._n_said = 0
        self._spoken: dict[str, Spoken] = {}
        self._delivered: OrderedDict[str, None] = OrderedDict()  # not to be delivered again, should they be heard late

    def say(self, mail: BroadcastMail, text: bytes) -> tuple[str, bytes]:
        """Give the token of a broadcast, and what is to be said to all nodes."""
        self._n_said += 1
        token = f"{self._life}.{self._n_said}"
        self._spoken[token] = Spoken(mail, text)
        return token, b"%b%b\n%b" % (MARK, token.encode(), text)

    def hear(self, data: bytes) -> tuple[str, bytes] | None:
        """Read what a node said: token and text; None: it is no broadcast, or was delivered already."""
        if data[:1] != MARK:
            return None
        token, _, text = data[1:].partition(b"\n")
        name = token.decode()
        if name in self._delivered:
            del self._delivered[name]
            return None
        return name, text

    def unheard(self, token: str) -> Spoken | None:
        """Give a broadcast that has to be delivered without having been heard; None: it was. It will not be again."""
        spoken = self._spoken.get(token)
        if spoken is None or spoken.n_reached is not None:
            return None
        self._delivered[token] = None
        if len(self._delivered) > MOST_KNOWN:
            self._delivered.popitem(last=False)
        return spoken

    def note(self, token: str, n_nodes: int | None = None, n_reached: int | None = None) -> Spoken | None:
        """Note what is known of one of this node's. Returns it once all is known; it is forgotten then."""
        spoken = self._spoken.get(token)
        if spoken is None:
            return None
        spoken.n_nodes = spoken.n_nodes if n_nodes is None else n_nodes
        spoken.n_reached = spoken.n_reached if n_reached is None else n_reached
        return self._spoken.pop(token) if spoken.is_done else None

    def mail_of(self, token: str) -> BroadcastMail | None:
        """Give the mail of one of this node's; None: it is another's."""
        spoken = self._spoken.get(token)
        return None if spoken is None else spoken.mail

    @property
    def is_saying(self) -> bool:
        """Whether somebody waits for an answer."""
        return bool(self._spoken)


def deliver_of(text: bytes) -> Deliver:
    """Make the delivery of a broadcast."""
    return Deliver(text_frame(text), (text,))
