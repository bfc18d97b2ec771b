"""The table of states stands in the spec as the code has it."""

import re
from pathlib import Path
from typing import get_args

import pytest

from arqonbus.client.state import Cause, State

SPEC = (Path(__file__).parents[2] / "docs" / "sdk-spec.md").read_text("utf-8")


@pytest.mark.rules("R1")
def test_the_states_are_those_of_the_spec() -> None:
    table = SPEC.split("## States")[1].split("**R2**")[0]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(get_args(State))


@pytest.mark.rules("R2")
def test_the_causes_are_those_of_the_spec() -> None:
    rule = SPEC.split("**R2**")[1].split("**R3**")[0]

    assert [cause for cause in get_args(Cause) if f"`{cause}`" not in rule] == []
