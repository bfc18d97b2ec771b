"""The bus under trouble: no seed may break a promise. ARQONBUS_SIM_SEEDS asks for more of them, from _FIRST on."""

import os

import pytest

from arqonbus.testing.simulation import Outcome, run_seeds

N_SEEDS = int(os.environ.get("ARQONBUS_SIM_SEEDS", "300"))
FIRST = int(os.environ.get("ARQONBUS_SIM_FIRST", "0"))
A_PART = 100  # seeds in one test, so that a failure names its neighbourhood and progress is seen


def told(failed: tuple[Outcome, ...]) -> str:
    return "\n".join(
        f"{outcome.broken[0]}: python -m arqonbus.testing.simulation --seed {outcome.seed} --trace"
        for outcome in failed
    )


@pytest.mark.proves("006/SC-003", "017/SC-001")
@pytest.mark.parametrize("first", range(FIRST, FIRST + N_SEEDS, A_PART))
def test_every_promise_is_kept(first: int) -> None:
    failed = run_seeds(first, min(A_PART, FIRST + N_SEEDS - first)).failed

    assert failed == (), told(failed)
