"""What durable groups write and read: options, events with their delivery, and how a group stands. Pure."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from arqonbus.errors import Conflict, InvalidArgs
from arqonbus.protocol.payloads import GroupInfoResult, GroupNode
from arqonbus.protocol.payloads import GroupOptions as Wish
from arqonbus.storage.shared_group import GroupOptions, GroupStanding, Work

__all__ = ["clash_of", "dead_letter_of", "filled", "info_of", "shown", "text_of"]

MOST_NAME = 64  # characters
_DEAD = ".dead"


def dead_letter_of(channel: str) -> str:
    """Name the channel for events of ``channel`` that nobody could do, where the group names none."""
    return channel[: MOST_NAME - len(_DEAD)] + _DEAD


def filled(wish: Wish | None, defaults: GroupOptions, channel: str) -> GroupOptions:
    """Give the options of a group that is made. Raises InvalidArgs."""
    wish = wish or Wish()
    dead_letter = wish.dead_letter or dead_letter_of(channel)
    if dead_letter == channel:
        raise InvalidArgs("expected another channel than the group's own - at `$.args.group_options.dead_letter`")
    return GroupOptions(
        ack_wait_s=defaults.ack_wait_s if wish.ack_wait_s is None else wish.ack_wait_s,
        max_deliver=defaults.max_deliver if wish.max_deliver is None else wish.max_deliver,
        dead_letter=dead_letter,
        prefetch=defaults.prefetch if wish.prefetch is None else wish.prefetch,
    )


def clash_of(wish: Wish | None, stands: GroupOptions) -> Conflict | None:
    """Say where a join wants other options than those that stand; None: nowhere."""
    for name in ("ack_wait_s", "max_deliver", "dead_letter", "prefetch"):
        wanted, there = getattr(wish, name, None), getattr(stands, name)
        if wanted is not None and wanted != there:
            words = f"expected {name} {there}, which the group was made with, got {wanted}"
            return Conflict(f"{words} - at `$.args.group_options.{name}`")
    return None


def shown(options: GroupOptions) -> Wish:
    """Write options as clients read them."""
    return Wish(options.ack_wait_s, options.max_deliver, options.dead_letter, options.prefetch)


def text_of(work: Work, group: bytes) -> bytes:
    """Write an event for the member that is to acknowledge it.

    Args:
        work: with the text of the log, which has no seq.
        group: its name as JSON.
    """
    return b'{"seq":%d,"delivery":{"group":%b,"attempt":%d,"epoch":%b},%b' % (
        work.seq,
        group,
        work.attempt,
        encode_text(work.epoch),
        work.text[1:],
    )


def encode_text(text: str) -> bytes:
    """Write a text as JSON."""
    return msgspec.json.encode(text)


def info_of(address: tuple[str, str], group: str, standing: GroupStanding) -> GroupInfoResult:
    """Write how a group stands as clients read it."""
    nodes = standing.by_node.items()
    servers = tuple([GroupNode(name.rpartition(".")[0] or name, one.members, one.in_work) for name, one in nodes])
    return GroupInfoResult(
        *address,
        group,
        members=sum([one.members for one in servers]),
        lag=standing.behind,
        durable=True,
        pending=standing.in_work,
        oldest_pending=standing.oldest or UNSET,
        redelivered=standing.redelivered,
        dead_lettered=standing.dead,
        options=shown(standing.options),
        servers=servers,
    )
