"""What the server says of groups: the SDK reads all of it."""

import msgspec
import pytest

from arqonbus.client import group_results
from arqonbus.protocol import groups

TWINS = [
    (group_results.GroupOptions, groups.GroupOptions),
    (group_results.GroupNode, groups.GroupNode),
    (group_results.GroupReport, groups.GroupInfoResult),
]


@pytest.mark.parametrize(("ours", "theirs"), TWINS, ids=lambda kind: kind.__name__)
def test_each_has_every_field_of_its_twin_on_the_server(ours: type[msgspec.Struct], theirs: type) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(ours)}

    assert {field.encode_name for field in msgspec.structs.fields(theirs)} <= names


def test_every_result_has_a_twin() -> None:
    assert {ours.__name__ for ours, _ in TWINS} == set(group_results.__all__)
