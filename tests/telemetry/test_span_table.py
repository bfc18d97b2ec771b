"""The table of spans holds together."""

from itertools import chain

import pytest

from arqonbus.telemetry.span_table import ATTRIBUTES, BROADCAST, EVENT, PRIVATE, SPANS, Row


@pytest.mark.parametrize("row", SPANS, ids=lambda row: f"{row.name} {row.kind}")
def test_every_attribute_of_a_row_is_explained(row: Row) -> None:
    assert set(row.always) | set(row.sometimes) <= set(ATTRIBUTES)
    assert not set(row.always) & set(row.sometimes)


def test_every_attribute_is_used() -> None:
    used = set(chain.from_iterable((*row.always, *row.sometimes) for row in SPANS))

    assert set(ATTRIBUTES) - used == {"messaging.system"}  # which all have


def test_names_are_templates_and_few() -> None:
    assert len({row.name for row in SPANS}) <= 16
    for message in (EVENT, BROADCAST, PRIVATE):
        rows = [message.publish, message.route, message.deliver]
        assert all(row.name.endswith(f" {message.template}") for row in rows)


@pytest.mark.parametrize("row", SPANS, ids=lambda row: f"{row.name} {row.kind}")
def test_what_stands_above_a_span_is_a_span(row: Row) -> None:
    names = {known.name.partition(" ")[0] for known in SPANS}

    assert row.parent.startswith(("the sender", "none")) or row.parent.partition(" ")[0] in names
