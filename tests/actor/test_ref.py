"""Ref and Reply: tell, signal, watch; ask, which needs a loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from arqonbus.actor import (
    Actor,
    ActorStopped,
    ActorSystem,
    AskTimeout,
    Bounds,
    Context,
    Dispatcher,
    KernelError,
    MailboxFull,
    Props,
    Ref,
    Reply,
)
from tests.actor.stage import Do, Stage

Answer = Callable[[Reply[Any], Context[Any]], Any]


def ignore(reply: Reply[Any]) -> Reply[Any]:
    """Make the mail: the reply itself."""
    return reply


class Answering(Actor[Any]):
    """Does with each Reply it is told what ``answer`` says."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def receive(self, mail: Any, ctx: Context[Any]) -> None:
        if isinstance(mail, Reply):
            self.answer(mail, ctx)


def answering(answer: Answer, bounds: Bounds | None = None) -> Ref[Any]:
    """Spawn on the loop that runs."""
    system = ActorSystem(Dispatcher(asyncio.get_running_loop()))
    return system.spawn(Props(lambda: Answering(answer), bounds or Bounds()), "a")


# --- without a loop ---------------------------------------------------------------------------------------------------


def test_tell_says_whether_the_mail_was_taken(stage: Stage) -> None:
    ref = stage.spawn(bounds=Bounds(items=2, low=0))

    assert [ref.tell(mail) for mail in "xyz"] == [True, True, False]
    assert stage.run() == ["a x", "a y"]


def test_tell_weighs_the_mail(stage: Stage) -> None:
    ref = stage.spawn(bounds=Bounds(weight=10))

    assert [ref.tell("x", 10), ref.tell("y", 1)] == [True, False]


def test_a_refused_mail_is_no_dead_letter(stage: Stage) -> None:
    ref = stage.spawn()
    ref.stop()
    stage.run()

    assert not ref.tell("x")
    assert stage.dead == []


def test_a_signal_to_an_actor_that_is_gone_is_a_dead_letter(stage: Stage) -> None:
    ref = stage.spawn()
    ref.stop()
    stage.run()

    assert not ref.signal("A")
    assert not ref.tell_past_bound("x")
    assert stage.dead == [("a", "A"), ("a", "x")]


def test_tell_past_bound_keeps_the_order_of_the_lane(stage: Stage) -> None:
    ref = stage.spawn(bounds=Bounds(items=1, low=0))
    ref.tell("x")

    assert ref.tell_past_bound("y")
    assert stage.run() == ["a x", "a y"]


def test_with_room_the_callback_comes_soon_but_not_at_once(stage: Stage) -> None:
    called: list[str] = []
    stage.spawn().on_room(lambda: called.append("room"))

    assert called == []
    stage.run()
    assert called == ["room"]


def test_the_callback_comes_when_the_lane_is_at_its_low_mark(stage: Stage) -> None:
    left: list[int] = []
    ref = stage.spawn(bounds=Bounds(items=4, low=1))
    for n in range(4):
        ref.tell(Do(str(n), lambda ctx: ctx.hold()))
    ref.on_room(lambda: left.append(4))
    for n in range(4):
        stage.run()
        assert left == ([] if n < 2 else [4])
        ref.signal(Do("release", lambda ctx: ctx.release()))


def test_a_callback_that_fails_disturbs_nobody(stage: Stage) -> None:
    called: list[str] = []
    ref = stage.spawn()
    ref.on_room(lambda: 1 / 0)
    ref.on_room(lambda: called.append("room"))
    ref.tell("x")
    with pytest.raises(ZeroDivisionError):
        stage.run()

    assert stage.run() == ["a x"]
    assert called == ["room"]


def test_a_callback_may_wait_for_room_again(stage: Stage) -> None:
    calls: list[bool] = []
    ref = stage.spawn(bounds=Bounds(items=1, low=0))

    def again() -> None:
        calls.append(ref.tell(len(calls)))
        if len(calls) < 3:
            ref.on_room(again)

    ref.tell("x")
    ref.on_room(again)

    assert stage.run() == ["a x", "a 0", "a 1", "a 2"]
    assert calls == [True, True, True]


def test_a_ref_shows_its_path_and_whether_it_lives(stage: Stage) -> None:
    ref = stage.spawn()

    assert (ref.alive, repr(ref)) == (True, "<Ref a>")
    ref.stop()
    stage.run()
    assert (ref.alive, repr(ref)) == (False, "<Ref a (gone)>")


def test_refs_are_the_same_only_if_their_actor_is(stage: Stage) -> None:
    first = stage.spawn()
    first.stop()
    stage.run()
    second = stage.spawn()

    assert len({first, second, first}) == 2


# --- ask --------------------------------------------------------------------------------------------------------------


async def test_ask_gives_the_answer() -> None:
    ref = answering(lambda reply, ctx: reply.send(42))

    assert await ref.ask(ignore, 5) == 42


async def test_ask_raises_the_error_that_was_answered() -> None:
    ref = answering(lambda reply, ctx: reply.fail(KeyError("unknown")))

    with pytest.raises(KeyError, match="unknown"):
        await ref.ask(ignore, 5)


async def test_an_answer_that_is_a_timeout_is_not_taken_for_silence() -> None:
    ref = answering(lambda reply, ctx: reply.fail(TimeoutError("of the disk")))

    with pytest.raises(TimeoutError, match="of the disk") as caught:
        await ref.ask(ignore, 5)

    assert not isinstance(caught.value, AskTimeout)


async def test_ask_does_not_wait_longer_than_it_says() -> None:
    ref = answering(lambda reply, ctx: None)

    with pytest.raises(AskTimeout, match=r"no answer from a in 0\.01 s"):
        await ref.ask(ignore, 0.01)


async def test_ask_of_an_actor_that_is_gone_is_refused_at_once() -> None:
    ref = answering(lambda reply, ctx: None)
    ref.stop()
    await asyncio.sleep(0)

    with pytest.raises(ActorStopped, match="a"):
        await ref.ask(ignore, 5)


async def test_ask_of_a_full_actor_is_refused_at_once() -> None:
    ref = answering(lambda reply, ctx: None, Bounds(items=1, low=0))
    ref.tell("x")

    with pytest.raises(MailboxFull, match="a"):
        await ref.ask(ignore, 5)


@pytest.mark.parametrize("when", ["before it reads the mail", "in the mail"])
async def test_ask_does_not_wait_for_an_actor_that_ends(when: str) -> None:
    ref = answering(lambda reply, ctx: ctx.stop())
    asked = asyncio.create_task(ref.ask(ignore, 60))
    if when == "before it reads the mail":
        ref.stop()

    with pytest.raises(ActorStopped, match="a"):
        await asyncio.wait_for(asked, 5)


async def test_an_actor_may_answer_and_end() -> None:
    ref = answering(lambda reply, ctx: (reply.send("last"), ctx.stop()))

    assert await ref.ask(ignore, 5) == "last"


async def test_an_answer_after_the_asker_gave_up_is_dropped() -> None:
    late: list[Reply[Any]] = []
    ref = answering(lambda reply, ctx: late.append(reply))
    with pytest.raises(AskTimeout):
        await ref.ask(ignore, 0)
    late[0].send("late")

    with pytest.raises(KernelError, match="a reply was sent twice"):
        late[0].send("again")


async def test_an_answer_from_elsewhere_after_the_actor_ended_is_dropped() -> None:
    late: list[Reply[Any]] = []
    ref = answering(lambda reply, ctx: (late.append(reply), ctx.stop()))
    with pytest.raises(ActorStopped):
        await ref.ask(ignore, 5)

    late[0].send("late")


async def test_a_cancelled_asker_is_cancelled() -> None:
    ref = answering(lambda reply, ctx: None)
    asked = asyncio.create_task(ref.ask(ignore, 60))
    await asyncio.sleep(0)
    asked.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_an_asker_leaves_no_watch_behind() -> None:
    ref = answering(lambda reply, ctx: reply.send(1))
    for _ in range(3):
        await ref.ask(ignore, 5)

    assert not ref._cell._watchers


async def test_a_reply_is_sent_once() -> None:
    reply: Reply[int] = Reply(asyncio.get_running_loop().create_future())
    reply.send(1)
    reply.fail(KeyError())

    assert await reply.future == 1
    with pytest.raises(KernelError, match="a reply was sent twice"):
        reply.send(2)


async def test_a_failed_reply_stays_failed() -> None:
    reply: Reply[int] = Reply(asyncio.get_running_loop().create_future())
    reply.fail(KeyError("first"))
    reply.fail(KeyError("second"))

    with pytest.raises(KeyError, match="first"):
        await reply.future
