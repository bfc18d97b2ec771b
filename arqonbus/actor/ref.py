"""Ref: the only handle to an actor. Reply: where the answer to an ``ask`` goes.

``tell`` runs the path of the bus and never waits. ``ask`` is for the edges (tests, shutdown, commands of tools),
never between actors of the path, so that no circle of actors can wait for itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from arqonbus.actor.errors import ActorStopped, AskTimeout, KernelError, MailboxFull

if TYPE_CHECKING:
    from arqonbus.actor.mailbox import Mailbox

__all__ = ["Life", "Ref", "Reply", "Tell", "Watcher"]

M = TypeVar("M")
M_contra = TypeVar("M_contra", contravariant=True)
T = TypeVar("T")


class Tell(Protocol[M_contra]):
    """The form of ``Ref.tell``."""

    def __call__(self, mail: M_contra, weight: int = 0) -> bool:
        """See Ref."""


class Watcher(Protocol):
    """Something that is told of an actor's end: a Ref, as a rule."""

    @property
    def signal(self) -> Callable[[Any], bool]:
        """Take the mail ``Terminated``."""


class Life(Protocol):
    """What a ref needs of its cell."""

    def watch(self, watcher: Watcher) -> None:
        """See Ref.watch."""

    def unwatch(self, watcher: Watcher) -> None:
        """See Ref.unwatch."""

    def stop(self, reason: str = "stopped") -> None:
        """See Ref.stop."""

    def defer(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` soon, outside any turn."""


class Ref(Generic[M]):
    """Handle to one actor, alive or not. Compared by identity; may be kept and passed on freely.

    ``tell`` and ``signal`` are the mailbox's own methods, kept here: they run for every delivery, and one call more
    would make each a third dearer.
    """

    __slots__ = ("_cell", "_mailbox", "name", "signal", "tell")

    def __init__(self, name: str, cell: Life, mailbox: Mailbox[M]) -> None:
        self.name = name  # path from the root, for people: "registry/science/explore"
        self._cell = cell
        self._mailbox = mailbox
        self.tell: Tell[M] = mailbox.put
        """Put a mail into the user lane. Never waits.

        Args:
            mail: anything the actor understands; don't change it afterwards.
            weight: what it counts for in the mailbox's weight bound (bytes, on the bus).

        Returns:
            False when it was not taken and is still the sender's: ``alive`` says whether the actor is gone or full.
        """
        self.signal: Callable[[M], bool] = mailbox.put_control
        """Put a mail into the control lane, which goes first. Returns False (a dead letter) when the actor is gone."""

    def tell_past_bound(self, mail: M) -> bool:
        """Put ``mail`` into the user lane, in order, even when that is full.

        For senders that are bounded themselves (one command in flight a session), so that the lane stays bounded by
        their number. Returns False when the actor is gone.
        """
        return self._mailbox.put_past_bound(mail)

    def on_room(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once, soon, when the user lane is at its low mark or the actor is gone."""
        if not self._mailbox.on_room(callback):
            self._cell.defer(callback)

    def watch(self, watcher: Watcher) -> None:
        """Tell ``watcher`` (control mail ``Terminated``) when this actor is gone; at once if it is already.

        Two watches bring two mails. A watcher that ends before should ``unwatch``: its ref is kept here, and the mail
        becomes a dead letter.
        """
        self._cell.watch(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Undo one ``watch``. Without effect when there was none."""
        self._cell.unwatch(watcher)

    def stop(self, reason: str = "stopped") -> None:
        """Ask the actor to stop after the control mail that it has; it reads no more user mail. Idempotent."""
        self._cell.stop(reason)

    @property
    def alive(self) -> bool:
        """Whether mail is still taken."""
        return self._mailbox.is_open

    @property
    def depth(self) -> int:
        """Mails that wait in the user lane. For people who look: it is old news to whoever acts on it."""
        return len(self._mailbox.user)

    async def ask(self, make: Callable[[Reply[T]], M], timeout_s: float) -> T:
        """Tell a mail that carries a Reply, and wait for the answer.

        Args:
            make: builds the mail around the reply.
            timeout_s: seconds.

        Raises:
            ActorStopped: the actor is gone, or ended before it answered.
            MailboxFull: it has no room.
            AskTimeout: it did not answer in time.
            Exception: whatever it answered with ``Reply.fail``.
        """
        reply: Reply[T] = Reply(asyncio.get_running_loop().create_future())
        if not self.tell(make(reply)):
            raise MailboxFull(self.name) if self.alive else ActorStopped(self.name)
        end = _End(self.name, reply.future)
        self.watch(end)
        try:
            async with asyncio.timeout(timeout_s) as limit:
                return await reply.future
        except TimeoutError:
            if limit.expired():
                raise AskTimeout(f"no answer from {self.name} in {timeout_s} s") from None
            raise
        finally:
            self.unwatch(end)

    def __repr__(self) -> str:
        """Show the path and whether it lives."""
        return f"<Ref {self.name}{'' if self.alive else ' (gone)'}>"


class _End:
    """Watches for an asker: an answer that can't come any more is no reason to wait."""

    __slots__ = ("_future", "_name")

    def __init__(self, name: str, future: asyncio.Future[Any]) -> None:
        self._name = name
        self._future = future

    def signal(self, mail: object) -> bool:
        """Wake the asker, unless the answer did."""
        if not self._future.done():
            self._future.set_exception(ActorStopped(self._name))
        return True


class Reply(Generic[T]):
    """One answer, to be sent once. An answer that comes after the asker gave up is dropped."""

    __slots__ = ("_is_sent", "future")

    def __init__(self, future: asyncio.Future[T]) -> None:
        self.future = future
        self._is_sent = False

    def send(self, value: T) -> None:
        """Answer. Raises KernelError on the second answer."""
        if self._is_sent:
            raise KernelError("a reply was sent twice")
        self._is_sent = True
        if not self.future.done():
            self.future.set_result(value)

    def fail(self, error: Exception) -> None:
        """Answer with an error, which ``ask`` raises. Without effect after an answer."""
        self._is_sent = True
        if not self.future.done():
            self.future.set_exception(error)
