"""The table of commands: name -> handler, shapes, the right that is needed. Documents and tests iterate over it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct

from arqonbus.commands.ack import ack
from arqonbus.commands.channel_info import channel_info
from arqonbus.commands.connect import connect
from arqonbus.commands.create_channel import create_channel
from arqonbus.commands.delete_channel import delete_channel
from arqonbus.commands.delete_group import delete_group
from arqonbus.commands.group_info import group_info
from arqonbus.commands.help import help
from arqonbus.commands.history import history
from arqonbus.commands.join_channel import join_channel
from arqonbus.commands.kick import kick
from arqonbus.commands.leave_channel import leave_channel
from arqonbus.commands.list_channels import list_channels
from arqonbus.commands.list_rooms import list_rooms
from arqonbus.commands.members import members
from arqonbus.commands.ping import ping
from arqonbus.commands.request import Handler
from arqonbus.commands.set_profile import set_profile
from arqonbus.commands.set_will import set_will
from arqonbus.commands.status import status
from arqonbus.commands.whoami import whoami
from arqonbus.errors import InvalidArgs, UnknownCommand
from arqonbus.protocol.payloads import COMMANDS, ChannelArgs, CommandShape, ListChannelsArgs, address, room_and_channel
from arqonbus.security.gate import Action

__all__ = ["TABLE", "Row", "unknown"]

Address = Callable[[Any], tuple[str, str | None]]


class Row(Struct, frozen=True):
    """One command."""

    handler: Handler
    shape: CommandShape
    address: Address  # args -> (room, channel); raises InvalidArgs
    action: Action | None  # what the gate is asked; None: it is not


def _nowhere(args: Struct) -> tuple[str, None]:
    return "", None


def _maybe_room(args: ListChannelsArgs) -> tuple[str, None]:
    if args.room is None:
        return "", None
    room, channel = room_and_channel(ChannelArgs(args.room))
    if channel is not None:
        raise InvalidArgs("expected a room alone, got a room and a channel - at `$.args.room`")
    return room, None


def _or_all(args: Any) -> tuple[str, str | None]:
    return address(args, all_channels=True)


_HANDLERS: Final[dict[str, tuple[Handler, Address]]] = {
    "connect": (connect, _nowhere),
    "ping": (ping, _nowhere),
    "status": (status, _nowhere),
    "help": (help, _nowhere),
    "whoami": (whoami, _nowhere),
    "set_profile": (set_profile, _nowhere),
    "set_will": (set_will, _nowhere),
    "join_channel": (join_channel, _or_all),
    "leave_channel": (leave_channel, _or_all),
    "create_channel": (create_channel, address),
    "delete_channel": (delete_channel, address),
    "list_rooms": (list_rooms, _nowhere),
    "list_channels": (list_channels, _maybe_room),
    "channel_info": (channel_info, address),
    "members": (members, room_and_channel),
    "history": (history, address),
    "ack": (ack, address),
    "group_info": (group_info, address),
    "delete_group": (delete_group, address),
    "kick": (kick, _nowhere),
}

TABLE: Final[Mapping[str, Row]] = MappingProxyType(
    {
        name: Row(
            handler=_HANDLERS[name][0],
            shape=shape,
            address=_HANDLERS[name][1],
            action=Action(shape.permission) if shape.permission else None,
        )
        for name, shape in COMMANDS.items()
    }
)
"""Every command of protocol.payloads.COMMANDS; a name missing in either place fails at import."""


def unknown(command: str) -> UnknownCommand:
    """Make the refusal of a command that is not in the table, with the nearest one that is."""
    nearest = difflib.get_close_matches(command[:64], TABLE, n=1)
    hint = f", did you mean {nearest[0]}" if nearest else ""
    return UnknownCommand(f"no command of the name {command[:64]!a}{hint} - at `$.command`")
