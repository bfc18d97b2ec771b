"""What --json writes."""

import msgspec

from arqonbus.cli.kit.records import RECORDS, Record


def test_every_kind_is_listed_under_a_type_of_its_own() -> None:
    assert set(RECORDS) == set(Record.__subclasses__())
    assert len({kind.__struct_config__.tag for kind in RECORDS}) == len(RECORDS)


def test_all_kinds_have_a_schema() -> None:
    schemas, _ = msgspec.json.schema_components(RECORDS)

    assert len(schemas) == len(RECORDS)
