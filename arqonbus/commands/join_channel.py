"""The command ``join_channel``: become a member, and catch up."""

from arqonbus.commands.request import Call, ToRoom, View
from arqonbus.errors import InvalidArgs, LimitExceeded
from arqonbus.protocol.names import ALL_CHANNELS, is_name, is_system
from arqonbus.protocol.payloads import JoinChannelArgs
from arqonbus.routing.mail import Join
from arqonbus.security.gate import Action

__all__ = ["join_channel"]


def join_channel(call: Call[JoinChannelArgs], view: View) -> ToRoom:
    """Let the room take the client in."""
    args = call.args
    channel = call.channel or ""
    _refuse_with_group(args, channel)
    _check_options(args, channel, call, view)
    n_memberships = len(call.memberships)
    if n_memberships >= view.max_memberships and (call.room, channel) not in call.memberships:
        raise LimitExceeded(f"the client has {n_memberships} memberships, which is the most it may have")
    if channel == ALL_CHANNELS and (args.since is not None or args.replay):
        raise InvalidArgs("expected no position: it belongs to one channel, not to '*' - at `$.args.since`")
    wants = view.auto_create if args.create is None else args.create
    may_create = wants and view.may(call.card, Action.CREATE, call.room, channel)
    mail = Join(call.card, call.request_id, channel, args, may_create, trace=call.trace)
    return ToRoom(call.room, mail, create=may_create)


def _check_options(args: JoinChannelArgs, channel: str, call: Call[JoinChannelArgs], view: View) -> None:
    """Refuse options without a group, and a channel for dead letters that the client may not publish to."""
    options = args.group_options
    if options is None:
        return
    if args.group is None:
        raise InvalidArgs("expected a group, to which the options belong - at `$.args.group_options`")
    dead_letter = options.dead_letter
    if dead_letter is None:
        return
    where = "at `$.args.group_options.dead_letter`"
    if not is_name(dead_letter) or is_system(dead_letter) or dead_letter == channel:
        raise InvalidArgs(f"expected the name of another channel of the room - {where}")
    view.gate.authorize(call.card.identity, Action.PUBLISH, call.room, dead_letter)


def _refuse_with_group(args: JoinChannelArgs, channel: str) -> None:
    """Refuse what has no meaning for a member of a group: others get what this one does not."""
    if args.group is None:
        return
    if channel == ALL_CHANNELS:
        raise InvalidArgs("expected one channel, got '*': a group shares the events of one - at `$.args.group`")
    if args.since is not None or args.recover is not None or args.replay:
        raise InvalidArgs("expected no since, recover or replay: a group begins with new events - at `$.args.group`")
    if args.overflow not in (None, "disconnect"):
        raise InvalidArgs(f"expected disconnect for a member of a group, got {args.overflow} - at `$.args.overflow`")
