"""What every object of --json has."""

import msgspec

from arqonbus.cli.kit.measures import PingRecord
from arqonbus.cli.kit.record import Record


def test_a_record_names_its_kind_and_the_version_of_it_first() -> None:
    assert issubclass(PingRecord, Record)
    assert msgspec.json.encode(PingRecord(n=1, ms=None)) == b'{"type":"ping","v":1,"n":1,"ms":null}'
