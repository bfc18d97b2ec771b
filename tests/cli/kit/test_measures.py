"""The kinds of what is measured are among all kinds."""

from arqonbus.cli.kit.measures import MEASURES
from arqonbus.cli.kit.records import RECORDS


def test_every_kind_is_listed_with_the_others() -> None:
    assert set(MEASURES) < set(RECORDS)
