"""Plans: drawn from the seed alone, and different enough."""

from arqonbus.testing.plan import ACTIONS, draw


def test_a_seed_draws_the_same_plan_each_time() -> None:
    assert draw(7) == draw(7)


def test_seeds_differ_in_sizes_settings_and_rates() -> None:
    plans = [draw(seed) for seed in range(200)]

    assert {len(plan.users) for plan in plans} == {2, 3, 4, 5, 6}
    assert {plan.order for plan in plans} == {"random", "newest", "fair"}
    assert {plan.settings.history.limit for plan in plans} == {0, 3, 20, 1000}
    assert {plan.weights["cut"] for plan in plans} == {0.0, 0.3, 1.0, 3.0}


def test_what_a_run_cannot_do_without_is_never_left_out() -> None:
    plans = [draw(seed) for seed in range(200)]

    assert all(plan.weights[name] == ACTIONS[name] for plan in plans for name in ("publish", "connect", "read_on"))


def test_a_plan_knows_what_its_settings_promise() -> None:
    plans = [draw(seed) for seed in range(200)]

    assert {plan.keeps_long for plan in plans if plan.settings.history.ttl_s == 3.0} == {False}
    assert {plan.replays_all for plan in plans if plan.settings.limits.outbox_bytes == 3_000} == {False}
    assert {plan.dedupes_all for plan in plans if plan.settings.channels.dedupe_count == 3} == {False}
