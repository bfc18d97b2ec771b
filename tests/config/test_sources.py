"""Names and origins of values: file, environment, flags."""

from pathlib import Path

import pytest

from arqonbus.config.keys import all_keys
from arqonbus.config.sources import LARGEST_FILE, Entry, Override, read_environment, read_file, read_overrides

KEYS = all_keys()


def from_file(path: Path) -> tuple[list[Entry], list[str]]:
    problems: list[str] = []
    entries = list(read_file(str(path), KEYS, problems.append))
    return entries, [problem.replace(str(path), "F") for problem in problems]


def from_text(tmp_path: Path, text: str) -> tuple[list[Entry], list[str]]:
    path = tmp_path / "arqonbus.toml"
    path.write_bytes(text.encode())
    return from_file(path)


def from_environment(environ: dict[str, str]) -> tuple[list[Entry], list[str]]:
    problems: list[str] = []
    return list(read_environment(environ, KEYS, problems.append)), problems


def from_flags(*overrides: Override) -> tuple[list[Entry], list[str]]:
    problems: list[str] = []
    return list(read_overrides(overrides, KEYS, problems.append)), problems


def test_a_value_of_the_file_knows_its_line(tmp_path: Path) -> None:
    entries, problems = from_text(tmp_path, "\n[server]\nport = 1\norigins = [\n'a',\n]\n")

    assert problems == []
    assert [entry.where().removeprefix(str(tmp_path)) for entry in entries] == ["/arqonbus.toml:3", "/arqonbus.toml:4"]
    assert entries[1].where((0,)).endswith(":5")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[servr]\n", "F:1: unknown section [servr]; did you mean [server]?"),
        ("\n[zzz]\n", "F:2: unknown section [zzz]"),
        ("[servr.sub]\n", "F:1: unknown section [servr]; did you mean [server]?"),
        ("[server]\n\nprot = 1\n", "F:3: unknown key server.prot; did you mean server.port?"),
        ("[limits]\nport = 1\n", "F:2: unknown key limits.port; did you mean server.port?"),
        ("[server]\nmessage_byte = 1\n", "F:2: unknown key server.message_byte; did you mean limits.message_bytes?"),
        ("port = 1\n", "F:1: unknown key port, expected section.key; did you mean server.port?"),
        ("zzzzzz = 1\n", "F:1: unknown key zzzzzz, expected section.key"),
        ("server = 3\n", "F:1: server: expected a table, got a whole number (***)"),
        ("[[server]]\nport = 1\n", "F:1: server: expected a table, got a list (***)"),
        ('[server]\n"a\\nb" = 1\n', 'F:2: unknown key server."a\\nb"'),
    ],
)
def test_a_name_that_does_not_exist_is_a_problem_with_its_line(tmp_path: Path, text: str, problem: str) -> None:
    assert from_text(tmp_path, text) == ([], [problem])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[server]\nport = \n", "F:2:8: broken TOML: invalid value"),
        ("[server\n", "F:1:8: broken TOML: expected ']' at the end of a table declaration"),
        ("a = 1\nb = '", 'F:2:6: broken TOML: expected "\'"'),
        ("[server]\nport = 1\nport = 2\n", "F:3:9: broken TOML: cannot overwrite a value"),
        ("a = " + "[" * 50_000, "F: broken TOML: nested too deep"),
    ],
    ids=range(5),
)
def test_broken_toml_is_one_problem_with_line_and_column(tmp_path: Path, text: str, problem: str) -> None:
    assert from_text(tmp_path, text) == ([], [problem])


def test_a_number_that_python_cannot_read_is_broken_toml(tmp_path: Path) -> None:
    entries, problems = from_text(tmp_path, "[server]\nport = " + "9" * 5000)

    assert entries == []
    assert problems[0].startswith("F: broken TOML: ")


def test_a_file_that_is_not_utf_8_is_broken_toml(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"# ok\n# \xff\n")

    assert from_file(path) == ([], ["F:2: broken TOML: expected UTF-8, got the byte 0xff"])


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    entries, problems = from_text(tmp_path, "\ufeff[server]\nport = 1\n")

    assert (len(entries), problems) == (1, [])


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    assert from_file(tmp_path / "none") == ([], ["F: cannot read the configuration file: no such file or directory"])


def test_a_directory_is_no_configuration_file(tmp_path: Path) -> None:
    assert from_file(tmp_path) == ([], ["F: cannot read the configuration file: is a directory"])


def test_a_path_that_no_file_can_have_is_one_problem() -> None:
    assert from_file(Path("a\0b"))[1] == ["F: cannot read the configuration file: embedded null byte"]


def test_an_endless_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"#" * (LARGEST_FILE + 1))

    assert from_file(path) == ([], [f"F: expected at most {LARGEST_FILE} bytes, got more"])


def test_every_key_can_be_set_by_its_variable() -> None:
    entries, problems = from_environment({key.variable: "x" for key in KEYS.values()})

    assert problems == []
    assert {entry.key.name for entry in entries} == set(KEYS)


def test_a_variable_is_its_own_origin() -> None:
    (entry,), _ = from_environment({"ARQONBUS_SERVER_PORT": "1", "PATH": "x"})

    assert (entry.value, entry.where()) == (1, "environment ARQONBUS_SERVER_PORT")


def test_an_unknown_variable_is_a_problem_with_a_suggestion() -> None:
    _, problems = from_environment({"ARQONBUS_SERVER_PROT": "1"})

    assert problems == ["environment ARQONBUS_SERVER_PROT: unknown variable; did you mean ARQONBUS_SERVER_PORT?"]


def test_documented_variables_that_are_no_settings_are_left_alone() -> None:
    assert from_environment({"ARQONBUS_CONFIG": "f", "ARQONBUS_URL": "u", "ARQONBUS_TOKEN": "t"}) == ([], [])


def test_an_empty_variable_counts_as_not_set() -> None:
    assert from_environment({"ARQONBUS_SERVER_PORT": ""}) == ([], [])


LINKS = {
    "ARQONBUS_PORT": "tcp://10.0.0.1:9100",
    "ARQONBUS_PORT_9100_TCP": "tcp://10.0.0.1:9100",
    "ARQONBUS_PORT_9100_TCP_ADDR": "10.0.0.1",
    "ARQONBUS_SERVICE_HOST": "10.0.0.1",
    "ARQONBUS_SERVICE_PORT": "9100",
    "ARQONBUS_SERVICE_PORT_WS": "9100",
    "ARQONBUS_SERVER_PORT": "tcp://10.0.0.1:9100",
}


def test_variables_that_kubernetes_sets_for_services_are_left_alone() -> None:
    assert from_environment({**LINKS, "KUBERNETES_SERVICE_HOST": "10.0.0.2"}) == ([], [])


def test_the_same_variables_are_problems_elsewhere() -> None:
    entries, problems = from_environment(LINKS)

    assert (len(entries), len(problems)) == (1, 6)


def test_a_port_that_somebody_set_counts_in_kubernetes_too() -> None:
    entries, _ = from_environment({"ARQONBUS_SERVER_PORT": "8000", "KUBERNETES_SERVICE_HOST": "10.0.0.2"})

    assert [entry.value for entry in entries] == [8000]


def test_set_takes_everything_after_the_first_equals_sign() -> None:
    (entry,), _ = from_flags(Override("--set", "server.unix_socket=/run/a=b"))

    assert (entry.value, entry.where()) == ("/run/a=b", "--set")


@pytest.mark.parametrize(
    ("assignment", "problem"),
    [
        ("server.port", '--set: expected section.key=value, got no "="'),
        ("server.prot=1", "--set: unknown key server.prot; did you mean server.port?"),
        ("servr.port=1", "--set: unknown key servr.port; did you mean server.port?"),
        ("port=1", "--set: unknown key port, expected section.key; did you mean server.port?"),
        ("auth.keys.alice=hush", '--set: unknown key auth."keys.alice"; did you mean auth.keys?'),
        ('auth.keys:{"alice":"hush"}', '--set: expected section.key=value, got no "="'),
    ],
)
def test_a_wrong_set_is_a_problem_that_shows_no_value(assignment: str, problem: str) -> None:
    assert from_flags(Override("--set", assignment)) == ([], [problem])


def test_a_flag_is_its_own_origin() -> None:
    (entry,), _ = from_flags(Override("--port", "server.port", "0"))

    assert (entry.value, entry.where()) == (0, "--port")


def test_no_value_is_in_the_repr_of_what_carries_it() -> None:
    (entry,), _ = from_flags(Override("--set", 'auth.keys={"alice":"hush"}'))

    assert "hush" not in repr(entry)
    assert "hush" not in repr(Override("--set", 'auth.keys={"alice":"hush"}'))
