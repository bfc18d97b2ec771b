"""Cell: one actor with its mailbox, its children and its life. It runs turns; it touches no loop.

Life of a cell (every change is made in the method named):

    NEW ──_start──▶ RUNNING ──_begin_stop──▶ STOPPING ──_finish──▶ STOPPED
                     │   ▲                     ▲ waits for its children and its piped work
             _restart▼   │_rebuild             │
                  RESTARTING ────_begin_stop───┘
                   waits for its children

A turn takes the control lane whole, then at most BUDGET mails of what is in the user lane by then, and ends with
``flush``; what comes to a lane after it was taken waits for the next turn. ``stop`` closes the user lane to the actor
at once; the cell ends when its turn does, or later, when children and piped work have ended. Control mail reaches the
actor until then. The cell is the Context of its actor.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import Any, Generic, TypeVar

from arqonbus.actor.actor import Actor, Props, Terminated, Timer
from arqonbus.actor.errors import KernelError
from arqonbus.actor.home import Home
from arqonbus.actor.mailbox import Mailbox
from arqonbus.actor.ref import Ref, Watcher
from arqonbus.actor.supervision import Directive

__all__ = ["BUDGET", "Cell", "State"]

M = TypeVar("M")
C = TypeVar("C")
T = TypeVar("T")

BUDGET = 128  # user mails a turn: enough to batch a burst, short enough (under 1 ms on the bus) not to starve others


class State(Enum):
    """Where a cell is in its life."""

    NEW = "new"
    RUNNING = "running"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"


_ENDED: Actor[Any] = Actor()  # stands for the actor of a cell that has ended; holds no state, so one serves all
_ENDED_PROPS: Props[Any] = Props(Actor)


def _nothing() -> None:
    """Wake nobody."""


# Plain names: looking a member up on its class costs as much as the comparison it is for.
_RUNNING = State.RUNNING
_NO_MAIL: Any = iter(())


class Cell(Generic[M]):
    """Runs one actor. Owned by its parent cell; called by the dispatcher."""

    __slots__ = (
        "_again",
        "_children",
        "_failures_at",
        "_n_holds",
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

    def __init__(self, system: Home, props: Props[M], name: str, parent: Cell[Any] | None) -> None:
        self._system = system
        self.props = props
        self.parent = parent
        self.actor: Actor[M] = props.build()
        dispatcher = system.dispatcher
        self.mailbox: Mailbox[M] = Mailbox(
            props.bounds,
            partial(dispatcher.enqueue, self),
            self.bury,
            partial(dispatcher.enqueue_later, self),
            self,
            dispatcher.lines,
        )
        self.ref: Ref[M] = Ref(name, self, self.mailbox)
        self.state = State.NEW
        self.current: M | None = None
        self.paused = False
        self._again: list[M] | None = None  # mails to receive first after a hold; until the end of this turn only
        self._n_holds = 0  # holds so far: tells the callback of an earlier hold from that of the last
        self._reason: str | None = None  # why it stops; None: it does not
        self._n_piped = 0  # piped work that has not come home
        self._children: dict[str, Cell[Any]] | None = None  # made on first use, as are the two below
        self._watchers: list[Watcher] | None = None
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
        rest, is_user = _NO_MAIL, False
        try:
            if mailbox.control:
                rest = iter(mailbox.control)
                mailbox.control = []
                actor.turn(rest, self)
            if mailbox.user and not mailbox.held and not self.paused:
                is_user = True
                if len(mailbox.user) > BUDGET:
                    rest = iter(mailbox.take_user(BUDGET))
                else:  # as take_user does it, without a call
                    rest = iter(mailbox.user)
                    mailbox.user = []
                actor.turn(rest, self)
        except Exception as error:
            self.fail(error)
            self.paused = True  # the rest waits for the next turn, so that control mail still goes first
        self.current = None
        try:
            actor.flush(self)  # after a failure too: the mails before it were handled, and their work is gathered here
        except Exception as error:
            self.fail(error)
            self.paused = True
        if mailbox.user or mailbox.control or mailbox.unsettled or self.paused:
            self._end_turn(list(rest), mailbox.put_back if is_user else mailbox.put_back_control)
        else:
            mailbox.awake = False
            mailbox.weight = 0

    def _end_turn(self, left: list[M], put_back: Callable[[list[M]], None]) -> None:
        """End a turn that leaves something to be done."""
        mailbox = self.mailbox
        put_back(left)
        self._put_again_back()
        for callback in mailbox.settle():
            self.defer(callback)
        if self._reason is not None:
            self._begin_stop()
        elif self.state is State.RESTARTING:
            mailbox.awake = True
        if mailbox.awake and mailbox.is_open:
            self._system.dispatcher.enqueue(self)

    def _put_again_back(self) -> None:
        """Put what ``hold`` keeps in front of the user lane, whichever lane it came by: it waits for the release."""
        if self._again is not None:
            self.mailbox.put_back(self._again)
            self._again = None

    def _enter(self) -> bool:
        """Do what a turn does in another state than RUNNING. Returns whether it goes on to mail."""
        if self.state is State.NEW:
            return self._start()
        if self.state is State.RESTARTING:
            return self._rebuild()
        if self.state is State.STOPPING:
            self._take_last_control()
        return False

    def _start(self) -> bool:
        """Let the actor start. Returns whether this turn goes on to mail: not when it held, stopped or failed."""
        self.state = State.RUNNING
        self.paused = False
        try:
            self.actor.started(self)
        except Exception as error:
            self.fail(error)
            self.paused = True
        if not self.paused:
            return True
        self._flush()
        self._end_turn([], self.mailbox.put_back)
        return False

    def _flush(self) -> None:
        try:
            self.actor.flush(self)
        except Exception as error:
            self.fail(error)

    def _take_last_control(self) -> None:
        """While stopping, results of piped work and ends of children still reach the actor; user mail does not."""
        self.paused = False
        rest = iter(self.mailbox.take_control())
        try:
            self.actor.turn(rest, self)
        except Exception as error:
            self.fail(error)
        self.current = None
        self._flush()
        self._end_turn(list(rest), self.mailbox.put_back_control)

    # --- failure ------------------------------------------------------------------------------------------------

    def fail(self, error: Exception) -> None:
        """Let the actor answer for the failed mail, then do what the parent's strategy says."""
        mail, self.current = self.current, None
        if self._again is not None:  # a mail that was to come again and then failed is gone like any other
            self._again = [kept for kept in self._again if kept is not mail]
        second: Exception | None = None
        try:
            self.actor.failed(mail, error, self)
        except Exception as raised:
            second = raised
        verdict = self._judge(error)
        self._system.report_failure(self.ref, mail, error, verdict)
        if second is not None:
            self._system.report_failure(self.ref, mail, second, verdict)
        self._obey(verdict, error)

    def fail_outside(self, error: Exception) -> None:
        """Fail where no turn of this cell runs, for a child or for piped work; what that sets going is flushed soon."""
        self.fail(error)
        self._put_again_back()
        self._wake()

    def _judge(self, error: Exception) -> Directive:
        if self._reason is not None:  # it ends already, whatever the strategy says
            return Directive.STOP
        now = self._system.now
        try:
            strategy = self._system.strategy_for(self)
            self._failures_at = [*strategy.forget(self._failures_at or (), now), now]
            return strategy.verdict(error, self._failures_at, now)
        except Exception as broken:
            self._system.report_failure(self.ref, None, broken, Directive.STOP)
            return Directive.STOP

    def _obey(self, verdict: Directive, error: Exception) -> None:
        if verdict is Directive.RESTART:
            self._restart()
        elif verdict is Directive.ESCALATE and self.parent is not None:
            self.parent.fail_outside(error)
        elif verdict is not Directive.RESUME:
            self.stop(f"failed: {type(error).__name__}")

    def _restart(self) -> None:
        """Have the next turn build the actor again, once the children have ended: a new one may want their names."""
        self.state = State.RESTARTING
        for child in list((self._children or {}).values()):
            child.stop("parent restarts")

    def _rebuild(self) -> bool:
        """Put a new actor in place of the old. Returns whether this turn goes on to mail."""
        if self._children:
            self.mailbox.awake = False  # the last child wakes it
            return False
        if self._reason is None and self._replace_actor():
            return self._start()
        self._end_turn([], self.mailbox.put_back)
        return False

    def _replace_actor(self) -> bool:
        self._system.n_restarts += 1
        try:
            self.actor.stopped([], self)
        except Exception as error:
            self._system.report_failure(self.ref, None, error, Directive.RESTART)
        self._put_again_back()
        self.release()  # the new one knows nothing of a hold
        try:
            self.actor = self.props.build()
        except Exception as error:
            self._system.report_failure(self.ref, None, error, Directive.STOP)
            self.stop(f"failed to restart: {type(error).__name__}")
            return False
        return True

    # --- the end ------------------------------------------------------------------------------------------------

    def _begin_stop(self) -> None:
        if self.state is not State.STOPPING:
            self.state = State.STOPPING
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
        for mail in (*unread, *(self._again or ())):
            self.bury(mail)
        for callback in waiters:
            self.defer(callback)
        for watcher in self._watchers or ():
            watcher.signal(Terminated(self.ref, self._reason or "stopped"))
        self._watchers = None
        if self.parent is not None:
            self.parent.forget_child(self)
        self._system.cell_ended(self)
        # Cell, mailbox and ref hold each other, so they wait for the garbage collector: nothing heavy waits with them.
        self.actor, self.props, self.current = _ENDED, _ENDED_PROPS, None
        self.mailbox.wake = self.mailbox.wake_later = _nothing

    def forget_child(self, child: Cell[Any]) -> None:
        """Strike a stopped child off, and go on if this cell waited for it. Called by the child."""
        if self._children is not None:
            self._children.pop(child.ref.name, None)
        if not self._children and self.state is not State.RUNNING:
            self._wake()

    # --- for refs -----------------------------------------------------------------------------------------------

    def watch(self, watcher: Watcher) -> None:
        """See Ref.watch."""
        if self.state is State.STOPPED:
            watcher.signal(Terminated(self.ref, self._reason or "stopped"))
            return
        if self._watchers is None:
            self._watchers = []
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
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
        if self._reason is not None:
            raise KernelError(f"{name} came after {self.ref.name} began to stop")
        if self._children is None:
            self._children = {}
        path = f"{self.ref.name}/{name}"
        if path in self._children:
            raise KernelError(f"a child named {path} lives already")
        child: Cell[C] = self._system.make_cell(props, path, self)
        self._children[path] = child
        return child.ref

    def stop(self, reason: str = "stopped") -> None:
        """See Context.stop and Ref.stop."""
        if self._reason is not None:
            return
        self._reason = reason
        self.paused = True
        self.mailbox.unsettled = True
        self.mailbox.hold()
        self._wake()

    def _wake(self) -> None:
        if not self.mailbox.awake:
            self.mailbox.awake = True
            self.mailbox.wake()

    def stop_child(self, ref: Ref[Any], reason: str = "stopped") -> None:
        """See Context.stop_child."""
        child = (self._children or {}).get(ref.name)
        if child is not None and child.ref is ref:
            child.stop(reason)
        elif ref.alive:
            raise KernelError(f"{ref.name} is not a child of {self.ref.name}")

    def hold(self, again: M | None = None, until: Ref[Any] | None = None) -> None:
        """See Context.hold."""
        self.mailbox.hold()
        self.paused = True
        self._n_holds += 1
        if again is not None:
            kept = self._again or []
            self._again = kept if any(again is one for one in kept) else [*kept, again]
        if until is not None:
            until.on_room(partial(self._release_hold, self._n_holds))

    def _release_hold(self, n: int) -> None:
        """End the hold of number ``n``, unless another one has taken its place."""
        if n == self._n_holds:
            self.release()

    def release(self) -> None:
        """See Context.release."""
        if self._reason is None:
            self.mailbox.release()

    def pipe(self, work: Awaitable[T], done: Callable[[T], M], failed: Callable[[Exception], M]) -> None:
        """See Context.pipe."""
        self._n_piped += 1
        self._system.dispatcher.run_async(work, partial(self._come_home, done, failed))

    def _come_home(
        self, done: Callable[[Any], M], failed: Callable[[Exception], M], value: Any, error: Exception | None
    ) -> None:
        self._n_piped -= 1
        try:
            mail = done(value) if error is None else failed(error)
        except Exception as broken:
            self.fail_outside(broken)
        else:
            self.ref.signal(mail)

    def after(self, delay_s: float, mail: M) -> Timer:
        """See Context.after."""
        return self._system.dispatcher.call_later(delay_s, partial(self._remind, mail))

    def _remind(self, mail: M) -> None:
        if self.mailbox.is_open:  # a reminder that outlives its actor is nobody's loss: not a dead letter
            self.mailbox.put_control(mail)
