"""arqonbus conformance."""

import json

import msgspec
import pytest

from arqonbus.cli.kit.records import CaseRecord, ConformanceRecord, ListedCaseRecord
from arqonbus.testing.conformance.catalogue import all_cases
from tests.cli.conftest import Call
from tests.specs.bus import Bus, free_port


def test_the_cases_are_listed_without_a_server(call: Call) -> None:
    code, out, err = call("conformance", "--list")

    assert (code, err) == (0, "")
    assert len(out.splitlines()) == len(all_cases())
    assert "order: many publishers, many members, one order\t004/FR-001, 004/SC-001\n" in out


def test_the_list_is_records_for_programs(call: Call) -> None:
    lines = call("conformance", "--list", "--json", "--only", "order:").out.splitlines()

    assert msgspec.json.decode(lines[0], type=ListedCaseRecord).contract == ("004/FR-001", "004/SC-001")


def test_a_text_that_is_in_no_name_is_wrong_usage(call: Call) -> None:
    code, _, err = call("conformance", "--only", "no such case")

    assert (code, err) == (2, "arqonbus: no case has no such case in its name\n")


def test_two_addresses_are_wrong_usage(call: Call) -> None:
    assert call("conformance", "ws://a", "--url", "ws://b").code == 2


def test_no_server_is_exit_code_3(call: Call) -> None:
    code, out, err = call("conformance", f"ws://127.0.0.1:{free_port()}", "--only", "order:")

    assert (code, out) == (3, "")
    assert err.startswith("arqonbus: no connection to ws://127.0.0.1:")


@pytest.mark.integration
def test_a_server_that_comes_later_is_waited_for_no_longer_than_said(call: Call) -> None:
    assert call("conformance", f"ws://127.0.0.1:{free_port()}", "--wait", "--timeout", "0.3").code == 3


@pytest.mark.integration
def test_outcomes_are_counted_by_area(call: Call, at_server: Bus) -> None:
    code, out, err = call("conformance", "--only", "session: a private", "--only", "drain")

    assert (code, err) == (0, "")
    rows = [line.split("\t")[:4] for line in out.splitlines() if "\t" in line]
    assert [row[0] for row in rows] == ["session", "drain", "total"]
    assert rows[1][1:] == ["0", "0", "1"]
    assert "skipped: drain: told, then closed with 4000: give --drain-pid PID" in out
    assert out.endswith("/ conforms\n") or out.endswith(" conforms\n")


@pytest.mark.integration
def test_outcomes_are_records_for_programs(call: Call, at_server: Bus) -> None:
    code, out, _ = call("conformance", "--only", "http:", "--json")

    *cases, end = out.splitlines()
    assert code == 0
    assert [msgspec.json.decode(line, type=CaseRecord).state for line in cases] == ["passed"]
    summary = msgspec.json.decode(end, type=ConformanceRecord)
    assert (summary.passed, summary.failed, summary.skipped, summary.protocol) == (1, 0, 0, "1.0")
    assert "reason" not in json.loads(cases[0])


@pytest.mark.integration
def test_the_token_of_a_locked_server_lets_the_suite_in(call: Call, locked_server: Bus) -> None:
    asked = ("conformance", locked_server.url, "--only", "credentials:")

    assert call(*asked).code == 3
    assert call(*asked, "--token", "key-of-alice").code == 0
