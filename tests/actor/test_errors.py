"""The kernel's own tree of errors."""

import pytest

from arqonbus.actor import errors
from arqonbus.actor.errors import ActorError, ActorStopped, AskTimeout, KernelError, MailboxFull


@pytest.mark.parametrize("error", [ActorStopped, AskTimeout, KernelError, MailboxFull])
def test_whatever_the_kernel_raises_is_an_actor_error(error: type[Exception]) -> None:
    assert issubclass(error, ActorError)


def test_an_ask_that_timed_out_is_caught_as_any_timeout() -> None:
    assert issubclass(AskTimeout, TimeoutError)


def test_every_error_stands_in_the_drawn_tree() -> None:
    assert errors.__doc__ is not None
    assert all(name in errors.__doc__ for name in errors.__all__)
