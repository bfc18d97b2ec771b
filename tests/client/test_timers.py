"""Timers: named moments, in order, without a clock."""

from arqonbus.client.timers import Timers


def test_what_is_due_is_done_in_order_of_time() -> None:
    timers, done = Timers(), []
    timers.set("late", 3.0, lambda now: done.append(("late", now)))
    timers.set("early", 1.0, lambda now: done.append(("early", now)))
    timers.set("never", 9.0, lambda now: done.append(("never", now)))

    timers.run(5.0)

    assert done == [("early", 5.0), ("late", 5.0)]
    assert timers.next_at == 9.0


def test_a_name_that_is_set_again_is_moved() -> None:
    timers, done = Timers(), []
    timers.set("it", 1.0, lambda now: done.append("old"))
    timers.set("it", 2.0, lambda now: done.append("new"))

    timers.run(1.5)
    assert done == []
    timers.run(2.0)

    assert done == ["new"]


def test_what_is_cancelled_is_not_done() -> None:
    timers, done = Timers(), []
    timers.set("it", 1.0, lambda now: done.append("it"))
    timers.cancel("it")
    timers.cancel("it")

    timers.run(2.0)

    assert done == []
    assert timers.next_at is None
    assert "it" not in timers


def test_what_is_set_meanwhile_and_due_is_done_too() -> None:
    timers, done = Timers(), []

    def again(now: float) -> None:
        done.append(now)
        if len(done) < 3:
            timers.set("it", now, again)

    timers.set("it", 1.0, again)

    timers.run(1.0)

    assert done == [1.0, 1.0, 1.0]


def test_clear_forgets_all() -> None:
    timers = Timers()
    timers.set("it", 1.0, lambda now: None)

    timers.clear()

    assert timers.next_at is None


def test_moments_that_are_moved_over_and_over_do_not_pile_up() -> None:
    timers = Timers()
    for at in range(10_000):
        timers.set("it", float(at), lambda now: None)

    assert len(timers._heap) < 100
    assert timers.next_at == 9999.0
