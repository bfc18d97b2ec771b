"""What a desk answers by itself. What it asks the store is tested in test_durable_groups."""

from tests.routing.durable_stage import Stage


def test_a_word_on_nothing_costs_no_question() -> None:
    stage = Stage()
    one = stage.member("one")
    stage.histories["n1"].fails = RuntimeError("asked")

    assert one.ack(1) == 0


def test_an_error_that_is_no_storage_error_is_answered_too() -> None:
    stage = Stage()
    one = stage.member("one")
    stage.publish("a")
    one.look()
    stage.histories["n1"].fails = RuntimeError("a bug")

    assert one.ack(1) == "unavailable"
    assert one.ack(1, retry_after_ms=1) == "unavailable"
