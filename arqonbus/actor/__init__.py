"""The actor kernel: mailboxes, refs, cells, supervision and a dispatcher. It knows nothing of the bus.

Standard library only. An actor is a plain object whose ``receive`` is a plain function: it never awaits, so a turn of
it can be driven by a real event loop or by hand (``arqonbus.actor.testing``). The words are those of docs/DESIGN.md.
"""

from arqonbus.actor.actor import Actor, Context, Props, Terminated
from arqonbus.actor.dispatcher import Dispatcher, Loop
from arqonbus.actor.errors import ActorError, ActorStopped, AskTimeout, KernelError, MailboxFull
from arqonbus.actor.mailbox import Bounds, Overflow
from arqonbus.actor.ref import Ref, Reply
from arqonbus.actor.supervision import Directive, Strategy
from arqonbus.actor.system import ActorSystem, Statistics

__all__ = [
    "Actor",
    "ActorError",
    "ActorStopped",
    "ActorSystem",
    "AskTimeout",
    "Bounds",
    "Context",
    "Directive",
    "Dispatcher",
    "KernelError",
    "Loop",
    "MailboxFull",
    "Overflow",
    "Props",
    "Ref",
    "Reply",
    "Statistics",
    "Strategy",
    "Terminated",
]
