"""Keys: the names of everything that we have in Redis. Pure.

All keys of a room share one hash tag, so that they are in one slot of a cluster and one script may touch them together.
There are PARTITIONS tags, evenly spread over the slots, whatever the number of rooms: a node can subscribe to many
channels with one command, and slots may be moved by hand. Names come from clients, but only after they were checked
against the grammar of names, which has neither ``/`` nor ``{``.
"""

from __future__ import annotations

from zlib import crc32

from arqonbus.protocol.names import is_name

__all__ = ["CONTROL", "LAYOUT", "PARTITIONS", "TAGS", "Keys", "partition_of", "slot_of"]

PARTITIONS = 128  # for the life of a deployment: another number would move every key
LAYOUT = "1"  # of these names and of what stands in them; nodes of another layout refuse to share
CONTROL = 0  # the partition of what concerns all nodes
SLOTS_A_PARTITION = 16384 // PARTITIONS

_TAGS = (
    "qfs dqe bg5 fr3 avb ecd cu4 2jb qb3 l85 bcu fvs pp2 te4 cqt x3 dhn htp fk8 7tn ezo aoi ex zg7 le6 hp0 fox jsf "
    "mw7 ib1 a8 kag h8q ubw bv7 fc1 inx erf cd6 mq hx9 uf7 brw fgq ij8 tt6 kin i1 dyl her 3pj 7el ekm iws tz c95 "
    "lt4 ha2 nwb jbd mf5 is3 42 kpe sd5 wq3 hlk dpu k94 9k awr ebt bbe fwc 5kc dt5 cpd geb as2 ef4 nc0 jv6 ukn h1h "
    "dh kd7 mrg any fnh jrv 1gn ys0 g8a cio 0uo aj9 su7 nk9 h9a daw rg6 la afp esv bsg ffa 5za de7 caf g0h ab0 ew6 "
    "nr2 jg4 lqd hdb uj ku5 mce ivc nvr bjl d84 yb2 gmk cxm 0dm xp3"
)
TAGS = tuple(_TAGS.split())
"""The shortest text for the middle slot of each partition: CRC16 (XMODEM) of it is 128 x i + 64. Found by search."""


def partition_of(name: str) -> int:
    """Give the partition of a room or a client by its name; the same on every node and in every version."""
    return crc32(name.encode()) % PARTITIONS


def slot_of(partition: int) -> int:
    """Give the cluster slot of a partition's keys."""
    return partition * SLOTS_A_PARTITION + SLOTS_A_PARTITION // 2


class Keys:
    """The names, under one prefix.

    Args:
        prefix: letters, digits and ``.:_-``; keeps deployments on one server apart.
        db: number of the database; pub/sub does not know of databases, so channels get it into their names.
    """

    __slots__ = ("_db", "_roots")

    def __init__(self, prefix: str, db: int = 0) -> None:
        self._db = f"{db}:" if db else ""
        self._roots = tuple(f"{prefix}:{{{tag}}}:" for tag in TAGS)

    def root(self, name: str) -> str:
        """Give what all keys of a room, or of a client, begin with."""
        return self._roots[partition_of(name)]

    def _of(self, kind: str, room: str, channel: str) -> str:
        if not (is_name(room) and is_name(channel)):
            raise ValueError("expected a checked name of a room and of a channel")
        return f"{self.root(room)}{kind}:{room}/{channel}"

    # --- of a channel -------------------------------------------------------------------------------------------

    def log(self, room: str, channel: str) -> str:
        """Stream: the events. Its entries' ids are positions."""
        return self._of("h", room, channel)

    def ids(self, room: str, channel: str) -> str:
        """Begin the names of hashes: event key -> position and mark; a colon and the number of the window follow."""
        return self._of("d", room, channel)

    def note(self, room: str, channel: str) -> str:
        """Text: the note that stands with the log."""
        return self._of("o", room, channel)

    def groups(self, room: str, channel: str) -> str:
        """Hash: group of consumers -> its options."""
        return self._of("g", room, channel)

    def feed(self, room: str, channel: str) -> str:
        """Pub/sub: what is appended to the log."""
        return self._of(f"{self._db}c", room, channel)

    # --- of a room, a client, a node ----------------------------------------------------------------------------

    def channels(self, room: str) -> str:
        """Sorted set: the channels of a room that have a log, by when they were made."""
        return f"{self.root(room)}l:{_checked(room)}"

    def room_feed(self, room: str) -> str:
        """Pub/sub: what concerns all of a room."""
        return f"{self.root(room)}{self._db}r:{_checked(room)}"

    def room_line(self, room: str) -> str:
        """Pub/sub: what the nodes of a room say of its members."""
        return f"{self.root(room)}{self._db}w:{_checked(room)}"

    def client_feed(self, client: str) -> str:
        """Pub/sub: what is for one client."""
        return f"{self.root(client)}{self._db}u:{_checked(client)}"

    def inbox(self, node: str) -> str:
        """Pub/sub: what is for one node."""
        return f"{self.root(node)}{self._db}in:{_checked(node)}"

    def probe(self, partition: int, node: str) -> str:
        """Pub/sub: a node's question to itself, by way of a partition."""
        return f"{self._roots[partition]}{self._db}probe:{_checked(node)}"

    # --- of all -------------------------------------------------------------------------------------------------

    @property
    def meta(self) -> str:
        """Hash: ``layout`` and ``partitions`` of whoever came first."""
        return f"{self._roots[CONTROL]}meta"

    @property
    def secret(self) -> str:
        """Bytes: what tickets are signed with."""
        return f"{self._roots[CONTROL]}secret"

    @property
    def nodes(self) -> str:
        """Sorted set: the nodes, by when their lease ends (ms)."""
        return f"{self._roots[CONTROL]}nodes"

    def node(self, node: str) -> str:
        """Text: what a node says of itself; ends with its lease."""
        return f"{self._roots[CONTROL]}n:{_checked(node)}"

    def reaping(self, node: str) -> str:
        """Text: who clears up after a dead node."""
        return f"{self._roots[CONTROL]}reap:{_checked(node)}"

    @property
    def all_nodes(self) -> str:
        """Pub/sub: what is for every node."""
        return f"{self._roots[CONTROL]}{self._db}all"


def _checked(name: str) -> str:
    """Give ``name`` if a key may be made of it: nothing in it can end the key, or be a tag."""
    if not is_name(name):
        raise ValueError("expected a checked name")
    return name
