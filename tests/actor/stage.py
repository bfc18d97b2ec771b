"""What the tests of the kernel play on: an actor that does what its mail says, and a system without a loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arqonbus.actor import Actor, ActorSystem, Bounds, Context, Directive, Props, Ref, Strategy
from arqonbus.actor.testing import ManualDispatcher

Step = Callable[[Context[Any]], Any]


class Do:
    """A mail that says what to do with it; shown in the log by its name."""

    def __init__(self, name: str, *steps: Step) -> None:
        self.name = name
        self.steps = steps

    def __repr__(self) -> str:
        return self.name


def fail(directive: Directive) -> Do:
    """Return a mail that fails, and gets ``directive`` from ``Obedient``."""

    def step(ctx: Context[Any]) -> None:
        raise Trouble(directive)

    return Do(f"fail {directive.value}", step)


class Trouble(Exception):
    """An error that carries the verdict on itself."""

    def __init__(self, directive: Directive) -> None:
        self.directive = directive


def obey(error: Exception) -> Directive:
    """Decide as the error wants it."""
    return error.directive if isinstance(error, Trouble) else Directive.RESUME


OBEY = Strategy(obey, max_failures=1000)


class Scripted(Actor[Any]):
    """Does what its mail says and logs all that happens to it. ``on`` has steps for its other methods, by name."""

    strategy = OBEY

    def __init__(self, log: list[str], name: str, on: dict[str, Step]) -> None:
        self.log = log
        self.name = name
        self.on = on
        self.is_in_turn = False

    def note(self, what: str, ctx: Context[Any]) -> None:
        self.log.append(f"{self.name} {what}")
        self.on.get(what.split()[0], lambda ctx: None)(ctx)

    def started(self, ctx: Context[Any]) -> None:
        self.note("started", ctx)

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        self.log.append(f"{self.name} {mail}")
        for step in mail.steps if isinstance(mail, Do) else ():
            step(ctx)

    def flush(self, ctx: Context[Any]) -> None:
        if "flush" in self.on:
            self.note("flush", ctx)

    def failed(self, mail: Any, error: Exception, ctx: Context[Any]) -> None:
        self.note(f"failed {mail}", ctx)

    def stopped(self, unread: list[Any], ctx: Context[Any]) -> None:
        self.note(f"stopped {unread}", ctx)


class Stage:
    """An actor system driven by hand, with everything that happened in ``log``, ``failures`` and ``dead``."""

    def __init__(self, root_strategy: Strategy = OBEY) -> None:
        self.log: list[str] = []
        self.failures: list[tuple[str, str, Directive]] = []  # (actor, error, verdict)
        self.dead: list[tuple[str, Any]] = []  # (actor, mail)
        self.manual = ManualDispatcher()
        self.system = ActorSystem(
            self.manual.dispatcher,
            root_strategy,
            lambda ref, mail, error, verdict: self.failures.append((ref.name, type(error).__name__, verdict)),
            lambda ref, mail: self.dead.append((ref.name, mail)),
        )

    def props(self, name: str, bounds: Bounds | None = None, **on: Step) -> Props[Any]:
        return Props(lambda: Scripted(self.log, name, on), bounds or Bounds())

    def spawn(self, name: str = "a", bounds: Bounds | None = None, **on: Step) -> Ref[Any]:
        """Spawn a top actor and let it start, without a trace in the log."""
        ref = self.spawn_now(name, bounds, **on)
        self.run()
        return ref

    def spawn_now(self, name: str = "a", bounds: Bounds | None = None, **on: Step) -> Ref[Any]:
        """Spawn a top actor that has not had its first turn."""
        return self.system.spawn(self.props(name, bounds, **on), name)

    def spawn_child(self, parent: Ref[Any], name: str, **on: Step) -> Ref[Any]:
        """Have ``parent`` spawn a child, and let it start."""
        refs: list[Ref[Any]] = []
        parent.tell(Do("spawn", lambda ctx: refs.append(ctx.spawn(self.props(name, **on), name))))
        self.run()
        return refs[0]

    def run(self) -> list[str]:
        """Run until idle. Returns what was logged since the last call."""
        self.manual.run_until_idle()
        logged = list(self.log)
        self.log.clear()
        return logged


class Gate:
    """Work to be piped: it ends when the test opens it."""

    def __init__(self) -> None:
        self.is_open = False
        self.was_cancelled = False

    async def pass_through(self, value: str = "passed") -> str:
        try:
            await _Wait(self)
        except BaseException:
            self.was_cancelled = True
            raise
        return value

    def done(self) -> bool:
        return self.is_open


class _Wait:
    def __init__(self, gate: Gate) -> None:
        self.gate = gate

    def __await__(self) -> Any:
        while not self.gate.is_open:
            yield self.gate
