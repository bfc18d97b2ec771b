"""The simulation can fail: a bus with a fault is found out within a thousand seeds."""

import pytest

from arqonbus.testing.simulation import SimulatedBus, run_seeds
from tests.simulation.mutants import MUTANTS

MOST_SEEDS = 1000


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_fault_is_found_within_a_thousand_seeds(mutant: type[SimulatedBus]) -> None:
    summary = run_seeds(0, MOST_SEEDS, mutant, most_failures=1)

    assert len(summary.failed) == 1


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_it_is_the_fault_that_is_found(mutant: type[SimulatedBus]) -> None:
    """The seed that finds the mutant finds nothing in the bus as it is."""
    (found,) = run_seeds(0, MOST_SEEDS, mutant, most_failures=1).failed

    assert run_seeds(found.seed, 1).failed == ()
