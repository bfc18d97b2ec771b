"""ActorSystem: spawn, counters, hooks, the orderly stop; and the laws that hold under any interleaving."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arqonbus.actor import (
    Actor,
    ActorSystem,
    Bounds,
    Context,
    Directive,
    Dispatcher,
    KernelError,
    Overflow,
    Props,
    Ref,
    Statistics,
    Strategy,
)
from arqonbus.actor.supervision import always
from arqonbus.actor.testing import ManualDispatcher, Probe
from tests.actor.stage import Do, Gate, Scripted, Stage, Trouble, fail, obey

# --- spawn and count --------------------------------------------------------------------------------------------------


def test_two_living_top_actors_of_one_name_are_refused(stage: Stage) -> None:
    ref = stage.spawn()
    with pytest.raises(KernelError, match="an actor named a lives already"):
        stage.spawn()

    ref.stop()
    stage.run()
    assert stage.spawn() is not ref


def test_an_actor_that_can_not_be_built_is_not_counted(stage: Stage) -> None:
    with pytest.raises(ZeroDivisionError):
        stage.system.spawn(Props(lambda: 1 / 0), "a")  # type: ignore[arg-type, return-value]  # it never returns

    assert stage.system.statistics().actors == 0
    stage.spawn()


def test_the_root_strategy_holds_where_a_top_actor_has_none_of_its_own() -> None:
    stage = Stage(Strategy(always(Directive.STOP)))
    own = stage.system.spawn(stage.props("own"), "own", Strategy(always(Directive.RESUME)))
    other = stage.spawn("other")
    for ref in (own, other):
        ref.tell(fail(Directive.RESTART))
    stage.run()

    assert (own.alive, other.alive) == (True, False)


def test_a_strategy_ends_with_the_actor_it_was_given_for(stage: Stage) -> None:
    stage.system.spawn(stage.props("a"), "a", Strategy(always(Directive.STOP))).stop()
    stage.run()
    ref = stage.spawn()
    ref.tell(fail(Directive.RESUME))
    stage.run()

    assert ref.alive


def test_without_a_strategy_failures_are_resumed() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher)
    ref = system.spawn(Props(Actor[Any]), "a")
    ref.tell("x")
    manual.run_until_idle()

    assert ref.alive
    assert system.statistics().failures == 1


def test_the_counters_count() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher, Strategy(obey))
    ref = system.spawn(Props(lambda: Scripted([], "a", {})), "a")
    gone = system.spawn(Props(lambda: Scripted([], "gone", {})), "gone")
    gone.stop()
    manual.run_until_idle()
    gone.signal("A")
    ref.tell(fail(Directive.RESTART))
    manual.run_until_idle()
    ref.tell("x")

    assert system.statistics() == Statistics(actors=1, ready=1, turns=4, dead_letters=1, failures=1, restarts=1)


def test_the_hook_of_dead_letters_is_given_the_receiver_and_the_mail(stage: Stage) -> None:
    ref = stage.spawn()
    ref.stop()
    stage.run()
    ref.signal("A")

    assert stage.dead == [("a", "A")]


def trip(*arguments: object) -> None:
    raise ValueError("tripped")


def test_a_hook_that_fails_disturbs_no_actor_and_is_not_silent() -> None:
    manual = ManualDispatcher()
    system = ActorSystem(manual.dispatcher, Strategy(obey), on_failure=trip, on_dead_letter=trip)
    probe = Probe[Any](system)
    ref = system.spawn(Props(lambda: Scripted([], "a", {})), "a")
    ref.watch(probe.ref)
    ref.tell(fail(Directive.STOP))
    ref.tell("x")
    for _ in range(2):
        with pytest.raises(ValueError, match="tripped"):
            manual.run_until_idle()
    manual.run_until_idle()

    assert len(probe.mails) == 1
    assert system.statistics().actors == 1
    assert (system.statistics().failures, system.statistics().dead_letters) == (1, 1)


# --- stop -------------------------------------------------------------------------------------------------------------


def on_loop() -> ActorSystem:
    return ActorSystem(Dispatcher(asyncio.get_running_loop()), Strategy(obey))


class Waiting(Scripted):
    """Pipes work that never ends, when it starts."""

    def started(self, ctx: Context[Any]) -> None:
        ctx.pipe(asyncio.Event().wait(), str, repr)


async def test_stop_of_nothing_is_done_at_once() -> None:
    system = on_loop()

    assert await system.stop(5)
    assert await system.stop(0)


async def test_stop_ends_leaves_first() -> None:
    log: list[str] = []

    def grow(name: str) -> Props[Any]:
        child = f"{name}{len(name)}"
        on = {"started": lambda ctx: ctx.spawn(grow(child), child)} if len(name) < 3 else {}
        return Props(lambda: Scripted(log, name, on))

    system = on_loop()
    system.spawn(grow("a"), "a")
    system.spawn(grow("b"), "b")
    await asyncio.sleep(0)
    log.clear()

    assert await system.stop(5)
    assert sorted(log) == [f"{name} stopped []" for name in ("a", "a1", "a12", "b", "b1", "b12")]
    assert [log.index(f"{name} stopped []") for name in ("a12", "a1", "a")] == sorted(
        log.index(f"{name} stopped []") for name in ("a12", "a1", "a")
    )
    assert system.statistics().actors == 0


async def test_stop_tells_those_who_watch_that_the_system_stops() -> None:
    ends: list[str] = []

    class Ends:
        def signal(self, mail: Any) -> bool:
            ends.append(mail.reason)
            return True

    system = on_loop()
    system.spawn(Props(lambda: Scripted([], "a", {})), "a").watch(Ends())
    await system.stop(5)

    assert ends == ["system stops"]


async def test_stop_waits_for_piped_work() -> None:
    log: list[str] = []
    released = asyncio.Event()

    async def work() -> str:
        await released.wait()
        return "done"

    system = on_loop()
    on = {"started": lambda ctx: ctx.pipe(work(), str, repr)}
    system.spawn(Props(lambda: Scripted(log, "a", on)), "a")
    stopping = asyncio.create_task(system.stop(60))
    for _ in range(5):
        await asyncio.sleep(0)

    assert not stopping.done()
    released.set()
    assert await stopping
    assert log == ["a started", "a done", "a stopped []"]


async def test_stop_cancels_piped_work_after_half_its_time() -> None:
    log: list[str] = []
    system = on_loop()
    system.spawn(Props(lambda: Waiting(log, "a", {})), "a")

    assert await system.stop(0.5)  # half of it must do for two turns, on a machine that is busy with other tests
    assert log == ["a TimeoutError('cancelled')", "a stopped []"]


@pytest.mark.parametrize("n_rounds", [0, 1, 2])
async def test_stop_with_no_time_ends_work_that_has_hardly_begun(n_rounds: int) -> None:
    system = on_loop()
    system.spawn(Props(lambda: Waiting([], "a", {})), "a")
    for _ in range(n_rounds):
        await asyncio.sleep(0)
    await system.stop(0)
    for _ in range(4):
        await asyncio.sleep(0)

    assert system.statistics().actors == 0


async def test_stop_says_when_something_did_not_end() -> None:
    async def stubborn() -> None:
        while not is_enough:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    is_enough = False
    system = on_loop()
    on = {"started": lambda ctx: ctx.pipe(stubborn(), str, repr)}
    ref = system.spawn(Props(lambda: Scripted([], "a", on)), "a")

    assert not await system.stop(0.02)
    assert ref.alive
    is_enough = True
    assert await system.stop(5)


async def test_two_stops_wait_for_the_same_end() -> None:
    gate = asyncio.Event()
    system = on_loop()
    on = {"started": lambda ctx: ctx.pipe(gate.wait(), str, repr)}
    system.spawn(Props(lambda: Scripted([], "a", on)), "a")
    stops = [asyncio.create_task(system.stop(60)) for _ in range(2)]
    for _ in range(5):
        await asyncio.sleep(0)
    gate.set()

    assert await asyncio.wait_for(asyncio.gather(*stops), 5) == [True, True]


async def test_after_stop_nothing_is_spawned() -> None:
    system = on_loop()
    await system.stop(5)

    with pytest.raises(KernelError, match="late came after the system began to stop"):
        system.spawn(Props(Actor[Any]), "late")


# --- the laws ---------------------------------------------------------------------------------------------------------

VERDICTS = {directive.value: directive for directive in Directive}
CONDUCTS = ["read"] * 3 + ["hold", "hold until", "again", "signal", "pipe", "pipe", "end", *VERDICTS]
SENDERS = ("one", "two", "three")
NAMES = ("x", "y")


class Numbered:
    """A mail of the laws: whose it is, its place among the sender's in its lane, and what comes of reading it."""

    def __init__(self, lane: str, sender: str, number: int, to: str, conduct: str, weight: int) -> None:
        self.key = (to, lane, sender)
        self.number = number
        self.conduct = conduct
        self.weight = weight
        self.fate: list[str] = []  # must have one entry in the end; none if it was dropped

    def meets(self, fate: str) -> None:
        self.fate.append(fate)


class World:
    """Two actors under one parent, their mail, and a record of what was done with it."""

    def __init__(self, order: Any, bounds: Bounds, strategy: Strategy) -> None:
        self.manual = ManualDispatcher(order=order)
        self.system = ActorSystem(
            self.manual.dispatcher,
            strategy,
            lambda ref, mail, error, verdict: None if isinstance(error, Trouble) else self.broken.append(error),
            lambda ref, mail: self.bury(mail),
        )
        self.broken: list[Exception] = []  # laws broken during a turn
        self.gate = Gate()  # what piped work waits for
        self.bounds = bounds
        self.strategy = strategy
        self.refs: dict[str, Ref[Any]] = {}
        self.all_refs: list[Ref[Any]] = []
        self.mails: list[Numbered] = []
        self.n_dead = 0
        self.read: dict[tuple[str, str, str], list[int]] = {}
        self.in_turn: set[str] = set()
        world = self

        class Parent(Actor[Any]):
            strategy = world.strategy

            def started(self, ctx: Context[Any]) -> None:
                for name in NAMES:
                    world.refs[name] = ctx.spawn(Props(lambda name=name: Subject(world, name), world.bounds), name)
                world.all_refs += world.refs.values()

            def receive(self, mail: Any, ctx: Context[Any]) -> None:
                """Pass on what it is told: (name, mail), in a turn of its own."""
                world.tell(*mail)

        self.parent = self.system.spawn(Props(Parent), "parent")
        self.manual.run_until_idle()

    def bury(self, mail: Any) -> None:
        self.n_dead += 1
        if isinstance(mail, tuple):  # one that the parent was to pass on
            mail = mail[1]
        if isinstance(mail, Numbered):
            mail.meets("dead letter")

    def post(self, sender: str, lane: str, to: str, conduct: str, weight: int) -> None:
        number = len(self.mails)
        mail = Numbered(lane, sender, number, to, conduct, weight)
        self.mails.append(mail)
        if sender == "three":  # sends from a turn
            if not self.parent.tell((to, mail)):
                mail.meets("refused")
        else:
            self.tell(to, mail)

    def tell(self, to: str, mail: Numbered) -> None:
        ref = self.refs[to]
        if mail.key[1] == "control":
            ref.signal(mail)
        elif not ref.tell(mail, mail.weight):
            mail.meets("refused")
        self.check_bounds()

    def check_bounds(self) -> None:
        for ref in self.all_refs:
            user = [mail for mail in ref._mailbox.user if mail.key[1] == "user"]  # but no control mail that is held
            assert len(user) <= self.bounds.items
            assert sum(mail.weight for mail in user[:-1]) < self.bounds.weight


class Subject(Actor[Any]):
    """Reads Numbered mail and asserts that it does one thing at a time."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name

    def note(self, mail: Numbered) -> None:
        mail.meets("read")
        self.world.read.setdefault(mail.key, []).append(mail.number)

    def started(self, ctx: Context[Any]) -> None:
        assert ctx.ref.alive

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        assert ctx.ref.name not in self.world.in_turn
        assert not (ctx.ref._mailbox.held and isinstance(mail, Numbered) and mail.key[1] == "user")
        self.world.in_turn.add(ctx.ref.name)
        try:
            self.obey(mail, ctx)
        finally:
            self.world.in_turn.discard(ctx.ref.name)

    def obey(self, mail: Any, ctx: Context[Any]) -> None:
        if not isinstance(mail, Numbered):
            if mail == "release":
                ctx.release()
            return
        conduct, mail.conduct = mail.conduct, "read"
        if conduct == "again":
            mail.key = (mail.key[0], f"{mail.key[1]} again", mail.key[2]) if mail.key[1] == "control" else mail.key
            ctx.hold(mail)
            return
        if conduct in VERDICTS:
            raise Trouble(VERDICTS[conduct])
        self.note(mail)
        if conduct == "hold":
            ctx.hold()
        elif conduct == "hold until":
            ctx.hold(until=self.world.refs["y" if self.name == "x" else "x"])
        elif conduct == "pipe":
            ctx.pipe(self.world.gate.pass_through("piped"), str, repr)
        elif conduct == "signal":
            ctx.ref.signal("to itself")
        elif conduct == "end":
            ctx.stop()

    def flush(self, ctx: Context[Any]) -> None:
        assert ctx.ref.name not in self.world.in_turn

    def failed(self, mail: Any, error: Exception, ctx: Context[Any]) -> None:
        assert isinstance(error, Trouble)
        self.note(mail)

    def stopped(self, unread: list[Any], ctx: Context[Any]) -> None:
        assert ctx.ref.name not in self.world.in_turn
        for mail in unread[::2]:  # takes care of some
            if isinstance(mail, Numbered):
                mail.meets("unread")
            unread.remove(mail)


POST = st.tuples(
    st.just("post"),
    st.sampled_from(SENDERS),
    st.sampled_from(["user", "user", "user", "control"]),
    st.sampled_from(NAMES),
    st.sampled_from(CONDUCTS),
    st.integers(0, 5),
)
ACTION = st.one_of(
    POST,
    POST,
    POST,
    st.tuples(st.just("run"), st.integers(1, 6)),
    st.tuples(st.just("release"), st.sampled_from(NAMES)),
    st.tuples(st.just("on room"), st.sampled_from(NAMES)),
    st.tuples(st.just("stop"), st.sampled_from(NAMES)),
    st.tuples(st.just("open")),
)
LANE = st.one_of(
    st.builds(lambda items, weight: Bounds(items, weight, items // 2), st.integers(1, 6), st.integers(1, 12)),
    st.builds(lambda items: Bounds(items, low=0, overflow=Overflow.DROP_OLDEST), st.integers(1, 6)),
)
RULE = st.builds(
    lambda most, give_up: Strategy(obey, most, 60.0, give_up),
    st.integers(0, 6),
    st.sampled_from([Directive.STOP, Directive.ESCALATE, Directive.RESUME]),
)


def act(world: World, actions: list[tuple[Any, ...]]) -> list[str]:
    """Do what the actions say. Returns a list that has an entry for each call for room that is still owed."""
    owed: list[str] = []
    for kind, *details in actions:
        match kind:
            case "post":
                world.post(*details)
            case "run":
                for _ in range(details[0]):
                    world.manual.run_round()
                    world.check_bounds()
            case "release":
                world.refs[details[0]].signal("release")
            case "on room":
                owed.append("room")
                world.refs[details[0]].on_room(owed.pop)
            case "open":
                world.gate.is_open = True
            case "stop":
                world.refs[details[0]].stop()
    return owed


def let_go(world: World) -> None:
    """Let everything end that can: a mail may hold again after each release."""
    world.gate.is_open = True
    for _ in range(len(world.mails) + 1):
        world.manual.run_until_idle()
        for ref in world.all_refs:
            if ref.alive:
                ref.signal("release")
    world.manual.run_until_idle()


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 1 << 32), LANE, RULE, st.lists(ACTION, min_size=10, max_size=60))
def test_any_interleaving_keeps_the_laws(
    seed: int, bounds: Bounds, strategy: Strategy, actions: list[tuple[Any, ...]]
) -> None:
    """In order per sender and lane, each mail once or accounted for, one turn at a time, no wake-up lost."""
    world = World(Random(seed).randrange, bounds, strategy)
    owed = act(world, actions)
    let_go(world)

    assert world.broken == []
    assert owed == []
    in_order = [numbers for (_, lane, _), numbers in world.read.items() if lane != "control again"]
    assert all(numbers == sorted(numbers) for numbers in in_order)
    lost = [mail for mail in world.mails if not mail.fate]
    assert len(lost) == sum(ref._mailbox.dropped for ref in world.all_refs)
    assert [mail.fate for mail in world.mails if len(mail.fate) > 1] == []
    assert world.system.statistics().dead_letters == world.n_dead
    assert world.system.statistics().ready == 0
    for ref in world.all_refs:
        assert (ref._mailbox.user, ref._mailbox.control) == ([], [])
        assert not ref._mailbox.awake or not ref.alive
    assert world.system.statistics().actors == world.parent.alive + sum(ref.alive for ref in world.all_refs)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1 << 32), LANE, RULE, st.lists(ACTION, min_size=10, max_size=40))
def test_any_interleaving_can_be_stopped(
    seed: int, bounds: Bounds, strategy: Strategy, actions: list[tuple[Any, ...]]
) -> None:
    """Nothing is left behind, whatever was held, failed, restarted or stopped when the stop came."""
    world = World(Random(seed).randrange, bounds, strategy)
    act(world, actions)
    world.parent.stop()
    world.manual.run_until_idle()
    world.gate.is_open = True
    world.manual.run_until_idle()

    assert world.broken == []
    assert world.system.statistics().actors == 0
    assert [ref for ref in world.all_refs if ref.alive] == []
    lost = [mail for mail in world.mails if not mail.fate]
    assert len(lost) == sum(ref._mailbox.dropped for ref in world.all_refs)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
def test_no_busy_actor_starves_another(loads: list[int]) -> None:
    """Between two turns of one actor every other that has mail has one; a turn reads a budget at most."""
    stage = Stage()
    refs = [stage.spawn(f"a{n}") for n in range(len(loads))]
    for ref, n_mails in zip(refs, loads, strict=True):
        for number in range(n_mails):
            ref.tell(number)
    log = stage.run()

    left = dict(zip((ref.name for ref in refs), loads, strict=True))
    at = 0
    while any(left.values()):
        for name in left:
            n_read = min(left[name], 128)
            assert {line.split()[0] for line in log[at : at + n_read]} <= {name}
            left[name] -= n_read
            at += n_read
    assert at == len(log)


def test_a_gate_of_the_stage_is_a_work_like_any_other(stage: Stage) -> None:
    gate = Gate()
    gate.is_open = True
    ref = stage.spawn()
    ref.tell(Do("pipe", lambda ctx: ctx.pipe(gate.pass_through("through"), str, str)))

    assert stage.run() == ["a pipe", "a through"]
