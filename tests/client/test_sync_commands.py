"""The commands for blocking code are those of the asynchronous bus."""

import inspect

from arqonbus.client.commands import Commands
from arqonbus.client.messaging import Messaging
from arqonbus.client.sync_commands import SyncCommands


def test_each_command_is_there_with_the_same_arguments_and_the_same_first_words() -> None:
    names = [name for name in vars(Commands) if not name.startswith("_")] + ["set_will"]

    for name in names:
        theirs, ours = getattr(Messaging, name), getattr(SyncCommands, name)
        assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters, name
        assert (ours.__doc__ or "").splitlines()[0] == (getattr(Commands, name, theirs).__doc__ or "").splitlines()[0]
