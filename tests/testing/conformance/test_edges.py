"""The edges of a connection: where the server is not set up for a question it is skipped, with the setting's name."""

from pathlib import Path

import pytest

from arqonbus.testing.conformance.catalogue import chosen
from arqonbus.testing.conformance.run import run
from arqonbus.testing.conformance.stage import Target
from tests.specs.bus import Bus

pytestmark = pytest.mark.integration


@pytest.mark.proves("019/FR-005")
async def test_what_needs_another_configuration_is_skipped_and_never_passed(tmp_path: Path) -> None:
    settings = ["limits.memberships = 5000", "channels.presence_max = 0", "limits.invalid_envelopes = 100000"]
    bus = Bus(tmp_path, [*settings, "limits.will_bytes = 1000000", "limits.channels_per_room = 5000"])
    bus.start()
    wanted = ["bounds: mistakes", "bounds: memberships", "size of a will", "presence: watchers"]
    outcomes = await run(chosen(wanted), Target(bus.url), lambda _: None)
    bus.stop()

    assert [outcome.state for outcome in outcomes] == ["skipped"] * len(wanted)
    reasons = " ".join(outcome.reason or "" for outcome in outcomes)
    for setting in ("invalid_envelopes", "memberships", "will_bytes", "presence_max"):
        assert setting in reasons
