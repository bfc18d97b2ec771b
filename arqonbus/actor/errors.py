"""What the kernel raises. One class per decision that a caller can take.

ActorError
├── ActorStopped    the receiver is gone: forget the ref
├── MailboxFull     the receiver has no room now: try later
├── AskTimeout      no answer came in time: it may still come, nobody waits for it
└── KernelError     the kernel itself is wrong, or was misused by a programmer: report it
"""

__all__ = ["ActorError", "ActorStopped", "AskTimeout", "KernelError", "MailboxFull"]


class ActorError(Exception):
    """Root of everything that the kernel raises."""


class ActorStopped(ActorError):
    """The actor that was asked is stopped, or stopped before it answered."""


class MailboxFull(ActorError):
    """The mailbox of the actor that was asked refused the mail."""


class AskTimeout(ActorError, TimeoutError):
    """No answer within the time that the asker gave."""


class KernelError(ActorError):
    """A rule of the kernel is broken: two children of one name, a child of one that stops, a reply sent twice."""
