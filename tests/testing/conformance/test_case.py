"""Cases are data: a name, where the contract says it, and what asks."""

from arqonbus.testing.conformance.case import Case
from arqonbus.testing.conformance.stage import Stage


async def nothing(stage: Stage) -> None:
    """Ask nothing."""


def test_a_case_is_played_alone_unless_it_says_else() -> None:
    assert not Case("area: name", ("001/FR-001",), nothing).is_light
