"""The command ``help``: every command with the JSON Schemas of its args and result, made from the types."""

from functools import lru_cache

from arqonbus.commands.request import Call, Reply, View
from arqonbus.errors import NotFound
from arqonbus.protocol.payloads import COMMANDS, CommandHelp, HelpArgs, HelpResult
from arqonbus.protocol.schema import command_schemas

__all__ = ["help"]


def help(call: Call[HelpArgs], view: View) -> Reply:
    """Answer one command or all of them. Named for the wire, so it hides the builtin in this module only."""
    wanted = call.args.command
    if wanted is None:
        return Reply(HelpResult({name: _describe(name) for name in COMMANDS}))
    if wanted not in COMMANDS:
        raise NotFound(f"no command of the name {wanted[:64]!a} - at `$.args.command`")
    return Reply(HelpResult({wanted: _describe(wanted)}))


@lru_cache(maxsize=64)  # schemas cost up to a millisecond each and never change
def _describe(name: str) -> CommandHelp:
    args, result = command_schemas(name)
    return CommandHelp(args, result, COMMANDS[name].permission)
