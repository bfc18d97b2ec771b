"""arqonbus error."""

from arqonbus.protocol.codes import CLOSE_CODES, ERRORS
from tests.cli.conftest import Call, records


def test_an_error_code_is_explained(call: Call) -> None:
    code, out, err = call("error", "not_found")

    assert (code, err) == (0, "")
    assert dict(line.split("\t") for line in out.splitlines()) == {
        "code": "not_found",
        "meaning": "what was named does not exist",
        "try again": "no",
        "what to do": "create it, or check the name",
    }


def test_a_close_code_says_what_a_client_does(call: Call) -> None:
    assert "a client\tconnects again after a random delay that grows\n" in call("error", "4100").out


def test_all_codes_are_listed(call: Call) -> None:
    code, out, _ = call("error")
    listed = [line.partition("\t")[0] for line in out.splitlines()]

    assert code == 0
    assert listed == [*ERRORS, *map(str, CLOSE_CODES)]
    assert [record.code for record in records(call("error", "--json").out)] == listed


def test_a_code_that_is_none_is_guessed(call: Call) -> None:
    code, out, err = call("error", "notfound")

    assert (code, out) == (2, "")
    assert "no such code: notfound; did you mean not_found?" in err
