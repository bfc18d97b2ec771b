"""Every scenario of specs/ is a test against a real bus."""

import itertools
import os
from pathlib import Path

import pytest

from tests.specs import (
    steps_cli,
    steps_clients,
    steps_cluster,
    steps_commands,
    steps_conformance,
    steps_durable,
    steps_frames,
    steps_groups,
    steps_js_sdk,
    steps_load,
    steps_overflow,
    steps_process,
    steps_raw,
    steps_recovery,
    steps_sdk,
    steps_telemetry,
)
from tests.specs.bus import Bus
from tests.specs.cluster import Cluster
from tests.specs.spec_loader import Scenario, scenarios, spec_paths
from tests.specs.step_registry import registry
from tests.specs.world import World

STEP_MODULES = (
    steps_cli,
    steps_clients,
    steps_cluster,
    steps_durable,
    steps_commands,
    steps_conformance,
    steps_frames,
    steps_groups,
    steps_js_sdk,
    steps_load,
    steps_overflow,
    steps_process,
    steps_raw,
    steps_recovery,
    steps_sdk,
    steps_telemetry,
)
OVER_REDIS_TOO = {"006-history-and-recovery"}
"""Specs that hold whatever keeps the events; scenarios tagged `@memory` are about the memory itself."""

LIMIT_S = 60.0
"""For one scenario; the slowest, with 1,000 members, takes about a third of it."""


def _parameters() -> list[object]:
    found = []
    for path in spec_paths():
        numbers = itertools.count(1)
        for scenario in scenarios(path):
            marks = [pytest.mark.proves(name) for name in scenario.proves]
            name = f"{scenario.spec}-{next(numbers):03d}-{scenario.name}"
            found.append(pytest.param(scenario, False, marks=marks, id=name))
            if scenario.spec in OVER_REDIS_TOO and "memory" not in scenario.tags:
                found.append(pytest.param(scenario, True, marks=marks, id=f"{name} (over Redis)"))
    return found


@pytest.mark.integration
@pytest.mark.parametrize(("scenario", "over_redis"), _parameters())
async def test_scenario(
    scenario: Scenario, over_redis: bool, shared_bus: Bus, shared_cluster: Cluster, tmp_path: Path
) -> None:
    """The steps of the scenario hold, and no bus that it used printed a traceback."""
    async with World(shared_bus, shared_cluster, tmp_path, os.urandom(3).hex()) as world:
        if over_redis:
            await world.keep_in_redis()
        await registry.run(scenario, world, LIMIT_S)
