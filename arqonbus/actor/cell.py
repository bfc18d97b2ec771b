"""Cell: one actor with its mailbox, its children and its life. It runs turns; it touches no loop.

Life of a cell (every change is made in the method named):

    NEW ──run──▶ RUNNING ──_begin_stop──▶ STOPPING ──_finish──▶ STOPPED
                   │  ▲                       ▲
                   └──┴─ _restart             └─ waits for its children, then for its piped work

A turn takes the mail present at its start: the control lane whole, then at most BUDGET user mails, then ``flush``.
The cell is the Context of its actor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from arqonbus.actor.actor import Actor, Props, Terminated, Timer
from arqonbus.actor.errors import KernelError
from arqonbus.actor.mailbox import Mailbox
from arqonbus.actor.ref import Ref
from arqonbus.actor.supervision import Directive

if TYPE_CHECKING:
    from arqonbus.actor.system import ActorSystem

__all__ = ["BUDGET", "Cell", "State"]

M = TypeVar("M")
C = TypeVar("C")
T = TypeVar("T")

BUDGET = 128  # user mails a turn: enough to batch a burst, short enough (under 1 ms on the bus) not to starve others


class State(Enum):
    """Where a cell is in its life."""

    NEW = "new"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"


# Plain names: looking a member up on its class costs as much as the comparison it is for.
_RUNNING = State.RUNNING
_NO_MAIL: Iterator[Any] = iter(())


class Cell(Generic[M]):
    """Runs one actor. Owned by its parent cell; called by the dispatcher."""

    __slots__ = (
        "_again",
        "_children",
        "_failures_at",
        "_n_piped",
        "_reason",
        "_system",
        "_watchers",
        "actor",
        "current",
        "mailbox",
        "parent",
        "paused",
        "props",
        "ref",
        "state",
    )

    def __init__(self, system: ActorSystem, props: Props[M], name: str, parent: Cell[Any] | None) -> None:
        self._system = system
        self.props = props
        self.parent = parent
        self.actor: Actor[M] = props.build()
        self.mailbox: Mailbox[M] = Mailbox(props.bounds, partial(system.dispatcher.enqueue, self), self.bury)
        self.ref: Ref[M] = Ref(name, self, self.mailbox)
        self.state = State.NEW
        self.current: M | None = None
        self.paused = False
        self._again: M | None = None  # the mail to receive first after a hold
        self._reason: str | None = None  # why it stops; None: it does not
        self._n_piped = 0  # piped work that has not come home
        self._children: dict[str, Cell[Any]] | None = None  # made on first use, as are the two below
        self._watchers: list[Ref[Any]] | None = None
        self._failures_at: list[float] | None = None

    # --- a turn -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run one turn. Called by the dispatcher only, while the mailbox is awake.

        In one function, since calls would cost more than the rest of a short turn.
        """
        if self.state is not _RUNNING and not self._enter():
            return
        mailbox, actor = self.mailbox, self.actor
        self.paused = False
        rest, put_back = _NO_MAIL, mailbox.put_back_control
        try:
            batch = mailbox.control
            if batch:
                mailbox.control = []
                rest = iter(batch)
                actor.turn(rest, self)
            if mailbox.user and not mailbox.held and not self.paused:
                batch = mailbox.take_user(BUDGET)
                rest, put_back = iter(batch), mailbox.put_back
                actor.turn(rest, self)
        except Exception as error:
            self.fail(error)
            self.paused = True  # the rest waits for the next turn, so that control mail still goes first
        self.current = None
        try:
            self.actor.flush(self)  # not `actor`: a failure may have put another one in its place
        except Exception as error:
            self.fail(error)
        if self.paused or mailbox.control or mailbox.user or mailbox.waiters or self._reason is not None:
            self._end_turn(list(rest), put_back)
        else:
            mailbox.awake = False
            mailbox.weight = 0

    def _end_turn(self, left: list[M], put_back: Callable[[list[M]], None]) -> None:
        """End a turn that leaves something to be done."""
        mailbox = self.mailbox
        if self._again is not None:
            left.insert(0, self._again)
            self._again = None
        put_back(left)
        for callback in mailbox.settle():
            self.defer(callback)
        if self._reason is not None:
            self._begin_stop()
        elif mailbox.awake:
            self._system.dispatcher.enqueue(self)

    def _enter(self) -> bool:
        """Leave a state in which no ordinary turn runs. Returns whether one runs now."""
        if self.state is State.NEW:
            self.state = State.RUNNING
            try:
                self.actor.started(self)
            except Exception as error:
                self.fail(error)
            return True
        if self.state is State.STOPPING:
            self._take_last_control()
            self._finish()
        return False

    def _take_last_control(self) -> None:
        """While stopping, results of piped work and ends of children still reach the actor; user mail does not."""
        self.paused = False
        try:
            self.actor.turn(iter(self.mailbox.take_control()), self)
            self.actor.flush(self)
        except Exception as error:
            self.fail(error)
        self.mailbox.hold()
        self.mailbox.settle()

    # --- failure ------------------------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """Let the actor answer for the failed mail, then do what the parent's strategy says."""
        mail, self.current = self.current, None
        try:
            self.actor.failed(mail, error, self)
        except Exception as second:
            second.__context__ = error
            self._system.report_failure(self.ref, mail, second, Directive.STOP)
        now = self._system.now
        strategy = self._system.strategy_for(self)
        self._failures_at = [*strategy.forget(self._failures_at or (), now), now]
        verdict = strategy.verdict(error, self._failures_at, now)
        self._system.report_failure(self.ref, mail, error, verdict)
        if verdict is Directive.RESTART:
            self._restart()
        elif verdict is Directive.STOP or (verdict is Directive.ESCALATE and self.parent is None):
            self.stop(f"failed: {type(error).__name__}")
        elif verdict is Directive.ESCALATE and self.parent is not None:
            self.parent.fail(error)

    def _restart(self) -> None:
        for child in list((self._children or {}).values()):
            child.stop("parent restarts")
        self._system.n_restarts += 1
        self.release()
        try:
            self.actor.stopped([], self)
            self.actor = self.props.build()
            self.actor.started(self)
        except Exception as error:
            self._system.report_failure(self.ref, None, error, Directive.STOP)
            self.stop(f"failed to restart: {type(error).__name__}")

    # --- the end ------------------------------------------------------------------------------------------------

    def _begin_stop(self) -> None:
        if self.state is not State.STOPPING:
            self.state = State.STOPPING
            self.mailbox.hold()
            for child in list((self._children or {}).values()):
                child.stop(self._reason or "stopped")
        self._finish()

    def _finish(self) -> None:
        """End, once children and piped work have."""
        if self._children or self._n_piped or self.state is not State.STOPPING:
            return
        self.state = State.STOPPED
        unread, waiters = self.mailbox.close()
        try:
            self.actor.stopped(unread, self)
        except Exception as error:
            self._system.report_failure(self.ref, None, error, Directive.STOP)
        for mail in unread:
            self.bury(mail)
        for callback in waiters:
            self.defer(callback)
        for watcher in self._watchers or ():
            watcher.signal(Terminated(self.ref, self._reason or "stopped"))
        self._watchers = None
        if self.parent is not None:
            self.parent.forget_child(self)
        self._system.cell_ended(self)

    def forget_child(self, child: Cell[Any]) -> None:
        """Strike a stopped child off, and end too if this cell waited for it. Called by the child."""
        if self._children is not None:
            self._children.pop(child.ref.name, None)
        if self.state is State.STOPPING:
            self._finish()

    # --- for refs -----------------------------------------------------------------------------------------------

    def watch(self, watcher: Ref[Any]) -> None:
        """See Ref.watch."""
        if self.state is State.STOPPED:
            watcher.signal(Terminated(self.ref, self._reason or "stopped"))
            return
        if self._watchers is None:
            self._watchers = []
        self._watchers.append(watcher)

    def unwatch(self, watcher: Ref[Any]) -> None:
        """See Ref.unwatch."""
        if self._watchers and watcher in self._watchers:
            self._watchers.remove(watcher)

    def bury(self, mail: Any) -> None:
        """Count a mail that nobody will read."""
        self._system.dead_letter(self.ref, mail)

    def defer(self, callback: Callable[[], None]) -> None:
        """Run ``callback`` soon, outside any turn."""
        self._system.dispatcher.defer(callback)

    # --- Context ------------------------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """See Context.now."""
        return self._system.now

    def spawn(self, props: Props[C], name: str) -> Ref[C]:
        """See Context.spawn."""
        if self._children is None:
            self._children = {}
        path = f"{self.ref.name}/{name}"
        if path in self._children:
            raise KernelError(f"a child named {path} lives already")
        child = self._system.make_cell(props, path, self)
        self._children[path] = child
        return child.ref

    def stop(self, reason: str = "stopped") -> None:
        """See Context.stop and Ref.stop."""
        if self._reason is not None:
            return
        self._reason = reason
        self.paused = True
        if not self.mailbox.awake:
            self.mailbox.awake = True
            self.mailbox.wake()

    def stop_child(self, ref: Ref[Any], reason: str = "stopped") -> None:
        """See Context.stop_child."""
        child = (self._children or {}).get(ref.name)
        if child is None or child.ref is not ref:
            raise KernelError(f"{ref.name} is not a living child of {self.ref.name}")
        child.stop(reason)

    def hold(self, again: M | None = None, until: Ref[Any] | None = None) -> None:
        """See Context.hold."""
        self.mailbox.hold()
        self._again = again
        self.paused = True
        if until is not None:
            until.on_room(self.release)

    def release(self) -> None:
        """See Context.release."""
        if self.state is State.RUNNING or self.state is State.NEW:
            self.mailbox.release()

    def pipe(self, work: Awaitable[T], done: Callable[[T], M], failed: Callable[[Exception], M]) -> None:
        """See Context.pipe."""
        self._n_piped += 1
        self._system.dispatcher.run_async(work, partial(self._come_home, done, failed))

    def _come_home(
        self, done: Callable[[Any], M], failed: Callable[[Exception], M], value: Any, error: Exception | None
    ) -> None:
        self._n_piped -= 1
        self.ref.signal(done(value) if error is None else failed(error))

    def after(self, delay_s: float, mail: M) -> Timer:
        """See Context.after."""
        return self._system.dispatcher.call_later(delay_s, partial(self._remind, mail))

    def _remind(self, mail: M) -> None:
        if self.mailbox.is_open:  # a reminder that outlives its actor is nobody's loss: not a dead letter
            self.mailbox.put_control(mail)
