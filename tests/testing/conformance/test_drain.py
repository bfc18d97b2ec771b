"""The drain ends the server, so nobody plays it by accident."""

import pytest

from arqonbus.testing.conformance.catalogue import chosen
from arqonbus.testing.conformance.run import run
from arqonbus.testing.conformance.stage import Target


@pytest.mark.integration
@pytest.mark.proves("019/FR-005")
async def test_without_a_process_to_signal_the_drain_is_skipped(target: Target) -> None:
    (outcome,) = await run(chosen(["drain:"]), target, lambda _: None)

    assert outcome.state == "skipped"
    assert "--drain-pid" in (outcome.reason or "")
