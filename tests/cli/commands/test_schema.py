"""arqonbus schema."""

import json

from arqonbus.cli.commands.schema import NAMES
from arqonbus.cli.kit.records import RECORDS
from arqonbus.protocol.schema import SCHEMAS
from tests.cli.conftest import Call


def test_each_schema_is_printed_alone(call: Call) -> None:
    for name, make in SCHEMAS.items():
        code, out, err = call("schema", name)

        assert (code, err) == (0, "")
        assert json.loads(out) == make()


def test_all_schemas_are_printed_as_one_object(call: Call) -> None:
    assert tuple(json.loads(call("schema").out)) == NAMES
    assert set(SCHEMAS) < set(NAMES)


def test_the_schema_of_the_output_has_every_kind_of_record(call: Call) -> None:
    schema = json.loads(call("schema", "output").out)

    assert {"MessageRecord", "AckRecord", "ErrorRecord"} <= schema["$defs"].keys()
    assert len(schema["anyOf"]) == len(RECORDS)


def test_another_name_is_wrong_usage(call: Call) -> None:
    assert call("schema", "all").code == 2
