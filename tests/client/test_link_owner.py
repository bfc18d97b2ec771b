"""The core is what the link takes for its owner."""

import inspect

from arqonbus.client.core import Core
from arqonbus.client.link_owner import LinkOwner


def test_the_core_has_every_method_with_the_same_arguments() -> None:
    methods = [name for name in vars(LinkOwner) if not name.startswith("_")]

    assert methods == ["connect_args", "up", "down", "over", "changed"]
    for name in methods:
        ours, wanted = inspect.signature(getattr(Core, name)), inspect.signature(getattr(LinkOwner, name))
        assert list(ours.parameters) == list(wanted.parameters)
